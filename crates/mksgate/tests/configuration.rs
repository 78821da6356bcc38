//! What a gateway.toml may say, and the one sentence for each thing it may not.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use mksgate::{Config, ConsoleTrust, Thumbprint, TlsRecords, Trust};
use rfb_proto::SecurityType;
use secrecy::ExposeSecret;
use tempfile::TempDir;

/// A file that only its owner can use.
fn secret(path: &Path, text: &[u8]) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// A line that `mksgate passwd ada` printed for the password "x".
const ADA: &str = "ada:$argon2id$v=19$m=19456,t=2,p=1$t2dIS7GCpYHUKunPpwb3uw$dgLDrR/+jioPf+BcqP30PKFWdcX43S5Y3HjdCN1rsD8";

/// A folder with the secrets that the texts below name.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let secrets = folder.path().join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    for (name, text) in [
        ("lab", "a long password\n"),
        ("vnc", "8letters"),
        ("long", "nine chars"),
        ("empty", "\n"),
        ("users", ADA),
    ] {
        secret(&secrets.join(name), text.as_bytes());
    }
    for name in ["one", "two"] {
        let made = rcgen::generate_simple_self_signed(vec!["gateway.example".into()]).unwrap();
        std::fs::write(secrets.join(format!("{name}.pem")), made.cert.pem()).unwrap();
        secret(
            &secrets.join(format!("{name}.key")),
            made.signing_key.serialize_pem().as_bytes(),
        );
    }
    folder
}

const LAB: &str = r#"
[vsphere.lab]
address = "192.0.2.10"
username = "root"
password_file = "secrets/lab"
"#;

fn parse(text: &str) -> Result<Config, String> {
    let folder = folder();
    let path = folder.path().join("gateway.toml");
    Config::parse(text, &path).map_err(|error| {
        let error = error.to_string();
        error
            .strip_prefix(path.to_str().unwrap())
            .map(str::to_owned)
            .unwrap_or(error)
    })
}

/// `LAB` and a console, with something added or changed.
fn with(more: &str) -> Result<Config, String> {
    parse(&format!("{LAB}{more}"))
}

fn error(text: &str) -> String {
    with(text)
        .map(|config| panic!("{config:?} is no error"))
        .unwrap_err()
}

const CONSOLE: &str = "[[console]]\nport = 5901\nvsphere = \"lab\"\nvm = \"vm08\"\n";

#[test]
fn five_lines_are_enough_and_the_rest_has_safe_defaults() {
    let config = with(CONSOLE).unwrap();
    assert_eq!(config.gateway.max_sessions, 1024);
    assert_eq!(config.gateway.handshake_timeout, Duration::from_secs(30));
    let lab = &config.vspheres["lab"];
    assert_eq!(lab.url.as_str(), "https://192.0.2.10/sdk");
    assert_eq!(lab.password.expose_secret(), "a long password");
    assert_eq!(
        (&lab.trust, &lab.console_trust),
        (&Trust::System, &ConsoleTrust::Ticket)
    );
    let console = &config.consoles[0];
    assert_eq!(console.listen.to_string(), "127.0.0.1:5901");
    assert_eq!(console.behind.to_string(), "vm08");
}

#[test]
fn no_secret_can_be_printed() {
    let auth = "[auth.ops]\nmethods = [\"vnc-password\"]\npassword_file = \"secrets/vnc\"\n";
    let config = with(&format!("{auth}{CONSOLE}auth = \"ops\"\n")).unwrap();
    let printed = format!("{config:?}{config:#?}");
    assert!(printed.contains("vm08"));
    assert!(
        !printed.contains("8letters") && !printed.contains("a long password"),
        "{printed}"
    );
}

