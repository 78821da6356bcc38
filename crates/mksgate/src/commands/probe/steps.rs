//! The steps of a probe, and the current one.

use std::collections::VecDeque;

use console::endpoint::Endpoint;
use console::progress::Progress;
use console::tls::Trust;

/// Once per vSphere.
const LOGIN: &str = "login";

/// Steps for a VM, after the logins.
const VM_STEPS: [&str; 8] = [
    "vm",
    "ticket",
    "tcp",
    TLS,
    "websocket",
    RFB,
    "screen",
    "updates",
];

/// Steps for a URL.
const URL_STEPS: [&str; 7] = ["url", "tcp", TLS, "websocket", RFB, "screen", "updates"];

/// Skipped for ws:// URLs.
const TLS: &str = "tls";

/// The first step that shows whether the server speaks RFB.
pub(super) const RFB: &str = "rfb";

pub(super) struct Steps {
    /// JSON key for the name: vm or url.
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// How certificates are verified, if no ticket has a thumbprint.
    pub(super) trust: Option<Trust>,
    remaining: VecDeque<&'static str>,
}

impl Steps {
    /// Steps for a VM that is looked up on `vspheres`.
    pub(super) fn to_vm(name: String, vspheres: usize) -> Self {
        let logins = std::iter::repeat_n(LOGIN, vspheres);
        Self {
            kind: "vm",
            name,
            trust: None,
            remaining: logins.chain(VM_STEPS).collect(),
        }
    }

    pub(super) fn to_url(endpoint: &Endpoint) -> Self {
        Self {
            kind: "url",
            name: endpoint.name.clone(),
            trust: Some(endpoint.trust.clone()),
            remaining: URL_STEPS.into(),
        }
    }

    /// The current step.
    pub(super) fn step(&self) -> &'static str {
        self.remaining.front().copied().unwrap_or("end")
    }

    /// Advances past the step that `progress` completes, and returns it.
    pub(super) fn complete(&mut self, progress: &Progress<'_>) -> &'static str {
        let step = self.step();
        self.remaining.pop_front();
        if matches!(progress, Progress::Located(url) if !url.encrypted) {
            self.remaining.retain(|step| *step != TLS);
        }
        step
    }
}
