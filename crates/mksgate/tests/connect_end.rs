//! `connect` says why a session ended, and exits with the code for it where that was not the viewer's doing.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use esxi_sim::{Host, Placement, Power, Settings, VmSettings};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use tokio::task::spawn_blocking;

use support::mksgate_at;
use support::program::program;
use support::viewer::{enter, interrupt, proxy};

async fn host() -> Host {
    Host::start(Settings {
        vms: vec![VmSettings::desktop("vm08")],
        clock: false,
        ..Settings::default()
    })
    .await
    .unwrap()
}

const POWERED_OFF: &str =
    "mksgate: the VM was powered off (close code 1001): start it and connect again\n";

/// Exit code and stderr, without the line that tells the user the viewer's password.
fn ended(mut child: Child) -> (Option<i32>, String) {
    // Kept open: its end is that of a viewer, which may come before the end of the console.
    let _input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let lines = error.split_inclusive('\n');
    let error = lines.filter(|line| !line.starts_with("enter this password"));
    (output.status.code(), error.collect())
}

fn viewer(line: &Value) -> TcpStream {
    let port = u16::try_from(line["port"].as_u64().unwrap()).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    enter(&socket, &socket, line["password"].as_str()).unwrap();
    socket
}

/// A viewer that says on stdout where it was told to connect, and exits with `code` when something is written to the FIFO
/// `gate`.
fn viewer_program(folder: &TempDir, code: u8) {
    let script = format!(
        "#!/bin/sh\nmkfifo gate\nprintf '{{\"port\":%s,\"password\":\"%s\"}}\\n' \"$VNC_PORT\" \"$VNC_PASSWORD\"\nread -r _ < gate\nexit {code}\n"
    );
    program(&folder.path().join("own"), &script);
}

/// Lets the viewer exit. Opening a FIFO waits for its reader.
fn let_viewer_exit(folder: &TempDir) {
    std::fs::write(folder.path().join("gate"), "\n").unwrap();
}

/// As [`end_of_viewer`], for a viewer that also closes its connection when the gateway does.
async fn end_of_closing_viewer(
    arguments: &[&str],
    own: u8,
    change: fn(&Host),
) -> (Option<i32>, String) {
    end_of_viewer(arguments, own, change, |_| None).await
}

