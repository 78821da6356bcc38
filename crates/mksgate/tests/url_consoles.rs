//! `[[console]]` with a URL: settings, errors, and the output of `check`.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;

use console::endpoint::{Endpoint, Origin};
use console::settings::Backend;
use console::tls::{Thumbprint, Trust};
use gateway::CtrlAltInsert;
use gateway::settings::Config;
use secrecy::ExposeSecret;
use tempfile::TempDir;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, mode) in [
        ("cookie", "session=s3cr3t\n", 0o600),
        (
            "headers",
            "Authorization: Bearer s3cr3t\n# X: y\n\nOrigin:https://h\n",
            0o600,
        ),
        ("twice", "X-A: 1\nx-a: 2\n", 0o600),
        ("colon", "X-A: 1\ns3cr3t\n", 0o600),
        ("public", "s3cr3t", 0o644),
        ("password", "8letters", 0o600),
        ("long", "nine-chars", 0o600),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    folder
}

/// A configuration with these keys; line numbers in errors count from the first of them.
fn parse(keys: &str) -> Result<Config, String> {
    let folder = folder();
    let path = folder.path().join("gateway.toml");
    config::parse(&format!("{keys}\n"), &path).map_err(|error| {
        let error = error.to_string();
        error
            .replace(path.to_str().unwrap(), "")
            .replace(folder.path().to_str().unwrap(), "")
    })
}

fn endpoint(keys: &str) -> Arc<Endpoint> {
    let config = parse(&format!("[[console]]\nport = 5990\n{keys}")).unwrap();
    match &config.consoles[0].backend {
        Backend::Url(endpoint) => Arc::clone(endpoint),
        backend => panic!("{backend}"),
    }
}

/// The first mistake; the section of `lab` is the last.
fn error(keys: &str) -> String {
    let lab = "[vsphere.lab]\naddress = \"h\"\nusername = \"u\"\n";
    parse(&format!("[[console]]\nport = 5990\n{keys}\n{lab}"))
        .map(|config| panic!("{config:?} is no error"))
        .unwrap_err()
}

#[test]
fn two_lines_suffice_and_defaults_are_safe() {
    let found = endpoint("url = \"wss://198.51.100.7/some/path?token=s3cr3t\"");
    assert_eq!(found.name, "198.51.100.7:443/some/path");
    assert_eq!(found.trust, Trust::System);
    assert_eq!(found.subprotocol.as_deref(), Some("binary"));
    assert!(found.headers.iter().count() == 0 && found.password.is_none() && !found.allow_plain);
}

#[test]
fn all_keys_are_read() {
    let found = endpoint(&format!(
        "url = \"wss://h\"\nname = \"vm 8\"\ntrust = \"sha256:{}\"\nsubprotocol = \"plain.kubevirt.io\"\n\
         cookie_file = \"cookie\"\nheaders_file = \"headers\"\npassword_file = \"password\"\n\
         headers = {{ X-Plain = \"yes, plain\" }}\nheaders_env = {{ X-Env = \"CARGO_PKG_NAME\" }}",
        "ab".repeat(32)
    ));
    assert_eq!(found.name, "vm 8");
    assert_eq!(found.trust, Trust::Pinned(Thumbprint::Sha256([0xab; 32])));
    assert_eq!(found.subprotocol.as_deref(), Some("plain.kubevirt.io"));
    assert!(found.password.is_some());
    let headers: Vec<(&str, &str)> = found
        .headers
        .iter()
        .map(|(name, value)| (name, value.expose_secret()))
        .collect();
    assert_eq!(
        headers,
        [
            ("X-Plain", "yes, plain"),
            ("X-Env", "mksgate"),
            ("Authorization", "Bearer s3cr3t"),
            ("Origin", "https://h"),
            ("Cookie", "session=s3cr3t"),
        ]
    );
    let none = endpoint("url = \"ws://localhost:6080/\"\nsubprotocol = \"none\"");
    assert_eq!(none.subprotocol, None);
    let command = endpoint("url_command = [\"print-url\", \"s3cr3t\"]");
    assert_eq!(command.name, "print-url");
    assert!(matches!(command.origin, Origin::Command(_)));
}

