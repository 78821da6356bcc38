//! `connect --url` and `probe --against`, the program itself against servers that speak VNC in a WebSocket, or do not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod server;
#[path = "../support/mod.rs"]
mod support;

use std::fs::Permissions;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use server::{Kind, Server};
use support::mksgate;
use support::viewer::{enter, interrupt, proxy, view};

/// A folder with what the options name.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    write(
        &folder,
        "headers",
        "X-File: geheim-1\n# no header\nX-Two: geheim-2\n",
        0o600,
    );
    write(&folder, "cookie", "session=geheim-3\n", 0o600);
    write(&folder, "public", "session=geheim-4\n", 0o644);
    folder
}

fn write(folder: &TempDir, name: &str, text: &str, mode: u32) {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
}

/// A program that prints this URL with a number at its end: how often it was run.
fn counting(folder: &TempDir, url: &str) {
    let script = format!("#!/bin/sh\necho >> runs\necho \"{url}$(wc -l < runs)\"\n");
    write(folder, "fresh-url", &script, 0o700);
}

/// Exit code, stdout and stderr.
fn run(mut command: Command) -> (Option<i32>, String, String) {
    let done = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

fn connect(folder: &TempDir, arguments: &[&str]) -> Command {
    mksgate(folder, &[&["connect"], arguments].concat())
}

fn probe(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String, String) {
    run(mksgate(folder, &[&["probe"], arguments].concat()))
}

/// An address on which nobody listens.
fn nobody() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().to_string()
}

#[test]
fn proxy_only_serves_one_viewer_after_another_without_any_vsphere() {
    for server in [Server::plain(Kind::Desktop), Server::secure(Kind::Desktop)] {
        let url = server.url("/websockify?token=geheim");
        let mut arguments = vec!["--url", &url, "--proxy-only"];
        if !server.thumbprint.is_empty() {
            arguments.extend(["--trust", &server.thumbprint]);
        }
        let folder = folder();
        let (mut child, line) = proxy(connect(&folder, &arguments));
        assert_eq!(line["address"], "127.0.0.1");
        let password = line["password"].as_str().unwrap();
        for _ in 0..2 {
            assert_eq!(view(&line, password), Ok((640, 480)));
        }
        let refused = view(&line, "wrong").unwrap_err();
        assert!(refused.to_string().contains("wrong password"), "{refused}");
        assert_eq!(interrupt(&mut child), Some(0));
        let heads = server.heads();
        assert_eq!(heads.len(), 2, "who does not get in is not let through");
        for head in heads {
            assert!(head.starts_with("GET /websockify?token=geheim HTTP/1.1\r\n"));
            assert!(head.contains("\r\nSec-WebSocket-Protocol: binary\r\n"));
        }
    }
}

#[test]
fn each_viewer_gets_the_url_that_the_command_prints() {
    let server = Server::plain(Kind::Desktop);
    let folder = folder();
    counting(&folder, &server.url("/"));
    let arguments = ["--url-command", "./fresh-url 'an argument'", "--proxy-only"];
    let (mut child, line) = proxy(connect(&folder, &arguments));
    for number in 1..=3 {
        assert_eq!(
            view(&line, line["password"].as_str().unwrap()),
            Ok((640, 480))
        );
        let head = server.heads().pop().unwrap();
        assert!(
            head.starts_with(&format!("GET /{number} HTTP/1.1\r\n")),
            "{head}"
        );
    }
    assert_eq!(interrupt(&mut child), Some(0));
}

