//! What all entrances have in common.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::last_failure::LastFailure;
use crate::login::penalties::Penalties;
use crate::login::pre_login_limit::{PreLoginLimit, PreLoginSlot};
use crate::metrics::Metrics;
use crate::registry::Registry;
use console::slots::Slots;

/// One for the whole gateway.
#[derive(Clone)]
pub(crate) struct Shared {
    /// The connections that have not logged in yet.
    pub(crate) pre_login: PreLoginLimit,
    /// What failed logins cost.
    pub(crate) penalties: Penalties,
    /// The sessions that have been let in.
    pub(crate) registry: Registry,
    /// The consoles on each ESXi host.
    pub(crate) slots: Slots,
    /// Why the last viewer did not get its console.
    pub(crate) last_failure: LastFailure,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Cancelled when open sessions must end.
    pub(crate) ended: CancellationToken,
    next: Arc<AtomicU64>,
}

impl Shared {
    /// Without a session.
    pub(crate) fn new() -> Self {
        Self::with(Penalties::new())
    }

    /// Likewise, for one user of this machine, who shares its address with all others.
    pub(crate) fn private() -> Self {
        Self::with(Penalties::private())
    }

    fn with(penalties: Penalties) -> Self {
        let metrics = Arc::<Metrics>::default();
        Self {
            pre_login: PreLoginLimit::default(),
            penalties,
            registry: Registry::counted(metrics.sessions_active.clone()),
            slots: Slots::default(),
            last_failure: LastFailure::default(),
            metrics,
            ended: CancellationToken::new(),
            next: Arc::default(),
        }
    }

    /// A number that no other session of this process has.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A slot before the login. Without randomness nobody is spared: the first connection must go.
    pub(crate) fn enter(&self, from: SocketAddr, limit: usize) -> PreLoginSlot {
        let dice = getrandom::u64().unwrap_or_default();
        self.pre_login
            .enter(from.ip().into(), limit, ((dice >> 32) as u32, dice as u32))
    }
}