#[test]
fn url_consoles_are_transparent_unless_a_dialect_key_is_set() {
    let input_settings = |keys: &str| {
        let config = parse(&format!("[[console]]\nport = 1\nurl = \"wss://h\"\n{keys}")).unwrap();
        config.consoles[0].input_settings
    };
    assert!(input_settings("").is_none() && input_settings("transparent = true").is_none());
    assert!(input_settings("transparent = false").is_some());
    assert!(input_settings("paste = \"type\"").is_some_and(|input_settings| input_settings.paste));
    let as_is = input_settings("ctrl_alt_insert = \"as-is\"").unwrap();
    assert_eq!(as_is.ctrl_alt_insert, CtrlAltInsert::AsIs);
    let default = input_settings("paste = \"type\"").unwrap();
    assert_eq!(default.ctrl_alt_insert, CtrlAltInsert::Delete);
    assert!(error("url = \"wss://h\"\nctrl_alt_insert = \"no\"").contains("\"delete\", \"as-is\""));
    assert!(
        error("url = \"wss://h\"\ntransparent = true\npaste = \"type\"")
            .starts_with(":5:9: this key has no effect with transparent = true")
    );
}

#[test]
fn debug_output_has_no_secrets() {
    let found = endpoint(
        "url = \"wss://s3cr3t:s3cr3t@h/ticket/s3cr3t?s3cr3t\"\ncookie = \"s3cr3t\"\nheaders = { X = \"s3cr3t\" }",
    );
    let command = endpoint("url_command = [\"print-url\", \"s3cr3t\"]");
    let printed = format!("{found:?}{found:#?}{command:?}");
    assert!(printed.contains("h:443/ticket/...") && printed.contains("print-url"));
    assert!(!printed.contains("s3cr3t"), "{printed}");
}

#[test]
fn console_has_exactly_one_target() {
    const URL: &str = "url = \"wss://h/s3cr3t\"\n";
    const VM: &str = "vsphere = \"lab\"\nvm = \"vm08\"\n";
    for (keys, expected) in [
        (
            "",
            ":2:8: this console has no target: add vsphere and vm, or url",
        ),
        ("vm = \"vm08\"", ":3:6: this console has no vsphere: add it"),
        ("vsphere = \"lab\"", ":3:11: this console has no vm: add it"),
        (
            &format!("{VM}{URL}"),
            ":5:7: url has no effect with vsphere and vm: remove it, or remove those two",
        ),
        (
            &format!("{VM}cookie = \"s3cr3t\""),
            ":5:10: cookie has no effect with vsphere and vm: remove it, or remove those two",
        ),
        (
            &format!("{VM}trust = \"system\""),
            ":5:9: trust has no effect with vsphere and vm: remove it, or remove those two",
        ),
        (
            &format!("{VM}allow_plain = false"),
            ":5:15: allow_plain has no effect with vsphere and vm: remove it, or remove those two",
        ),
        (
            &format!("{URL}url_command = [\"x\"]"),
            ":4:15: this console has url and url_command: keep one of them",
        ),
        (
            "url_command = []",
            ":3:15: url_command has no program: write [\"PROGRAM\", \"ARGUMENT\"]",
        ),
        (
            &format!("{URL}urls = 1"),
            ":4:1: unknown key `urls`: did you mean `url`?",
        ),
    ] {
        assert_eq!(error(keys), expected, "{keys}");
    }
}

