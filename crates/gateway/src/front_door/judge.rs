//! Whether a viewer may in: what it claims, held against the configuration, and whether there is room.

use std::net::IpAddr;

use rfb_proto::Claim;
use tokio::time::{Instant, sleep};
use vsphere::Vm;

use super::penalties::Attempt;
use super::port::Port;
use super::roll::Seat;
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
    /// Whose rights do not name the console as the configuration does: whether they name its VM is to be seen.
    undecided: Option<User>,
}

impl Admission {
    /// Looks up which VM it is: another name of it may be the one that the user may open, and sessions on it count
    /// together, by whatever names they asked for it. Nothing is known of a console at a URL but its name.
    pub(crate) async fn identify(&self, port: &Port, deadline: Instant) -> Result<(), Failure> {
        match port.destination.vm(deadline).await {
            Ok(Some(vm)) => self.settle(port, vm).await,
            Ok(None) => Ok(()),
            // Who may not open it is not told what is wrong with it.
            Err(error) => Err(self.not_for_user().unwrap_or_else(|| error.into())),
        }
    }

    /// The same for the VM that a ticket is for, in case that names have been given anew since.
    pub(crate) async fn confirm(&self, port: &Port, vm: &Vm) -> Result<(), Failure> {
        match self.seat.is_on(&port.identity(vm)) {
            true => Ok(()),
            false => self.settle(port, vm.clone()).await,
        }
    }

    async fn settle(&self, port: &Port, mut vm: Vm) -> Result<(), Failure> {
        if let Some(user) = &self.undecided {
            if user.needs_path() && vm.path.is_none() {
                vm = port.destination.with_path(&vm).await.unwrap_or(vm);
            }
            let configured = port.console.behind.to_string();
            if !user.may_open(port.console.named(&configured, Some(&vm))) {
                return self.not_for_user().map_or(Ok(()), Err);
            }
        }
        self.seat
            .identify(port.identity(&vm), port.limits.max_sessions_per_vm)
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
pub(crate) fn refused_on_arrival(port: &Port, from: IpAddr) -> Option<Failure> {
    let (penalties, now) = (&port.door.penalties, Instant::now());
    let wait = match port.console.auth.users {
        // It may be a user who is not penalised.
        Some(_) => penalties.wait_of(from.into(), now),
        None => penalties.wait(attempt(port, from, &Claim::Nobody), now),
    };
    wait.map(Failure::Penalised)
}

/// Who tries to log in, and to what: a user of a users file, or whoever knows this console's password.
fn attempt(port: &Port, from: IpAddr, claim: &Claim) -> Attempt {
    let penalties = &port.door.penalties;
    let console = penalties.subject((port.console.listen, port.console.key()));
    let login = match (claim, &port.console.auth.users) {
        (Claim::Plain { user, .. }, Some(users)) => penalties.subject((users.origin(), user)),
        _ => console,
    };
    Attempt {
        source: from.into(),
        login,
        console,
    }
}

/// Judges `claim`, made by `visit` on `port`: a wrong password costs its source, a right one takes that back.
pub(crate) async fn judge(
    port: &Port,
    visit: &mut Visit,
    claim: Claim,
) -> Result<Admission, Failure> {
    let user = authenticate(port, visit.viewer.ip(), &claim).await?;
    visit.user = user.as_ref().map(|user| user.name.clone());
    let view_only = user.as_ref().is_some_and(|user| user.view_only);
    let configured = port.console.behind.to_string();
    let console = port.console.named(&configured, None);
    let undecided = user.filter(|user| !user.may_open(console));
    if let (Some(user), None) = (&undecided, console.vsphere) {
        return Err(not_for(user));
    }
    let rooms = (port.limits.max_sessions, port.limits.max_sessions_per_vm);
    let seat = port
        .door
        .roll
        .enter(visit.id, port.console.key(), rooms, &port.door.ended)?;
    Ok(Admission {
        seat,
        view_only: port.console.view_only || view_only,
        undecided,
    })
}

/// Who it is, where it gave a name and the right password.
async fn authenticate(port: &Port, from: IpAddr, claim: &Claim) -> Result<Option<User>, Failure> {
    let penalties = &port.door.penalties;
    let attempt = attempt(port, from, claim);
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
    let verified = verify(&port.console.auth, claim).await;
    // Once more: guesses that are made side by side count as if they were made one by one.
    penalty()?;
    match verified {
        Ok(_) => penalties.passed(attempt, Instant::now()),
        Err(_) => {
            penalties.failed(attempt, Instant::now());
            port.door.metrics.auth_failures.inc();
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
