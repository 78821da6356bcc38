//! What the page needs of the gateway: logins, one-use tokens, and consoles over a browser's WebSocket.

mod one_use_logins;
mod restrictions;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use esxi_sim::{Power, VmSettings};
use gateway::settings::{Auth, ConsoleSettings};
use gateway::{ConsoleGrant, ConsoleId, Failure, GrantedConsole, TokenError, User, WebEntrance};
use rfb_proto::Password;
use secrecy::ExposeSecret;
use tokio_tungstenite::tungstenite::Message;
use vsphere::{Vm, VmRef};

use crate::support::browser::Browser;
use crate::support::encrypted_port::{certificate, users};
use crate::support::esxi::Esxi;
use crate::support::testbed::{Setup, Testbed, vm};
use crate::support::viewer::RfbVersion;
use crate::support::{until, within};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Names and passwords are checked in the users file of [`users`], at the page and at the port.
fn with_page() -> Setup {
    let auth = Auth::x509_plain(users(), certificate().0);
    Setup {
        auth: auth.clone(),
        page: Some(auth),
        ..Setup::default()
    }
}

fn user(page: &WebEntrance, name: &str) -> User {
    page.user(name).unwrap()
}

/// The console of the first port, for this user.
fn granted(page: &WebEntrance, user: User, view_only: bool) -> GrantedConsole {
    let console = ConsoleId::Port(page.consoles()[0].listen);
    redeemed(page, user, console, view_only)
}

fn redeemed(page: &WebEntrance, user: User, console: ConsoleId, view_only: bool) -> GrantedConsole {
    let grant = ConsoleGrant {
        user,
        console,
        view_only,
    };
    let token = page.mint_console(grant, None).unwrap();
    page.redeem(token.expose_secret(), None).unwrap()
}

/// The VM with this id, as the vSphere has it.
async fn vm_of(page: &WebEntrance, moref: &str) -> Vm {
    let vspheres = page.vspheres();
    let vm = VmRef::Moref(moref.into());
    vspheres["lab"].client().find(&vm).await.unwrap()
}

/// Its console, without its port.
async fn vm_console(page: &WebEntrance, moref: &str) -> ConsoleId {
    ConsoleId::Vm {
        vsphere: "lab".into(),
        vm: Box::new(vm_of(page, moref).await),
    }
}

async fn log_in(page: &WebEntrance, user: &str, password: &str) -> Result<User, Failure> {
    page.log_in(HERE, user, Password::new(password)).await
}

#[tokio::test]
async fn login_is_that_of_the_users_file_with_its_rights_and_penalties() {
    within(async {
        let testbed = with_page().start().await;
        let page = &testbed.page;
        let looker = log_in(page, "looker", "x").await.unwrap();
        assert!(looker.name == "looker" && looker.view_only);
        assert!(page.anyone().is_none() && page.user("nobody").is_none());
        for (name, password) in [("ada", "y"), ("nobody", "x"), ("", "")] {
            let refused = log_in(page, name, password).await.unwrap_err();
            assert!(matches!(refused, Failure::WrongLogin), "{name}: {refused}");
        }
        for _ in 0..5 {
            log_in(page, "guest", "y").await.unwrap_err();
        }
        let refused = log_in(page, "guest", "x").await.unwrap_err();
        assert!(matches!(refused, Failure::Penalised(_)), "{refused}");
        // No login is tried upstream.
        assert_eq!(testbed.end().await.soap_calls(), 0);
    })
    .await;
}

#[tokio::test]
async fn page_without_a_login_has_one_user_with_every_right() {
    within(async {
        let mut setup = with_page();
        setup.page = Some(Auth::none());
        let testbed = setup.start().await;
        let local = testbed.page.anyone().unwrap();
        assert_eq!(local.name, "local");
        let console = granted(&testbed.page, local, false);
        let mut browser = Browser::open(&testbed.page, console).await;
        assert_eq!(browser.viewer.open().await.name, "vm08");
        assert_eq!(testbed.page.sessions()[0].user.as_deref(), Some("local"));
    })
    .await;
}

