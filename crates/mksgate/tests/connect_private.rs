//! `connect`: its files and directories are private whatever the umask, and child programs get no secrets in their environment.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/mod.rs"]
mod support;

use std::process::Command;

use esxi_sim::{DEMO_PASSWORD, Host, Settings, VmSettings};
use tempfile::{TempDir, tempdir};

use support::program::program;
use support::{mksgate, mksgate_at, run};

async fn host() -> Host {
    Host::start(Settings {
        vms: vec![VmSettings::desktop("vm08")],
        clock: false,
        ..Settings::default()
    })
    .await
    .unwrap()
}

/// The same command with umask 0.
fn without_umask(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "umask 000; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.current_dir(command.get_current_dir().unwrap());
    shell
}

/// A viewer of this name in `folder`: it runs `before`, then records the modes of the file in its last argument and of that
/// file's directory.
fn viewer(folder: &TempDir, name: &str, before: &str) {
    let script = format!(
        "#!/bin/sh\nfor last; do :; done\n{before}\nstat -c %a \"$last\" \"$(dirname \"$last\")\" > modes\n"
    );
    program(&folder.path().join(name), &script);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_directories_are_private_under_any_umask() {
    let host = host().await;
    // Remmina rewrites its profile.
    let rewrite = "if [ \"$1\" = --update-profile ]; then\n\
                   cat > /dev/null; text=$(cat \"$2\"); rm \"$2\"; echo \"$text\" > \"$2\"; exit\nfi";
    for (name, before) in [
        ("remote-viewer", ""),
        ("gvncviewer", ""),
        ("remmina", rewrite),
    ] {
        let folder = tempdir().unwrap();
        viewer(&folder, name, before);
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let mut command = mksgate_at(&host, &folder, &["connect", "vm08", "-q", "--viewer", name]);
        command.env("PATH", path).env("DISPLAY", ":0");
        let (_, _, error) = run(without_umask(&command)).await;
        let modes = std::fs::read_to_string(folder.path().join("modes"));
        assert_eq!(modes.unwrap_or(error), "600\n700\n", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn child_programs_inherit_no_secrets() {
    let host = host().await;
    let folder = tempdir().unwrap();
    let script = "#!/bin/sh\nenv > environment\n";
    program(&folder.path().join("xtigervncviewer"), script);
    program(&folder.path().join("own"), script);
    let configured = format!(
        "[vsphere.lab]\naddress = \"{}\"\nusername = \"root\"\npassword_env = \"PASSWORD_OF_LAB\"\n\
         trust = \"danger-accept-any\"\n\
         [[console]]\nport = 5901\nvsphere = \"lab\"\nvm = \"vm08\"\n",
        host.address()
    );
    std::fs::write(folder.path().join("lab.toml"), configured).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let url = format!("https://root:{DEMO_PASSWORD}@{}", host.address());
    for way in [&["--viewer", "tigervnc"][..], &["--", "./own"]] {
        for named in [&[][..], &["--config", "lab.toml"]] {
            let arguments = [named, &["connect", "vm08"], way].concat();
            let mut command = mksgate(&folder, &arguments);
            command
                .env("PATH", &path)
                .env("DISPLAY", ":0")
                .env("GOVC_URL", &url)
                .env("GOVC_PASSWORD", DEMO_PASSWORD)
                .env("GOVC_INSECURE", "1")
                .env("MKSGATE_COOKIE", "s3cr3t")
                .env("MKSGATE_WEBSOCKETURL", "wss://h/ticket/s3cr3t");
            if !named.is_empty() {
                command.env("PASSWORD_OF_LAB", DEMO_PASSWORD);
            }
            let (code, _, error) = run(command).await;
            assert_eq!(code, Some(0), "{error}");
            let environment = std::fs::read_to_string(folder.path().join("environment")).unwrap();
            assert!(environment.contains("\nVNC_PASSWORD="), "{environment}");
            assert!(environment.contains("DISPLAY=:0"), "{environment}");
            let found: Vec<&str> = environment
                .lines()
                .filter(|line| line.contains(DEMO_PASSWORD) || line.contains("s3cr3t"))
                .collect();
            assert_eq!(found, Vec::<&str>::new(), "{way:?} {named:?}");
        }
    }
}
