//! Logins that the page hands out for native viewers.

use gateway::settings::{Auth, ConsoleSettings};
use gateway::{ONE_USE_NAME, OneUseLogin, User, WebEntrance};
use rfb_proto::{SecurityType, VncPassword};
use secrecy::{ExposeSecret, SecretString};

use crate::support::encrypted_port::{EncryptedPort, users};
use crate::support::testbed::{PASSWORD, Setup};
use crate::support::viewer::RfbVersion;
use crate::support::within;

fn minted(page: &WebEntrance, user: &User, view_only: bool) -> OneUseLogin {
    let listen = page.consoles()[0].listen;
    let login = page.mint_login(user, listen, view_only).unwrap();
    login.unwrap()
}

fn text(secret: &Option<SecretString>) -> String {
    secret.as_ref().unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn name_and_password_work_once_and_the_session_is_the_users() {
    within(async {
        let port = EncryptedPort::by_name().await;
        let page = &port.testbed.page;
        let ada = users().get("ada").unwrap().clone();
        let login = minted(page, &ada, false);
        assert_eq!(login.address, port.testbed.ports[0]);
        assert_eq!(login.methods, ["x509-plain"]);
        assert!(login.vnc_password.is_none());
        let password = text(&login.password);
        let mut viewer = port.enter_as(ONE_USE_NAME, &password).await.unwrap();
        assert_eq!(viewer.init().await.name, "vm08");
        assert_eq!(page.sessions()[0].user.as_deref(), Some("ada"));
        viewer.type_text("typed").await;
        let host = &port.testbed.host;
        host.typed_until("vm08", |typed| typed == "typed").await;
        let again = port.line_of_refused(ONE_USE_NAME, &password).await;
        assert_eq!(again.sentence, "wrong user name or password: try again");
        // The users of the file log in as before.
        port.enter_as("ada", "x").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn rights_of_the_user_hold() {
    within(async {
        let port = EncryptedPort::by_name().await;
        let page = &port.testbed.page;
        let stranger = users().get("stranger").unwrap().clone();
        let password = text(&minted(page, &stranger, false).password);
        let line = port.line_of_refused(ONE_USE_NAME, &password).await;
        assert_eq!(line.user, "stranger");
        assert!(
            line.sentence
                .starts_with("stranger may not open this console")
        );
        let ada = users().get("ada").unwrap().clone();
        let password = text(&minted(page, &ada, true).password);
        let mut viewer = port.enter_as(ONE_USE_NAME, &password).await.unwrap();
        let desktop = viewer.init().await;
        assert!(page.sessions()[0].view_only);
        viewer.type_text("not typed").await;
        viewer.picture(&desktop).await;
        let typed = port.testbed.host.typed_until("vm08", |_| true).await;
        assert_eq!(typed, "");
    })
    .await;
}

#[tokio::test]
async fn vnc_password_works_once_beside_that_of_the_port() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        let page = &testbed.page;
        let ada = User::unrestricted("ada");
        let (one, other) = (minted(page, &ada, false), minted(page, &ada, false));
        assert!(one.password.is_none());
        for login in [&other, &one] {
            let mut viewer = testbed.viewer().await;
            let password = text(&login.vnc_password);
            let entered = viewer.enter(RfbVersion::V3_8, Some(&password)).await;
            assert_eq!(entered, Ok(()));
            viewer.init().await;
            assert_eq!(page.sessions()[0].user.as_deref(), Some("ada"));
            assert_eq!(viewer.closing_line().await.user, "ada");
            let mut again = testbed.viewer().await;
            let sentence = again.refused(RfbVersion::V3_8, Some(&password)).await;
            assert!(sentence.starts_with("wrong password"), "{sentence}");
        }
        let mut viewer = testbed.viewer().await;
        let entered = viewer.enter(RfbVersion::V3_8, Some(PASSWORD)).await;
        assert_eq!(entered, Ok(()));
        viewer.init().await;
        assert_eq!(viewer.closing_line().await.user, "");
    })
    .await;
}

#[tokio::test]
async fn login_of_one_port_is_worth_nothing_at_another() {
    within(async {
        let mut setup = Setup::default().with_password();
        setup.consoles.push("moref:1".into());
        setup.customize = |console| {
            let own = VncPassword::new(PASSWORD).unwrap();
            ConsoleSettings {
                auth: Auth::vnc_password(own),
                ..console
            }
        };
        let testbed = setup.start().await;
        let login = minted(&testbed.page, &User::unrestricted("ada"), false);
        let password = text(&login.vnc_password);
        let mut other = crate::support::viewer::Viewer::connect(testbed.ports[1]).await;
        let sentence = other.refused(RfbVersion::V3_8, Some(&password)).await;
        assert!(sentence.starts_with("wrong password"), "{sentence}");
        let mut viewer = testbed.viewer().await;
        let entered = viewer.enter(RfbVersion::V3_8, Some(&password)).await;
        assert_eq!(entered, Ok(()));
    })
    .await;
}

#[tokio::test]
async fn one_use_logins_forgive_no_wrong_passwords() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        let ada = User::unrestricted("ada");
        for attempt in 0..6 {
            let mut viewer = testbed.viewer().await;
            let sentence = viewer.refused(RfbVersion::V3_8, Some("guess")).await;
            let expected = match attempt {
                0..5 => "wrong password",
                _ => "too many failed logins",
            };
            assert!(sentence.starts_with(expected), "{attempt}: {sentence}");
            if attempt == 3 {
                let password = text(&minted(&testbed.page, &ada, false).vnc_password);
                let mut viewer = testbed.viewer().await;
                let entered = viewer.enter(RfbVersion::V3_8, Some(&password)).await;
                assert_eq!(entered, Ok(()));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn port_with_both_methods_has_both_passwords() {
    within(async {
        let methods = [SecurityType::X509Plain, SecurityType::X509Vnc];
        let port = EncryptedPort::with(&methods, |console| console).await;
        let page = &port.testbed.page;
        let login = minted(page, &User::unrestricted("ada"), false);
        assert_eq!(login.methods, ["x509-plain", "x509-vnc"]);
        assert!(login.password.is_some() && login.vnc_password.is_some());
        let nowhere = "192.0.2.1:1".parse().unwrap();
        let none = page.mint_login(&User::unrestricted("ada"), nowhere, false);
        assert!(none.unwrap().is_none());
    })
    .await;
}
