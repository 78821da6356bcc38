//! `connect --url` and `--url-command`: who sees the console, and what becomes of who does not.

use super::*;

#[test]
fn proxy_only_serves_viewers_in_turn_without_a_vsphere() {
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
fn viewer_title_omits_the_query_of_the_url() {
    let server = Server::plain(Kind::Desktop);
    let (folder, url) = (folder(), server.url("/desk?token=geheim"));
    program(
        &folder.path().join("xtigervncviewer"),
        "#!/bin/sh\nprintf '%s' \"$1\" > told\nexit 3\n",
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
        let (code, said) = ended(child);
        (entered, code, said)
    };
    assert_eq!(stdio(&url), (Ok((640, 480)), Some(0), String::new()));
    let mut garbage = connect(&folder, &["--url", &url, "--stdio"]);
    garbage.stdin(Stdio::piped());
    garbage.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = garbage.spawn().unwrap();
    // It may exit before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(&[b'x'; 300]);
    let (code, said) = ended(child);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("mksgate: this is a VNC port"), "{said}");
    let (entered, code, said) = stdio(&format!("ws://{NOBODY}/"));
    let reason = format!("cannot reach {NOBODY} (");
    assert!(entered.unwrap_err().to_string().contains(&reason));
    assert_eq!(code, Some(6));
    assert!(
        said.starts_with(&format!("mksgate: {reason}")) && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn failed_console_is_reported_and_the_viewers_exit_code_returned() {
    let folder = folder();
    let script = "#!/bin/sh\necho \"{\\\"address\\\":\\\"$1\\\",\\\"port\\\":$2,\\\"password\\\":\\\"$VNC_PASSWORD\\\"}\"\nread -r _\nexit 4\n";
    program(&folder.path().join("own"), script);
    let url = format!("ws://{NOBODY}/");
    let mut command = connect(
        &folder,
        &["--url", &url, "--", "./own", "{{host}}", "{{port}}"],
    );
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let (mut child, line) = proxy(command);
    let reason = format!("cannot reach {NOBODY} (");
    let refused = view(&line, line["password"].as_str().unwrap()).unwrap_err();
    assert!(refused.to_string().contains(&reason), "{refused}");
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let (code, said) = ended(child);
    assert_eq!(code, Some(4));
    assert!(
        said.starts_with(&format!("mksgate: {reason}")) && said.lines().count() == 1,
        "{said}"
    );
}

/// Exit code and stderr.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}
