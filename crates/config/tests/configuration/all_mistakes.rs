//! All mistakes of a file are listed at once, each with its place, and nothing that only follows from another.

use super::*;

/// The mistakes: line, column and the beginning of each sentence.
fn mistakes(text: &str) -> Vec<String> {
    let folder = folder();
    let path = folder.path().join("gateway.toml");
    std::fs::write(&path, text).unwrap();
    let errors = config::load_listing_errors(&path).unwrap_err();
    let shown = errors.iter().map(|error| {
        let (line, column) = error.position().unwrap_or_default();
        format!("{line}:{column} {}", error.sentence())
    });
    shown.collect()
}

#[track_caller]
fn assert_mistakes(text: &str, expected: &[&str]) {
    let found = mistakes(text);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found:?} is not {expected:?}");
    }
}

#[test]
fn unknown_keys_wrong_types_and_wrong_values_are_all_listed() {
    assert_mistakes(
        r#"[gateway]
max_sessions = "many"
max_sessions_per_vm = 0
idle_timeout = 5
bnid = "127.0.0.1"
login_timeout = "0s"
proxy_protocol = true
proxy_from = ["one", "10.0.0.0/8", "two"]
[vsphere.lab]
adress = "esxi"
trust = "nobody"
tls_records = 1
max_consoles = 0
console_trust = "tickets"
password_file = "secrets/none"
[auth.ops]
methods = ["vnc", "none", "x509"]
password_file = "secrets/none"
[[console]]
prot = 5901
listen = "here"
vsphere = "lba"
vm = "uuid:x"
auth = "oops"
allow = ["x", 5, "::1/128", "y"]
exclusive = "maybe"
layout = "dvorak"
keyboard = true
paste = "always"
"#,
        &[
            "2:16 wrong type of value: expected a whole number",
            "3:23 max_sessions_per_vm = 0 admits no viewer",
            "4:16 wrong type of value: expected a duration",
            "5:1 unknown key `bnid`: did you mean `bind`?",
            "6:17 login_timeout = \"0s\" admits no viewer",
            "8:15 \"one\" is not a network",
            "8:36 \"two\" is not a network",
            "9:1 `username` is missing: add it",
            "10:1 unknown key `adress`: did you mean `address`?",
            "11:9 unknown trust \"nobody\"",
            "12:15 wrong type of value",
            "13:16 max_consoles = 0 admits no viewer",
            "14:17 unknown trust \"tickets\"",
            "15:17 ",
            "17:12 unknown method \"vnc\"",
            "17:27 unknown method \"x509\"",
            "18:17 ",
            "20:1 unknown key `prot`: did you mean `port`?",
            "21:10 listen = \"here\" is not ADDRESS:PORT",
            "22:11 no [vsphere.lba] section; defined: lab.",
            "23:6 ",
            "24:8 no [auth.oops] section; defined: ops.",
            "25:10 \"x\" is not a network",
            "25:15 wrong type of value: expected a text",
            "25:29 \"y\" is not a network",
            "26:13 \"maybe\" is not a value of exclusive",
            "27:10 \"dvorak\" is not a value of this key",
            "28:12 wrong type of value",
            "29:9 \"always\" is not a value of this key",
        ],
    );
}

#[test]
fn what_only_follows_from_another_mistake_is_not_listed() {
    // No port, no vm, no login: each may be the misspelt key. The sections exist, though they are wrong.
    assert_mistakes(
        &format!(
            "{}[auth.ops]\nmethods = \"none\"\n[[console]]\nlisten = 5\nvsphere = \"lab\"\nmv = \"vm08\"\nauth = \"ops\"\n",
            LAB.replace("username", "usrname")
        ),
        &[
            "4:1 unknown key `usrname`",
            "7:11 wrong type of value: expected a list",
            "9:10 wrong type of value: expected a text",
            "11:1 unknown key `mv`",
        ],
    );
    assert_mistakes(
        &format!("{LAB}[console]\nport = 1\nvm = \"vm08\"\n"),
        &["6:1 consoles are an array of tables: write [[console]]"],
    );
    assert_mistakes(
        &format!("[vsphere]\naddress = \"x\"\nusername = \"y\"\n{CONSOLE}"),
        &[
            "2:11 this [vsphere] has no name: write [vsphere.NAME]",
            "6:11 no [vsphere.lab] section; defined: (none).",
        ],
    );
}

#[test]
fn several_mistakes_of_a_console_at_a_url_are_listed() {
    let text = "[[console]]\nport = 1\nurl = \"wss://h/x\"\nname = \"\"\ntrust = \"nobody\"\nsubprotocol = \"a b\"\n\
                headers_file = \"none\"\ncookie_file = \"none\"\npassword_file = \"none\"\nvnc_password_file = \"none\"\n";
    let found = mistakes(text);
    let lines: Vec<&str> = found
        .iter()
        .map(|mistake| mistake.split(':').next().unwrap())
        .collect();
    assert_eq!(lines, ["4", "5", "6", "7", "8", "9", "10"], "{found:#?}");
}

#[test]
fn a_syntax_error_stands_alone() {
    assert_mistakes(
        &format!("[gateway]\nbnid = 1\nmax_sessions = many\n{CONSOLE}"),
        &["3:16 this is not a value: quote text"],
    );
}
