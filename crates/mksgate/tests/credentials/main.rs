//! Files with passwords, users, certificates and keys: which are accepted, and how they are used.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod passwd;

use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use gateway::settings::Auth;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
use tempfile::TempDir;

/// A line that `mksgate passwd ada` printed for the password "x".
const ADA: &str = "ada:$argon2id$v=19$m=19456,t=2,p=1$t2dIS7GCpYHUKunPpwb3uw$dgLDrR/+jioPf+BcqP30PKFWdcX43S5Y3HjdCN1rsD8";

/// The files that the `gateway.toml` of [`configuration`] names, in one folder.
const FILES: [&str; 5] = ["lab", "vnc", "users", "cert.pem", "key.pem"];

/// Writes a file with this mode.
fn file(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Writes [`FILES`] into a folder: secrets with this mode, the certificate readable by everybody.
fn fill(folder: &Path, mode: u32) {
    let made = rcgen::generate_simple_self_signed(vec!["gateway.example".into()]).unwrap();
    file(&folder.join("lab"), "a long password\n", mode);
    file(&folder.join("vnc"), "8letters", mode);
    file(&folder.join("users"), ADA, mode);
    file(&folder.join("cert.pem"), &made.cert.pem(), 0o644);
    let key = made.signing_key.serialize_pem();
    file(&folder.join("key.pem"), &key, mode);
}

/// A `gateway.toml` that names [`FILES`] with the prefix `at`, and has a console with all login methods that use them.
fn text(at: &str) -> String {
    format!(
        "[vsphere.lab]\naddress = \"127.0.0.1:9\"\nusername = \"root\"\npassword_file = \"{at}lab\"\n\
         [auth.ops]\nmethods = [\"vnc-password\", \"x509-plain\"]\npassword_file = \"{at}vnc\"\n\
         users_file = \"{at}users\"\ncertificate = \"{at}cert.pem\"\nprivate_key = \"{at}key.pem\"\n\
         [[console]]\nport = 5901\nvsphere = \"lab\"\nvm = \"vm08\"\nauth = \"ops\"\n"
    )
}

/// A folder with a `gateway.toml` and [`FILES`].
fn configuration() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 0o600);
    std::fs::write(folder.path().join("gateway.toml"), text("")).unwrap();
    folder
}

fn auth(folder: &Path) -> Result<Auth, String> {
    config::load(&folder.join("gateway.toml"))
        .map(|config| config.consoles[0].auth.clone())
        .map_err(|error| error.to_string())
}

/// Exit code and output of `mksgate check --offline`.
fn check(folder: &Path, credentials: Option<&Path>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mksgate"));
    command
        .args(["check", "--offline"])
        .current_dir(folder)
        .env_remove("CREDENTIALS_DIRECTORY");
    if let Some(credentials) = credentials {
        command.env("CREDENTIALS_DIRECTORY", credentials);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let output = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code(), output)
}

#[test]
fn systemd_credentials_may_have_any_mode() {
    let (config, credentials) = (configuration(), tempfile::tempdir().unwrap());
    fill(credentials.path(), 0o440);
    let path = format!("{}/", credentials.path().display());
    for at in ["$CREDENTIALS_DIRECTORY/", &path] {
        std::fs::write(config.path().join("gateway.toml"), text(at)).unwrap();
        let (code, output) = check(config.path(), Some(credentials.path()));
        assert_eq!(code, Some(0), "{at}: {output}");
    }
    let (code, output) = check(config.path(), None);
    assert_eq!(
        code,
        Some(2),
        "without CREDENTIALS_DIRECTORY the file's mode matters"
    );
    assert!(
        output.contains("other users can read or write it"),
        "{output}"
    );
}

#[test]
fn systemd_credential_may_be_a_symlink_inside_the_directory() {
    // As in a Kubernetes volume.
    let (config, credentials) = (configuration(), tempfile::tempdir().unwrap());
    let data = credentials.path().join("..data");
    std::fs::create_dir(&data).unwrap();
    fill(&data, 0o440);
    for name in FILES {
        symlink(
            Path::new("..data").join(name),
            credentials.path().join(name),
        )
        .unwrap();
    }
    let text = text("$CREDENTIALS_DIRECTORY/");
    std::fs::write(config.path().join("gateway.toml"), text).unwrap();
    let (code, output) = check(config.path(), Some(credentials.path()));
    assert_eq!(code, Some(0), "{output}");
}

