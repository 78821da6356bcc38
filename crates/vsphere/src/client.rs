//! The client: what the program asks for, and the one session behind it.

mod acquire;
mod background;
mod follow;
mod known;
mod screenshot;
mod task;
mod usage;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use crate::{
    About, ConsoleConnection, Error, Settings, Ticket, Vm, VmRef, Watch,
    call::{Calls, Failure},
    fault,
    find::Finder,
    session::{LOGOUT_PATIENCE, Open, Session},
    transport::{Patience, Transport},
    watch::Watched,
};

use known::Known;
use usage::Usage;

pub use usage::InUse;

/// One vSphere endpoint. Share it behind an `Arc`: all calls use one session, and at most four are under way.
///
/// Each method logs in if that is needed, logs in again once if the session has ended, and tries again what failed for a
/// passing reason; with [`PATIENCE`] unless a deadline is given. A future may be dropped at any time:
/// a login that it began goes on, with [`PATIENCE`] of its own, for whoever else waits and whoever comes next. Nothing else of
/// it does, and what it had made at the endpoint ends with the session.
pub struct Client {
    name: String,
    calls: Arc<Calls>,
    session: Arc<Session>,
    known: Known,
    usage: Arc<Usage>,
    watched: Arc<Watched>,
}

/// How long a call without a deadline may take, retries and login included: less than the gateway's own handshake deadline,
/// so that the cause is told and not only that time ran out.
pub const PATIENCE: Duration = Duration::from_secs(25);

