use std::time::Duration;

use rfb_proto::Password;
use tokio::time::advance;

use super::*;

const BOTH: [SecurityType; 2] = [SecurityType::X509Plain, SecurityType::VncPassword];

const SECOND: Duration = Duration::from_secs(1);

/// The keys of two ports.
fn ports() -> [HashedKey; 2] {
    let penalties = logins::penalties::Penalties::shared();
    ["one", "other"].map(|port| penalties.hashed(port))
}

fn mint(logins: &OneUseLogins, user: &str, port: HashedKey) -> Credentials {
    logins.mint(User::unrestricted(user), port, &BOTH).unwrap()
}

/// What a viewer claims that has these credentials.
fn claims(credentials: &Credentials) -> [Claim; 2] {
    let text = |secret: &Option<SecretString>| secret.as_ref().unwrap().expose_secret().to_owned();
    let password = Password::new(text(&credentials.password));
    let challenge = [7; 16];
    let vnc_password = VncPassword::new(&text(&credentials.vnc_password)).unwrap();
    [
        Claim::Plain {
            user: NAME.into(),
            password,
        },
        Claim::VncPassword {
            challenge,
            response: vnc_password.respond(&challenge),
        },
    ]
}

fn redeem(logins: &OneUseLogins, port: HashedKey, claim: &Claim) -> Option<String> {
    logins.redeem(port, claim).map(|user| user.name)
}

#[tokio::test(start_paused = true)]
async fn login_is_used_up_by_either_credential_at_its_port_only() {
    let (logins, [port, other]) = (OneUseLogins::default(), ports());
    for used in [0, 1] {
        let claims = claims(&mint(&logins, "anna", port));
        assert_eq!(redeem(&logins, other, &claims[used]), None);
        assert_eq!(
            redeem(&logins, port, &claims[used]).as_deref(),
            Some("anna")
        );
        assert!(
            claims
                .iter()
                .all(|claim| redeem(&logins, port, claim).is_none())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn login_expires() {
    let (logins, [port, _]) = (OneUseLogins::default(), ports());
    for used in [0, 1] {
        let in_time = claims(&mint(&logins, "anna", port));
        let late = claims(&mint(&logins, "bert", port));
        advance(TOKEN_LIFETIME - SECOND).await;
        assert!(redeem(&logins, port, &in_time[used]).is_some());
        advance(SECOND).await;
        assert_eq!(redeem(&logins, port, &late[used]), None);
        assert!(logins.unexpired().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_prove_nothing_and_use_nothing_up() {
    let (logins, [port, _]) = (OneUseLogins::default(), ports());
    let right = mint(&logins, "anna", port);
    let plain = |user: &str, password: &str| Claim::Plain {
        user: user.into(),
        password: Password::new(password),
    };
    let password = right.password.as_ref().unwrap().expose_secret();
    for claim in [
        plain(NAME, ""),
        plain(NAME, &password[1..]),
        plain("anna", password),
        plain("", password),
        Claim::Nobody,
        Claim::VncPassword {
            challenge: [7; 16],
            response: [7; 16],
        },
    ] {
        assert_eq!(redeem(&logins, port, &claim), None, "{claim:?}");
    }
    assert!(redeem(&logins, port, &claims(&right)[0]).is_some());
}

#[test]
fn credentials_are_those_that_the_port_has_methods_for() {
    let (logins, [port, _]) = (OneUseLogins::default(), ports());
    for (methods, lengths) in [
        (&[SecurityType::X509Plain][..], (Some(43), None)),
        (&[SecurityType::VncPassword], (None, Some(8))),
        (
            &[SecurityType::X509Vnc, SecurityType::None],
            (None, Some(8)),
        ),
        (&[SecurityType::None], (None, None)),
        (&BOTH, (Some(43), Some(8))),
    ] {
        let minted = logins.mint(User::unrestricted("anna"), port, methods);
        let minted = minted.unwrap();
        let length = |secret: &Option<SecretString>| {
            let text = secret.as_ref()?.expose_secret();
            assert!(!format!("{minted:?}").contains(text), "not printed");
            Some(text.len())
        };
        let found = (length(&minted.password), length(&minted.vnc_password));
        assert_eq!(found, lengths, "{methods:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn logins_are_bounded_by_user_port_and_in_all() {
    let (logins, [port, other]) = (OneUseLogins::default(), ports());
    let first = claims(&mint(&logins, "anna", port));
    let elsewhere = claims(&mint(&logins, "anna", other));
    for _ in 0..MAX_PER_USER {
        mint(&logins, "anna", port);
    }
    assert_eq!(redeem(&logins, port, &first[0]), None);
    assert_eq!(logins.unexpired().len(), MAX_PER_USER + 1);
    for user in 0..2 * MAX_PER_PORT {
        mint(&logins, &user.to_string(), port);
    }
    assert_eq!(logins.unexpired().len(), MAX_PER_PORT + 1);
    assert!(redeem(&logins, other, &elsewhere[0]).is_some());
    let penalties = logins::penalties::Penalties::shared();
    for port in 0..MAX + 9 {
        let minted = logins.mint(User::unrestricted("anna"), penalties.hashed(port), &[]);
        assert!(minted.is_ok());
    }
    assert_eq!(logins.unexpired().len(), MAX);
}
