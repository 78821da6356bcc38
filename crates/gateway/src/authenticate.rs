//! Verifies credentials, subject to penalties.

use std::net::IpAddr;

use rfb_proto::Claim;
use tokio::time::{Instant, sleep};

use crate::error::Failure;
use crate::settings::auth::Auth;
use crate::shared::Shared;
use logins::penalties::{Attempt, HashedKey};
use logins::users::User;

/// Where a login is tried: at a console's port, or at the page.
#[derive(Clone, Copy)]
pub(crate) struct LoginPoint<'a> {
    pub(crate) auth: &'a Auth,
    pub(crate) shared: &'a Shared,
    /// What penalties count failures of all sources together by.
    pub(crate) key: HashedKey,
}

impl LoginPoint<'_> {
    /// The attempt as penalties count it: at a user of a users file, or at this console's password.
    pub(crate) fn attempt(self, from: IpAddr, claim: &Claim) -> Attempt {
        let login = match (claim, &self.auth.users) {
            (Claim::Plain { user, .. }, Some(users)) => {
                self.shared.penalties.hashed((users.origin(), user))
            }
            _ => self.key,
        };
        Attempt {
            source: from.into(),
            login,
            console: self.key,
        }
    }

    /// Verifies the claim, subject to penalties, and counts the result towards them. Returns the user of a claim with a name.
    pub(crate) async fn authenticate(
        self,
        from: IpAddr,
        claim: &Claim,
    ) -> Result<Option<User>, Failure> {
        let penalties = &self.shared.penalties;
        let attempt = self.attempt(from, claim);
        let penalty = || {
            let wait = penalties.remaining(attempt, Instant::now());
            wait.map_or(Ok(()), |wait| Err(Failure::Penalised(wait)))
        };
        if *claim == Claim::Nobody {
            // No password was tried: this is neither a failure nor a success.
            return Ok(None);
        }
        penalty()?;
        let turn = penalties.reserve_turn(attempt, Instant::now());
        let wait = turn.map_err(Failure::ConsolePenalised)?;
        if !wait.is_zero() {
            sleep(wait).await;
        }
        // This is no success of a password that can be guessed: it forgives no failures.
        if let Some(user) = self.shared.one_use_logins.redeem(self.key, claim) {
            return Ok(Some(user));
        }
        let verified = self.verify(claim).await;
        // Checked again: concurrent attempts must not get more guesses than sequential ones.
        penalty()?;
        match verified {
            Ok(_) => penalties.record_success(attempt, Instant::now()),
            Err(_) => {
                penalties.record_failure(attempt, Instant::now());
                self.shared.metrics.auth_failures.inc();
            }
        }
        verified
    }

    /// Compares the claim with the configured passwords. Returns the user of a claim with a name.
    async fn verify(self, claim: &Claim) -> Result<Option<User>, Failure> {
        match claim {
            Claim::Nobody => Ok(None),
            Claim::VncPassword {
                challenge,
                response,
            } => match &self.auth.password {
                Some(password) if password.expose().verify(challenge, response) => Ok(None),
                _ => Err(Failure::WrongPassword),
            },
            Claim::Plain { user, password } => match &self.auth.users {
                Some(users) => users
                    .verify(user, password)
                    .await
                    .map(Some)
                    .ok_or(Failure::WrongLogin),
                None => Err(Failure::WrongLogin),
            },
        }
    }
}