impl Client {
    /// Checks the settings; connects to nothing yet.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let calls = Arc::new(Calls::new(Transport::new(&settings)?));
        Ok(Self {
            session: Session::new(&settings, &calls),
            calls,
            known: Known::default(),
            usage: Usage::new(),
            watched: Arc::default(),
            name: settings.name,
        })
    }

    /// The name that the configuration gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the endpoint says of itself. Needs no login.
    pub async fn about(&self) -> Result<About, Error> {
        let until = Instant::now() + PATIENCE;
        Ok(self.calls.discover(until).await?.about)
    }

    /// Logs in, unless a session is open already, and gives what the endpoint says of itself. Every other call logs in by
    /// itself: this is for whoever wants to know first whether it can.
    pub async fn login(&self) -> Result<About, Error> {
        let until = Instant::now() + PATIENCE;
        self.in_session(until, |open| async move { Ok(open.service.about.clone()) })
            .await
    }

    /// The one VM that is meant, as it is now, with path and host name.
    pub async fn find(&self, vm: &VmRef) -> Result<Vm, Error> {
        let until = Instant::now() + PATIENCE;
        self.in_session(until, |open| async move {
            self.finder(&open, until).one_with_path(vm).await
        })
        .await
    }

    /// Every VM that the account can see, templates left out, sorted by path.
    pub async fn vms(&self) -> Result<Vec<Vm>, Error> {
        let until = Instant::now() + PATIENCE;
        self.in_session(until, |open| async move {
            self.finder(&open, until).all().await
        })
        .await
    }

    /// A fresh ticket for that VM's console. See [`Client::ticket_before`].
    pub async fn ticket(&self, vm: &VmRef) -> Result<Ticket, Error> {
        self.ticket_before(vm, Instant::now() + PATIENCE).await
    }

    /// A fresh ticket for that VM's console, or the reason why there is none, before the deadline.
    ///
    /// Where the VM is known already this is one round trip.
    pub async fn ticket_before(&self, vm: &VmRef, deadline: Instant) -> Result<Ticket, Error> {
        self.in_session(deadline, |open| async move {
            self.acquire(&open, vm, deadline).await
        })
        .await
    }

    /// The one VM that is meant, without path and host name, as it was when it was last looked up, at most some minutes ago;
    /// before the deadline. A ticket for it takes no further look-up.
    pub async fn resolve_before(&self, vm: &VmRef, deadline: Instant) -> Result<Vm, Error> {
        if let Some(known) = self.known.recall(vm) {
            return Ok(known);
        }
        self.in_session(deadline, |open| async move {
            let found = self.finder(&open, deadline).one(vm).await?;
            self.known.learn(vm, &found);
            Ok(found)
        })
        .await
    }

    /// Who is connected to that VM's console now, where the host offers that (7.0.1.0 and later).
    pub async fn connections(&self, vm: &VmRef) -> Result<Vec<ConsoleConnection>, Error> {
        let until = Instant::now() + PATIENCE;
        self.in_session(until, |open| async move {
            let vm = self.finder(&open, until).one(vm).await?;
            match self.ask_connections(&open, &vm, until).await {
                Err(Failure::Fault(fault)) => Err(self.refusal(&open, &vm, fault, until).await),
                other => other,
            }
        })
        .await
    }

    /// A PNG of what a VM shows, by its managed object id as [`Vm::moref`] has it (`/screen`, `docs/webmks.md` 3.5). It
    /// must be powered on. A host that refuses is [`Error::NoScreen`]: [`Client::screenshot`] is another way.
    pub async fn screen(&self, moref: &str) -> Result<Vec<u8>, Error> {
        let until = Instant::now() + PATIENCE;
        let moref = moref.to_owned();
        self.in_session(until, |open| {
            let moref = moref.clone();
            async move { Ok(self.calls.screen(&open.cookie, &moref, until).await?) }
        })
        .await
    }

    /// Watches a VM by its managed object id, as [`Vm::moref`] has it. Changes are told while [`Client::run`] runs; the
    /// session is kept for as long as the watch exists.
    pub fn watch(&self, moref: &str) -> Watch {
        self.watched.add(moref, self.in_use())
    }

    /// Keeps the session alive for as long as the result exists and [`Client::run`] runs. For consoles that are open: they
    /// make no calls, but some hosts end what the session had begun (`docs/webmks.md` 2.1).
    pub fn in_use(&self) -> InUse {
        self.usage.enter()
    }

    /// Ends the session, if there is one. Never fails: a session that cannot be ended runs out by itself.
    ///
    /// Takes three seconds at most. A login that is under way is waited for, and broken off when they are over.
    pub async fn logout(&self) {
        let until = Instant::now() + LOGOUT_PATIENCE;
        if let Some(open) = self.session.take(until).await {
            match self.session.log_out(&open, until).await {
                Ok(()) => tracing::info!(vsphere = %self.name, "logged out"),
                Err(error) => tracing::debug!(vsphere = %self.name, %error, "not logged out"),
            }
        }
        // Ignored on purpose: what is not done by then runs out by itself.
        let _ = timeout_at(until, self.session.all_parted()).await;
    }

    /// Does the work in the open session and, where that has ended, once more in a new one; all of it before `until`, also
    /// the waiting for somebody else's login.
    async fn in_session<T, F>(&self, until: Instant, work: impl Fn(Open) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        self.usage.used();
        let done = timeout_at(until, self.try_in_session(work)).await;
        let done = done.unwrap_or_else(|_| {
            Err(Error::Timeout {
                address: self.calls.address().to_owned(),
            })
        });
        if done.is_ok() {
            self.usage.heard();
        }
        done
    }

    async fn try_in_session<T, F>(&self, work: impl Fn(Open) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let open = self.session.open().await?;
        let failure = match work(open.clone()).await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        if !has_ended(&failure) {
            return Err(self.calls.explain(failure, self.session.username()));
        }
        let open = self.session.renew(&open).await?;
        work(open)
            .await
            .map_err(|failure| self.calls.explain(failure, self.session.username()))
    }

    fn finder<'a>(&'a self, open: &'a Open, until: Instant) -> Finder<'a> {
        Finder {
            calls: &self.calls,
            open,
            username: self.session.username(),
            patience: Patience::Until(until),
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .field("address", &self.calls.address())
            .finish_non_exhaustive()
    }
}

fn has_ended(failure: &Failure) -> bool {
    matches!(failure, Failure::Fault(fault) if fault.kind == fault::Kind::NotAuthenticated)
}
