//! Configurations that are refused.

use super::*;

#[test]
fn missing_duplicate_and_empty_values_have_a_position() {
    for (text, sentence) in [
        (
            format!("{LAB}[gateway]\nmax_sessions = 1\nmax_sessions = 2\n{CONSOLE}"),
            ":8:1: duplicate key max_sessions, first on line 7: keep one of the two",
        ),
        (
            format!("{LAB}[vsphere.two]\naddress = \"h\"\n{CONSOLE}"),
            ":6:1: `username` is missing: add it",
        ),
        (
            format!("{LAB}[gateway]\nhandshake_timeout = \"0s\"\n{CONSOLE}"),
            ":7:21: handshake_timeout = \"0s\" admits no viewer: write \"30s\", or leave it out",
        ),
        (
            LAB.replace("secrets/lab", "") + CONSOLE,
            ":5:17: the file name is empty: write one",
        ),
        (
            format!("{LAB}trust = \"file:\"\n{CONSOLE}"),
            ":6:9: \"file:\" has no path: write \"file:PATH\"",
        ),
    ] {
        assert_eq!(parse(&text).unwrap_err(), sentence, "{text}");
    }
}

#[test]
fn devices_are_refused_as_files() {
    for device in ["/dev/null", "/dev/zero"] {
        let error = parse(&(LAB.replace("secrets/lab", device) + CONSOLE)).unwrap_err();
        assert!(error.contains("it is not a regular file"), "{error}");
        assert!(!error.contains("chmod"), "{error}");
    }
    let error = config::load(Path::new("/dev/zero"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("it is not a regular file"), "{error}");
}

#[test]
fn invalid_values_are_refused() {
    for (text, sentence) in [
        (CONSOLE.replace("5901", "0"), "cannot connect to port 0"),
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
        (CONSOLE.replace("vm08", ""), "name is empty"),
        (
            format!("[gateway]\nbind = \"localhost\"\n{CONSOLE}"),
            "is not an IP address",
        ),
        (
            format!("[gateway]\nmax_sessions = 0\n{CONSOLE}"),
            "admits no viewer",
        ),
        (
            format!("[gateway]\nhandshake_timeout = \"18446744073709551615s\"\n{CONSOLE}"),
            "longer than a year",
        ),
        (
            format!("[gateway]\nhandshake_timeout = \"0s\"\n{CONSOLE}"),
            "admits no viewer",
        ),
        (
            format!("[vsphere.lab.console_address]\n\"a\" = \"192.0.2.1:44x\"\n{CONSOLE}"),
            "is not an address: write host or host:port",
        ),
        (
            format!("[gateway]\nhandshake_timeout = \"30\"\n{CONSOLE}"),
            "is not a duration",
        ),
        (
            format!("[gateway]\nhandshake_timeout = \"5 m\"\n{CONSOLE}"),
            "is not a duration",
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
            "has a port: write the address only",
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
            "write true or false without quotes",
        ),
        (
            format!("{CONSOLE}view_only = \"yes\"\n"),
            "expected true or false, without quotes",
        ),
        (CONSOLE.replace("vm08", "  "), "name is empty"),
        (
            format!(
                "[vsphere.a]\naddress = \"h\"\nusername = \" \"\npassword_file = \"secrets/lab\"\n{CONSOLE}"
            ),
            "username is empty: write the name of an account",
        ),
        (
            format!("[vsphere.lab.console_address]\n\"a\" = \"https//b\"\n{CONSOLE}"),
            "is not an address: write host or host:port",
        ),
        (format!("password_env = \"X\"\n{CONSOLE}"), "two passwords"),
        (String::new(), "it has no console"),
        ("[[console]\n".into(), "closing bracket missing"),
    ] {
        let error = error(&text);
        assert!(error.contains(sentence), "{text}\ngives {error}");
        assert!(!error.contains('\n'), "{error:?} is more than one line");
    }
    let http =
        "[vsphere.a]\naddress = \"http://h\"\nusername = \"u\"\npassword_file = \"secrets/lab\"\n";
    assert!(error(&format!("{http}{CONSOLE}")).contains("is not an address"));
    let unset =
        "[vsphere.a]\naddress = \"h\"\nusername = \"u\"\npassword_env = \"MKSGATE_NEVER_SET\"\n";
    assert!(error(&format!("{unset}{CONSOLE}")).contains("MKSGATE_NEVER_SET is not set"));
    let bare = "[vsphere.a]\naddress = \"h\"\nusername = \"u\"\n";
    assert!(error(&format!("{bare}{CONSOLE}")).contains("has no password"));
}

#[test]
fn overlapping_listen_addresses_are_refused() {
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
            "{other} overlaps with {one}, where another console listens: give each its own port"
        );
        assert!(error.contains(&sentence), "{error}");
        let admin = format!(
            "[admin]\nlisten = \"{one}\"\ntoken_file = \"secrets/token\"\n{auth}{}",
            console(other)
        );
        let error = self::error(&admin);
        let sentence = format!("[admin] listens on {one} already: give each its own port");
        assert!(error.contains(&sentence), "{error}");
    }
    // Whether an IPv6 listener accepts IPv4 depends on the system.
    for (one, other) in [
        ("127.0.0.1:5901", "127.0.0.2:5901"),
        ("[::]:5901", "0.0.0.0:5901"),
        ("127.0.0.1:5901", "0.0.0.0:5902"),
    ] {
        with(&format!("{auth}{}{}", console(one), console(other))).unwrap();
    }
}

