//! Logins at a console's port that work once and for a short time, for users who have logged in at the page.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use logins::penalties::HashedKey;
use logins::users::User;
use rfb_proto::{Claim, SecurityType, VncPassword};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use crate::error::Failure;
use crate::one_use::{TOKEN_LIFETIME, random_text};

/// The user name of all of them. The password finds the login, and the log names the real user.
pub const NAME: &str = "once";

/// Random bytes of a password.
const PASSWORD: usize = 32;

/// Random bytes of a VNC password: 8 characters.
const VNC_PASSWORD: usize = 6;

/// The most unused logins of one user at one port; the oldest goes first, here and below.
const MAX_PER_USER: usize = 2;

/// The most at one port. A response to a VNC challenge is tried against each: its 48 bits keep 44.
const MAX_PER_PORT: usize = 16;

/// The most in all.
const MAX: usize = 1024;

/// The credentials of a login, as far as the port has methods for them. Either one uses it up.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// For the user name `once`.
    pub(crate) password: Option<SecretString>,
    /// For VNC authentication.
    pub(crate) vnc_password: Option<SecretString>,
}

/// The logins that were not used yet; clones share them.
#[derive(Clone, Default)]
pub(crate) struct OneUseLogins(Arc<Mutex<Vec<Login>>>);

struct Login {
    /// Where it is valid.
    port: HashedKey,
    user: User,
    minted: Instant,
    /// SHA-256 of the password.
    password: Option<[u8; 32]>,
    vnc_password: Option<VncPassword>,
}

impl OneUseLogins {
    /// A new login for `user` at `port`, which has these methods.
    pub(crate) fn mint(
        &self,
        user: User,
        port: HashedKey,
        methods: &[SecurityType],
    ) -> Result<Credentials, Failure> {
        let has = |wanted: &[SecurityType]| methods.iter().any(|method| wanted.contains(method));
        let by_name = has(&[SecurityType::X509Plain]);
        let by_challenge = has(&[SecurityType::VncPassword, SecurityType::X509Vnc]);
        let password = by_name.then(random_text::<PASSWORD>).transpose()?;
        let vnc_password = by_challenge.then(random_text::<VNC_PASSWORD>).transpose()?;
        let login = Login {
            port,
            user,
            minted: Instant::now(),
            password: password.as_ref().map(|text| hash(text.expose_secret())),
            vnc_password: vnc_password
                .as_ref()
                .and_then(|text| VncPassword::new(text.expose_secret()).ok()),
        };
        let mut logins = self.unexpired();
        let is_same_port = |other: &Login| other.port == login.port;
        make_room(&mut logins, MAX_PER_USER, |other| {
            is_same_port(other) && other.user.name == login.user.name
        });
        make_room(&mut logins, MAX_PER_PORT, is_same_port);
        make_room(&mut logins, MAX, |_| true);
        logins.push(login);
        Ok(Credentials {
            password,
            vnc_password,
        })
    }

    /// The user of the login that `claim` proves at `port`; uses it up.
    pub(crate) fn redeem(&self, port: HashedKey, claim: &Claim) -> Option<User> {
        let proves: &dyn Fn(&Login) -> bool = match claim {
            Claim::Plain { user, password } if user == NAME => {
                let claimed = hash(password.expose());
                &move |login| {
                    let own = login.password.as_ref();
                    own.is_some_and(|own| own.ct_eq(&claimed).into())
                }
            }
            Claim::VncPassword {
                challenge,
                response,
            } => &|login| {
                let own = login.vnc_password.as_ref();
                own.is_some_and(|own| own.verify(challenge, response))
            },
            Claim::Plain { .. } | Claim::Nobody => return None,
        };
        let mut logins = self.unexpired();
        let mut found = None;
        // All are tried, so that the time tells nothing of their order.
        for (at, login) in logins.iter().enumerate() {
            if login.port == port && proves(login) {
                found = Some(at);
            }
        }
        Some(logins.remove(found?).user)
    }

    fn unexpired(&self) -> MutexGuard<'_, Vec<Login>> {
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logins.retain(|login| login.minted.elapsed() < TOKEN_LIFETIME);
        logins
    }
}

fn hash(password: &str) -> [u8; 32] {
    Sha256::digest(password).into()
}

/// Removes the oldest of these logins where there are `limit` of them. They are in the order in which they were minted.
fn make_room(logins: &mut Vec<Login>, limit: usize, of: impl Fn(&Login) -> bool) {
    let count = logins.iter().filter(|login| of(login)).count();
    if count >= limit
        && let Some(oldest) = logins.iter().position(of)
    {
        logins.remove(oldest);
    }
}
