//! The API client of one vSphere endpoint.

mod acquire;
mod background;
mod follow;
mod follow_inventory;
mod power;
mod refresh;
mod release;
mod screenshot;
mod task;
mod unread;
mod vm_cache;

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use crate::{
    about::About,
    call::{CallError, Calls},
    connections::ConsoleConnection,
    error::Error,
    fault,
    find::Finder,
    inventory::{Inventory, feed::Feed},
    open_session::OpenSession,
    session::{LOGOUT_TIMEOUT, Session},
    settings::Settings,
    ticket::Ticket,
    transport::{CALL_TIMEOUT, Deadline, SystemResolver, Transport},
    usage::{InUse, Usage},
    vm::Vm,
    vm_ref::VmRef,
    watch::{Watch, Watched},
};

use unread::Unread;
use vm_cache::VmCache;

/// One vSphere endpoint. Share it behind an `Arc`: all calls use one session, and at most four are made at once.
///
/// Each method logs in where needed, logs in again once if the session has ended, and retries transient failures, within
/// [`CALL_TIMEOUT`] unless a deadline is given. A future may be dropped at any time: a login that it began continues, with
/// [`CALL_TIMEOUT`] of its own, for other and later callers; everything else stops, and objects that it had created at the
/// endpoint end with the session.
pub struct Client {
    name: String,
    calls: Arc<Calls>,
    session: Arc<Session>,
    vms: VmCache,
    usage: Arc<Usage>,
    watched: Arc<Watched>,
    inventory: Arc<Feed>,
    unread: Unread,
}

