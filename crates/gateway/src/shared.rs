//! State that all entrances share: limits, penalties, registry, metrics.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::last_failure::LastFailure;
use crate::metrics::Metrics;
use crate::one_use_logins::OneUseLogins;
use crate::registry::Registry;
use console::slots::Slots;
use logins::penalties::Penalties;
use logins::pre_login_limit::{PreLoginLimit, PreLoginSlot};
use reconnect::Ramp;

/// One instance per gateway; clones share it.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Connections that have not logged in yet.
    pub(crate) pre_login: PreLoginLimit,
    /// Penalties for failed logins.
    pub(crate) penalties: Penalties,
    /// Logins that the page has handed out.
    pub(crate) one_use_logins: OneUseLogins,
    /// Sessions that have logged in.
    pub(crate) registry: Registry,
    /// The limit of consoles per ESXi host.
    pub(crate) slots: Slots,
    /// The limit of consoles that are opened again at once.
    pub(crate) ramp: Ramp,
    /// Why the last viewer did not get its console.
    pub(crate) last_failure: LastFailure,
    pub(crate) metrics: Arc<Metrics>,
    /// Cancelled when open sessions must end.
    pub(crate) ended: CancellationToken,
    next: Arc<AtomicU64>,
}

impl Shared {
    /// For ports that several people use.
    pub(crate) fn new() -> Self {
        Self::with(Penalties::shared())
    }

    /// For one local user: all local users have the same address, so sources are not distinguished.
    pub(crate) fn private() -> Self {
        Self::with(Penalties::private())
    }

    fn with(penalties: Penalties) -> Self {
        let metrics = Arc::<Metrics>::default();
        Self {
            pre_login: PreLoginLimit::default(),
            penalties,
            one_use_logins: OneUseLogins::default(),
            registry: Registry::counted(metrics.sessions_active.clone()),
            slots: Slots::default(),
            ramp: Ramp::default(),
            last_failure: LastFailure::default(),
            metrics,
            ended: CancellationToken::new(),
            next: Arc::default(),
        }
    }

    /// A session number that is unique in this process.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A slot for a connection that has not logged in. Where the system has no randomness, the limit drops connections as
    /// early as it may.
    pub(crate) fn enter(&self, from: SocketAddr, limit: usize) -> PreLoginSlot {
        let random = getrandom::u64().unwrap_or_default();
        self.pre_login.enter(
            from.ip().into(),
            limit,
            ((random >> 32) as u32, random as u32),
        )
    }
}
