//! Authenticates a viewer's claim and checks its rights and the session limits.

use std::net::IpAddr;
use std::sync::Arc;

use console::dialer::TimeLimit;
use rfb_proto::Claim;
use tokio::time::Instant;
use vsphere::Vm;

use crate::authenticate::LoginPoint;
use crate::entrance::{Entrance, ServedConsole};
use crate::error::Failure;
use crate::registry::{SessionInfo, SessionSlot};
use crate::relay::ViewerPolicy;
use crate::settings::limits::Limits;
use logins::source::is_in;
use logins::users::User;

/// A viewer that has logged in and may open its console.
pub(crate) struct Admission {
    /// The console.
    pub(crate) console: Arc<ServedConsole>,
    /// Its entry in the registry.
    pub(crate) slot: SessionSlot,
    /// Its input events and clipboard are dropped.
    pub(crate) view_only: bool,
    /// Set where the user's rights do not match the console's configured name: they are checked again, against the VM's
    /// other names, once it has been looked up.
    unresolved_rights: Option<User>,
    max_sessions_per_vm: usize,
}

impl Admission {
    /// Looks the VM up, checks the user's rights against all of its names, and counts the session on the VM under its
    /// identity. Does nothing for a console at a URL.
    pub(crate) async fn identify(&self, limit: TimeLimit) -> Result<(), Failure> {
        match self.console.dialer.vm(limit).await {
            Ok(Some(vm)) => self.check_vm(vm).await,
            Ok(None) => Ok(()),
            // The state of the VM is not disclosed to a user without rights to it.
            Err(error) => Err(self.not_for_user().unwrap_or_else(|| error.into())),
        }
    }

    /// Repeats the checks where the ticket was issued for another VM: names may have changed since the lookup.
    pub(crate) async fn confirm(&self, vm: &Vm) -> Result<(), Failure> {
        match self.slot.info().is_on(&self.console.identity(vm)) {
            true => Ok(()),
            false => self.check_vm(vm.clone()).await,
        }
    }

    async fn check_vm(&self, mut vm: Vm) -> Result<(), Failure> {
        if let Some(user) = &self.unresolved_rights {
            if user.needs_path() && vm.path.is_none() {
                vm = self.console.dialer.with_path(&vm).await.unwrap_or(vm);
            }
            if !user.may_open(self.console.names(Some(&vm))) {
                return self.not_for_user().map_or(Ok(()), Err);
            }
        }
        self.slot
            .identify(self.console.identity(&vm), self.max_sessions_per_vm)
    }

    /// What the viewer may do in the relay.
    pub(crate) fn policy(&self, limits: &Limits) -> ViewerPolicy {
        let Self {
            console, view_only, ..
        } = self;
        ViewerPolicy {
            view_only: *view_only,
            may_be_exclusive: console.exclusive && !view_only,
            input_settings: console.input_settings,
            host: console.host(),
            idle_timeout: limits.idle_timeout,
            max_session_time: limits.max_session_time,
        }
    }

    fn not_for_user(&self) -> Option<Failure> {
        self.unresolved_rights.as_ref().map(not_for)
    }
}

fn not_for(user: &User) -> Failure {
    Failure::NotForUser {
        user: user.name.clone(),
    }
}

/// Where the viewers of this entrance log in.
pub(crate) fn login_point(entrance: &Entrance) -> LoginPoint<'_> {
    let shared = &entrance.shared;
    LoginPoint {
        auth: &entrance.auth,
        shared,
        key: shared
            .penalties
            .hashed((entrance.listen, &entrance.console.key)),
    }
}

/// Why a viewer from this address may not log in: the allow list or a penalty; `None` where it may.
pub(crate) fn refusal_on_arrival(entrance: &Entrance, from: IpAddr) -> Option<Failure> {
    let allow = &entrance.allow;
    if !allow.is_empty() && !is_in(allow, from) {
        return Some(Failure::NotAllowed(from));
    }
    let (penalties, now) = (&entrance.shared.penalties, Instant::now());
    let wait = match entrance.auth.users {
        // Nobody logs in here.
        _ if entrance.granted.is_some() => None,
        // The user is not known yet, and penalties of a login apply to one user.
        Some(_) => penalties.remaining_for_source(from.into(), now),
        None => {
            let attempt = login_point(entrance).attempt(from, &Claim::Nobody);
            penalties.remaining(attempt, now)
        }
    };
    wait.map(Failure::Penalised)
}

/// Judges a viewer's claim: authentication, rights, and a slot in the registry. Failures and successes count towards
/// penalties. Where the entrance was granted to a user, no claim is needed.
pub(crate) async fn judge(
    entrance: &Entrance,
    session: &Arc<SessionInfo>,
    claim: Claim,
) -> Result<Admission, Failure> {
    let from = session.parties().viewer.ip();
    if let Claim::Plain { user, .. } = &claim {
        // Before the password is verified: a failed login is logged with its name.
        session.parties().user = Some(user.clone());
    }
    let user = match &entrance.granted {
        Some(user) => Some(user.clone()),
        None => login_point(entrance).authenticate(from, &claim).await?,
    };
    let console = Arc::clone(&entrance.console);
    let view_only = console.view_only || user.as_ref().is_some_and(|user| user.view_only);
    {
        let mut parties = session.parties();
        parties.user = user.as_ref().map(|user| user.name.clone());
        parties.view_only = view_only;
    }
    let names = console.names(None);
    let unresolved_rights = user.filter(|user| !user.may_open(names));
    if let (Some(user), None) = (&unresolved_rights, names.vsphere) {
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
        view_only,
        console,
        unresolved_rights,
        max_sessions_per_vm,
    })
}