#[tokio::test]
async fn browser_has_the_picture_of_a_native_viewer_and_its_keys_arrive() {
    within(async {
        let mut setup = with_page();
        setup.auth = Auth::none();
        let testbed = setup.start().await;
        let page = &testbed.page;
        let mut native = testbed.viewer().await;
        let desktop = native.open().await;
        for encrypted in [false, true] {
            let console = granted(page, user(page, "ada"), false);
            let mut browser = match encrypted {
                false => Browser::open(page, console).await,
                true => Browser::open_encrypted(page, console).await,
            };
            assert_eq!(browser.viewer.open().await, desktop);
            let text = format!("encrypted: {encrypted}");
            browser.viewer.type_text(&text).await;
            let arrived = |typed: &str| typed.ends_with(&text);
            testbed.host.typed_until("vm08", arrived).await;
            let picture = browser.viewer.picture(&desktop).await;
            assert!(picture == native.picture(&desktop).await, "{text}");
            drop(browser);
        }
    })
    .await;
}

#[tokio::test]
async fn session_of_a_browser_is_listed_and_logged_under_its_user() {
    within(async {
        let testbed = with_page().start().await;
        let page = &testbed.page;
        let mut changes = page.sessions_changed();
        changes.mark_unchanged();
        let console = granted(page, user(page, "looker"), false);
        assert!(page.sessions().is_empty());
        let mut browser = Browser::open(page, console).await;
        browser.viewer.open().await;
        assert!(changes.has_changed().unwrap());
        let sessions = page.sessions();
        assert_eq!(sessions.len(), 1);
        assert_eq!(sessions[0].user.as_deref(), Some("looker"));
        assert_eq!(sessions[0].console, "vm08");
        assert!(sessions[0].view_only && sessions[0].viewer.ip() == HERE);
        assert!(
            sessions[0]
                .vm
                .as_ref()
                .is_some_and(|vm| vm.vsphere == "lab")
        );
        browser.messages.try_send(Message::Close(None)).unwrap();
        let line = browser.closing_line().await;
        assert_eq!((&*line.user, &*line.ended_by), ("looker", "viewer"));
        // The echo of a Close without a code.
        assert_eq!(browser.closed().await, Some((1000, String::new())));
        until(|| page.sessions().is_empty()).await;
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn view_only_drops_a_browsers_keys_by_token_user_or_port() {
    within(async {
        for (name, by_token, by_port) in [
            ("ada", true, false),
            ("looker", false, false),
            ("ada", false, true),
        ] {
            let mut setup = with_page();
            if by_port {
                setup.customize = |console| ConsoleSettings {
                    view_only: true,
                    ..console
                };
            }
            let testbed = setup.start().await;
            let page = &testbed.page;
            let console = granted(page, user(page, name), by_token);
            let mut browser = Browser::open(page, console).await;
            let desktop = browser.viewer.open().await;
            browser.viewer.type_text("not typed").await;
            // What was sent before the request has been processed when the picture is there.
            browser.viewer.picture(&desktop).await;
            let typed = testbed.host.typed_until("vm08", |_| true).await;
            assert_eq!(typed, "", "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn shutdown_closes_a_browser_with_1001() {
    within(async {
        let mut setup = with_page();
        setup.limits.drain_timeout = Duration::ZERO;
        let testbed = setup.start().await;
        let page = &testbed.page;
        let mut browser = Browser::open(page, granted(page, user(page, "ada"), false)).await;
        browser.viewer.open().await;
        testbed.shutdown.drain.cancel();
        let (code, reason) = browser.closed().await.unwrap();
        assert_eq!(code, 1001);
        assert!(reason.contains("the gateway is shutting down"), "{reason}");
        // The session is among those that the shutdown waits for.
        testbed.gateway_ended().await;
        assert!(testbed.page.sessions().is_empty());
        assert_eq!(testbed.host.counts().consoles_open, 0);
    })
    .await;
}

#[tokio::test]
async fn text_message_is_closed_with_1003() {
    within(async {
        let testbed = with_page().start().await;
        let page = &testbed.page;
        let mut browser = Browser::open(page, granted(page, user(page, "ada"), false)).await;
        browser.viewer.open().await;
        browser.messages.try_send(Message::text("AAAA")).unwrap();
        assert_eq!(browser.closing_line().await.ended_by, "viewer");
        assert_eq!(browser.closed().await.unwrap().0, 1003);
        testbed.end().await;
    })
    .await;
}

/// What a browser of this user is shown instead of the console.
async fn refused(testbed: &Testbed, name: &str, console: ConsoleId) -> String {
    let page = &testbed.page;
    let console = redeemed(page, user(page, name), console, false);
    let mut browser = Browser::open(page, console).await;
    let refused = browser.viewer.enter(RfbVersion::V3_8, None).await;
    let line = browser.closing_line().await;
    assert_eq!((&*line.user, &*line.ended_by), (name, "fault"));
    refused.unwrap_err()
}

#[tokio::test]
async fn browser_is_refused_with_the_reason_as_at_a_port() {
    within(async {
        let mut setup = with_page();
        let off = VmSettings {
            power: Power::Off,
            ..vm("vm09")
        };
        setup.host.vms.push(off);
        setup.consoles.push("vm09".into());
        let testbed = setup.start().await;
        let listen = |at: usize| ConsoleId::Port(testbed.page.consoles()[at].listen);
        // Both listen on port 0: the first is meant.
        let shown = refused(&testbed, "stranger", listen(0)).await;
        assert!(
            shown.starts_with("you may not open this console"),
            "{shown}"
        );
        let without_port = vm_console(&testbed.page, "2").await;
        let shown = refused(&testbed, "ada", without_port).await;
        assert!(shown.starts_with("the VM is powered off"), "{shown}");
    })
    .await;
}

#[tokio::test]
async fn vm_without_a_port_is_opened_by_those_who_may_by_its_own_names() {
    within(async {
        let mut setup = with_page();
        setup.host.vms.push(vm("vm09"));
        let testbed = setup.start().await;
        let page = &testbed.page;
        // Whoever lists it under another name gains nothing.
        let vm09 = vm_console(page, "2").await;
        let without_port = |name: &str| {
            let ConsoleId::Vm { vsphere, mut vm } = vm09.clone() else {
                unreachable!()
            };
            vm.name = name.into();
            ConsoleId::Vm { vsphere, vm }
        };
        // `m*` is a pattern for names, not for every `moref:`.
        for name in ["stranger", "by-id", "other-path"] {
            let shown = refused(&testbed, name, without_port("web01")).await;
            assert!(
                shown.starts_with("you may not open this console"),
                "{name}: {shown}"
            );
        }
        for name in ["ada", "guest", "other-id", "by-path"] {
            let console = redeemed(page, user(page, name), without_port("vm09"), false);
            let mut browser = Browser::open(page, console).await;
            assert_eq!(browser.viewer.open().await.name, "vm09", "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn token_opens_one_console_once() {
    within(async {
        let testbed = with_page().start().await;
        let page = &testbed.page;
        let grant = |console| ConsoleGrant {
            user: user(page, "ada"),
            console,
            view_only: false,
        };
        let port = ConsoleId::Port(page.consoles()[0].listen);
        let token = page.mint_console(grant(port), Some("ada")).unwrap();
        let token = token.expose_secret();
        assert_eq!(page.peek(token, Some("ada")).unwrap().user.name, "ada");
        let other = page.redeem(token, Some("guest")).err();
        assert_eq!(other, Some(TokenError::Unknown));
        assert_eq!(page.redeem(token, Some("ada")).unwrap().name(), "vm08");
        let again = page.redeem(token, Some("ada")).err();
        assert_eq!(again, Some(TokenError::Used));
        let gone = ConsoleId::Port("192.0.2.1:5900".parse().unwrap());
        let token = page.mint_console(grant(gone), None).unwrap();
        let gone = page.redeem(token.expose_secret(), None).err();
        assert_eq!(gone, Some(TokenError::ConsoleGone));
    })
    .await;
}

#[tokio::test]
async fn browser_that_closes_before_its_console_is_open_has_left() {
    within(async {
        // Its consoles are never accepted.
        let esxi = Esxi::start().await;
        let testbed = with_page().with_console_host(&esxi).start().await;
        let page = &testbed.page;
        let console = granted(page, user(page, "ada"), false);
        let mut browser = Browser::open(page, console).await;
        browser
            .viewer
            .exchange_versions(RfbVersion::V3_8.bytes())
            .await;
        assert_eq!(browser.viewer.bytes(2).await, [1, 1], "security type None");
        browser.viewer.send(&[1]).await;
        until(|| page.sessions().len() == 1).await;
        browser
            .messages
            .try_send(Message::Ping("x".into()))
            .unwrap();
        browser.messages.try_send(Message::Close(None)).unwrap();
        let line = browser.closing_line().await;
        assert_eq!((&*line.ended_by, &*line.user), ("viewer", "ada"));
        assert_eq!(browser.closed().await, Some((1000, String::new())));
    })
    .await;
}
