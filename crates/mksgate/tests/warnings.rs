//! Warnings about a valid configuration: `check` prints them, `serve` logs them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use support::mksgate;
use tempfile::TempDir;

/// Writes a file with mode 0600.
fn secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// A directory with that `gateway.toml` and the files that it may name.
fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    secret(&folder.path().join("lab"), "a long password\n");
    secret(&folder.path().join("token"), "0123456789abcdef\n");
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    folder
}

/// What `check --offline` and `serve`, which ends because its port is taken, print on stderr.
fn stderr_of(text: &str) -> (String, String) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = folder(&text.replace("PORT", &port));
    let run = |arguments: &[&str]| {
        let Output { status, stderr, .. } = mksgate(&folder, arguments).output().unwrap();
        (status.code(), String::from_utf8(stderr).unwrap())
    };
    let (code, checked) = run(&["check", "--offline"]);
    assert_eq!(code, Some(0), "{checked}");
    let (code, served) = run(&["serve"]);
    assert_eq!(code, Some(1), "{served}");
    (checked, served)
}

/// Asserts that both commands print `sentence`.
fn assert_warning(text: &str, sentence: &str) {
    let (checked, served) = stderr_of(text);
    assert!(
        checked.contains(&format!("mksgate: {sentence}\n")),
        "{checked}"
    );
    let warned = |line: &str| line.contains("WARN") && line.ends_with(sentence);
    assert!(served.lines().any(warned), "{served}");
}

const VM: &str = "[[console]]\nport = PORT\nvsphere = \"lab\"\nvm = \"vm08\"\n";

fn lab(trust: &str) -> String {
    format!(
        "[vsphere.lab]\naddress = \"127.0.0.1:9\"\nusername = \"root\"\npassword_file = \"lab\"\n{trust}\n"
    )
}

#[test]
fn danger_accept_any_is_warned_about() {
    assert_warning(
        &(lab("trust = \"danger-accept-any\"") + VM),
        "[vsphere.lab] has trust = \"danger-accept-any\": a machine in the middle can read its password and control its VMs; \
         set trust to what `mksgate trust 127.0.0.1:9` prints",
    );
    assert_warning(
        &(lab("console_trust = \"danger-accept-any\"") + VM),
        "[vsphere.lab] has console_trust = \"danger-accept-any\": a machine in the middle can see and control its consoles; \
         remove it, so that consoles are verified by their tickets",
    );
    assert_warning(
        "[[console]]\nport = PORT\nurl = \"wss://127.0.0.1:9/x?token=s3cr3t\"\ntrust = \"danger-accept-any\"\n",
        "[[console]] 127.0.0.1:9/x has trust = \"danger-accept-any\": a machine in the middle can see and control it; \
         set trust to \"file:PATH\" or \"sha256:HEX\"",
    );
}

#[test]
fn safe_configuration_has_no_warnings() {
    let (checked, served) = stderr_of(&(lab("trust = \"system\"") + VM));
    assert_eq!(checked, "");
    assert!(!served.contains("WARN"), "{served}");
}

#[test]
fn admin_off_loopback_is_warned_about() {
    assert_warning(
        &("[admin]\nlisten = \"192.0.2.1:9590\"\ntoken_file = \"token\"\n".to_owned()
            + &lab("")
            + VM),
        "[admin] on 192.0.2.1:9590 can be reached from other machines and is not encrypted: its token can be read on the network; \
         listen on 127.0.0.1, or allow only the machine that collects metrics in the firewall",
    );
}
