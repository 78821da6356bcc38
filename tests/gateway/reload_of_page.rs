//! What the page has after a reload.

use std::net::Ipv4Addr;

use gateway::settings::{Auth, Config, Web};
use gateway::{ConsoleGrant, ConsoleId, TokenError, Users, hashing};
use rfb_proto::Password;
use secrecy::ExposeSecret;

use crate::reload::{Fleet, Reloading};
use crate::support::testbed::PASSWORD;
use crate::support::within;

/// A page with these users, who all have the same password.
fn page(names: &[&str]) -> Option<Web> {
    let hash = hashing::hash(PASSWORD.as_bytes()).unwrap();
    let lines: String = names
        .iter()
        .map(|name| format!("{name}:{hash}\n"))
        .collect();
    let auth = Auth {
        users: Some(Users::parse(&lines).unwrap().into()),
        methods: Vec::new(),
        ..Auth::none()
    };
    Some(Web::new("127.0.0.1:1".parse().unwrap(), auth))
}

#[tokio::test(flavor = "multi_thread")]
async fn page_has_the_users_and_consoles_of_the_present_configuration() {
    within(async {
        let fleet = Fleet::new().await;
        let before = Config {
            web: page(&["ada", "bob"]),
            ..fleet.config(&[0, 1], &Auth::none())
        };
        let reloading = Reloading::begin(before).await;
        let mut entrance = reloading.page.clone();
        let grant = |host: usize| ConsoleGrant {
            user: entrance.user("ada").unwrap(),
            console: ConsoleId::Port((Ipv4Addr::LOCALHOST, fleet.ports[host]).into()),
            view_only: false,
        };
        let tokens = [0, 1].map(|host| entrance.mint_console(grant(host), None).unwrap());
        assert!(entrance.user("bob").is_some());
        let after = Config {
            web: page(&["ada"]),
            ..fleet.config(&[0], &Auth::none())
        };
        entrance.mark_unchanged();
        reloading.apply(&after).await;
        entrance.changed().await;
        assert!(entrance.user("ada").is_some() && entrance.user("bob").is_none());
        for (name, is_known) in [("ada", true), ("bob", false)] {
            let from = Ipv4Addr::LOCALHOST.into();
            let login = entrance.log_in(from, name, Password::new(PASSWORD.to_owned()));
            assert_eq!(login.await.is_ok(), is_known, "{name}");
        }
        assert_eq!(entrance.consoles().len(), 1);
        assert!(entrance.vspheres().keys().eq(["host0"]));
        let redeemed = tokens.map(|token| entrance.redeem(token.expose_secret(), None).err());
        assert_eq!(redeemed, [None, Some(TokenError::ConsoleGone)]);
        let without = Config { web: None, ..after };
        reloading.apply(&without).await;
        assert!(entrance.settings().is_none() && entrance.user("ada").is_none());
        assert!(entrance.anyone().is_none());
        reloading.end().await;
    })
    .await;
}
