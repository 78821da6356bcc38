//! The log of `serve` about one viewer.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, ChildStderr, Stdio};

use esxi_sim::{DEMO_PASSWORD, Host, Settings, VmSettings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use support::viewer::enter;
use support::{mksgate, reserved_port, signal};

/// A daemon with one console of a simulated host, and its log.
struct Daemon {
    child: Child,
    log: BufReader<ChildStderr>,
    port: u16,
    _folder: TempDir,
}

impl Daemon {
    /// Logs as JSON at `level`.
    async fn start(host: &Host, level: &'static str) -> Self {
        Self::logging(host, "json", level, "web01").await
    }

    async fn logging(
        host: &Host,
        format: &'static str,
        level: &'static str,
        vm: &'static str,
    ) -> Self {
        let address = host.address();
        let start = move || {
            let folder = tempfile::tempdir().unwrap();
            let port = reserved_port();
            let text = format!(
                "[vsphere.lab]\naddress = \"{address}\"\nusername = \"root\"\npassword_env = \"PASSWORD_OF_LAB\"\n\
                 trust = \"danger-accept-any\"\n\
                 [[console]]\nport = {port}\nvsphere = \"lab\"\nvm = \"{vm}\"\npaste = \"type\"\n"
            );
            std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
            let mut child = mksgate(&folder, &["--log", format, "serve"])
                .env("PASSWORD_OF_LAB", DEMO_PASSWORD)
                .env("MKSGATE_LOG", level)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut ready = String::new();
            let stdout = child.stdout.as_mut().unwrap();
            BufReader::new(stdout).read_line(&mut ready).unwrap();
            assert_eq!(ready, format!("127.0.0.1:{port} {vm}\n"));
            let log = BufReader::new(child.stderr.take().unwrap());
            Self {
                child,
                log,
                port,
                _folder: folder,
            }
        };
        spawn_blocking(start).await.unwrap()
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap()
    }

    /// The first line with these words.
    fn text_with(&mut self, words: &str) -> String {
        loop {
            let line = self.line(words);
            if line.contains(words) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// The next line.
    fn line(&mut self, awaited: &str) -> String {
        let mut line = String::new();
        self.log.read_line(&mut line).unwrap();
        assert_ne!(line, "", "the log ended before {awaited:?}");
        line
    }

    /// Log lines up to the first whose message has these words.
    fn lines_until(&mut self, words: &str) -> Vec<Value> {
        let mut lines = Vec::new();
        loop {
            let line: Value = serde_json::from_str(&self.line(words)).unwrap();
            lines.push(line);
            if has_message(&lines[lines.len() - 1], words) {
                return lines;
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        signal(&self.child, "-KILL");
        self.child.wait().unwrap();
    }
}

/// Whether the message contains these words.
fn has_message(line: &Value, words: &str) -> bool {
    line["message"].as_str().unwrap().contains(words)
}

async fn host() -> Host {
    Host::start(Settings {
        vms: vec![VmSettings::desktop("web01"), VmSettings::desktop("web 02")],
        clock: false,
        ..Settings::default()
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn session_lines_have_the_session_number() {
    let host = host().await;
    let mut daemon = Daemon::start(&host, "mksgate=trace,vsphere=trace").await;
    let done = spawn_blocking(move || {
        let viewer = daemon.connect();
        enter(&viewer, &viewer, None).unwrap();
        let opening = daemon.lines_until("session opened");
        let login = opening
            .iter()
            .find(|line| has_message(line, "logged in"))
            .unwrap();
        let number = login["session"].as_u64().unwrap();
        // A clipboard without any character that can be typed is logged (RFC 6143 section 7.5.6).
        (&viewer).write_all(b"\x06\0\0\0\0\0\0\x01\xa4").unwrap();
        let clipboard = daemon.lines_until("clipboard");
        drop(viewer);
        let closing = daemon.lines_until("session closed");
        let opened = &opening[opening.len() - 1..];
        for line in opened.iter().chain(&clipboard).chain(&closing) {
            assert_eq!(line["session"], number, "{line}");
        }
    });
    done.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_without_data_is_logged_at_debug_level() {
    let host = host().await;
    let mut daemon = Daemon::start(&host, "mksgate=debug").await;
    let done = spawn_blocking(move || {
        let silent = daemon.connect();
        let from = silent.local_addr().unwrap().to_string();
        drop(silent);
        let lines = daemon.lines_until("before it sent anything");
        let line = &lines[lines.len() - 1];
        assert_eq!(line["level"], "DEBUG");
        assert_eq!(line["viewer"], from);
        assert!(line["session"].is_u64(), "{line}");
        // A connection that has sent a byte is logged at the usual level.
        let half = daemon.connect();
        (&half).write_all(b"R").unwrap();
        drop(half);
        let lines = daemon.lines_until("session closed");
        assert_eq!(lines[lines.len() - 1]["level"], "INFO");
    });
    done.await.unwrap();
}

/// What a user's name adds to a line: these consoles have no login.
const USER: usize = " user=ada".len();

/// The line without its time, which must be a date and a time to the second.
fn without_time(line: &str) -> &str {
    let (time, rest) = line.split_once(' ').unwrap();
    let shape = time.replace(|c: char| c.is_ascii_digit(), "0");
    assert_eq!(shape, "0000-00-00T00:00:00Z", "{line}");
    rest
}

#[tokio::test(flavor = "multi_thread")]
async fn text_lines_of_a_session_fit_100_columns_and_have_quoted_values() {
    let host = host().await;
    for (vm, value) in [("web01", "web01"), ("web 02", "\"web 02\"")] {
        let mut daemon = Daemon::logging(&host, "text", "mksgate=info", vm).await;
        let done = spawn_blocking(move || {
            let viewer = daemon.connect();
            let from = viewer.local_addr().unwrap();
            enter(&viewer, &viewer, None).unwrap();
            let opened = daemon.text_with("session opened");
            drop(viewer);
            let closed = daemon.text_with("session closed");
            assert_eq!(
                without_time(&opened),
                format!(" INFO session opened session=1 vm={value} viewer={from}")
            );
            let (start, seconds) = without_time(&closed).split_once(" seconds=").unwrap();
            let expected = format!(" INFO session closed: viewer left session=1 vm={value}");
            assert_eq!(start, expected);
            assert!(seconds.parse::<f64>().is_ok(), "{closed}");
            for line in [opened, closed] {
                assert!(line.chars().count() + USER <= 100, "{line}");
            }
        });
        done.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_has_the_fields_for_programs_where_debug_lines_are_logged() {
    let host = host().await;
    let mut daemon = Daemon::logging(&host, "text", "mksgate=debug", "web01").await;
    let done = spawn_blocking(move || {
        let viewer = daemon.connect();
        enter(&viewer, &viewer, None).unwrap();
        assert!(
            daemon
                .text_with("session opened")
                .contains(" esxi=127.0.0.1:")
        );
        drop(viewer);
        let closed = daemon.text_with("session closed");
        for field in [
            " viewer=127",
            " ended_by=viewer",
            " stage=relay",
            " to_viewer=",
            " to_esxi=",
        ] {
            assert!(closed.contains(field), "{closed}");
        }
    });
    done.await.unwrap();
}