#[test]
fn every_trust_is_understood() {
    let digits = "ab:".repeat(31) + "CD";
    for (text, trust) in [
        ("system", Trust::System),
        ("webpki", Trust::WebPki),
        ("danger-accept-any", Trust::DangerAcceptAny),
        (&format!("sha256:{digits}"), {
            let mut digest = [0xab; 32];
            digest[31] = 0xcd;
            Trust::Pinned(Thumbprint::Sha256(digest))
        }),
    ] {
        let config = with(&format!(
            "trust = \"{text}\"\nconsole_trust = \"{text}\"\n{CONSOLE}"
        ))
        .unwrap();
        assert_eq!(config.vspheres["lab"].trust, trust);
        assert_eq!(
            config.vspheres["lab"].console_trust,
            ConsoleTrust::Fixed(trust)
        );
    }
    assert!(error(&format!("trust = \"sha1:ab\"\n{CONSOLE}")).contains("is no trust: write"));
    assert!(error(&format!("trust = \"sha256:abc\"\n{CONSOLE}")).contains("64 hexadecimal digits"));
    assert!(
        error(&format!("trust = \"file:no.pem\"\n{CONSOLE}")).contains("no.pem cannot be read")
    );
    assert!(
        error(&format!("trust = \"file:secrets/lab\"\n{CONSOLE}")).contains("holds no certificate")
    );
}

#[test]
fn records_are_rustls_unless_they_are_to_be_opened_in_place() {
    for (text, records) in [
        ("", TlsRecords::Rustls),
        ("tls_records = \"rustls\"\n", TlsRecords::Rustls),
        ("tls_records = \"in-place\"\n", TlsRecords::InPlace),
    ] {
        let config = with(&format!("{text}{CONSOLE}")).unwrap();
        assert_eq!(config.vspheres["lab"].tls_records, records);
    }
    let error = error(&format!("tls_records = \"own\"\n{CONSOLE}"));
    assert!(
        error.contains("\"own\" makes no TLS records: write \"rustls\" or \"in-place\""),
        "{error}"
    );
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
    assert_eq!(
        error("[[console]]\nprot = 5901\nvsphere = \"lab\"\nvm = \"vm08\"\n"),
        ":7:1: unknown key `prot`: did you mean `port`?"
    );
    assert_eq!(
        error(&format!("[gatewya]\n{CONSOLE}")),
        ":6:2: unknown key `gatewya`: did you mean `gateway`?"
    );
    assert!(
        error(&format!("{CONSOLE}xyzzy = 1\n"))
            .contains("unknown key `xyzzy`: known here are port, listen")
    );
}

#[test]
fn a_doubled_port_is_pointed_at() {
    assert_eq!(
        error(&format!("{CONSOLE}{CONSOLE}")),
        ":11:8: 127.0.0.1:5901 has a console already: give each its own port"
    );
}

#[test]
fn a_missing_password_file_is_named() {
    let text = format!(
        "[vsphere.two]\naddress = \"h\"\nusername = \"u\"\npassword_file = \"secrets/no\"\n{CONSOLE}"
    );
    let error = error(&text);
    assert!(
        error.starts_with(":9:17: ") && error.contains("secrets/no: it cannot be read"),
        "{error}"
    );
}

#[test]
fn a_vsphere_that_is_not_there_is_named() {
    let text = CONSOLE.replace("\"lab\"", "\"lba\"");
    assert_eq!(
        error(&text),
        ":8:11: there is no [vsphere.lba] in this file: add it, or name one of lab"
    );
    assert!(
        parse(CONSOLE)
            .unwrap_err()
            .ends_with("there is no [vsphere.lab] in this file: add it")
    );
}

#[test]
fn an_auth_that_is_not_there_is_named() {
    let error = error(&format!("{CONSOLE}auth = \"ops\"\n"));
    assert!(
        error.ends_with(": there is no [auth.ops] in this file: add it, or name one of none"),
        "{error}"
    );
}

