//! `[auth.NAME]`, secret files and limits.

use super::*;

/// An `[auth.ops]` with these methods and further keys, and a console that uses it.
fn auth(methods: &str, more: &str) -> String {
    format!("[auth.ops]\nmethods = [{methods}]\n{more}\n{CONSOLE}auth = \"ops\"\n")
}

const TLS: &str = "certificate = \"secrets/one.pem\"\nprivate_key = \"secrets/one.key\"\n";
const USERS: &str = "users_file = \"secrets/users\"\n";
const VNC: &str = "password_file = \"secrets/vnc\"\n";

#[test]
fn all_methods_can_be_configured_and_the_strongest_is_first() {
    let all = "\"none\", \"vnc-password\", \"x509-none\", \"x509-vnc\", \"x509-plain\"";
    let config = with(&auth(all, &format!("{TLS}{USERS}{VNC}"))).unwrap();
    let auth_of = &config.consoles[0].auth;
    let strongest_first = [
        SecurityType::X509Plain,
        SecurityType::X509Vnc,
        SecurityType::X509None,
        SecurityType::VncPassword,
        SecurityType::None,
    ];
    assert_eq!(auth_of.methods, strongest_first);
    assert!(auth_of.tls.is_some() && auth_of.users.is_some() && auth_of.password.is_some());
    let printed = format!("{auth_of:?}");
    assert!(
        !printed.contains("argon2") && !printed.contains("8letters"),
        "{printed}"
    );
}

#[test]
fn each_method_requires_its_keys_and_no_others() {
    for (methods, more, sentence) in [
        ("", "", "methods is empty"),
        (
            "\"vnc\"",
            "",
            "unknown method \"vnc\": write one of x509-plain",
        ),
        ("\"vnc-password\"", "", "need a password_file"),
        ("\"x509-vnc\"", TLS, "need a password_file"),
        ("\"x509-plain\"", TLS, "need a users_file"),
        ("\"x509-none\"", "", "need a certificate"),
        (
            "\"x509-none\"",
            "certificate = \"secrets/one.pem\"\n",
            "need a private_key",
        ),
        (
            "\"vnc-password\"",
            &format!("{VNC}{USERS}"),
            "users_file has no effect",
        ),
        (
            "\"vnc-password\"",
            &format!("{VNC}{TLS}"),
            "certificate has no effect",
        ),
        (
            "\"x509-none\"",
            &format!("{TLS}{VNC}"),
            "password_file has no effect",
        ),
        (
            "\"x509-none\"",
            &TLS.replace("one.key", "two.key"),
            "two.key: the private key does not belong to the certificate",
        ),
        (
            "\"x509-none\"",
            &TLS.replace("one.key", "vnc"),
            "vnc: invalid private key",
        ),
        (
            "\"x509-none\"",
            &TLS.replace("one.pem", "vnc"),
            "vnc: no certificate in this file",
        ),
        (
            "\"x509-none\"",
            &TLS.replace("one.pem", "no.pem"),
            "no.pem: it does not exist",
        ),
        (
            "\"x509-plain\"",
            &format!("{TLS}{}", USERS.replace("users\"", "lab\"")),
            "line 1: expected NAME:HASH",
        ),
    ] {
        let error = error(&auth(methods, more));
        assert!(
            error.contains(sentence) && !error.contains('\n'),
            "{methods} {more} gives {error}"
        );
    }
}

#[test]
fn methods_without_credentials_are_refused_off_loopback() {
    let open = auth("\"x509-none\", \"x509-plain\"", &format!("{TLS}{USERS}"));
    assert!(with(&open).is_ok());
    let everywhere = open.replace("port = 5901", "listen = \"0.0.0.0:5901\"");
    assert!(
        error(&everywhere).contains(
            "[auth.ops] needs no credentials with x509-none: remove that method, or write auth = \"none\" here if no login is wanted"
        )
    );
    let asking = everywhere.replace("\"x509-none\", ", "");
    assert!(with(&asking).is_ok());
}

#[test]
fn auth_name_none_is_reserved() {
    let text = auth("\"vnc-password\"", VNC).replace("auth.ops", "auth.none");
    assert!(
        error(&text).starts_with(":6:1: [auth.none] is reserved"),
        "{}",
        error(&text)
    );
}