impl Client {
    /// Checks the settings; connects to nothing yet.
    ///
    /// # Errors
    /// [`Error::Settings`]: the URL or the proxy cannot be used.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        Self::with_resolver(settings, SystemResolver)
    }

    /// As [`Client::new`], with names resolved by `resolver` in place of the system's.
    ///
    /// # Errors
    /// [`Error::Settings`]: the URL or the proxy cannot be used.
    pub fn with_resolver(
        settings: Settings,
        resolver: impl reqwest::dns::Resolve + 'static,
    ) -> Result<Self, Error> {
        let calls = Arc::new(Calls::new(Transport::new(&settings, resolver)?));
        Ok(Self {
            session: Session::new(&settings, &calls),
            calls,
            vms: VmCache::default(),
            usage: Usage::new(),
            watched: Arc::default(),
            inventory: Arc::default(),
            unread: Unread::default(),
            name: settings.name,
        })
    }

    /// The name that the configuration gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The endpoint's AboutInfo. Needs no login.
    ///
    /// # Errors
    /// The endpoint cannot be reached, or is no vSphere.
    pub async fn about(&self) -> Result<About, Error> {
        let until = Instant::now() + CALL_TIMEOUT;
        Ok(self.calls.discover(until).await?.about)
    }

    /// Logs in, unless a session is open, and returns the endpoint's AboutInfo. Other methods log in by themselves; this one
    /// checks the credentials.
    ///
    /// # Errors
    /// The endpoint cannot be reached, is no vSphere, or refuses the credentials.
    pub async fn login(&self) -> Result<About, Error> {
        let until = Instant::now() + CALL_TIMEOUT;
        self.in_session(until, |open| async move { Ok(open.service.about.clone()) })
            .await
    }

    /// The VM's current properties, with path and host name.
    ///
    /// # Errors
    /// [`Error::NoSuchVm`] or [`Error::AmbiguousName`]; or there is no session, for the reasons of [`Client::login`].
    pub async fn find(&self, vm: &VmRef) -> Result<Vm, Error> {
        let until = Instant::now() + CALL_TIMEOUT;
        self.in_session(until, |open| async move {
            self.finder(&open, until).one_with_path(vm).await
        })
        .await
    }

    /// All VMs that the account can see, without templates, sorted by path.
    ///
    /// # Errors
    /// There is no session, for the reasons of [`Client::login`], or the inventory cannot be read.
    pub async fn vms(&self) -> Result<Vec<Vm>, Error> {
        let until = Instant::now() + CALL_TIMEOUT;
        self.in_session(until, |open| async move {
            self.finder(&open, until).all().await
        })
        .await
    }

    /// A new ticket for the VM's console. See [`Client::ticket_before`].
    ///
    /// # Errors
    /// As [`Client::ticket_before`], within [`CALL_TIMEOUT`].
    pub async fn ticket(&self, vm: &VmRef) -> Result<Ticket, Error> {
        self.ticket_before(vm, Instant::now() + CALL_TIMEOUT).await
    }

    /// A new ticket for the VM's console, before the deadline. It takes one round trip if the VM is in the cache.
    ///
    /// # Errors
    /// The VM is not found or not powered on, has no free console connection, or the account lacks a privilege; there is no
    /// session, for the reasons of [`Client::login`]; [`Error::Timeout`] at the deadline.
    pub async fn ticket_before(&self, vm: &VmRef, deadline: Instant) -> Result<Ticket, Error> {
        self.in_session(deadline, |open| async move {
            self.acquire(&open, vm, deadline).await
        })
        .await
    }

    /// The VM's properties without path and host name, before the deadline; from the cache if they are at most five minutes
    /// old. A ticket for the VM then takes no lookup.
    ///
    /// # Errors
    /// As [`Client::find`]; [`Error::Timeout`] at the deadline.
    pub async fn resolve_before(&self, vm: &VmRef, deadline: Instant) -> Result<Vm, Error> {
        if let Some(known) = self.vms.get(vm) {
            return Ok(known);
        }
        self.in_session(deadline, |open| async move {
            let found = self.finder(&open, deadline).one(vm).await?;
            self.vms.insert(vm, &found);
            Ok(found)
        })
        .await
    }

    /// The open connections to the VM's console (QueryConnections, since 7.0.1.0).
    ///
    /// # Errors
    /// [`Error::NotSupported`] on older hosts; the errors of [`Client::find`].
    pub async fn connections(&self, vm: &VmRef) -> Result<Vec<ConsoleConnection>, Error> {
        let until = Instant::now() + CALL_TIMEOUT;
        self.in_session(until, |open| async move {
            let vm = self.finder(&open, until).one(vm).await?;
            match self.ask_connections(&open, &vm, until).await {
                Err(CallError::Fault(fault)) => Err(self.refusal(&open, &vm, fault, until).await),
                other => other,
            }
        })
        .await
    }

    /// A PNG of what a VM shows, by its managed object id as [`Vm::moref`] has it (`/screen`, `docs/webmks.md` 3.5). It
    /// must be powered on.
    ///
    /// # Errors
    /// [`Error::NoScreen`] if the host refuses, where [`Client::screenshot`] may succeed; there is no session, for the reasons
    /// of [`Client::login`].
    pub async fn screen(&self, moref: &str) -> Result<Vec<u8>, Error> {
        let until = Instant::now() + CALL_TIMEOUT;
        let moref = moref.to_owned();
        self.in_session(until, |open| {
            let moref = moref.clone();
            async move { Ok(self.calls.screen(&open.cookie, &moref, until).await?) }
        })
        .await
    }

    /// Watches a VM by its managed object id, [`Vm::moref`]. Changes are reported while [`Client::run`] runs; the session is
    /// kept open for as long as the watch exists.
    pub fn watch(&self, moref: &str) -> Watch {
        self.watched.add(moref, self.in_use())
    }

    /// All VMs, kept up to date: one reader of them. While there are readers and [`Client::run`] runs, the endpoint reports
    /// each change once for all of them, and the session is kept open.
    pub fn inventory(&self) -> Inventory {
        Inventory::new(&self.inventory, self.in_use())
    }

    /// Keeps the session alive for as long as the result exists and [`Client::run`] runs. Open consoles need it: they make no
    /// calls, but some hosts close them when the session ends (`docs/webmks.md` 2.1).
    pub fn in_use(&self) -> InUse {
        self.usage.add_user()
    }

    /// Logs out, if there is a session; one that a [`SessionStore`](crate::SessionStore) has stays open. Never fails: a session
    /// that cannot be logged out expires.
    ///
    /// Takes three seconds at most. A pending login is waited for, and cancelled after that time.
    pub async fn logout(&self) {
        let until = Instant::now() + LOGOUT_TIMEOUT;
        if let Some(open) = self.session.take(until).await {
            if open.is_stored {
                self.release(&open, until).await;
            } else {
                self.end(&open, until).await;
            }
        }
        // The result does not matter: sessions that are not logged out by then expire.
        let _ = timeout_at(until, self.session.all_logged_out()).await;
    }

    async fn end(&self, open: &OpenSession, until: Instant) {
        match self.session.log_out(open, until).await {
            Ok(()) => tracing::info!(vsphere = %self.name, "logged out"),
            Err(error) => tracing::debug!(vsphere = %self.name, %error, "not logged out"),
        }
    }

    /// Runs `work` in the open session and, where that has ended, once more in a new one. `until` covers everything, including
    /// waiting for a login that another caller began.
    async fn in_session<T, F>(
        &self,
        until: Instant,
        work: impl Fn(OpenSession) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        self.usage.mark_used();
        let done = timeout_at(until, self.try_in_session(work)).await;
        let done = done.unwrap_or_else(|_| {
            Err(Error::Timeout {
                address: self.calls.address().to_owned(),
            })
        });
        if done.is_ok() {
            self.usage.mark_kept_alive();
        }
        done
    }

    async fn try_in_session<T, F>(&self, work: impl Fn(OpenSession) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, CallError>>,
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

    /// The error for a failure in a session, which is forgotten if it has ended.
    fn failed_in(&self, open: &OpenSession, failure: CallError) -> Error {
        if has_ended(&failure) {
            self.session.forget(open);
        }
        self.calls.explain(failure, self.session.username())
    }

    fn finder<'a>(&'a self, open: &'a OpenSession, until: Instant) -> Finder<'a> {
        Finder {
            calls: &self.calls,
            open,
            username: self.session.username(),
            deadline: Deadline::Call(until),
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

fn has_ended(failure: &CallError) -> bool {
    matches!(failure, CallError::Fault(fault) if fault.kind == fault::FaultKind::NotAuthenticated)
}
