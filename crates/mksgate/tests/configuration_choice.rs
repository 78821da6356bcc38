//! Whether `./gateway.toml` is read: not if another user could have written it, nor if GOVC_URL is set.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/mod.rs"]
mod support;

use std::fs::{Permissions, set_permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use esxi_sim::{Host, Settings, VmSettings};
use tempfile::{TempDir, tempdir};

use support::{mksgate, mksgate_at, run};

/// A listener that would receive the password if the file were read.
struct OtherConfiguration {
    listener: TcpListener,
    folder: TempDir,
}

impl OtherConfiguration {
    /// A directory and a `gateway.toml` with these modes; its vSphere is the listener.
    fn new(folder_mode: u32, file_mode: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let folder = tempdir().unwrap();
        let text = format!(
            "[vsphere.lab]\naddress = \"{}\"\nusername = \"root\"\npassword_env = \"PASSWORD_OF_LAB\"\n\
             trust = \"danger-accept-any\"\n\
             [[console]]\nport = 5901\nvsphere = \"lab\"\nvm = \"web01\"\n",
            listener.local_addr().unwrap()
        );
        let file = folder.path().join("gateway.toml");
        std::fs::write(&file, text).unwrap();
        set_permissions(&file, Permissions::from_mode(file_mode)).unwrap();
        set_permissions(folder.path(), Permissions::from_mode(folder_mode)).unwrap();
        Self { listener, folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = mksgate(&self.folder, arguments);
        command.env("PASSWORD_OF_LAB", "s3cr3t");
        command
    }

    /// The completion request of a shell.
    fn completion(&self) -> Command {
        let mut command = self.command(&["--", "mksgate", "probe", "w"]);
        command
            .env("MKSGATE_COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", "2");
        command
    }

    /// Whether there was a connection.
    fn was_connected(&self) -> bool {
        self.listener.accept().is_ok()
    }
}

#[tokio::test]
async fn file_that_others_can_write_is_not_read() {
    for (folder, file, what) in [
        (0o777, 0o644, "its folder"),
        (0o1777, 0o644, "its folder"),
        (0o775, 0o644, "its folder"),
        (0o755, 0o666, "it"),
        (0o755, 0o664, "it"),
    ] {
        let other = OtherConfiguration::new(folder, file);
        let path = if what == "it" { "gateway.toml" } else { "." };
        let why = format!(
            "mksgate: ./gateway.toml is not read, since other users can write {what}: \
             chmod go-w {path}, or name the file with --config"
        );
        let (code, shown, error) = run(other.command(&["vms"])).await;
        assert_eq!((code, shown.as_str()), (Some(2), ""));
        assert_eq!(error, format!("{why}, or set GOVC_URL\n"));
        for command in ["check", "serve"] {
            let (code, _, error) = run(other.command(&[command])).await;
            assert_eq!((code, error), (Some(2), format!("{why}\n")), "{command}");
        }
        assert_eq!(run(other.completion()).await.1, "");
        assert!(!other.was_connected());
        // A file named by --config is read.
        let (code, _, _) =
            run(other.command(&["--config", "gateway.toml", "check", "--offline"])).await;
        assert_eq!(code, Some(0));
    }
}

#[tokio::test]
async fn file_of_another_user_is_not_read() {
    const OTHER_USER: u32 = 54_321;
    for path in ["", "gateway.toml"] {
        let other = OtherConfiguration::new(0o755, 0o644);
        let given = chown(other.folder.path().join(path), Some(OTHER_USER), None);
        let (code, _, error) = run(other.command(&["check", "--offline"])).await;
        match given {
            Ok(()) => {
                assert_eq!(code, Some(2));
                assert!(error.contains("belongs to another user"), "{error}");
            }
            // Only root can change the owner of a file.
            Err(_) => assert_eq!(code, Some(0), "{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn govc_url_takes_precedence_over_the_local_file_except_for_serve() {
    let host = Host::start(Settings {
        vms: vec![VmSettings::desktop("web01")],
        clock: false,
        ..Settings::default()
    })
    .await
    .unwrap();
    let other = OtherConfiguration::new(0o755, 0o644);
    let (code, shown, error) = run(mksgate_at(&host, &other.folder, &["vms"])).await;
    assert_eq!(code, Some(0), "{error}");
    assert!(shown.contains("web01"), "{shown}");
    let note = "mksgate: ./gateway.toml is not read, since GOVC_URL is set: unset it, or name the file with --config\n";
    assert_eq!(error, note);
    let (_, _, error) = run(mksgate_at(&host, &other.folder, &["--quiet", "vms"])).await;
    assert_eq!(error, "");
    let mut completion = other.completion();
    for (name, value) in mksgate_at(&host, &other.folder, &[]).get_envs() {
        value.map(|value| completion.env(name, value));
    }
    assert_eq!(run(completion).await.1.trim(), "web01");
    assert!(!other.was_connected());
    // The daemon reads its file.
    let mut check = mksgate_at(&host, &other.folder, &["check", "--offline"]);
    check.env("PASSWORD_OF_LAB", "s3cr3t");
    let checked = run(check).await;
    let (code, warnings) = (checked.0, checked.2.trim_end());
    assert_eq!((code, warnings.lines().count()), (Some(0), 1), "{warnings}");
    let warning = "mksgate: [vsphere.lab] has trust = \"danger-accept-any\":";
    assert!(warnings.starts_with(warning), "{warnings}");
    run(other.completion()).await;
    assert!(
        other.was_connected(),
        "without GOVC_URL a trusted file is read"
    );
}