#[test]
fn vnc_password_keys_are_for_vms_and_password_keys_for_urls() {
    let lab = "[vsphere.lab]\naddress = \"esxi\"\nusername = \"root\"\npassword_env = \"CARGO_PKG_NAME\"\n";
    let vm = |keys: &str| {
        let console = "[[console]]\nport = 1\nvsphere = \"lab\"\nvm = \"vm08\"\n";
        parse(&format!("{lab}{console}{keys}"))
    };
    for (keys, expected) in [
        ("", false),
        ("vnc_password_file = \"password\"", true),
        ("vnc_password_env = \"CARGO_PKG_VERSION\"", true),
    ] {
        let config = vm(keys).unwrap();
        match &config.consoles[0].backend {
            Backend::Vm { password, .. } => assert_eq!(password.is_some(), expected, "{keys}"),
            backend => panic!("{backend}"),
        }
        assert!(!format!("{config:?}").contains("8letters"));
    }
    for (keys, words) in [
        (
            "vnc_password_file = \"password\"\nvnc_password_env = \"X\"",
            "keep vnc_password_file or vnc_password_env",
        ),
        ("vnc_password_file = \"public\"", "chmod 600"),
        ("vnc_password_file = \"long\"", "8"),
        ("vnc_password_env = \"NOT_SET\"", "NOT_SET is not set"),
        (
            "password_file = \"password\"",
            "password_file has no effect with vsphere and vm",
        ),
    ] {
        let error = vm(keys).map(|_| ()).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    for key in ["vnc_password_file", "vnc_password_env"] {
        let error = error(&format!("url = \"wss://h\"\n{key} = \"password\""));
        assert!(
            error.contains("write password_file or password_env"),
            "{error}"
        );
    }
}

#[test]
fn invalid_url_is_refused_and_not_repeated() {
    for (url, words) in [
        ("s3cr3t", "invalid URL"),
        ("https://s3cr3t/", "write wss:// instead"),
        ("vnc://s3cr3t/", "neither wss:// nor ws://"),
        ("ws://192.0.2.1/s3cr3t", "add allow_plain = true"),
    ] {
        let error = error(&format!("url = \"{url}\""));
        assert!(
            error.starts_with(":3:7: ") && error.contains(words),
            "{error}"
        );
        assert!(!error.contains("s3cr3t"), "{error}");
    }
    assert!(endpoint("url = \"ws://192.0.2.1/\"\nallow_plain = true").allow_plain);
}

#[test]
fn url_options_are_checked_and_values_not_repeated() {
    let at = |keys: &str| error(&format!("url = \"wss://h\"\n{keys}"));
    for (keys, expected) in [
        ("trust = \"maybe\"", ":4:9: unknown trust \"maybe\": write"),
        (
            "subprotocol = \"two words\"",
            ":4:15: invalid subprotocol: write one word",
        ),
        (
            "name = \"\"",
            ":4:8: the name is empty or has control characters",
        ),
        (
            "headers = { Host = \"s3cr3t\" }",
            ":4:20: the header Host is sent by mksgate itself: remove it",
        ),
        (
            "headers = { \"X Y\" = \"s3cr3t\" }",
            ":4:21: invalid header name",
        ),
        (
            "headers = { X = \"s3cr3t\\nY: z\" }",
            ":4:17: the value of the header X is empty or not printable ASCII",
        ),
        (
            "headers = { X = \"\" }",
            ":4:17: the value of the header X is empty",
        ),
        (
            "cookie = \"s3cr3t\\r\\n\"",
            ":4:10: the value of the header Cookie is empty or not printable ASCII",
        ),
        (
            "headers = { cookie = \"a\" }\ncookie = \"s3cr3t\"",
            ":5:10: duplicate header Cookie: keep one",
        ),
        (
            "cookie = \"s3cr3t\"\ncookie_file = \"cookie\"",
            ":5:15: this console has two cookies: keep",
        ),
        (
            "cookie_file = \"public\"",
            ":4:15: /public: other users can read or write it: chmod 600",
        ),
        ("cookie_file = \"none\"", ":4:15: /none: it does not exist"),
        (
            "cookie_env = \"NO_SUCH_VARIABLE\"",
            ":4:14: the environment variable NO_SUCH_VARIABLE is not set: set it to the cookie",
        ),
        (
            "headers_env = { X = \"NO_SUCH_VARIABLE\" }",
            ":4:21: the environment variable NO_SUCH_VARIABLE is not set: set it to the value of the header",
        ),
        (
            "headers_file = \"twice\"",
            ":4:16: /twice: line 2: duplicate header x-a",
        ),
        (
            "headers_file = \"colon\"",
            ":4:16: /colon: line 2: expected \"Name: value\"",
        ),
        (
            "password_file = \"long\"",
            ":4:17: /long: a VNC password has at most 8 characters",
        ),
        (
            "password_file = \"password\"\npassword_env = \"X\"",
            ":5:16: this console has two passwords: keep",
        ),
    ] {
        let error = at(keys);
        assert!(error.starts_with(expected), "{keys}: {error}");
        assert!(!error.contains("s3cr3t"), "{error}");
    }
    let plain = error("url = \"ws://localhost\"\ntrust = \"system\"");
    assert!(
        plain.starts_with(":4:9: trust has no effect with ws://"),
        "{plain}"
    );
}

#[test]
fn check_dials_url_consoles() {
    let folder = folder();
    // Nobody answers on port 9.
    let text = "[[console]]\nport = 5990\nurl = \"ws://127.0.0.1:9/websockify?token=s3cr3t\"\ncookie_file = \"cookie\"\n\
                [[console]]\nport = 5991\nname = \"kiosk\"\nurl_command = [\"sh\", \"-c\", \"echo s3cr3t; exit 3\"]\n";
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    let check = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_mksgate"))
            .arg("check")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let output = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
        assert!(!output.contains("s3cr3t"), "{output}");
        (done.status.code(), output)
    };
    let (code, output) = check(&["--offline"]);
    assert_eq!(code, Some(0), "{output}");
    let rows: Vec<Vec<&str>> = output
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let url = "127.0.0.1:9/websockify";
    assert_eq!(rows[1][..4], ["127.0.0.1:5990", "-", url, "none"]);
    assert_eq!(rows[2][..4], ["127.0.0.1:5991", "-", "kiosk", "none"]);
    let (code, output) = check(&[]);
    assert_eq!(code, Some(1));
    assert!(
        output.contains("FAILED: cannot reach 127.0.0.1:9"),
        "{output}"
    );
    assert!(
        output.contains("FAILED: the program that prints the URL failed with exit status: 3"),
        "{output}"
    );
}
