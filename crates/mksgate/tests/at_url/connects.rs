//! `connect --url` and `--url-command`: which viewers get the console, and how others are refused.

use std::net::TcpStream;

use super::*;

#[test]
fn proxy_only_serves_viewers_in_turn_without_a_vsphere() {
    for server in [Server::plain(Kind::Desktop), Server::secure(Kind::Desktop)] {
        let url = server.url("/websockify?token=s3cr3t");
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
        assert_eq!(
            heads.len(),
            2,
            "a refused viewer is not connected to the server"
        );
        for head in heads {
            assert!(head.starts_with("GET /websockify?token=s3cr3t HTTP/1.1\r\n"));
            assert!(head.contains("\r\nSec-WebSocket-Protocol: binary\r\n"));
        }
    }
}

#[test]
fn url_command_runs_for_each_viewer() {
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
fn headers_and_cookie_come_from_files_and_environment() {
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
        (["--cookie-file", "cookie"], "session=s3cr3t-3"),
        (["--cookie-env", "SECRET"], "s3cr3t-0"),
    ] {
        let arguments = [&["probe", "--against", &url], &options[..], &cookie].concat();
        let mut command = mksgate(&folder, &arguments);
        command.env("SECRET", "s3cr3t-0");
        let (code, shown, error) = run(command);
        assert_eq!((code, error.as_str()), (Some(0), ""), "{shown}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
        assert!(shown.contains("no subprotocol"), "{shown}");
        let head = server.heads().pop().unwrap();
        for line in [
            "X-Here: a: b",
            "X-Too: c",
            "X-Env: s3cr3t-0",
            "X-File: s3cr3t-1",
            "X-Two: s3cr3t-2",
            &format!("Cookie: {expected}"),
        ] {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
        }
        assert!(!head.contains("Sec-WebSocket-Protocol"), "{head}");
    }
}

#[test]
fn custom_command_gets_the_address_and_its_exit_code_is_returned() {
    let server = Server::plain(Kind::Desktop);
    let (folder, url) = (folder(), server.url("/"));
    let script = "#!/bin/sh\nprintf '%s|' \"$@\" \"$VNC_PASSWORD\"\nexit 7\n";
    program(&folder.path().join("own"), script);
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
    let (code, shown, error) = run(connect(&folder, &arguments));
    assert_eq!((code, error.as_str()), (Some(7), ""));
    let words: Vec<&str> = shown.split('|').collect();
    let port: i32 = words[1].parse().unwrap();
    assert_eq!(
        (words[0], words[2]),
        ("127.0.0.1", (port - 5900).to_string().as_str())
    );
    assert_eq!(words[3].len(), 8, "the password is in its environment");
    assert_eq!(
        server.heads().len(),
        0,
        "without a viewer the server is not dialled"
    );
}

#[test]
fn viewer_title_omits_the_query_of_the_url() {
    let server = Server::plain(Kind::Desktop);
    let (folder, url) = (folder(), server.url("/desk?token=s3cr3t"));
    program(
        &folder.path().join("xtigervncviewer"),
        "#!/bin/sh\nprintf '%s' \"$1\" > arguments\nexit 3\n",
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
    let started = std::fs::read_to_string(folder.path().join("arguments")).unwrap();
    assert!(started.starts_with("127.0.0.1::"), "{started}");
}

#[test]
fn stdio_relays_the_console_and_reports_failures() {
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
        let (code, error) = ended(child);
        (entered, code, error)
    };
    assert_eq!(stdio(&url), (Ok((640, 480)), Some(0), String::new()));
    let mut garbage = connect(&folder, &["--url", &url, "--stdio"]);
    garbage.stdin(Stdio::piped());
    garbage.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = garbage.spawn().unwrap();
    // It may exit before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(&[b'x'; 300]);
    let (code, error) = ended(child);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.starts_with("mksgate: this is a VNC port"), "{error}");
    let (entered, code, error) = stdio(&format!("ws://{UNUSED}/"));
    let reason = format!("cannot reach {UNUSED} (");
    let refused = entered.unwrap_err().to_string();
    assert!(
        refused.contains("the console's host cannot be reached"),
        "{refused}"
    );
    assert_eq!(code, Some(6));
    assert!(
        error.starts_with(&format!("mksgate: {reason}")) && error.lines().count() == 1,
        "{error}"
    );
}

