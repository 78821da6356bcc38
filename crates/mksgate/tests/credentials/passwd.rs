//! `mksgate passwd`.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use gateway::Users;
use rfb_proto::Password;

/// Exit code, stdout and stderr of `mksgate passwd` with a password on stdin.
fn passwd(arguments: &[&str], user: Option<&str>, typed: &[u8]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mksgate"));
    command
        .arg("passwd")
        .args(arguments)
        .env_remove("USER")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(user) = user {
        command.env("USER", user);
    }
    let mut child = command.spawn().unwrap();
    // A program that refuses the name does not read it.
    let _ = child.stdin.take().unwrap().write_all(typed);
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
}

#[test]
fn passwd_defaults_to_the_current_user() {
    for (arguments, user, name) in [
        (vec!["ada"], Some("root"), "ada"),
        (vec![], Some("root"), "root"),
        (vec!["Ada Lovelace"], None, "Ada Lovelace"),
        (vec!["ада"], None, "ада"),
    ] {
        let (code, line, error) = passwd(&arguments, user, b"x\n");
        assert_eq!(code, Some(0), "{error}");
        assert!(line.starts_with(&format!("{name}:$argon2id$")), "{line}");
        Users::parse(&line).unwrap();
    }
    for user in [None, Some("")] {
        let (code, line, error) = passwd(&[], user, b"x\n");
        assert_eq!((code, line.as_str()), (Some(2), ""));
        let sentence = "mksgate: USER is not set: write mksgate passwd NAME\n";
        assert_eq!(error, sentence);
    }
}

#[tokio::test]
async fn passwd_hashes_the_first_line_verbatim() {
    let longest = "p".repeat(rfb_proto::MAX_CREDENTIAL);
    for (typed, password) in [
        ("secret words\n", "secret words"),
        ("secret words\r\n", "secret words"),
        ("secret words", "secret words"),
        (" secret words \nmore\n", " secret words "),
        ("gehe1m-ä$:\n", "gehe1m-ä$:"),
        (&format!("{longest}\r\n"), &longest),
    ] {
        let (code, line, error) = passwd(&["ada"], None, typed.as_bytes());
        assert_eq!((code, error.as_str()), (Some(0), ""), "{typed:?}");
        assert!(!line.contains(password) && line.lines().count() == 1);
        let users = Users::parse(&line).unwrap();
        let right = users.verify("ada", &Password::new(password)).await;
        assert!(right.is_some(), "{typed:?}");
        let wrong = users.verify("ada", &Password::new(typed)).await;
        assert_eq!(wrong.is_some(), typed == password, "{typed:?}");
    }
    let too_long = format!("{longest}p\n");
    for typed in [
        b"".as_slice(),
        b"\n",
        b"\r\n",
        b"\xff\n",
        too_long.as_bytes(),
    ] {
        let (code, line, error) = passwd(&["ada"], None, typed);
        assert!(matches!(code, Some(1 | 2)) && line.is_empty(), "{typed:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains("pppp"), "{error}");
    }
}

#[test]
fn passwd_api_prints_the_line_for_the_keys_file_and_the_key_apart_from_it() {
    let (code, line, error) = passwd(&["--api", "portal"], Some("root"), b"");
    assert_eq!(code, Some(0), "{error}");
    let key = error.lines().last().unwrap();
    assert!(key.len() == 43 && !line.contains(key), "{error}");
    let keys = gateway::api_keys::ApiKeys::parse(&line).unwrap();
    assert_eq!(keys.find(key).unwrap().name, "portal");
    let (_, other, _) = passwd(&["portal", "--api"], None, b"");
    assert_ne!(line, other);
    for arguments in [vec!["--api"], vec!["--api", "a:b"]] {
        let (code, line, error) = passwd(&arguments, Some("root"), b"");
        assert_eq!((code, line.as_str()), (Some(2), ""), "{error}");
    }
}