#[test]
fn what_others_can_reach_asks_for_a_word_about_auth() {
    for bind in [
        "bind = \"0.0.0.0\"",
        "bind = \"::\"",
        "bind = \"192.0.2.1\"",
    ] {
        let text = format!("[gateway]\n{bind}\n{CONSOLE}");
        assert!(
            error(&text).contains("can be reached from other machines: add auth"),
            "{bind}"
        );
        assert!(with(&format!("{text}auth = \"none\"\n")).is_ok());
    }
    let listen = CONSOLE.replace("port = 5901", "listen = \"[::1]:5901\"");
    assert!(with(&listen).is_ok());
    let open = "[auth.open]\nmethods = [\"none\"]\n";
    let text = format!(
        "{open}{}auth = \"open\"\n",
        CONSOLE.replace("port = 5901", "listen = \"0.0.0.0:5901\"")
    );
    assert!(error(&text).contains("write auth = \"none\" here if that is meant"));
}

#[test]
fn passwords_that_would_not_do_what_they_seem_to_are_refused() {
    let with_file = |file: &str| {
        error(&auth(
            "\"vnc-password\"",
            &format!("password_file = \"{file}\""),
        ))
    };
    assert!(with_file("secrets/long").contains("at most 8 characters"));
    assert!(with_file("secrets/empty").contains("its first line is empty"));
}

/// An `[auth.ops]` with these methods and what else is said of it, and a console that uses it.
fn auth(methods: &str, more: &str) -> String {
    format!("[auth.ops]\nmethods = [{methods}]\n{more}\n{CONSOLE}auth = \"ops\"\n")
}

const TLS: &str = "certificate = \"secrets/one.pem\"\nprivate_key = \"secrets/one.key\"\n";
const USERS: &str = "users_file = \"secrets/users\"\n";
const VNC: &str = "password_file = \"secrets/vnc\"\n";

