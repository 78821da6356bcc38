//! Release binaries, and the files that they are started with.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

/// Builds them; whether it went well.
pub(crate) fn cargo_build(arguments: &[&str]) -> bool {
    let mut cargo = Command::new(env!("CARGO"));
    // What the cargo that runs us says of this package: ring's build would take it for a change, each time.
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"]
            .iter()
            .any(|own| name.starts_with(own))
        {
            cargo.env_remove(&variable);
        }
    }
    cargo
        .args(["build", "--release"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap()
        .success()
}

/// A release binary: beside this one's own directory.
pub(crate) fn binary(name: &str) -> String {
    let own = std::env::current_exe().unwrap();
    let release = own.parent().and_then(Path::parent).unwrap();
    release.join(name).to_str().unwrap().to_owned()
}

/// Free now, and so soon after still free.
pub(crate) fn free_addresses<const COUNT: usize>() -> [SocketAddr; COUNT] {
    let listeners = [(); COUNT].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}

/// Writes a file that only its owner can read. Returns its path.
pub(crate) fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    keep_to_ourselves(&path);
    path.to_str().unwrap().to_owned()
}

#[cfg(unix)]
fn keep_to_ourselves(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Elsewhere its folder's access list decides.
#[cfg(not(unix))]
fn keep_to_ourselves(_: &Path) {}

/// A certificate in files.
pub(crate) struct Certificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Certificate {
    pub(crate) fn write(directory: &Path) -> Self {
        let names = ["localhost".into(), "127.0.0.1".into()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Self {
            certificate: write(directory, "bench.pem", &made.cert.pem()),
            key: write(directory, "bench.key", &made.signing_key.serialize_pem()),
        }
    }

    /// As in gateway.toml.
    pub(crate) fn keys(&self) -> String {
        let Self { certificate, key } = self;
        format!("certificate = \"{certificate}\"\nprivate_key = \"{key}\"\n")
    }
}