#[test]
fn failed_console_is_reported_and_the_viewers_exit_code_returned() {
    let folder = folder();
    let script = "#!/bin/sh\necho \"{\\\"address\\\":\\\"$1\\\",\\\"port\\\":$2,\\\"password\\\":\\\"$VNC_PASSWORD\\\"}\"\nread -r _\nexit 4\n";
    program(&folder.path().join("own"), script);
    let url = format!("ws://{UNUSED}/");
    let mut command = connect(
        &folder,
        &["--url", &url, "--", "./own", "{{host}}", "{{port}}"],
    );
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let (mut child, line) = proxy(command);
    let reason = format!("cannot reach {UNUSED} (");
    let refused = view(&line, line["password"].as_str().unwrap()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("the console's host cannot be reached"),
        "{refused}"
    );
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let (code, error) = ended(child);
    assert_eq!(code, Some(4));
    assert!(
        error.starts_with(&format!("mksgate: {reason}")) && error.lines().count() == 1,
        "{error}"
    );
}

/// Exit code and stderr.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), error)
}

#[test]
fn url_and_against_mean_the_same_for_all_commands() {
    let server = Server::plain(Kind::Small);
    let (folder, url) = (folder(), server.url("/"));
    for option in ["--url", "--against"] {
        for arguments in [
            &["probe", option, &url][..],
            &["screenshot", option, &url, "-o", "desk.png"],
            &["type", option, &url, "abc", "--delay", "1", "-q"],
            &["type", "--enter", "abc", option, &url, "--delay", "1", "-q"],
            &[
                "keys",
                option,
                &url,
                "a",
                "ctrl-alt-del",
                "--delay",
                "1",
                "-q",
            ],
            &["connect", option, &url, "--", "true"],
        ] {
            let (code, _, error) = run(mksgate(&folder, arguments));
            assert_eq!((code, error.as_str()), (Some(0), ""), "{arguments:?}");
        }
        let png = std::fs::read(folder.path().join("desk.png")).unwrap();
        assert_eq!(png[1..4], *b"PNG");
        assert_eq!(png[16..24], [0, 0, 0, 4, 0, 0, 0, 4], "IHDR: 4 x 4");
        std::fs::remove_file(folder.path().join("desk.png")).unwrap();
    }
    for (arguments, words) in [
        (&["keys", "--url", &url][..], "there are no keys to press"),
        (&["type", "--url", &url], "there is no text to type"),
        (
            &["type", "--url", &url, "vm08", "abc"],
            "with a URL there is no VM",
        ),
        (
            &["screenshot", "vm08", "--url", &url, "-o", "-"],
            "cannot be used with",
        ),
        (
            &["screenshot", "--url", &url, "-o", "-", "--via", "api"],
            "cannot be used with",
        ),
        (
            &["screenshot", "--url", &url, "--all", "-d", "x"],
            "cannot be used with",
        ),
    ] {
        let (code, shown, error) = run(mksgate(&folder, arguments));
        assert_eq!((code, shown.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
}

#[test]
fn once_serves_one_viewer_and_ends_with_it() {
    let server = Server::plain(Kind::Desktop);
    let (folder, url) = (folder(), server.url("/"));
    let arguments = ["--url", &url, "--proxy-only", "--once"];
    let (mut child, line) = proxy(connect(&folder, &arguments));
    let password = line["password"].as_str().unwrap();
    // Whoever does not know the password is not served.
    assert!(view(&line, "wrong").is_err());
    let port = u16::try_from(line["port"].as_u64().unwrap()).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(enter(&socket, &socket, Some(password)), Ok((640, 480)));
    let second = view(&line, password).unwrap_err().to_string();
    assert!(second.contains("sessions"), "{second}");
    drop(socket);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn once_ends_with_the_exit_code_of_the_failure() {
    let folder = folder();
    let url = format!("ws://{UNUSED}/");
    let arguments = ["--log", "json", "--url", &url, "--proxy-only", "--once"];
    let mut command = connect(&folder, &arguments);
    command.stderr(Stdio::piped());
    let (mut child, line) = proxy(command);
    let refused = view(&line, line["password"].as_str().unwrap()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("the console's host cannot be reached"),
        "{refused}"
    );
    let mut error = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut error).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(6));
    let error: Value = serde_json::from_str(error.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"], "host-unreachable");
    assert_eq!(
        (&error["stage"], &error["blame"]),
        (&"dial".into(), &"esxi".into())
    );
}
