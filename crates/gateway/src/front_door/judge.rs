//! Whether a viewer may in: what it claims, held against the configuration, and whether there is room.

use rfb_proto::Claim;
use tokio::time::Instant;

use super::port::Port;
use super::roll::Seat;
use super::source::Source;
use super::users::User;
use crate::error::Failure;
use crate::settings::Auth;
use crate::visit::Visit;

/// A viewer that may in.
pub(crate) struct Admission {
    /// Its place on the roll.
    pub(crate) seat: Seat,
    /// It may only look.
    pub(crate) view_only: bool,
}

/// Judges `claim`, made by `visit` on `port`: a wrong one costs its source, a right one makes good.
pub(crate) async fn judge(
    port: &Port,
    visit: &mut Visit,
    claim: Claim,
) -> Result<Admission, Failure> {
    let source = Source::from(visit.viewer.ip());
    let penalty = || {
        port.door
            .penalties
            .wait(source, Instant::now())
            .map_or(Ok(()), |wait| Err(Failure::Penalised(wait)))
    };
    // Once more before it is looked at and once more after: others from there may have been wrong since this
    // one came, and guesses that are made side by side count as if they were made one by one.
    penalty()?;
    let verified = verify(&port.console.auth, &claim).await;
    penalty()?;
    let user = match verified {
        Ok(user) => user,
        Err(failure) => {
            port.door.penalties.failed(source, Instant::now());
            port.door.metrics.auth_failures.inc();
            return Err(failure);
        }
    };
    if claim != Claim::Nobody {
        port.door.penalties.passed(source);
    }
    let vm = port.console.behind.to_string();
    if let Some(user) = &user {
        visit.user = Some(user.name.clone());
        if !user.may_open(&vm) {
            return Err(Failure::NotForUser {
                user: user.name.clone(),
            });
        }
    }
    let rooms = (port.limits.max_sessions, port.limits.max_sessions_per_vm);
    let seat = port
        .door
        .roll
        .enter(visit.id, port.console.key(), rooms, &port.door.ended)?;
    Ok(Admission {
        seat,
        view_only: port.console.view_only || user.is_some_and(|user| user.view_only),
    })
}

/// Whether the claim is true; and who it is, where it gave a name.
async fn verify(auth: &Auth, claim: &Claim) -> Result<Option<User>, Failure> {
    match claim {
        Claim::Nobody => Ok(None),
        Claim::VncPassword {
            challenge,
            response,
        } => match &auth.password {
            Some(password) if password.expose().verify(challenge, response) => Ok(None),
            _ => Err(Failure::WrongPassword),
        },
        Claim::Plain { user, password } => match &auth.users {
            Some(users) => users
                .verify(user, password)
                .await
                .map(Some)
                .ok_or(Failure::WrongLogin),
            None => Err(Failure::WrongLogin),
        },
    }
}
