//! Usage errors, completions and manual pages.

use super::*;

#[test]
fn invalid_options_exit_with_2_before_connecting() {
    let folder = folder();
    let refused = |arguments: &[&str], words: &str| {
        for command in ["connect", "probe"] {
            let all = [&[command], arguments].concat();
            let (code, shown, error) = run(mksgate(&folder, &all));
            assert_eq!((code, shown.as_str()), (Some(2), ""), "{all:?}: {error}");
            assert!(error.contains(words), "{all:?}: {error}");
            assert_eq!(error.lines().count(), 1, "{all:?}: {error}");
            assert!(!error.contains("s3cr3t"), "{error}");
        }
    };
    let sentence = |more: &[&str], words: &str| {
        refused(
            &[&["--url", "wss://127.0.0.1:9/s3cr3t"], more].concat(),
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
    refused(
        &["--url", "wss://h", "--vnc-password-file", "x"],
        "cannot be used with",
    );
    refused(&["--trust", "system"], "<URL>");
    refused(
        &["--url", "s3cr3t"],
        "mksgate: invalid URL: write wss://HOST:PORT/PATH\n",
    );
    refused(&["--url", "http://s3cr3t/"], "write ws:// instead");
    refused(&["--url", "vnc://s3cr3t/"], "neither wss:// nor ws://");
    refused(
        &["--url", "ws://192.0.2.1/s3cr3t"],
        "write wss://, or add --allow-plain\n",
    );
    refused(
        &["--url", "ws://127.0.0.1/", "--trust", "system"],
        "--trust has no effect with ws://",
    );
    refused(&["--url-command", "x 's3cr3t"], "with each quote closed\n");
    refused(&["--url-command", ""], "with each quote closed\n");
    sentence(&["--trust", "maybe"], "unknown trust \"maybe\"");
    sentence(&["--trust", "file:none.pem"], "none.pem does not exist");
    sentence(&["--subprotocol", "two words"], "invalid subprotocol");
    sentence(&["--header", "s3cr3t"], "with a colon between them");
    sentence(
        &["--header", "Host: s3cr3t"],
        "the header Host is sent by mksgate itself",
    );
    sentence(
        &["--header", "X: a", "--header", "x: s3cr3t"],
        "duplicate header x",
    );
    sentence(&["--header", "X: s3cr3t\r\nY: z"], "not printable ASCII");
    sentence(&["--header-env", "s3cr3t"], "takes NAME=VARIABLE");
    sentence(
        &["--header-env", "X=NO_SUCH"],
        "the environment variable NO_SUCH is not set",
    );
    sentence(&["--headers-file", "none"], "none: it does not exist");
    sentence(
        &["--cookie-file", "public"],
        "public: other users can read or write it: chmod 600 public",
    );
    sentence(
        &["--cookie", "s3cr3t", "--cookie-file", "cookie"],
        "cannot be used with",
    );
    sentence(&["--cookie-env", "NO_SUCH"], "set it to the cookie");
    sentence(&["--password-env", "NO_SUCH"], "set it to the password");
    sentence(
        &["--password-file", "cookie"],
        "a VNC password has at most 8 characters",
    );
    sentence(
        &["--handshake-timeout", "soon"],
        "\"soon\" is not a duration",
    );
    sentence(&["--handshake-timeout", "0s"], "leaves no time to connect");
}

#[test]
fn completions_and_manual_have_the_options() {
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
