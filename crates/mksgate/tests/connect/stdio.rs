//! `--stdio`.

use std::io::{Read, Write};
use std::process::{Child, Stdio};

use esxi_sim::{DEMO_PASSWORD, Host};
use tempfile::{TempDir, tempdir};
use tokio::task::spawn_blocking;

use super::host;
use super::support::viewer::{enter, interrupt};
use super::support::{mksgate_at, signal};

#[tokio::test(flavor = "multi_thread")]
async fn stdio_tells_the_viewer_why_there_is_no_console() {
    let host = host().await;
    let folder = tempdir().unwrap();
    for (vm, password, exit, why) in [
        (
            "off",
            DEMO_PASSWORD,
            5,
            "the VM is powered off: switch it on",
        ),
        (
            "nosuch",
            DEMO_PASSWORD,
            4,
            "there is no such VM: check its name",
        ),
        (
            "vm08",
            "s3cr3t",
            3,
            "vSphere refuses the gateway's login: ask the administrator",
        ),
    ] {
        let mut command = mksgate_at(&host, &folder, &["connect", vm, "--stdio"]);
        command.env("GOVC_PASSWORD", password);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let (refused, code) = spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            let entered = enter(
                child.stdout.as_mut().unwrap(),
                child.stdin.as_mut().unwrap(),
                None,
            );
            (
                entered.unwrap_err().to_string(),
                child.wait().unwrap().code(),
            )
        })
        .await
        .unwrap();
        // Nothing but the short sentence.
        assert!(refused.contains(why) && refused.len() <= 120, "{refused}");
        for secret in ["root", "127.0.0.1", "nosuch", "govc"] {
            assert!(!refused.contains(secret), "{refused}");
        }
        assert_eq!(code, Some(exit));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stdio_relays_the_console_and_ends_with_its_input() {
    let host = host().await;
    let folder = tempdir().unwrap();
    let mut command = mksgate_at(&host, &folder, &["connect", "vm08", "--stdio"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let code = spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let size = enter(
            child.stdout.as_mut().unwrap(),
            child.stdin.as_mut().unwrap(),
            None,
        );
        assert_eq!(size, Ok((800, 600)));
        drop(child.stdin.take());
        let mut rest = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut rest).unwrap();
        child.wait().unwrap().code()
    });
    assert_eq!(code.await.unwrap(), Some(0));
    let counts = host
        .counts_until(|counts| counts.consoles_open == 0 && counts.sessions_open == 0)
        .await;
    assert_eq!(counts.tickets_spent, 1);
}

/// A console on pipes, with more output pending than a pipe holds and no reader.
async fn stalled(host: &Host, folder: &TempDir) -> Child {
    let mut command = mksgate_at(host, folder, &["connect", "vm08", "--stdio"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let child = spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let (input, output) = (
            child.stdin.as_mut().unwrap(),
            child.stdout.as_mut().unwrap(),
        );
        enter(&mut *output, &mut *input, None).unwrap();
        // All of 800 x 600 pixels, which no pipe holds (RFC 6143 section 7.5.3).
        let request = [3, 0, 0, 0, 0, 0, 0x03, 0x20, 0x02, 0x58];
        input.write_all(&request).unwrap();
        while rustix::io::ioctl_fionread(&*output).unwrap() < HALF {
            std::thread::yield_now();
        }
        child
    });
    child.await.unwrap()
}

/// Half of a pipe's default capacity (pipe(7)): pages of a pipe may be filled in part.
const HALF: u64 = 32 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn stdio_ends_on_a_signal_while_stdout_is_blocked() {
    let host = host().await;
    let folder = tempdir().unwrap();
    let mut child = stalled(&host, &folder).await;
    signal(&child, "-TERM");
    let code = spawn_blocking(move || child.wait().unwrap().code());
    assert_eq!(code.await.unwrap(), Some(0));
    host.counts_until(|counts| counts.consoles_open == 0 && counts.sessions_open == 0)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stdio_ends_at_once_on_a_second_signal() {
    let host = host().await;
    let folder = tempdir().unwrap();
    let mut child = stalled(&host, &folder).await;
    signal(&child, "-TERM");
    // It has received the signal, and still waits for the reader.
    host.counts_until(|counts| counts.consoles_open == 0).await;
    let code = spawn_blocking(move || interrupt(&mut child));
    assert_eq!(code.await.unwrap(), Some(130), "the second has ended it");
    host.counts_until(|counts| counts.sessions_open == 0).await;
}
