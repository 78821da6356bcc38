//! What is connected to, once it is known.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::commands::found_vm::FoundVm;
use console::dialer::Dialer;
use console::endpoint::Endpoint;

/// A console, and how to get there.
pub(super) struct Target {
    /// As a window may be titled.
    pub(super) title: String,
    pub(super) dialer: Dialer,
    /// How long it may take to be ready.
    pub(super) within: Duration,
}

impl Target {
    /// A VM's.
    pub(super) fn vm(found_vm: &FoundVm, within: Duration) -> Self {
        Self {
            title: found_vm.vm.name.clone(),
            dialer: Dialer::Vm(
                Arc::clone(&found_vm.upstream),
                found_vm.wanted.clone(),
                found_vm.vnc_password.clone(),
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
    pub(super) fn keep_session_alive(&self, tasks: &TaskTracker) {
        if let Some(upstream) = self.dialer.upstream() {
            tasks.spawn(Arc::clone(upstream).run());
        }
    }

    /// Nobody will go there any more.
    pub(super) fn retire(&self) {
        if let Some(upstream) = self.dialer.upstream() {
            upstream.retire();
        }
    }
}