#[test]
fn what_goes_with_the_request_may_stand_in_files_and_in_the_environment() {
    let server = Server::plain(Kind::Desktop);
    let folder = folder();
    let url = server.url("/");
    let options = [
        "--subprotocol",
        "none",
        "--header",
        "X-Here: a: b",
        "--header",
        "X-Too:c",
        "--header-env",
        "X-Env=SECRET",
        "--headers-file",
        "headers",
    ];
    for (cookie, expected) in [
        (["--cookie", "session=open"], "session=open"),
        (["--cookie-file", "cookie"], "session=geheim-3"),
        (["--cookie-env", "SECRET"], "geheim-0"),
    ] {
        let arguments = [&["probe", "--against", &url], &options[..], &cookie].concat();
        let mut command = mksgate(&folder, &arguments);
        command.env("SECRET", "geheim-0");
        let (code, shown, error) = run(command);
        assert_eq!((code, error.as_str()), (Some(0), ""), "{shown}");
        assert!(!shown.contains("geheim"), "{shown}");
        assert!(shown.contains("no subprotocol"), "{shown}");
        let head = server.heads().pop().unwrap();
        for line in [
            "X-Here: a: b",
            "X-Too: c",
            "X-Env: geheim-0",
            "X-File: geheim-1",
            "X-Two: geheim-2",
            &format!("Cookie: {expected}"),
        ] {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
        }
        assert!(!head.contains("Sec-WebSocket-Protocol"), "{head}");
    }
}

#[test]
fn a_command_of_ones_own_learns_where_to_connect_and_its_code_is_ours() {
    let server = Server::plain(Kind::Desktop);
    let (folder, url) = (folder(), server.url("/"));
    let script = "#!/bin/sh\nprintf '%s|' \"$@\" \"$VNC_PASSWORD\"\nexit 7\n";
    write(&folder, "own", script, 0o700);
    let arguments = [
        "--url",
        &url,
        "--listen",
        "127.0.0.1:0",
        "--",
        "./own",
        "{{host}}",
        "{{port}}",
        "{{display}}",
    ];
    let (code, said, error) = run(connect(&folder, &arguments));
    assert_eq!((code, error.as_str()), (Some(7), ""));
    let told: Vec<&str> = said.split('|').collect();
    let port: i32 = told[1].parse().unwrap();
    assert_eq!(
        (told[0], told[2]),
        ("127.0.0.1", (port - 5900).to_string().as_str())
    );
    assert_eq!(told[3].len(), 8, "the password is in its environment");
    assert_eq!(
        server.heads().len(),
        0,
        "nobody has come, so nobody was dialled"
    );
}

#[test]
fn the_viewer_that_is_installed_is_started_and_the_console_named_without_its_query() {
    let server = Server::plain(Kind::Desktop);
    let (folder, url) = (folder(), server.url("/desk?token=geheim"));
    write(
        &folder,
        "xtigervncviewer",
        "#!/bin/sh\nprintf '%s' \"$1\" > told\nexit 3\n",
        0o700,
    );
    let mut command = connect(&folder, &["--url", &url]);
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    command.env("PATH", path).env("DISPLAY", ":0");
    let (code, _, error) = run(command);
    let viewer = folder.path().join("xtigervncviewer");
    let expected = format!(
        "{}: TigerVNC ({})\n",
        server.shown("/desk"),
        viewer.display()
    );
    assert_eq!((code, error), (Some(3), expected));
    let told = std::fs::read_to_string(folder.path().join("told")).unwrap();
    assert!(told.starts_with("127.0.0.1::"), "{told}");
}