#[test]
fn vsphere_address_is_a_host_host_and_port_or_url() {
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
    for address in ["esxi.example/ui", "https://esxi.example/ui/#/host"] {
        assert_eq!(
            parse(&lab(address)).unwrap_err(),
            ":3:11: /ui is the path of a web client: remove /ui from the address"
        );
    }
    for address in [
        "https//esxi",
        "https:/esxi",
        "//esxi",
        "esxi:0",
        "fe80::1%eth0",
    ] {
        let error = parse(&lab(address)).unwrap_err();
        assert!(
            error.contains("this is not an address"),
            "{address}: {error}"
        );
    }
}

#[test]
fn admin_off_loopback_requires_a_token() {
    let admin = |keys: &str| parse(&format!("{LAB}[admin]\n{keys}\n{CONSOLE}"));
    let token = |keys: &str| {
        let admin = admin(keys).unwrap().admin.unwrap();
        admin.token.map(|token| token.expose().clone())
    };
    let file = "token_file = \"secrets/token\"";
    let secret = Some("0123456789abcdef".to_owned());
    assert_eq!(token("listen = \"127.0.0.1:9590\""), None);
    assert_eq!(token("listen = \"[::ffff:127.0.0.1]:9590\""), None);
    for listen in ["127.0.0.1", "0.0.0.0", "[2001:db8::1]"] {
        assert_eq!(
            token(&format!("listen = \"{listen}:9590\"\n{file}")),
            secret
        );
    }
    for (keys, sentence) in [
        (
            "listen = \"0.0.0.0:9590\"",
            "0.0.0.0:9590 can be reached from other machines: add token_file, or listen on 127.0.0.1",
        ),
        (
            "listen = \"127.0.0.1:9590\"\ntoken_file = \"secrets/vnc\"",
            "secrets/vnc: its first line is not a token: write 16 or more letters and digits there, as `openssl rand -hex 32` prints",
        ),
        (
            "listen = \"127.0.0.1:9590\"\ntoken_file = \"secrets/lab\"",
            "secrets/lab: its first line is not a token: ",
        ),
    ] {
        let error = admin(keys).unwrap_err();
        assert!(error.contains(sentence), "{error}");
        assert!(
            !error.contains("8letters") && !error.contains("a long"),
            "{error}"
        );
    }
}
