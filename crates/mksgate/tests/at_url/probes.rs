//! `probe --against`: its steps and its errors.

use super::*;

#[test]
fn probe_prints_each_step_and_a_verdict() {
    let (plain, secure) = (Server::plain(Kind::Desktop), Server::secure(Kind::Desktop));
    let folder = folder();
    for (server, expected) in [
        (
            &plain,
            &["url", "tcp", "websocket", "rfb", "screen", "updates"][..],
        ),
        (
            &secure,
            &["url", "tcp", "tls", "websocket", "rfb", "screen", "updates"],
        ),
    ] {
        let url = server.url("/desk?s3cr3t");
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
        assert!(
            lines[lines.len() - 2].ends_with("second update received; ServerCaps not received")
        );
        let screen = lines[lines.len() - 3];
        assert!(
            screen.contains("\"the desk\", 640 x 480, 32 bits per pixel, depth 24, little-endian"),
            "{screen}"
        );
        let verdict = format!("{}: the console opened in ", server.shown("/desk"));
        assert!(lines.last().unwrap().starts_with(&verdict), "{shown}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}

#[test]
fn probe_json_has_the_same_facts() {
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
fn untrusted_certificate_error_has_the_trust_option() {
    let (server, folder) = (Server::secure(Kind::Desktop), folder());
    let url = server.url("/");
    let other = format!("sha256:{}", "ab".repeat(32));
    for more in [&[][..], &["--trust", &other]] {
        let (code, shown, error) = probe(&folder, &[&["--against", &url], more].concat());
        assert_eq!((code, error.as_str()), (Some(7), ""));
        let failed = shown
            .lines()
            .find(|line| line.starts_with("FAILED"))
            .unwrap();
        let option = format!("if it is right, add --trust {}", server.thumbprint);
        assert!(
            failed.contains(" tls ") && failed.ends_with(&option),
            "{failed}"
        );
        assert!(
            failed.chars().count() <= 230,
            "the sentence and its step: {failed}"
        );
        assert_eq!(
            server.heads().len(),
            0,
            "nothing was sent to the untrusted server"
        );
        let (code, shown, _) = probe(&folder, &[&["--against", &url, "--json"], more].concat());
        let answer: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!((code, &answer["ok"]), (Some(7), &false.into()));
        let tls = &answer["steps"][2];
        assert_eq!(tls["thumbprint"], server.thumbprint);
        for key in ["reason", "subject", "issuer", "not_before", "not_after"] {
            assert!(tls[key].is_string(), "{key} in {tls}");
        }
    }
    let any = ["--against", &url, "--trust", "danger-accept-any"];
    let (code, shown, _) = probe(&folder, &any);
    assert!(code == Some(0) && shown.contains("NOT verified"), "{shown}");
}

#[test]
fn probe_names_the_failed_step_cause_and_remedy() {
    let folder = folder();
    let script = |name: &str, text: &str| program(&folder.path().join(name), text);
    script("fails", "#!/bin/sh\necho s3cr3t\nexit 3\n");
    script("nonsense", "#!/bin/sh\necho s3cr3t\n");
    let fails_at = |exit: i32, step: &str, arguments: &[&str], why: &str| {
        let (code, shown, error) = probe(&folder, arguments);
        assert_eq!((code, error.as_str()), (Some(exit), ""), "{shown}");
        let failed: Vec<&str> = shown
            .lines()
            .filter(|line| line.starts_with("FAILED"))
            .collect();
        assert_eq!(failed.len(), 1, "{shown}");
        let words: Vec<&str> = failed[0].split_whitespace().collect();
        assert!(words[1] == step && failed[0].contains(why), "{shown}");
        let verdict = format!("the console did not open, step {step} failed");
        assert!(shown.lines().last().unwrap().ends_with(&verdict), "{shown}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
    };
    let unused = format!("ws://{UNUSED}/");
    fails_at(
        6,
        "tcp",
        &["--against", &unused],
        "check that this machine may connect to it",
    );
    fails_at(
        1,
        "url",
        &["--url-command", "./fails"],
        "failed with exit status: 3",
    );
    fails_at(
        1,
        "url",
        &["--url-command", "./nonsense"],
        "printed an unusable URL (invalid URL",
    );
    fails_at(
        1,
        "url",
        &["--url-command", "./none"],
        "cannot be run (No such file",
    );
    for (kind, step, why) in [
        (
            Kind::NotFound,
            "websocket",
            "HTTP status 404 Not Found): check the URL's path",
        ),
        (Kind::Bare, "websocket", "the answer is not HTTP/1.1"),
        (
            Kind::Subprotocol,
            "websocket",
            "set subprotocol to one that it supports, or to \"none\"",
        ),
        (
            Kind::NoRfb,
            "rfb",
            "the peer does not speak RFB: it began with something else than a protocol version: check that the URL leads to a VNC server",
        ),
        (
            Kind::Silent,
            "rfb",
            "sent no RFB version within 3 s: check that the URL leads to a VNC server, or raise --handshake-timeout",
        ),
    ] {
        let patience: &[&str] = match kind {
            Kind::Silent => &["--handshake-timeout", "3s"],
            _ => &[],
        };
        let server = Server::plain(kind);
        let url = server.url("/");
        let exit = match kind {
            Kind::Silent => 6,
            _ => 1,
        };
        fails_at(exit, step, &[&["--against", &url], patience].concat(), why);
    }
    // wss:// to a server without TLS.
    let plain = Server::plain(Kind::Bare);
    let wss = plain.url("/").replace("ws://", "wss://");
    fails_at(
        1,
        "tls",
        &["--against", &wss],
        " does not speak TLS: check the port",
    );
}
