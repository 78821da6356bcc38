//! What all ports have in common: who waits before the door, who was turned away from it, and who is in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use super::crowd::{Crowd, Place};
use super::penalties::Penalties;
use super::roll::Roll;
use crate::last_failure::LastFailure;
use crate::metrics::Metrics;
use console::slots::Slots;

/// One for the whole gateway.
#[derive(Clone)]
pub(crate) struct Door {
    /// Those who have not logged in yet.
    pub(crate) crowd: Crowd,
    /// What failed logins cost.
    pub(crate) penalties: Penalties,
    /// Those who have been let in.
    pub(crate) roll: Roll,
    /// The consoles on each ESXi host.
    pub(crate) slots: Slots,
    /// Why the last viewer did not get what it came for.
    pub(crate) last_failure: LastFailure,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Cancelled when open sessions must end.
    pub(crate) ended: CancellationToken,
    next: Arc<AtomicU64>,
}

impl Door {
    /// With nobody before it and nobody in.
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
            crowd: Crowd::default(),
            penalties,
            roll: Roll::counted(metrics.sessions_active.clone()),
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

    /// A place in the crowd. Without randomness nobody is spared: the first of the crowd goes.
    pub(crate) fn enter(&self, from: SocketAddr, limit: usize) -> Place {
        let dice = getrandom::u64().unwrap_or_default();
        self.crowd
            .enter(from.ip().into(), limit, ((dice >> 32) as u32, dice as u32))
    }
}