#[test]
fn files_outside_the_credentials_directory_need_mode_600() {
    let (config, folder) = (configuration(), tempfile::tempdir().unwrap());
    let credentials = folder.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    fill(folder.path(), 0o644);
    for name in FILES {
        symlink(folder.path().join(name), credentials.join(name)).unwrap();
    }
    for at in ["$CREDENTIALS_DIRECTORY/../", "$CREDENTIALS_DIRECTORY/"] {
        std::fs::write(config.path().join("gateway.toml"), text(at)).unwrap();
        let (code, output) = check(config.path(), Some(&credentials));
        assert_eq!(code, Some(2), "{at}");
        assert!(
            output.contains("lab: other users can read or write it"),
            "{output}"
        );
    }
}

#[test]
fn unset_credentials_directory_is_distinguished_from_a_missing_file() {
    let (config, credentials) = (configuration(), tempfile::tempdir().unwrap());
    let text = text("$CREDENTIALS_DIRECTORY/");
    std::fs::write(config.path().join("gateway.toml"), text).unwrap();
    let (code, output) = check(config.path(), None);
    assert_eq!(code, Some(2));
    assert!(
        output.contains("CREDENTIALS_DIRECTORY is not set"),
        "{output}"
    );
    let (code, output) = check(config.path(), Some(credentials.path()));
    assert_eq!(code, Some(2));
    let missing = format!("{}/lab: it does not exist", credentials.path().display());
    assert!(output.contains(&missing), "{output}");
}

#[test]
fn too_large_files_are_refused() {
    for name in FILES {
        let config = configuration();
        file(&config.path().join(name), &"#".repeat((1 << 20) + 1), 0o600);
        let error = auth(config.path()).unwrap_err();
        let sentence = format!("{name}: it has more than 1048576 bytes");
        assert!(error.contains(&sentence), "{error}");
    }
    let config = configuration();
    let endless = text("").replace("cert.pem", "/dev/zero");
    std::fs::write(config.path().join("gateway.toml"), endless).unwrap();
    let error = auth(config.path()).unwrap_err();
    assert!(
        error.contains("/dev/zero: it cannot be read (it is not a regular file)"),
        "{error}"
    );
}

#[test]
fn certificate_and_key_errors_have_the_position_of_their_key() {
    let other = rcgen::generate_simple_self_signed(vec!["other.example".into()]).unwrap();
    let garbled = |kind: &str| format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
    for (name, place, text, sentence) in [
        (
            "cert.pem",
            ":9:15: ",
            garbled("CERTIFICATE"),
            "is not usable",
        ),
        ("cert.pem", ":9:15: ", "-----BEGIN".into(), "no certificate"),
        (
            "key.pem",
            ":10:15: ",
            other.signing_key.serialize_pem(),
            "the private key does not belong to the certificate",
        ),
        (
            "key.pem",
            ":10:15: ",
            garbled("PRIVATE KEY"),
            "the private key is not usable",
        ),
        (
            "key.pem",
            ":10:15: ",
            garbled("ENCRYPTED PRIVATE KEY"),
            "without a passphrase",
        ),
    ] {
        let config = configuration();
        file(&config.path().join(name), &text, 0o600);
        let error = auth(config.path()).unwrap_err();
        assert!(error.contains(sentence), "{error}");
        assert!(error.contains(place) && error.contains(name), "{error}");
    }
}

