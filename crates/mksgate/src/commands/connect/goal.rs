//! What is connected to, once it is known.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::commands::which::Chosen;
use console::dialer::Dialer;
use console::endpoint::Endpoint;

/// A console, and how to get there.
pub(super) struct Goal {
    /// As a window may be titled.
    pub(super) title: String,
    pub(super) dialer: Dialer,
    /// How long it may take to be ready.
    pub(super) within: Duration,
}

impl Goal {
    /// A VM's.
    pub(super) fn vm(chosen: &Chosen, within: Duration) -> Self {
        Self {
            title: chosen.vm.name.clone(),
            dialer: Dialer::Vm(
                Arc::clone(&chosen.upstream),
                chosen.wanted.clone(),
                chosen.vnc_password.clone(),
            ),
            within,
        }
    }

    /// One at a URL.
    pub(super) fn url(endpoint: Arc<Endpoint>, within: Duration) -> Self {
        Self {
            title: endpoint.name.clone(),
            dialer: Dialer::Url(endpoint),
            within,
        }
    }

    /// Keeps what it needs going on `tasks`, until [`Goal::left`].
    pub(super) fn live(&self, tasks: &TaskTracker) {
        if let Some(upstream) = self.dialer.upstream() {
            tasks.spawn(Arc::clone(upstream).live());
        }
    }

    /// Nobody will go there any more.
    pub(super) fn left(&self) {
        if let Some(upstream) = self.dialer.upstream() {
            upstream.retire();
        }
    }
}