#[test]
fn stdio_is_the_console_itself_and_what_it_cannot_be_is_told() {
    let server = Server::plain(Kind::Desktop);
    let (folder, url) = (folder(), server.url("/"));
    let stdio = |url: &str| {
        let mut command = connect(&folder, &["--url", url, "--stdio"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let entered = enter(&mut output, &mut input, None);
        drop(input);
        output.read_to_end(&mut Vec::new()).unwrap();
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (entered, child.wait().unwrap().code(), said)
    };
    assert_eq!(stdio(&url), (Ok((640, 480)), Some(0), String::new()));
    let nobody = nobody();
    let (entered, code, said) = stdio(&format!("ws://{nobody}/"));
    let reason = format!("cannot reach {nobody} (");
    assert!(entered.unwrap_err().to_string().contains(&reason));
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with(&format!("mksgate: {reason}")) && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn why_a_viewer_got_no_console_is_told_here_too_and_its_code_stays_ours() {
    let (folder, nobody) = (folder(), nobody());
    let script = "#!/bin/sh\necho \"{\\\"address\\\":\\\"$1\\\",\\\"port\\\":$2,\\\"password\\\":\\\"$VNC_PASSWORD\\\"}\"\nread -r _\nexit 4\n";
    write(&folder, "own", script, 0o700);
    let url = format!("ws://{nobody}/");
    let mut command = connect(
        &folder,
        &["--url", &url, "--", "./own", "{{host}}", "{{port}}"],
    );
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let (mut child, line) = proxy(command);
    let reason = format!("cannot reach {nobody} (");
    let refused = view(&line, line["password"].as_str().unwrap()).unwrap_err();
    assert!(refused.to_string().contains(&reason), "{refused}");
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert!(
        said.starts_with(&format!("mksgate: {reason}")) && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn probe_tells_each_step_and_ends_with_a_verdict() {
    let (plain, secure) = (Server::plain(Kind::Desktop), Server::secure(Kind::Desktop));
    let folder = folder();
    for (server, expected) in [
        (&plain, &["url", "tcp", "websocket", "rfb", "screen"][..]),
        (
            &secure,
            &["url", "tcp", "tls", "websocket", "rfb", "screen"],
        ),
    ] {
        let url = server.url("/desk?geheim");
        let mut arguments = vec!["--against", &url];
        if !server.thumbprint.is_empty() {
            arguments.extend(["--trust", &server.thumbprint]);
        }
        let (code, shown, error) = probe(&folder, &arguments);
        assert_eq!((code, error.as_str()), (Some(0), ""), "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let steps: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("ok"))
            .map(|line| line.split_whitespace().next().unwrap())
            .collect();
        assert_eq!(steps, expected);
        let screen = lines[lines.len() - 2];
        assert!(
            screen.contains("\"the desk\", 640 x 480, 32 bits per pixel, depth 24, little-endian"),
            "{screen}"
        );
        let verdict = format!("{} has a console, ready after ", server.shown("/desk"));
        assert!(lines.last().unwrap().starts_with(&verdict), "{shown}");
        assert!(!shown.contains("geheim"), "{shown}");
    }
}

#[test]
fn probe_for_programs_has_the_same_as_values() {
    let (server, folder) = (Server::secure(Kind::Desktop), folder());
    let url = server.url("/");
    let arguments = ["--against", &url, "--trust", &server.thumbprint, "--json"];
    let (code, shown, _) = probe(&folder, &arguments);
    assert_eq!(code, Some(0));
    let answer: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&answer["ok"], &answer["url"]),
        (&true.into(), &server.shown("").into())
    );
    assert!(answer.get("vm").is_none());
    let steps = answer["steps"].as_array().unwrap();
    assert!(
        steps
            .iter()
            .all(|step| step["ok"] == true && step["seconds"].is_number())
    );
    assert_eq!(steps[0]["url"], format!("wss://{}", server.shown("")));
    assert_eq!(
        (&steps[2]["thumbprint"], &steps[2]["trust"]),
        (&server.thumbprint.as_str().into(), &"sha256".into())
    );
    assert_eq!(steps[3]["subprotocol"], "binary");
    assert_eq!(
        (&steps[4]["version"], &steps[4]["security_types"][0]),
        (&"3.8".into(), &"None".into())
    );
    assert_eq!(
        (&steps[5]["name"], &steps[5]["width"]),
        (&"the desk".into(), &640.into())
    );
}

#[test]
fn a_certificate_that_is_not_trusted_comes_with_the_option_that_would_trust_it() {
    let (server, folder) = (Server::secure(Kind::Desktop), folder());
    let url = server.url("/");
    let other = format!("sha256:{}", "ab".repeat(32));
    for more in [&[][..], &["--trust", &other]] {
        let (code, shown, error) = probe(&folder, &[&["--against", &url], more].concat());
        assert_eq!((code, error.as_str()), (Some(1), ""));
        let failed = shown
            .lines()
            .find(|line| line.starts_with("FAILED"))
            .unwrap();
        let option = format!(
            "if that is the right one, add --trust {}",
            server.thumbprint
        );
        assert!(
            failed.contains(" tls ") && failed.ends_with(&option),
            "{failed}"
        );
        assert_eq!(server.heads().len(), 0, "nothing was said to whoever it is");
        let (code, shown, _) = probe(&folder, &[&["--against", &url, "--json"], more].concat());
        let answer: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!((code, &answer["ok"]), (Some(1), &false.into()));
        assert_eq!(answer["steps"][2]["thumbprint"], server.thumbprint);
    }
    let any = ["--against", &url, "--trust", "danger-accept-any"];
    let (code, shown, _) = probe(&folder, &any);
    assert!(code == Some(0) && shown.contains("NOT verified"), "{shown}");
}

#[test]
fn probe_says_which_step_fails_why_and_what_to_try() {
    let folder = folder();
    write(&folder, "fails", "#!/bin/sh\necho geheim\nexit 3\n", 0o700);
    write(&folder, "nonsense", "#!/bin/sh\necho geheim\n", 0o700);
    let fails_at = |step: &str, arguments: &[&str], why: &str| {
        let (code, shown, error) = probe(&folder, arguments);
        assert_eq!((code, error.as_str()), (Some(1), ""), "{shown}");
        let failed: Vec<&str> = shown
            .lines()
            .filter(|line| line.starts_with("FAILED"))
            .collect();
        assert_eq!(failed.len(), 1, "{shown}");
        let words: Vec<&str> = failed[0].split_whitespace().collect();
        assert!(words[1] == step && failed[0].contains(why), "{shown}");
        let verdict = format!("has no console for us: it fails at {step}");
        assert!(shown.lines().last().unwrap().ends_with(&verdict), "{shown}");
        assert!(!shown.contains("geheim"), "{shown}");
    };
    let nobody = format!("ws://{}/", nobody());
    fails_at(
        "tcp",
        &["--against", &nobody],
        "see that this machine may connect to it",
    );
    fails_at(
        "url",
        &["--url-command", "./fails"],
        "failed with exit status: 3",
    );
    fails_at(
        "url",
        &["--url-command", "./nonsense"],
        "printed what is of no use (this is no URL",
    );
    fails_at(
        "url",
        &["--url-command", "./none"],
        "cannot be used (No such file",
    );
    for (kind, step, why) in [
        (
            Kind::NotFound,
            "websocket",
            "HTTP status 404 Not Found): see the path of its url",
        ),
        (Kind::Bare, "websocket", "the answer is not HTTP/1.1"),
        (
            Kind::Subprotocol,
            "websocket",
            "set subprotocol to the one that it speaks, or to \"none\"",
        ),
        (
            Kind::NoRfb,
            "rfb",
            "the peer does not speak RFB: it began with something else than a protocol version: see that VNC is behind this URL",
        ),
        (
            Kind::Silent,
            "rfb",
            "did not say that it speaks RFB within 1 s: see that VNC is behind this URL, or raise --handshake-timeout",
        ),
    ] {
        let server = Server::plain(kind);
        fails_at(
            step,
            &["--against", &server.url("/"), "--handshake-timeout", "1s"],
            why,
        );
    }
    // TLS where there is none.
    let plain = Server::plain(Kind::Bare);
    let wss = plain.url("/").replace("ws://", "wss://");
    fails_at("tls", &["--against", &wss], "no TLS connection to ");
}

#[test]
fn what_cannot_be_meant_is_told_with_code_2_before_anything_is_tried() {
    let folder = folder();
    let refused = |arguments: &[&str], words: &str| {
        for command in ["connect", "probe"] {
            let all = [&[command], arguments].concat();
            let (code, shown, error) = run(mksgate(&folder, &all));
            assert_eq!((code, shown.as_str()), (Some(2), ""), "{all:?}: {error}");
            assert!(error.contains(words), "{all:?}: {error}");
            assert!(!error.contains("geheim"), "{error}");
        }
    };
    let sentence = |more: &[&str], words: &str| {
        refused(
            &[&["--url", "wss://127.0.0.1:9/geheim"], more].concat(),
            words,
        );
    };
    refused(&[], "<VM|--");
    refused(&["vm08", "--url", "wss://h"], "cannot be used with");
    refused(
        &["--url", "wss://h", "--url-command", "x"],
        "cannot be used with",
    );
    refused(
        &["--url", "wss://h", "--vsphere", "x"],
        "cannot be used with",
    );
    refused(&["--trust", "system"], "<URL>");
    refused(
        &["--url", "geheim"],
        "mksgate: this is no URL: write wss://HOST:PORT/PATH\n",
    );
    refused(&["--url", "http://geheim/"], "write ws:// instead");
    refused(&["--url", "vnc://geheim/"], "no wss:// and no ws://");
    refused(
        &["--url", "ws://192.0.2.1/geheim"],
        "write wss://, or add --allow-plain\n",
    );
    refused(
        &["--url", "ws://127.0.0.1/", "--trust", "system"],
        "--trust is of no use with ws://",
    );
    refused(&["--url-command", "x 'geheim"], "with each quote closed\n");
    refused(&["--url-command", ""], "with each quote closed\n");
    sentence(&["--trust", "maybe"], "\"maybe\" is no trust");
    sentence(
        &["--trust", "file:none.pem"],
        "none.pem cannot be read as certificates",
    );
    sentence(&["--subprotocol", "two words"], "this is no subprotocol");
    sentence(&["--header", "geheim"], "with a colon between them");
    sentence(
        &["--header", "Host: geheim"],
        "the header Host is not for you to set",
    );
    sentence(
        &["--header", "X: a", "--header", "x: geheim"],
        "the header x is given twice",
    );
    sentence(
        &["--header", "X: geheim\r\nY: z"],
        "holds what HTTP does not allow",
    );
    sentence(&["--header-env", "geheim"], "takes NAME=VARIABLE");
    sentence(
        &["--header-env", "X=NO_SUCH"],
        "the environment variable NO_SUCH is not set",
    );
    sentence(&["--headers-file", "none"], "none: it cannot be read");
    sentence(
        &["--cookie-file", "public"],
        "public: others can read or write it: chmod 600 public",
    );
    sentence(
        &["--cookie", "geheim", "--cookie-file", "cookie"],
        "cannot be used with",
    );
    sentence(&["--cookie-env", "NO_SUCH"], "set it to the cookie");
    sentence(&["--password-env", "NO_SUCH"], "set it to the password");
    sentence(
        &["--password-file", "cookie"],
        "a VNC password has at most 8 characters",
    );
    sentence(&["--handshake-timeout", "soon"], "\"soon\" is no duration");
    sentence(&["--handshake-timeout", "0s"], "lets nobody in");
}

#[test]
fn completions_and_manual_know_the_options() {
    let folder = folder();
    let complete = |words: &[&str]| {
        let mut command = mksgate(&folder, &[&["--", "mksgate"], words].concat());
        command
            .env("MKSGATE_COMPLETE", "bash")
            .env("_CLAP_IFS", "|")
            .env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        run(command).1
    };
    assert_eq!(complete(&["connect", "--url"]), "--url|--url-command");
    assert_eq!(complete(&["probe", "--aga"]), "--against");
    assert!(complete(&["probe", "--cookie"]).contains("--cookie-file"));
    let (code, _, _) = run(mksgate(&folder, &["man", "-d", "pages"]));
    assert_eq!(code, Some(0));
    for (page, option) in [
        ("connect", "\\-\\-url\\-command"),
        ("probe", "\\-\\-against"),
        ("probe", "\\-\\-headers\\-file"),
    ] {
        let path = folder.path().join(format!("pages/mksgate-{page}.1"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(option), "{page}: {text}");
    }
}