#[test]
fn secret_files_that_others_can_access_are_refused() {
    let folder = folder();
    let path = folder.path().join("gateway.toml");
    let by_vnc = format!("{LAB}{}", auth("\"vnc-password\"", VNC));
    let by_name = format!("{LAB}{}", auth("\"x509-plain\"", &format!("{TLS}{USERS}")));
    for mode in [0o640, 0o604, 0o620, 0o644, 0o666] {
        for (file, text) in [
            ("vnc", &by_vnc),
            ("users", &by_name),
            ("one.key", &by_name),
            ("lab", &by_vnc),
        ] {
            let secret = folder.path().join("secrets").join(file);
            std::fs::set_permissions(&secret, Permissions::from_mode(mode)).unwrap();
            let error = config::parse(text, &path).unwrap_err().to_string();
            assert!(
                error.contains("other users can read or write it: chmod 600 "),
                "{mode:o} {file} gives {error}"
            );
            std::fs::set_permissions(&secret, Permissions::from_mode(0o400)).unwrap();
            assert!(config::parse(text, &path).is_ok());
        }
    }
}

#[test]
fn misplaced_secrets_are_not_repeated_in_errors() {
    for (text, sentence) in [
        (
            LAB.replace("192.0.2.10", "https://root:s3cr3t@192.0.2.10") + CONSOLE,
            "this is not an address: write host",
        ),
        (
            format!("[gateway]\nmax_sessions = \"s3cr3t\"\n{LAB}{CONSOLE}"),
            "wrong type of value: expected",
        ),
        (
            format!("{LAB}proxy = \"s3cr3t:3128\"\n{CONSOLE}"),
            "this is not a proxy",
        ),
    ] {
        let error = parse(&text).unwrap_err();
        assert!(
            error.contains(sentence) && !error.contains("s3cr3t"),
            "{error}"
        );
    }
}

#[test]
fn port_behind_proxy_protocol_is_not_private() {
    let text = format!("[gateway]\nproxy_protocol = true\n{CONSOLE}");
    assert!(error(&text).contains("can be reached from other machines: add auth"));
    assert!(with(&format!("{text}auth = \"none\"\n")).is_ok());
}

#[test]
fn limits_networks_and_admin_are_read() {
    let text = format!(
        "[gateway]\nmax_sessions_per_vm = 2\nmax_unauthenticated = 9\nidle_timeout = \"5m\"\n\
         max_session_time = \"0s\"\nproxy_protocol = true\nproxy_from = [\"192.0.2.0/24\", \"::1\"]\n\
         [admin]\nlisten = \"127.0.0.1:9590\"\n\
         {CONSOLE}auth = \"none\"\nallow = [\"10.0.0.0/8\", \"::1/128\"]\nview_only = true\nexclusive = \"honour\"\n"
    );
    let config = with(&text).unwrap();
    let limits = &config.gateway;
    assert_eq!(
        (limits.max_sessions_per_vm, limits.max_unauthenticated),
        (2, 9)
    );
    assert_eq!(
        (limits.idle_timeout, limits.max_session_time),
        (Some(Duration::from_secs(300)), None)
    );
    assert_eq!(limits.proxy_from.as_ref().map(Vec::len), Some(2));
    assert_eq!(config.admin.unwrap().listen.port(), 9590);
    let console = &config.consoles[0];
    assert_eq!(
        (console.allow.len(), console.view_only, console.exclusive),
        (2, true, true)
    );
    for (from, to, sentence) in [
        ("10.0.0.0/8", "10.0.0.0/33", "is not a network"),
        ("\"honour\"", "\"yes\"", "write \"ignore\" or \"honour\""),
        ("proxy_protocol = true\n", "", "proxy_from has no effect"),
        (
            "max_unauthenticated = 9",
            "max_unauthenticated = 0",
            "admits no viewer",
        ),
        ("127.0.0.1:9590", "9590", "is not ADDRESS:PORT"),
    ] {
        let error = error(&text.replacen(from, to, 1));
        assert!(error.contains(sentence), "{to} gives {error}");
    }
}

#[test]
fn long_and_empty_vnc_passwords_are_refused() {
    let with_file = |file: &str| {
        error(&auth(
            "\"vnc-password\"",
            &format!("password_file = \"{file}\""),
        ))
    };
    assert!(with_file("secrets/long").contains("at most 8 characters"));
    assert!(with_file("secrets/empty").contains("its first line is empty"));
}
