//! Signals that arrive before a command has finished.

use std::io::{PipeReader, PipeWriter, Write};
use std::process::Child;

use tokio::net::TcpListener;

use super::*;

/// Signals, and the exit code for each.
const SIGNALS: [(&str, i32); 3] = [("-INT", 130), ("-TERM", 143), ("-HUP", 129)];

/// Sends the signal, and checks the exit code and the logout.
async fn assert_ends(child: Child, (word, code): (&str, i32), host: &Host) {
    signal(&child, word);
    let (ended_with, _, error) = ended(child).await;
    assert_eq!((ended_with, error.as_str()), (Some(code), ""), "{word}");
    let counts = host.counts_until(|counts| counts.sessions_open == 0).await;
    assert_eq!(counts.logins, counts.logouts);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_log_out_on_a_signal() {
    for word in SIGNALS {
        for arguments in [
            &["vms", "--watch"][..],
            &["probe", "web01"],
            &["screenshot", "web01", "-o", "-"],
            &["type", "web01", "x"],
        ] {
            let host = host_with_quirks(Quirks::default()).await;
            host.misbehave_always(Some(Misbehaviour::SilentUpgrade));
            let folder = empty_folder();
            let mut command =
                with_sighup("--default-signal", &mksgate_at(&host, &folder, arguments));
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let child = command.spawn().unwrap();
            let watches = arguments[0] == "vms";
            host.counts_until(|counts| counts.tickets_issued == 1 || watches && counts.logins == 1)
                .await;
            assert_ends(child, word, &host).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_logs_out_on_a_signal() {
    for word in SIGNALS {
        let host = host().await;
        // Connections to this listener are never answered.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let more = format!(
            "[[console]]\nport = 5902\nurl = \"wss://{}/\"",
            silent.local_addr().unwrap()
        );
        let folder = configuration(&host, &more);
        let mut command = with_sighup("--default-signal", &mksgate(&folder, &["check"]));
        command.env(PASSWORD, DEMO_PASSWORD).stderr(Stdio::piped());
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let _waiting = silent.accept().await.unwrap();
        assert_ends(child, word, &host).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_is_ignored_under_nohup() {
    let host = host().await;
    let folder = empty_folder();
    let watching = mksgate_at(&host, &folder, &["vms", "--watch"]);
    let mut command = with_sighup("--ignore-signal", &watching);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    host.counts_until(|counts| counts.logins == 1).await;
    signal(&child, "-HUP");
    assert_ends(child, SIGNALS[0], &host).await;
}

/// The same command, with SIGHUP at its default or ignored as by `nohup`.
fn with_sighup(how: &str, command: &Command) -> Command {
    let mut env = Command::new("env");
    env.arg(format!("{how}=HUP")).arg(command.get_program());
    env.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => env.env(name, value),
            None => env.env_remove(name),
        };
    }
    command
        .get_current_dir()
        .map(|folder| env.current_dir(folder));
    env.stdin(Stdio::null());
    env
}

/// A pipe whose buffer is full.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[0; 4096]).is_ok() {}
    while writer.write(&[0]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_commands_while_stdout_is_blocked() {
    for arguments in [&["check"][..], &["screenshot", "web01", "-o", "-"]] {
        let host = host().await;
        let folder = configuration(&host, "");
        let (_reader, writer) = full_pipe();
        let mut command = mksgate(&folder, arguments);
        command.env(PASSWORD, DEMO_PASSWORD).stderr(Stdio::piped());
        let child = command.stdout(writer).spawn().unwrap();
        host.counts_until(|counts| counts.logouts == 1).await;
        assert_ends(child, ("-TERM", 143), &host).await;
    }
}
