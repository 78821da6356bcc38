//! `[web]`.

use gateway::settings::Web;

use super::*;

const STAFF: &str = "[auth.staff]\nmethods = [\"x509-plain\"]\nusers_file = \"secrets/users\"\n\
                     certificate = \"secrets/one.pem\"\nprivate_key = \"secrets/one.key\"\n";
const TLS: &str = "certificate = \"secrets/two.pem\"\nprivate_key = \"secrets/two.key\"\n";

fn table(listen: &str, more: &str) -> String {
    format!("{STAFF}[web]\nlisten = \"{listen}\"\n{more}")
}

fn web(listen: &str, more: &str) -> Web {
    with(&table(listen, more)).unwrap().web.unwrap()
}

#[test]
fn a_page_needs_no_console_and_takes_names_from_its_certificate() {
    let more = format!("auth = \"staff\"\n{TLS}hosts = [\"Consoles.example\", \"::1\"]\n");
    let web = web("0.0.0.0:8443", &more);
    assert!(web.tls.is_some() && web.auth.users.is_some());
    assert_eq!(web.hosts, ["gateway.example", "consoles.example", "::1"]);
    assert_eq!(web.listen.port(), 8443);
}

#[test]
fn the_limits_have_defaults_and_can_be_set() {
    let limits = |web: &Web| {
        (
            web.max_connections_per_source,
            web.rate_limit_factor,
            web.thumbnails_per_host,
            web.thumbnail_every.as_secs(),
        )
    };
    let staff = "auth = \"staff\"\n";
    assert_eq!(limits(&web("127.0.0.1:8080", staff)), (512, 1, 2, 30));
    let more = format!(
        "{staff}max_connections_per_source = 9\nrate_limit_factor = 50\nthumbnails_per_host = 3\nthumbnail_every = \"0s\"\n"
    );
    assert_eq!(limits(&web("127.0.0.1:8080", &more)), (9, 50, 3, 0));
}

#[test]
fn reverse_proxies_may_name_the_user_and_frames_their_origin() {
    let more = "auth = \"staff\"\nproxy_from = [\"192.0.2.2\"]\nuser_header = \"X-Forwarded-User\"\n\
                viewer_host = \"VNC.example\"\n\
                frame_ancestors = [\"https://portal.example:8443\", \"https://*.example\"]\n";
    let web = web("0.0.0.0:8080", more);
    assert_eq!(web.user_header.as_deref(), Some("x-forwarded-user"));
    assert_eq!(web.viewer_host.as_deref(), Some("vnc.example"));
    assert_eq!(web.proxy_from.len(), 1);
    assert_eq!(
        web.frame_ancestors,
        ["https://portal.example:8443", "https://*.example"]
    );
}

#[test]
fn mistakes_are_refused() {
    let staff = "auth = \"staff\"\n";
    for (listen, more, words) in [
        ("8443", staff, "is not ADDRESS:PORT"),
        ("127.0.0.1:0", staff, "port 0"),
        ("0.0.0.0:8443", staff, "without TLS: add certificate"),
        ("127.0.0.1:8080", "", "`auth` is missing: add it"),
        (
            "127.0.0.1:8080",
            "auth = \"sta\"\n",
            "no [auth.sta] section",
        ),
        (
            "0.0.0.0:8443",
            &format!("auth = \"none\"\n{TLS}"),
            "so the page needs a login",
        ),
        (
            "127.0.0.1:8080",
            "auth = \"none\"\nproxy_from = [\"127.0.0.1\"]\n",
            "so the page needs a login",
        ),
        (
            "127.0.0.1:8080",
            &format!("{staff}certificate = \"secrets/one.pem\"\n"),
            "needs a private_key",
        ),
        (
            "127.0.0.1:8080",
            &format!("{staff}private_key = \"secrets/one.key\"\n"),
            "needs a certificate",
        ),
        (
            "127.0.0.1:8080",
            &format!("{staff}user_header = \"X-User\"\n"),
            "name them in proxy_from",
        ),
        (
            "127.0.0.1:8080",
            &format!("{staff}proxy_from = [\"::1\"]\nuser_header = \"X: y\"\n"),
            "not the name of a header",
        ),
        (
            "127.0.0.1:8080",
            &format!("{staff}hosts = [\"https://a.example\"]\n"),
            "without scheme and port",
        ),
        (
            "127.0.0.1:8080",
            &format!("{staff}frame_ancestors = [\"a.example; script-src *\"]\n"),
            "is not an origin",
        ),
        (
            "127.0.0.1:8080",
            &format!("{staff}frame_ancestors = [\"https://a.example/p\"]\n"),
            "is not an origin",
        ),
        (
            "127.0.0.1:8080",
            &format!("{staff}host = [\"a.example\"]\n"),
            "did you mean `hosts`?",
        ),
    ] {
        let error = error(&table(listen, more));
        assert!(error.contains(words), "{more}\ngives {error}");
    }
    let counts = ["thumbnails_per_host = 4", "thumbnails_per_host = 0"];
    for mistake in counts {
        let error = error(&table("127.0.0.1:8080", &format!("{staff}{mistake}\n")));
        assert!(error.contains("is not from 1 to 3"), "{error}");
    }
    let vnc = "[auth.ops]\nmethods = [\"vnc-password\"]\npassword_file = \"secrets/vnc\"\n";
    let error = error(&format!(
        "{vnc}{}",
        table("127.0.0.1:8080", "auth = \"ops\"\n")
    ));
    assert!(error.contains("[auth.ops] has no users_file"), "{error}");
}

