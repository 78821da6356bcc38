//! The console to connect to.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::commands::found_vm::FoundVm;
use console::dialer::Dialer;
use console::endpoint::Endpoint;

/// A console, and the dialer for it.
pub(super) struct Target {
    /// Shown as window title.
    pub(super) title: String,
    pub(super) dialer: Dialer,
    pub(super) handshake_timeout: Duration,
}

impl Target {
    pub(super) fn vm(found_vm: &FoundVm, handshake_timeout: Duration) -> Self {
        Self {
            title: found_vm.vm.name.clone(),
            dialer: Dialer::Vm(
                Arc::clone(&found_vm.upstream),
                found_vm.vm_ref.clone(),
                found_vm.vnc_password.clone(),
            ),
            handshake_timeout,
        }
    }

    pub(super) fn url(endpoint: Arc<Endpoint>, handshake_timeout: Duration) -> Self {
        Self {
            title: endpoint.name.clone(),
            dialer: Dialer::Url(endpoint),
            handshake_timeout,
        }
    }

    /// Keeps the vSphere session alive on `tasks`, until [`Target::log_out`].
    pub(super) fn keep_session_alive(&self, tasks: &TaskTracker) {
        if let Some(upstream) = self.dialer.upstream() {
            tasks.spawn(Arc::clone(upstream).run());
        }
    }

    /// Ends the vSphere session.
    pub(super) fn log_out(&self) {
        if let Some(upstream) = self.dialer.upstream() {
            upstream.retire();
        }
    }
}
