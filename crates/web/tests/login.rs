//! The server, its headers and the login, with a browser's requests over TCP.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod support;

use support::{PASSWORD, Page, Reply, USER};

const GET: &str = "GET";
const POST: &str = "POST";

/// The value of a hidden field in a page.
fn field<'a>(reply: &'a Reply, name: &str) -> &'a str {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = reply.body.split_once(&start).unwrap();
    rest.split_once('"').unwrap().0
}

/// The cookies that a reply sets, as a browser sends them back.
fn cookies(reply: &Reply) -> String {
    let set = reply.all("set-cookie").into_iter();
    let pairs: Vec<&str> = set
        .map(|cookie| cookie.split(';').next().unwrap())
        .collect();
    pairs.join("; ")
}

/// Posts the login form as a browser that was sent it.
async fn post_login(page: &Page, user: &str, password: &str, next: &str) -> Reply {
    let form = page.get("/login").await;
    let token = field(&form, "form");
    let body = format!("user={user}&password={password}&next={next}&form={token}");
    let cookie = cookies(&form);
    page.send(POST, "/login", &[("cookie", &cookie)], &body)
        .await
}

#[tokio::test]
async fn every_response_forbids_scripts_of_others_frames_and_caches() {
    let page = Page::begin(|_| {}).await;
    for path in ["/login", "/nothing", "/logout", "/assets/nothing"] {
        let reply = page.get(path).await;
        let policy = reply.one("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';")
                && policy.ends_with("frame-ancestors 'none'")
                && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(reply.one("x-content-type-options"), "nosniff");
        assert_eq!(reply.one("referrer-policy"), "no-referrer");
        assert_eq!(reply.one("cache-control"), "no-store");
        assert!(reply.all("strict-transport-security").is_empty());
        assert!(
            !reply.body.contains("<script>") && !reply.body.contains("style=\""),
            "{path}"
        );
    }
    let framed = Page::begin(|web| web.frame_ancestors = vec!["https://portal.example".into()]);
    let reply = framed.await.get("/login").await;
    assert!(
        reply
            .one("content-security-policy")
            .ends_with("frame-ancestors 'self' https://portal.example")
    );
}

#[tokio::test]
async fn a_host_that_is_not_the_pages_is_refused() {
    let page = Page::begin(|web| web.hosts = vec!["consoles.example".into()]).await;
    for (host, status) in [
        (page.address.to_string(), 200),
        (format!("localhost:{}", page.address.port()), 200),
        ("consoles.example".into(), 200),
        ("evil.example".into(), 421),
        (format!("evil.example:{}", page.address.port()), 421),
        ("192.0.2.1".into(), 421),
        (String::new(), 421),
    ] {
        let reply = page.send(GET, "/login", &[("host", &host)], "").await;
        assert_eq!(reply.status, status, "{host}");
    }
    let address = page.address.to_string();
    let two = [("host", address.as_str()), ("host", "consoles.example")];
    let reply = page.send(GET, "/login", &two, "").await;
    assert!([400, 421].contains(&reply.status), "{}", reply.status);
}

#[tokio::test]
async fn a_login_sets_a_cookie_that_scripts_and_other_sites_cannot_use() {
    let page = Page::begin(|_| {}).await;
    let first = page
        .send(GET, "/vm/lab/vm-42?x=1", &[("accept", "text/html")], "")
        .await;
    let location = "../../login?next=vm%2Flab%2Fvm%2D42%3Fx%3D1";
    assert_eq!((first.status, first.one("location")), (303, location));
    let reply = post_login(&page, USER, PASSWORD, "vm/lab/vm-42").await;
    assert_eq!((reply.status, reply.one("location")), (303, "vm/lab/vm-42"));
    let set = reply.all("set-cookie");
    assert!(
        set[0].starts_with("mksgate=") && set[0].ends_with("; Path=/; HttpOnly; SameSite=Strict"),
        "{set:?}"
    );
    let again = page
        .send(GET, "/login", &[("cookie", &cookies(&reply))], "")
        .await;
    assert_eq!((again.status, again.one("location")), (303, "./"));
    let other = page.send(GET, "/login", &[("cookie", "mksgate=x")], "");
    assert_eq!(other.await.status, 200);
}