#[test]
fn the_page_has_a_port_of_its_own() {
    let error = error(&format!(
        "{CONSOLE}{}",
        table("127.0.0.1:5901", "auth = \"staff\"\n")
    ));
    assert!(
        error.contains("[web] listens on 127.0.0.1:5901 already"),
        "{error}"
    );
    for listen in ["127.0.0.1:9590", "0.0.0.0:9590"] {
        let page = table(listen, &format!("auth = \"staff\"\n{TLS}"));
        let error = super::error(&format!("{page}[admin]\nlisten = \"127.0.0.1:9590\"\n"));
        assert!(
            error.contains("[admin] listens on 127.0.0.1:9590 already"),
            "{error}"
        );
    }
}

#[test]
fn users_of_the_page_may_have_rights_to_vms_without_a_port() {
    let folder = folder();
    let users = folder.path().join("secrets/users");
    secret(&users, format!("{ADA}:/Lab/vm/web/*\n").as_bytes());
    let path = folder.path().join("gateway.toml");
    let port = format!("{CONSOLE}auth = \"staff\"\n");
    let without = format!("{LAB}{STAFF}{}", CONSOLE.replace("vm08", "db"));
    let without = without + "auth = \"staff\"\n";
    let with_page = format!("{without}[web]\nlisten = \"127.0.0.1:8080\"\nauth = \"staff\"\n");
    assert!(
        config::parse(&format!("{LAB}{STAFF}{port}"), &path).is_ok(),
        "a path is judged later"
    );
    secret(&users, format!("{ADA}:web*\n").as_bytes());
    let error = config::parse(&without, &path).unwrap_err().to_string();
    assert!(error.contains("matches no console"), "{error}");
    assert!(config::parse(&with_page, &path).is_ok());
}

#[test]
fn a_keys_file_is_secret_and_its_mistakes_are_listed_with_their_lines() {
    let folder = folder();
    let file = folder.path().join("secrets/keys");
    let text = table(
        "127.0.0.1:8080",
        "auth = \"staff\"\napi_keys_file = \"secrets/keys\"\n",
    );
    let read = || config::parse(&text, &folder.path().join("gateway.toml"));
    let (key, line) = gateway::api_keys::generate("portal").unwrap();
    let mode = |bits| std::fs::set_permissions(&file, Permissions::from_mode(bits)).unwrap();
    std::fs::write(&file, format!("{line}:web*\n")).unwrap();
    mode(0o640);
    let error = read().unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    mode(0o600);
    let keys = read().unwrap().web.unwrap().api_keys.unwrap();
    assert_eq!(keys.find(&key).unwrap().name, "portal");
    std::fs::write(&file, format!("{line}\nportal\n")).unwrap();
    let error = read().unwrap_err().to_string();
    assert!(
        error.contains("keys: line 2: expected NAME:HASH"),
        "{error}"
    );
    std::fs::write(&file, "").unwrap();
    let keys = read().unwrap().web.unwrap().api_keys.unwrap();
    assert!(keys.find(&key).is_none());
}