#[test]
fn every_way_in_can_be_configured_and_the_strongest_is_offered_first() {
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
fn each_way_in_needs_what_it_needs_and_nothing_else() {
    for (methods, more, sentence) in [
        ("", "", "methods is empty"),
        ("\"vnc\"", "", "\"vnc\" is no method: known are x509-plain"),
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
            "users_file is of no use",
        ),
        (
            "\"vnc-password\"",
            &format!("{VNC}{TLS}"),
            "certificate is of no use",
        ),
        (
            "\"x509-none\"",
            &format!("{TLS}{VNC}"),
            "password_file is of no use",
        ),
        (
            "\"x509-none\"",
            &TLS.replace("one.key", "two.key"),
            "two.key: it is not the private key of the certificate",
        ),
        (
            "\"x509-none\"",
            &TLS.replace("one.key", "vnc"),
            "vnc: it cannot be read as a private key",
        ),
        (
            "\"x509-none\"",
            &TLS.replace("one.pem", "vnc"),
            "vnc: it holds no certificate",
        ),
        (
            "\"x509-none\"",
            &TLS.replace("one.pem", "no.pem"),
            "no.pem: it cannot be read",
        ),
        (
            "\"x509-plain\"",
            &format!("{TLS}{}", USERS.replace("users\"", "lab\"")),
            "line 1: it is not NAME:HASH",
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
fn a_way_in_that_asks_nothing_is_not_for_other_machines() {
    let open = auth("\"x509-none\", \"x509-plain\"", &format!("{TLS}{USERS}"));
    assert!(with(&open).is_ok());
    let everywhere = open.replace("port = 5901", "listen = \"0.0.0.0:5901\"");
    assert!(
        error(&everywhere).contains(
            "[auth.ops] lets anybody in by x509-none: remove that method, or write auth = \"none\" here if that is meant"
        )
    );
    let asking = everywhere.replace("\"x509-none\", ", "");
    assert!(with(&asking).is_ok());
}

#[test]
fn no_auth_is_called_none() {
    let text = auth("\"vnc-password\"", VNC).replace("auth.ops", "auth.none");
    assert!(
        error(&text).starts_with(":6:1: [auth.none] cannot be"),
        "{}",
        error(&text)
    );
}

#[test]
fn a_secret_that_others_can_use_is_refused() {
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
            let error = Config::parse(text, &path).unwrap_err().to_string();
            assert!(
                error.contains("others can read or write it: chmod 600 "),
                "{mode:o} {file} gives {error}"
            );
            std::fs::set_permissions(&secret, Permissions::from_mode(0o400)).unwrap();
            assert!(Config::parse(text, &path).is_ok());
        }
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    for (text, sentence) in [
        (
            LAB.replace("192.0.2.10", "https://root:geheim@192.0.2.10") + CONSOLE,
            "this is no address: write host",
        ),
        (
            format!("[gateway]\nmax_sessions = \"geheim\"\n{LAB}{CONSOLE}"),
            "this value cannot stand here: expected",
        ),
        (
            format!("{LAB}proxy = \"geheim:3128\"\n{CONSOLE}"),
            "this is no proxy",
        ),
    ] {
        let error = parse(&text).unwrap_err();
        assert!(
            error.contains(sentence) && !error.contains("geheim"),
            "{error}"
        );
    }
}

#[test]
fn a_port_that_a_balancer_leads_to_is_not_private() {
    let text = format!("[gateway]\nproxy_protocol = true\n{CONSOLE}");
    assert!(error(&text).contains("can be reached from other machines: add auth"));
    assert!(with(&format!("{text}auth = \"none\"\n")).is_ok());
}

#[test]
fn limits_networks_and_the_rest_of_the_front_door_are_read() {
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
    assert_eq!(config.admin.unwrap().port(), 9590);
    let console = &config.consoles[0];
    assert_eq!(
        (console.allow.len(), console.view_only, console.exclusive),
        (2, true, true)
    );
    for (from, to, sentence) in [
        ("10.0.0.0/8", "10.0.0.0/33", "is no network"),
        ("\"honour\"", "\"yes\"", "write \"ignore\" or \"honour\""),
        (
            "proxy_protocol = true\n",
            "",
            "proxy_from is of no use here",
        ),
        (
            "max_unauthenticated = 9",
            "max_unauthenticated = 0",
            "lets nobody in",
        ),
        ("127.0.0.1:9590", "9590", "is not ADDRESS:PORT"),
    ] {
        let error = error(&text.replacen(from, to, 1));
        assert!(error.contains(sentence), "{to} gives {error}");
    }
}

#[test]
fn what_is_missing_doubled_or_nothing_is_pointed_at() {
    for (text, sentence) in [
        (
            format!("{LAB}[gateway]\nmax_sessions = 1\nmax_sessions = 2\n{CONSOLE}"),
            ":8:1: this is here already: keep one of the two",
        ),
        (
            format!("{LAB}[vsphere.two]\naddress = \"h\"\n{CONSOLE}"),
            ":6:1: `username` is missing here: add it",
        ),
        (
            format!("{LAB}[gateway]\nhandshake_timeout = \"0s\"\n{CONSOLE}"),
            ":7:21: handshake_timeout = \"0s\" lets nobody in: write \"30s\", or leave it out",
        ),
        (
            LAB.replace("secrets/lab", "") + CONSOLE,
            ":5:17: this names no file: write its name",
        ),
        (
            format!("{LAB}trust = \"file:\"\n{CONSOLE}"),
            ":6:9: \"file:\" names no file: write \"file:PATH\"",
        ),
    ] {
        assert_eq!(parse(&text).unwrap_err(), sentence, "{text}");
    }
}

#[test]
fn a_device_is_no_secret_and_its_mode_is_left_alone() {
    for device in ["/dev/null", "/dev/zero"] {
        let error = parse(&(LAB.replace("secrets/lab", device) + CONSOLE)).unwrap_err();
        assert!(error.contains("it is no regular file"), "{error}");
        assert!(!error.contains("chmod"), "{error}");
    }
    let error = Config::load(Path::new("/dev/zero"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("it is no regular file"), "{error}");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (text, sentence) in [
        (CONSOLE.replace("5901", "0"), "port 0 is no port"),
        (
            CONSOLE.replace("port = 5901\n", ""),
            "this console has no port",
        ),
        (
            CONSOLE.replace("port = 5901", "port = 1\nlisten = \"127.0.0.1:1\""),
            "port and listen",
        ),
        (
            CONSOLE.replace("port = 5901", "listen = \"5901\""),
            "is not ADDRESS:PORT",
        ),
        (CONSOLE.replace("vm08", ""), "not by nothing"),
        (
            format!("[gateway]\nbind = \"localhost\"\n{CONSOLE}"),
            "is no IP address",
        ),
        (
            format!("[gateway]\nmax_sessions = 0\n{CONSOLE}"),
            "lets nobody in",
        ),
        (
            format!("[gateway]\nhandshake_timeout = \"18446744073709551615s\"\n{CONSOLE}"),
            "longer than a year",
        ),
        (
            format!("[gateway]\nhandshake_timeout = \"0s\"\n{CONSOLE}"),
            "lets nobody in",
        ),
        (
            format!("[vsphere.lab.console_address]\n\"a\" = \"192.0.2.1:44x\"\n{CONSOLE}"),
            "is no address: write host or host:port",
        ),
        (
            format!("[gateway]\nhandshake_timeout = \"30\"\n{CONSOLE}"),
            "is no duration",
        ),
        (
            format!("[gateway]\nhandshake_timeout = \"5 m\"\n{CONSOLE}"),
            "is no duration",
        ),
        (
            format!("[gateway]\nidle_timeout = \"99999999999999999999s\"\n{CONSOLE}"),
            "longer than a year: write less",
        ),
        (
            format!("[gateway]\nidle_timeout = 30\n{CONSOLE}"),
            "expected a duration in quotes, as in \"30s\"",
        ),
        (
            format!("[gateway]\nmax_sessions = -1\n{CONSOLE}"),
            "expected a whole number without quotes, 0 or more",
        ),
        (
            CONSOLE.replace("5901", "65536"),
            "expected a port without quotes, a whole number up to 65535",
        ),
        (
            format!("[gateway]\nbind = \"127.0.0.1:5901\"\n{CONSOLE}"),
            "has a port, which stands in each [[console]]",
        ),
        (
            CONSOLE.replace("[[console]]", "[console]"),
            "write [[console]]",
        ),
        (
            format!("[vsphere]\naddress = \"x\"\n{CONSOLE}"),
            "this [vsphere] has no name: write [vsphere.NAME]",
        ),
        (
            format!("[auth] # who\nmethods = [\"none\"]\n{CONSOLE}"),
            "this [auth] has no name: write [auth.NAME]",
        ),
        (
            format!("{CONSOLE}view_only = yes\n"),
            "yes or no is written true or false",
        ),
        (
            format!("{CONSOLE}view_only = \"yes\"\n"),
            "expected true or false, without quotes",
        ),
        (CONSOLE.replace("vm08", "  "), "not by nothing"),
        (
            format!("[vsphere.a]\naddress = \"h\"\nusername = \" \"\n{CONSOLE}"),
            "username is empty: write whom to log in as",
        ),
        (
            format!("[vsphere.lab.console_address]\n\"a\" = \"https//b\"\n{CONSOLE}"),
            "is no address: write host or host:port",
        ),
        (format!("password_env = \"X\"\n{CONSOLE}"), "two passwords"),
        (String::new(), "names no console"),
        ("[[console]\n".into(), "expected"),
    ] {
        let error = error(&text);
        assert!(error.contains(sentence), "{text}\ngives {error}");
        assert!(!error.contains('\n'), "{error:?} is more than one line");
    }
    let http =
        "[vsphere.a]\naddress = \"http://h\"\nusername = \"u\"\npassword_file = \"secrets/lab\"\n";
    assert!(error(&format!("{http}{CONSOLE}")).contains("is no address"));
    let unset =
        "[vsphere.a]\naddress = \"h\"\nusername = \"u\"\npassword_env = \"MKSGATE_NEVER_SET\"\n";
    assert!(error(&format!("{unset}{CONSOLE}")).contains("MKSGATE_NEVER_SET is not set"));
    let bare = "[vsphere.a]\naddress = \"h\"\nusername = \"u\"\n";
    assert!(error(&format!("{bare}{CONSOLE}")).contains("has no password"));
}

#[test]
fn consoles_that_are_in_each_others_way_are_refused() {
    let auth = "[auth.ops]\nmethods = [\"vnc-password\"]\npassword_file = \"secrets/vnc\"\n";
    let console = |listen: &str| {
        CONSOLE.replace("port = 5901", &format!("listen = \"{listen}\"")) + "auth = \"ops\"\n"
    };
    for (one, other) in [
        ("127.0.0.1:5901", "0.0.0.0:5901"),
        ("0.0.0.0:5901", "127.0.0.1:5901"),
        ("[::]:5901", "[::1]:5901"),
        ("0.0.0.0:5901", "[::ffff:127.0.0.1]:5901"),
    ] {
        let error = error(&format!("{auth}{}{}", console(one), console(other)));
        let sentence = format!(
            "{other} and {one}, which has a console already, are in each other's way: give each its own port"
        );
        assert!(error.contains(&sentence), "{error}");
        let admin = format!("[admin]\nlisten = \"{one}\"\n{auth}{}", console(other));
        let error = self::error(&admin);
        let sentence = format!("[admin] listens on {one} already: give each its own port");
        assert!(error.contains(&sentence), "{error}");
    }
    // Whether an IPv6 port takes IPv4 too is the system's to say.
    for (one, other) in [
        ("127.0.0.1:5901", "127.0.0.2:5901"),
        ("[::]:5901", "0.0.0.0:5901"),
        ("127.0.0.1:5901", "0.0.0.0:5902"),
    ] {
        with(&format!("{auth}{}{}", console(one), console(other))).unwrap();
    }
}

#[test]
fn a_vsphere_is_addressed_as_people_write_it() {
    let lab = |address: &str| LAB.replace("192.0.2.10", address) + CONSOLE;
    for (address, url) in [
        ("esxi.example", "https://esxi.example/sdk"),
        ("2001:db8::1", "https://[2001:db8::1]/sdk"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443/sdk"),
        ("HTTPS://esxi:8443/", "https://esxi:8443/sdk"),
        ("proxy.example/esxi/sdk", "https://proxy.example/esxi/sdk"),
    ] {
        let config = parse(&lab(address)).unwrap();
        assert_eq!(config.vspheres["lab"].url.as_str(), url);
    }
    for address in [
        "https//esxi",
        "https:/esxi",
        "//esxi",
        "esxi:0",
        "fe80::1%eth0",
    ] {
        let error = parse(&lab(address)).unwrap_err();
        assert!(error.contains("this is no address"), "{address}: {error}");
    }
}

/// What `Config::load` says of the file that `make` has put there.
fn load(make: impl Fn(&Path)) -> Result<Config, String> {
    let folder = folder();
    let path = folder.path().join("gateway.toml");
    make(&path);
    Config::load(&path).map_err(|error| error.to_string())
}

fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo")
        .args(["-m", "600"])
        .arg(path)
        .status();
    assert!(made.unwrap().success());
}

#[test]
fn a_configuration_is_read_however_an_editor_saves_it() {
    let text = format!("{LAB}{CONSOLE}");
    for bytes in [
        text.replace('\n', "\r\n").into_bytes(),
        format!("\u{feff}{text}").into_bytes(),
        text.replace(" = ", "\t=\t").into_bytes(),
    ] {
        load(|path| std::fs::write(path, &bytes).unwrap()).unwrap();
    }
    let utf16 = format!("\u{feff}{text}");
    let utf16: Vec<u8> = utf16.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [utf16, b"# \xe9".to_vec()] {
        let error = load(|path| std::fs::write(path, &bytes).unwrap()).unwrap_err();
        assert!(
            error.contains("it is not UTF-8 text: save it as that"),
            "{error}"
        );
    }
}

#[test]
fn what_is_no_file_of_bounded_length_holds_nobody_up() {
    let error = load(|path| std::fs::create_dir(path).unwrap()).unwrap_err();
    assert!(error.contains("it is a directory"), "{error}");
    let error = load(pipe).unwrap_err();
    assert!(error.contains("a pipe, and nobody writes to it"), "{error}");
    let endless = |path: &Path| std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    let error = load(endless).unwrap_err();
    assert!(error.contains("it is no regular file"), "{error}");
    let large = |path: &Path| {
        let file = std::fs::File::create(path).unwrap();
        file.set_len((16 << 20) + 1).unwrap();
    };
    let error = load(large).unwrap_err();
    assert!(error.contains("more than 16777216 bytes"), "{error}");

    let text = format!("{LAB}{CONSOLE}");
    for (from, to) in [
        (
            "password_file = \"secrets/lab\"",
            "password_file = \"pipe\"",
        ),
        ("username", "trust = \"file:pipe\"\nusername"),
    ] {
        let error = load(|path| {
            pipe(&path.with_file_name("pipe"));
            std::fs::write(path, text.replace(from, to)).unwrap();
        })
        .unwrap_err();
        assert!(error.contains("a pipe, and nobody writes to it"), "{error}");
    }
}

#[test]
fn a_pipe_that_somebody_writes_to_is_a_configuration_like_any_other() {
    let text = format!("{LAB}{CONSOLE}");
    load(|path| {
        pipe(path);
        let (path, text) = (path.to_owned(), text.clone());
        std::thread::spawn(move || std::fs::write(path, text).unwrap());
    })
    .unwrap();
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_password() {
    let config = load(|path| {
        secret(
            &path.with_file_name("marked"),
            "\u{feff}a long password\r\n".as_bytes(),
        );
        let text = format!("{LAB}{CONSOLE}").replace("secrets/lab", "marked");
        std::fs::write(path, text).unwrap();
    })
    .unwrap();
    assert_eq!(
        config.vspheres["lab"].password.expose_secret(),
        "a long password"
    );
}

#[test]
fn nought_is_a_duration_without_a_unit() {
    for nought in ["0", "0s", "0h"] {
        let config = with(&format!(
            "[gateway]\nidle_timeout = \"{nought}\"\n{CONSOLE}"
        ))
        .unwrap();
        assert_eq!(config.gateway.idle_timeout, None);
    }
}

#[test]
fn the_example_in_the_repository_is_a_configuration() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../gateway.toml");
    let text = std::fs::read_to_string(&example).unwrap();
    let folder = folder();
    // What is commented out with "#: " is an example too.
    let all: String = text
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
        .collect();
    let named = |key: &str| -> Vec<_> {
        let paths = all
            .lines()
            .filter_map(|line| line.strip_prefix(&format!("{key} = \"")));
        paths
            .map(|path| folder.path().join(path.split('"').next().unwrap()))
            .collect()
    };
    named("password_file")
        .iter()
        .for_each(|path| secret(path, b"8letters"));
    named("headers_file")
        .iter()
        .for_each(|path| secret(path, b"Authorization: Bearer x\n"));
    named("cookie_file")
        .iter()
        .for_each(|path| secret(path, b"session=x\n"));
    let authority = folder.path().join("ca.pem");
    std::fs::copy(folder.path().join("secrets/one.pem"), authority).unwrap();
    named("users_file")
        .iter()
        .for_each(|path| secret(path, ADA.as_bytes()));
    for (key, from) in [("certificate", "one.pem"), ("private_key", "one.key")] {
        for path in named(key) {
            std::fs::copy(folder.path().join("secrets").join(from), path).unwrap();
        }
    }
    let more = Config::parse(&all, &folder.path().join("gateway.toml")).unwrap();
    assert!(more.gateway.proxy_from.is_some() && more.admin.is_some());
    assert_eq!(more.consoles.len(), 4);
    let config = Config::parse(&text, &folder.path().join("gateway.toml")).unwrap();
    assert!(!config.consoles.is_empty() && !config.vspheres.is_empty());
}
