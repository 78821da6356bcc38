//! Reads configurations and checks the settings or the error.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod access;
mod all_mistakes;
mod files;
mod invalid;
mod reconnect;
mod users_files;
mod web;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use console::settings::TlsRecords;
use console::tls::{ConsoleTrust, Thumbprint, Trust};
use gateway::settings::Config;
use rfb_proto::SecurityType;
use secrecy::ExposeSecret;
use tempfile::TempDir;

/// Writes a file with mode 0600.
fn secret(path: &Path, text: &[u8]) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// A line that `mksgate passwd ada` printed for the password "x".
const ADA: &str = "ada:$argon2id$v=19$m=19456,t=2,p=1$t2dIS7GCpYHUKunPpwb3uw$dgLDrR/+jioPf+BcqP30PKFWdcX43S5Y3HjdCN1rsD8";

/// A directory with the secret files that the configurations below name.
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
        ("token", "0123456789abcdef\n"),
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
    config::parse(text, &path).map_err(|error| {
        let error = error.to_string();
        error
            .strip_prefix(path.to_str().unwrap())
            .map(str::to_owned)
            .unwrap_or(error)
    })
}

/// Parses [`LAB`] and `more`.
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
fn five_lines_suffice_and_defaults_are_safe() {
    let config = with(CONSOLE).unwrap();
    assert_eq!(config.gateway.max_sessions, 1024);
    assert_eq!(config.gateway.login_timeout, Duration::from_secs(120));
    assert_eq!(config.gateway.handshake_timeout, Duration::from_secs(30));
    let lab = &config.vspheres["lab"];
    assert_eq!(lab.url.as_str(), "https://192.0.2.10/sdk");
    assert_eq!(
        lab.password.as_ref().unwrap().expose_secret(),
        "a long password"
    );
    assert_eq!(
        (&lab.trust, &lab.console_trust),
        (&Trust::System, &ConsoleTrust::Ticket)
    );
    let console = &config.consoles[0];
    assert_eq!(console.listen.to_string(), "127.0.0.1:5901");
    assert_eq!(console.backend.to_string(), "vm08");
}

#[test]
fn debug_output_has_no_secrets() {
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
fn all_trust_values_are_parsed() {
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
    assert!(error(&format!("trust = \"sha1:ab\"\n{CONSOLE}")).contains("unknown trust"));
    assert!(error(&format!("trust = \"sha256:abc\"\n{CONSOLE}")).contains("64 hexadecimal digits"));
    assert!(
        error(&format!("trust = \"file:no.pem\"\n{CONSOLE}")).contains("no.pem does not exist")
    );
    assert!(
        error(&format!("trust = \"file:secrets/lab\"\n{CONSOLE}"))
            .contains("contains no certificate")
    );
}

#[test]
fn tls_records_defaults_to_rustls() {
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
        error.contains("\"own\" is not a value of tls_records: write \"rustls\" or \"in-place\""),
        "{error}"
    );
}

#[test]
fn unknown_key_has_a_position_and_a_suggestion() {
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
            .contains("unknown key `xyzzy`: the keys of this section are port, listen")
    );
}

#[test]
fn duplicate_port_has_a_position() {
    assert_eq!(
        error(&format!("{CONSOLE}{CONSOLE}")),
        ":11:8: another console listens on 127.0.0.1:5901 already: give each its own port"
    );
}

#[test]
fn missing_password_file_is_named() {
    let text = format!(
        "[vsphere.two]\naddress = \"h\"\nusername = \"u\"\npassword_file = \"secrets/no\"\n{CONSOLE}"
    );
    let error = error(&text);
    assert!(
        error.starts_with(":9:17: ") && error.contains("secrets/no: it does not exist"),
        "{error}"
    );
}

#[test]
fn unknown_vsphere_is_named() {
    let text = CONSOLE.replace("\"lab\"", "\"lba\"");
    assert_eq!(
        error(&text),
        ":8:11: no [vsphere.lba] section; defined: lab. Name one of these, or add one with address, username and password_file"
    );
    assert!(
        parse(CONSOLE)
            .unwrap_err()
            .ends_with("no [vsphere.lab] section; defined: (none). Add one with address, username and password_file")
    );
}

#[test]
fn unknown_auth_is_named() {
    for (name, keys) in [("ops", "[…]"), ("vnc-password", "[\"vnc-password\"]")] {
        let error = error(&format!("{CONSOLE}auth = \"{name}\"\n"));
        let sentence =
            format!(": no [auth.{name}] section; defined: (none). Add one with methods = {keys}");
        assert!(error.ends_with(&sentence), "{error}");
    }
}

#[test]
fn listeners_off_loopback_require_auth() {
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
    assert!(error(&text).contains("write auth = \"none\" here if no login is wanted"));
}

#[test]
fn zero_needs_no_unit() {
    for nought in ["0", "0s", "0h"] {
        let config = with(&format!(
            "[gateway]\nidle_timeout = \"{nought}\"\n{CONSOLE}"
        ))
        .unwrap();
        assert_eq!(config.gateway.idle_timeout, None);
    }
}

#[test]
fn sample_configuration_is_valid() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../gateway.toml");
    let text = std::fs::read_to_string(&example).unwrap();
    let folder = folder();
    // Lines that begin with "#: " are examples, which must be valid too.
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
    named("vnc_password_file")
        .iter()
        .for_each(|path| secret(path, b"8letters"));
    named("headers_file")
        .iter()
        .for_each(|path| secret(path, b"Authorization: Bearer x\n"));
    named("cookie_file")
        .iter()
        .for_each(|path| secret(path, b"session=x\n"));
    named("api_keys_file")
        .iter()
        .for_each(|path| secret(path, b""));
    named("token_file")
        .iter()
        .for_each(|path| secret(path, b"0123456789abcdef\n"));
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
    let more = config::parse(&all, &folder.path().join("gateway.toml")).unwrap();
    assert!(more.gateway.proxy_from.is_some() && more.admin.is_some());
    assert!(
        more.web
            .is_some_and(|web| web.tls.is_some() && web.user_header.is_some())
    );
    assert_eq!(more.consoles.len(), 4);
    let config = config::parse(&text, &folder.path().join("gateway.toml")).unwrap();
    assert!(!config.consoles.is_empty() && !config.vspheres.is_empty());
}
