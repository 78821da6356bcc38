//! Output and exit codes of the program.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

fn mksgate(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mksgate"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = mksgate(folder, arguments).output().unwrap();
    (
        status.code(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

/// A directory with a gateway.toml that has one console on `port`, and `more`.
fn folder(port: u16, more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "x").unwrap();
    std::fs::set_permissions(folder.path().join("secret"), Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "[vsphere.lab]\naddress = \"127.0.0.1:9\"\nusername = \"root\"\npassword_file = \"secret\"\n\
         [[console]]\nport = {port}\nvsphere = \"lab\"\nvm = \"vm08\"\n{more}"
    );
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    folder
}

/// A free port whose number must be known before the program listens on it. It is below the ephemeral range, so that no other
/// socket takes it meanwhile, and differs between test processes.
fn reserved_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = std::process::id() * 8 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (next % 10_000) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    line
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn invalid_configuration_exits_with_2_before_any_port_opens() {
    let port = reserved_port();
    let folder = folder(port, "prot = 1\n");
    let (code, stdout, stderr) = run(folder.path(), &["serve"]);
    assert_eq!(code, Some(2));
    assert_eq!(
        stderr,
        "mksgate: gateway.toml:9:1: unknown key `prot`: did you mean `port`?\n"
    );
    assert_eq!(stdout, "");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn missing_configuration_error_names_the_default_paths() {
    let empty = tempfile::tempdir().unwrap();
    let (code, _, stderr) = run(empty.path(), &["serve"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("name it with --config"), "{stderr}");
    let (code, _, stderr) = run(empty.path(), &["--config", "no.toml", "serve"]);
    assert_eq!(
        (code, stderr.as_str()),
        (
            Some(2),
            "mksgate: no.toml: it does not exist: name another with --config FILE\n"
        )
    );
}

#[test]
fn port_in_use_exits_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (code, _, stderr) = run(folder(port, "").path(), &["serve"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.starts_with(&format!(
            "mksgate: cannot listen on 127.0.0.1:{port} for vm08 ("
        )),
        "{stderr}"
    );
    assert!(
        stderr.ends_with("another program listens there; stop it, or choose another port\n"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1);
}

#[test]
fn serve_prints_open_ports_and_ends_on_sigterm() {
    let port = reserved_port();
    let folder = folder(port, "");
    let mut child = mksgate(folder.path(), &["serve"]).spawn().unwrap();
    assert_eq!(first_line(&mut child), format!("127.0.0.1:{port} vm08\n"));
    let viewer = TcpStream::connect(("127.0.0.1", port)).unwrap();
    drop(viewer);
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Fails every write, as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn unwritable_log_delays_nothing() {
    let port = reserved_port();
    let folder = folder(port, "");
    let mut child = mksgate(folder.path(), &["serve"])
        .stderr(std::fs::File::create("/dev/full").unwrap())
        .spawn()
        .unwrap();
    first_line(&mut child);
    // Each session's task writes a log line.
    for _ in 0..3 {
        let viewer = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut greeting = String::new();
        BufReader::new(&viewer).read_line(&mut greeting).unwrap();
        assert_eq!(greeting, "RFB 003.008\n");
    }
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn second_signal_ends_draining_sessions() {
    let port = reserved_port();
    let folder = folder(port, "");
    let mut child = mksgate(folder.path(), &["serve"]).spawn().unwrap();
    first_line(&mut child);
    let viewer = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut greeting = String::new();
    BufReader::new(&viewer).read_line(&mut greeting).unwrap();
    assert_eq!(greeting, "RFB 003.008\n");
    signal(&child, "-TERM");
    // The listener is closed once the first signal has arrived.
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {}
    signal(&child, "-INT");
    (&viewer).write_all(b"RFB").unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let log = String::from_utf8(ended.stderr).unwrap();
    for words in ["SIGTERM: draining", "SIGINT: ending at once"] {
        assert!(log.contains(words), "{log}");
    }
    let closed: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("session closed"))
        .collect();
    let by_gateway = |line: &&&str| line.contains("session closed: the gateway is shutting down: ");
    assert_eq!(closed.iter().filter(by_gateway).count(), 1, "{log}");
}

#[test]
fn passwd_output_is_a_valid_users_file_line() {
    let empty = tempfile::tempdir().unwrap();
    let hash = |user: &str, typed: &str| {
        let mut child = mksgate(empty.path(), &["passwd", user])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that refuses the name does not read stdin.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        (
            status.code(),
            String::from_utf8(stdout).unwrap(),
            String::from_utf8(stderr).unwrap(),
        )
    };
    let (code, line, _) = hash("ada", "correct horse\nbattery staple\n");
    assert_eq!(code, Some(0));
    assert!(
        line.starts_with("ada:$argon2id$v=19$")
            && line.ends_with('\n')
            && line.lines().count() == 1,
        "{line}"
    );
    let users = gateway::Users::parse(&line).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let is_right = |password| {
        runtime
            .block_on(users.verify("ada", &rfb_proto::Password::new(password)))
            .is_some()
    };
    assert!(
        is_right("correct horse") && !is_right("correct horse\n") && !is_right("battery staple")
    );
    for (user, typed) in [
        ("a:b", "x\n"),
        ("#a", "x\n"),
        ("", "x\n"),
        ("ada", "\n"),
        ("ada", &"x".repeat(300)),
    ] {
        let (code, line, error) = hash(user, typed);
        assert_eq!(
            (code, line.as_str()),
            (Some(2), ""),
            "{user} {typed} {error}"
        );
    }
}

#[test]
fn systemd_credentials_are_read() {
    let folder = folder(reserved_port(), "");
    let credentials = tempfile::tempdir().unwrap();
    let secret = credentials.path().join("lab");
    std::fs::write(&secret, "x").unwrap();
    // As systemd does: with an access list, whose mask is in the group bits.
    std::fs::set_permissions(&secret, Permissions::from_mode(0o440)).unwrap();
    let path = folder.path().join("gateway.toml");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("\"secret\"", "\"$CREDENTIALS_DIRECTORY/lab\"");
    std::fs::write(&path, text).unwrap();
    let check = |credentials: Option<&Path>| {
        let mut command = mksgate(folder.path(), &["check", "--offline"]);
        match credentials {
            Some(path) => command.env("CREDENTIALS_DIRECTORY", path),
            None => command.env_remove("CREDENTIALS_DIRECTORY"),
        };
        command.output().unwrap().status.code()
    };
    assert_eq!(check(Some(credentials.path())), Some(0));
    assert_eq!(check(None), Some(2));
}

#[test]
fn usage_errors_exit_with_2_and_help_with_0() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(run(empty.path(), &["demo", "--vms", "0"]).0, Some(2));
    for help in [&["--help"][..], &["help"], &["-h"]] {
        let (code, stdout, stderr) = run(empty.path(), help);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout.contains("serve") && stdout.contains("demo"));
    }
    // Without arguments the help is printed.
    let (code, stdout, stderr) = run(empty.path(), &[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("serve") && stderr.contains("demo"));
    let (code, stdout, stderr) = run(empty.path(), &["--version"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.starts_with("mksgate "), "{stdout}");
}

#[test]
fn usage_errors_are_one_line() {
    let empty = tempfile::tempdir().unwrap();
    for (arguments, sentence) in [
        (
            &["sreve"][..],
            "unrecognized subcommand: sreve; perhaps screenshot, serve was meant",
        ),
        (
            &["check", "--oflin"],
            "unexpected argument '--oflin'; perhaps --offline was meant",
        ),
        (
            &["connect", "vm08", "--viwer"],
            "unexpected argument '--viwer'; perhaps --viewer was meant; to pass '--viwer' as a value, use '-- --viwer'",
        ),
        (
            &["screenshot"],
            "required arguments are missing: --output <FILE.png>, <VM|--url <URL>|--url-command <COMMAND>|--all>",
        ),
        (
            &["vms", "--log", "xml"],
            "invalid value 'xml' for '--log <FORMAT>' [possible values: text, json]",
        ),
        (
            &["connect", "vm08", "--proxy-only", "--stdio"],
            "'--proxy-only' cannot be used with '--stdio'",
        ),
    ] {
        let (code, stdout, stderr) = run(empty.path(), arguments);
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        assert_eq!(stderr, format!("mksgate: {sentence} (see --help)\n"));
    }
}

#[test]
fn help_explains_who_can_connect() {
    let empty = tempfile::tempdir().unwrap();
    let (_, help, _) = run(empty.path(), &["connect", "--help"]);
    let assert_contains = |words: &str| assert!(help.contains(words), "{words}: {help}");
    assert_contains("on loopback only");
    assert_contains("`ssh HOST mksgate connect VM --stdio`");
    assert!(
        !help.contains("ProxyCommand"),
        "ProxyCommand needs an SSH server behind it"
    );
}

#[test]
fn listen_takes_an_address_and_its_error_shows_the_syntax() {
    let empty = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        (
            ["connect", "vm08", "--listen", "localhost:0"].as_slice(),
            "write an address and a port, as in 127.0.0.1:5900",
        ),
        (
            &["demo", "--listen", "localhost"],
            "write an IP address, as 127.0.0.1 or ::1",
        ),
    ] {
        let (code, _, stderr) = run(empty.path(), arguments);
        assert_eq!(code, Some(2));
        assert!(stderr.contains(words), "{stderr}");
    }
}
