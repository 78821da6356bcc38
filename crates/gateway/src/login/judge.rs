//! Whether a viewer may come in, and to which console: its claim against the configuration, and the limits.

use std::net::IpAddr;
use std::sync::Arc;

use console::dialer::TimeLimit;
use rfb_proto::Claim;
use tokio::time::{Instant, sleep};
use vsphere::Vm;

use super::penalties::Attempt;
use super::users::User;
use crate::entrance::{Entrance, ServedConsole};
use crate::error::Failure;
use crate::registry::{SessionInfo, SessionSlot};
use crate::settings::auth::Auth;
use crate::settings::limits::Limits;

/// A viewer that may come in.
pub(crate) struct Admission {
    /// The console that it gets.
    pub(crate) console: Arc<ServedConsole>,
    /// Its entry in the registry.
    pub(crate) slot: SessionSlot,
    /// It may only look.
    pub(crate) view_only: bool,
    /// The user whose rights do not name the console as the configuration does: whether they name its VM is to be seen.
    undecided: Option<User>,
    max_sessions_per_vm: usize,
}

impl Admission {
    /// Looks up which VM it is: another name of it may be the one that the user may open, and sessions on it count
    /// together, whatever names they asked for it by. Nothing is known of a console at a URL but its name.
    pub(crate) async fn identify(&self, limit: TimeLimit) -> Result<(), Failure> {
        match self.console.dialer.vm(limit).await {
            Ok(Some(vm)) => self.settle(vm).await,
            Ok(None) => Ok(()),
            // A user who may not open it is not told what is wrong with it.
            Err(error) => Err(self.not_for_user().unwrap_or_else(|| error.into())),
        }
    }

    /// The same for the VM that a ticket is for, in case that names have been given anew since.
    pub(crate) async fn confirm(&self, vm: &Vm) -> Result<(), Failure> {
        match self.slot.info().is_on(&self.console.identity(vm)) {
            true => Ok(()),
            false => self.settle(vm.clone()).await,
        }
    }

    async fn settle(&self, mut vm: Vm) -> Result<(), Failure> {
        if let Some(user) = &self.undecided {
            if user.needs_path() && vm.path.is_none() {
                vm = self.console.dialer.with_path(&vm).await.unwrap_or(vm);
            }
            if !user.may_open(self.console.named(Some(&vm))) {
                return self.not_for_user().map_or(Ok(()), Err);
            }
        }
        self.slot
            .identify(self.console.identity(&vm), self.max_sessions_per_vm)
    }

    fn not_for_user(&self) -> Option<Failure> {
        self.undecided.as_ref().map(not_for)
    }
}

fn not_for(user: &User) -> Failure {
    Failure::NotForUser {
        user: user.name.clone(),
    }
}

/// What a viewer from there is told before it is asked who it is; `None` where it may go on.
pub(crate) fn refused_on_arrival(entrance: &Entrance, from: IpAddr) -> Option<Failure> {
    let (penalties, now) = (&entrance.shared.penalties, Instant::now());
    let wait = match entrance.auth.users {
        // It may be a user who is not penalised.
        Some(_) => penalties.wait_of(from.into(), now),
        None => penalties.wait(attempt(entrance, from, &Claim::Nobody), now),
    };
    wait.map(Failure::Penalised)
}

/// Who tries to log in, and to what: a user of a users file, or whoever knows this console's password.
fn attempt(entrance: &Entrance, from: IpAddr, claim: &Claim) -> Attempt {
    let penalties = &entrance.shared.penalties;
    let console = penalties.subject((entrance.listen, &entrance.console.key));
    let login = match (claim, &entrance.auth.users) {
        (Claim::Plain { user, .. }, Some(users)) => penalties.subject((users.origin(), user)),
        _ => console,
    };
    Attempt {
        source: from.into(),
        login,
        console,
    }
}

/// Judges the claim of a viewer that has come to `entrance`: a wrong password costs its source, a right one takes that
/// back.
pub(crate) async fn judge(
    entrance: &Entrance,
    session: &Arc<SessionInfo>,
    claim: Claim,
) -> Result<Admission, Failure> {
    let from = session.parties().viewer.ip();
    let user = authenticate(entrance, from, &claim).await?;
    session.parties().user = user.as_ref().map(|user| user.name.clone());
    let view_only = user.as_ref().is_some_and(|user| user.view_only);
    let console = Arc::clone(&entrance.console);
    let named = console.named(None);
    let undecided = user.filter(|user| !user.may_open(named));
    if let (Some(user), None) = (&undecided, named.vsphere) {
        return Err(not_for(user));
    }
    let Limits {
        max_sessions,
        max_sessions_per_vm,
        ..
    } = *entrance.limits;
    let registry = &entrance.shared.registry;
    let key = console.key.clone();
    let slot = registry.enter(session, key, (max_sessions, max_sessions_per_vm))?;
    Ok(Admission {
        slot,
        view_only: console.view_only || view_only,
        console,
        undecided,
        max_sessions_per_vm,
    })
}

/// Who it is, where it gave a name and the right password.
async fn authenticate(
    entrance: &Entrance,
    from: IpAddr,
    claim: &Claim,
) -> Result<Option<User>, Failure> {
    let penalties = &entrance.shared.penalties;
    let attempt = attempt(entrance, from, claim);
    let penalty = || {
        let wait = penalties.wait(attempt, Instant::now());
        wait.map_or(Ok(()), |wait| Err(Failure::Penalised(wait)))
    };
    if *claim == Claim::Nobody {
        // Nothing was guessed, so nothing is taken back.
        return Ok(None);
    }
    penalty()?;
    let turn = penalties.turn(attempt, Instant::now());
    let wait = turn.map_err(Failure::ConsolePenalised)?;
    if !wait.is_zero() {
        sleep(wait).await;
    }
    let verified = verify(&entrance.auth, claim).await;
    // Once more: guesses that are made side by side count as if they were made one by one.
    penalty()?;
    match verified {
        Ok(_) => penalties.passed(attempt, Instant::now()),
        Err(_) => {
            penalties.failed(attempt, Instant::now());
            entrance.shared.metrics.auth_failures.inc();
        }
    }
    verified
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