#[tokio::test]
async fn a_wrong_password_a_foreign_form_and_a_foreign_site_do_not_log_in() {
    let page = Page::begin(|_| {}).await;
    for (user, password) in [(USER, "wrong"), ("nobody", PASSWORD), (USER, "")] {
        let reply = post_login(&page, user, password, "").await;
        assert_eq!(reply.status, 403);
        assert!(reply.body.contains("Wrong user name or password."));
        assert!(!cookies(&reply).contains("mksgate="), "{}", cookies(&reply));
    }
    let form = page.get("/login").await;
    let body = format!(
        "user={USER}&password={PASSWORD}&form={}",
        field(&form, "form")
    );
    let without = page.send(POST, "/login", &[], &body).await;
    assert!(without.body.contains("This form is out of date"));
    assert!(!cookies(&without).contains("mksgate="));
    let cookie = cookies(&form);
    for origin in ["https://evil.example", "null"] {
        let foreign = [("cookie", cookie.as_str()), ("origin", origin)];
        let reply = page.send(POST, "/login", &foreign, &body).await;
        assert_eq!(reply.status, 403);
        assert!(reply.all("set-cookie").is_empty());
    }
    let own = format!("http://{}", page.address);
    let reply = page
        .send(
            POST,
            "/login",
            &[("cookie", &cookie), ("origin", &own)],
            &body,
        )
        .await;
    assert_eq!(reply.status, 303);
}

#[tokio::test]
async fn guessing_is_penalised_as_at_a_vnc_port() {
    let page = Page::begin(|_| {}).await;
    for _ in 0..50 {
        let reply = post_login(&page, USER, "wrong", "").await;
        if reply.status == 429 {
            assert!(reply.one("retry-after").parse::<u64>().unwrap() > 0);
            assert!(reply.body.contains("Too many failed logins"));
            return;
        }
        assert_eq!(reply.status, 403);
    }
    panic!("fifty guesses were not penalised");
}

#[tokio::test]
async fn logging_out_ends_the_session_and_needs_its_token() {
    let page = Page::begin(|_| {}).await;
    let cookie = cookies(&post_login(&page, USER, PASSWORD, "").await);
    let with = [("cookie", cookie.as_str())];
    for body in ["", "csrf=", "csrf=wrong"] {
        let reply = page.send(POST, "/logout", &with, body).await;
        assert_eq!(reply.status, 403, "{body}");
    }
    assert_eq!(page.send(GET, "/login", &with, "").await.status, 303);
    let nobody = page.send(POST, "/logout", &[], "csrf=").await;
    assert_eq!(nobody.status, 401);
}

#[tokio::test]
async fn a_reverse_proxy_names_the_user_and_nobody_else_does() {
    let trusted = Page::begin(|web| {
        web.proxy_from = vec!["127.0.0.1/32".parse().unwrap()];
        web.user_header = Some("x-forwarded-user".into());
    });
    let trusted = trusted.await;
    let named = [("x-forwarded-user", USER)];
    assert_eq!(trusted.send(GET, "/login", &named, "").await.status, 303);
    let unknown = [("x-forwarded-user", "nobody")];
    assert_eq!(trusted.send(GET, "/login", &unknown, "").await.status, 200);
    let elsewhere = Page::begin(|web| {
        web.proxy_from = vec!["192.0.2.2/32".parse().unwrap()];
        web.user_header = Some("x-forwarded-user".into());
    });
    let reply = elsewhere.await.send(GET, "/login", &named, "").await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_browser_behind_a_proxy_with_https_gets_a_cookie_for_this_host() {
    let page = Page::begin(|web| web.proxy_from = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let https = [("x-forwarded-proto", "https")];
    let reply = page.send(GET, "/login", &https, "").await;
    let set = reply.one("set-cookie");
    assert!(
        set.starts_with("__Host-mksgate-login=") && set.ends_with("; Secure"),
        "{set}"
    );
}

#[tokio::test]
async fn assets_are_sent_once() {
    let page = Page::begin(|_| {}).await;
    let first = page.get("/assets/style.css").await;
    assert_eq!(
        (first.status, first.one("content-type")),
        (200, "text/css; charset=utf-8")
    );
    let known = [("if-none-match", first.one("etag"))];
    let again = page.send(GET, "/assets/style.css", &known, "").await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    for path in [
        "/assets/..%2fCargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/",
    ] {
        assert_eq!(page.get(path).await.status, 404, "{path}");
    }
}