#[test]
fn tls_1_2_and_1_3_present_the_certificate_without_session_resumption() {
    let config = configuration();
    let server = auth(config.path()).unwrap().tls.unwrap();
    let certificate = CertificateDer::from_pem_file(config.path().join("cert.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let name = "gateway.example".try_into().unwrap();
        let mut viewer = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut gateway = ServerConnection::new(Arc::clone(&server)).unwrap();
        let mut wire = Vec::new();
        while viewer.is_handshaking() || gateway.is_handshaking() || gateway.wants_write() {
            while viewer.wants_write() {
                viewer.write_tls(&mut wire).unwrap();
            }
            gateway.read_tls(&mut wire.as_slice()).unwrap();
            gateway.process_new_packets().unwrap();
            wire.clear();
            while gateway.wants_write() {
                gateway.write_tls(&mut wire).unwrap();
            }
            viewer.read_tls(&mut wire.as_slice()).unwrap();
            viewer.process_new_packets().unwrap();
            wire.clear();
        }
        assert_eq!(viewer.protocol_version(), Some(version.version));
        assert_eq!(
            viewer.peer_certificates().unwrap().first(),
            Some(&certificate)
        );
        assert_eq!(viewer.tls13_tickets_received(), 0);
        gateway.writer().write_all(b"RFB").unwrap();
        gateway.write_tls(&mut wire).unwrap();
        viewer.read_tls(&mut wire.as_slice()).unwrap();
        viewer.process_new_packets().unwrap();
        let mut version = [0; 3];
        viewer.reader().read_exact(&mut version).unwrap();
        assert_eq!(&version, b"RFB");
    }
}

#[test]
fn check_prints_who_can_reach_each_port_and_how() {
    let config = configuration();
    let tls = "certificate = \"cert.pem\"\nprivate_key = \"key.pem\"\n";
    let (vnc, users) = ("password_file = \"vnc\"\n", "users_file = \"users\"\n");
    let mut text = text("");
    text.truncate(text.find("[[console]]").unwrap());
    for (name, methods, more) in [
        ("vnc", "\"vnc-password\"", vnc.to_owned()),
        ("plain", "\"x509-plain\"", format!("{users}{tls}")),
        (
            "both",
            "\"x509-vnc\", \"x509-plain\"",
            format!("{vnc}{users}{tls}"),
        ),
        ("open", "\"x509-none\"", tls.to_owned()),
    ] {
        text += &format!("[auth.{name}]\nmethods = [{methods}]\n{more}");
    }
    let rows = [
        (
            "127.0.0.1:5901",
            "none",
            "none",
            "anybody on this machine, not encrypted",
        ),
        (
            "127.0.0.1:5902",
            "open",
            "x509-none",
            "anybody on this machine, encrypted",
        ),
        (
            "127.0.0.1:5903",
            "vnc",
            "vnc-password",
            "this machine, with a password, not encrypted",
        ),
        (
            "0.0.0.0:5904",
            "none",
            "none",
            "ANYBODY who can connect, not encrypted",
        ),
        (
            "0.0.0.0:5905",
            "plain",
            "x509-plain",
            "any machine, with a user's password, encrypted",
        ),
        (
            "0.0.0.0:5906",
            "both",
            "x509-plain, x509-vnc",
            "any machine, with a password or a user's, encrypted",
        ),
        (
            "0.0.0.0:5907",
            "ops",
            "x509-plain, vnc-password",
            "any machine, with a password or a user's, encrypted if the viewer chooses so",
        ),
    ];
    for (listen, auth, ..) in rows {
        text += &format!(
            "[[console]]\nlisten = \"{listen}\"\nvsphere = \"lab\"\nvm = \"vm08\"\nauth = \"{auth}\"\n"
        );
    }
    text += "[[console]]\nlisten = \"[::]:5908\"\nvsphere = \"lab\"\nvm = \"vm08\"\nauth = \"none\"\n\
             allow = [\"10.0.0.0/8\", \"2001:db8::/32\"]\n";
    std::fs::write(config.path().join("gateway.toml"), text).unwrap();
    let (code, output) = check(config.path(), None);
    assert_eq!(code, Some(0), "{output}");
    let row_of = |listen: &str| {
        let row = output
            .lines()
            .find(|row| row.starts_with(&format!("{listen} ")));
        row.unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (listen, _, methods, reach) in rows {
        let row = format!("{listen} lab vm08 {methods} {reach} not checked");
        assert_eq!(row_of(listen), row);
    }
    let reach = "ANYBODY who can connect, from 10.0.0.0/8 2001:db8::/32, not encrypted";
    assert_eq!(
        row_of("[::]:5908"),
        format!("[::]:5908 lab vm08 none {reach} not checked")
    );
}