/// Runs `connect vm08` with these arguments and a viewer, which exits with `own` once `change` has ended its session.
/// `keep` decides whether the viewer's connection stays open until then.
async fn end_of_viewer(
    arguments: &[&str],
    own: u8,
    change: fn(&Host),
    keep: fn(TcpStream) -> Option<TcpStream>,
) -> (Option<i32>, String) {
    let (host, folder) = (host().await, tempdir().unwrap());
    viewer_program(&folder, own);
    let mut command = mksgate_at(&host, &folder, &[&["connect", "vm08"], arguments].concat());
    command.stderr(Stdio::piped());
    let (child, mut socket) = spawn_blocking(move || {
        let (child, line) = proxy(command);
        (child, viewer(&line))
    })
    .await
    .unwrap();
    host.counts_until(|counts| counts.consoles_open == 1).await;
    change(&host);
    spawn_blocking(move || {
        socket.read_to_end(&mut Vec::new()).unwrap();
        let _kept = keep(socket);
        let_viewer_exit(&folder);
        ended(child)
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn viewer_of_a_lost_console_ends_with_the_code_of_the_cause() {
    type Change = fn(&Host);
    let lost: [(Change, i32, &str); 4] = [
        (|host| host.set_power("vm08", Power::Off), 5, POWERED_OFF),
        (
            |host| host.place("vm08", Placement::Deleted),
            4,
            "mksgate: the VM was deleted or unregistered (close code 1001): check the inventory\n",
        ),
        (
            |host| host.place("vm08", Placement::LostHost),
            6,
            "mksgate: the VM's host is disconnected or does not respond (close code 1001): check the host\n",
        ),
        (
            |host| host.close_consoles("vm08"),
            1,
            "mksgate: the console's host closed it while the VM is on (close code 1001): connect again, since the VM may have been reset\n",
        ),
    ];
    for (change, code, sentence) in lost {
        for way in [&["--viewer", "./own", "-q"][..], &["--", "./own"]] {
            let ended = end_of_closing_viewer(way, 0, change).await;
            assert_eq!(ended, (Some(code), sentence.to_owned()), "{way:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn own_exit_code_of_a_command_stays_and_that_of_a_viewer_does_not() {
    let off = |host: &Host| host.set_power("vm08", Power::Off);
    let command = end_of_closing_viewer(&["--", "./own"], 7, off).await;
    assert_eq!(command, (Some(7), POWERED_OFF.to_owned()));
    let viewer = end_of_closing_viewer(&["--viewer", "./own", "-q"], 7, off).await;
    assert_eq!(viewer, (Some(5), POWERED_OFF.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn viewer_that_does_not_close_its_connection_hides_no_cause() {
    let off = |host: &Host| host.set_power("vm08", Power::Off);
    let ended = end_of_viewer(&["--", "./own"], 0, off, Some).await;
    assert_eq!(ended, (Some(5), POWERED_OFF.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn stdio_and_once_end_with_5_when_the_vm_is_switched_off() {
    for way in ["--stdio", "--once"] {
        let (host, folder) = (host().await, tempdir().unwrap());
        let once: &[&str] = match way {
            "--once" => &["--proxy-only"],
            _ => &[],
        };
        let arguments = [&["--log", "json", "connect", "vm08", way], once].concat();
        let mut command = mksgate_at(&host, &folder, &arguments);
        command.stderr(Stdio::piped());
        let is_stdio = way == "--stdio";
        let (child, socket) = spawn_blocking(move || {
            if is_stdio {
                command.stdin(Stdio::piped()).stdout(Stdio::piped());
                let mut child = command.spawn().unwrap();
                let (input, output) = (child.stdin.as_mut(), child.stdout.as_mut());
                enter(output.unwrap(), input.unwrap(), None).unwrap();
                (child, None)
            } else {
                let (child, line) = proxy(command);
                (child, Some(viewer(&line)))
            }
        })
        .await
        .unwrap();
        host.counts_until(|counts| counts.consoles_open == 1).await;
        host.set_power("vm08", Power::Suspended);
        let (code, error) = spawn_blocking(move || {
            let ended = ended(child);
            drop(socket);
            ended
        })
        .await
        .unwrap();
        assert_eq!(code, Some(5), "{way}: {error}");
        let error: Value = serde_json::from_str(error.lines().last().unwrap()).unwrap();
        assert_eq!(
            json!([error["error"], error["stage"], error["blame"]]),
            json!(["vm-suspended", "relay", "vcenter"])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proxy_only_says_why_each_session_ended_and_goes_on() {
    let (host, folder) = (host().await, tempdir().unwrap());
    let mut command = mksgate_at(&host, &folder, &["connect", "vm08", "--proxy-only"]);
    command.stderr(Stdio::piped());
    let (mut child, line) = spawn_blocking(move || proxy(command)).await.unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    for _ in 0..2 {
        host.set_power("vm08", Power::On);
        let told = line.clone();
        let socket = spawn_blocking(move || viewer(&told)).await.unwrap();
        host.counts_until(|counts| counts.consoles_open == 1).await;
        host.set_power("vm08", Power::Off);
        let (said, back) = spawn_blocking(move || {
            let mut said = String::new();
            errors.read_line(&mut said).unwrap();
            drop(socket);
            (said, errors)
        })
        .await
        .unwrap();
        assert_eq!(said, POWERED_OFF);
        errors = back;
    }
    let code = spawn_blocking(move || interrupt(&mut child)).await.unwrap();
    assert_eq!(code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn viewer_that_is_closed_ends_with_0_and_without_a_word() {
    let (host, folder) = (host().await, tempdir().unwrap());
    viewer_program(&folder, 0);
    let mut command = mksgate_at(
        &host,
        &folder,
        &["connect", "vm08", "--viewer", "./own", "-q"],
    );
    command.stderr(Stdio::piped());
    let (child, socket) = spawn_blocking(move || {
        let (child, line) = proxy(command);
        (child, viewer(&line))
    })
    .await
    .unwrap();
    host.counts_until(|counts| counts.consoles_open == 1).await;
    drop(socket);
    host.counts_until(|counts| counts.consoles_open == 0).await;
    let ended = spawn_blocking(move || {
        let_viewer_exit(&folder);
        ended(child)
    })
    .await
    .unwrap();
    assert_eq!(ended, (Some(0), String::new()));
}
