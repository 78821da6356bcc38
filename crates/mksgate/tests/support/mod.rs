//! Runs the program.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod program;
pub(crate) mod viewer;

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use esxi_sim::{DEMO_PASSWORD, Host};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// Exit code, stdout and stderr.
pub(crate) type Ended = (Option<i32>, String, String);

/// A command in this directory, without a vSphere in its environment and without a home: no session is kept.
pub(crate) fn mksgate(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mksgate"));
    command.args(arguments).current_dir(folder.path());
    for variable in [
        "GOVC_URL",
        "GOVC_USERNAME",
        "GOVC_PASSWORD",
        "GOVC_INSECURE",
        "GOVC_TLS_CA_CERTS",
        "MKSGATE_TRUST",
        "HOME",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "VNCVIEWER",
        "DISPLAY",
        "WAYLAND_DISPLAY",
    ] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// A command line with `host` in its environment.
pub(crate) fn mksgate_at(host: &Host, folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = mksgate(folder, arguments);
    command
        .env("GOVC_URL", host.address().to_string())
        .env("GOVC_USERNAME", "root")
        .env("GOVC_PASSWORD", DEMO_PASSWORD)
        .env("GOVC_INSECURE", "1");
    command
}

/// A free port whose number must be known before the program listens on it. It is below the ephemeral range, so that no other
/// socket takes it meanwhile, and differs between test processes.
pub(crate) fn reserved_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = std::process::id() * 8 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (next % 10_000) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Sends a signal such as `-TERM`.
pub(crate) fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// Waits for the exit, and returns exit code and the streams that are pipes.
pub(crate) async fn ended(child: Child) -> Ended {
    let output = spawn_blocking(move || child.wait_with_output().unwrap()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = output.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Runs the command and waits for its exit.
pub(crate) async fn run(command: Command) -> Ended {
    let (code, stdout, stderr) = run_bytes(command).await;
    (code, String::from_utf8(stdout).unwrap(), stderr)
}

/// As [`run`], for binary output.
pub(crate) async fn run_bytes(mut command: Command) -> (Option<i32>, Vec<u8>, String) {
    let output = spawn_blocking(move || command.output().unwrap()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = output.unwrap();
    (status.code(), stdout, String::from_utf8(stderr).unwrap())
}
