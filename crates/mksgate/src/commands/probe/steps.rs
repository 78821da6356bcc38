//! The way that is probed: its steps, each of which ends with a milestone, and how far we have come.

use std::collections::VecDeque;

use console::endpoint::Endpoint;
use console::progress::Progress;
use console::tls::Trust;

/// To each vSphere that is asked.
const LOGIN: &str = "login";

/// From there to a VM's console.
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

/// To one at a URL.
const URL_STEPS: [&str; 7] = ["url", "tcp", TLS, "websocket", RFB, "screen", "updates"];

/// Left out where there is none.
const TLS: &str = "tls";

/// Where it is seen whether there is VNC behind the WebSocket.
pub(super) const RFB: &str = "rfb";

/// One of the two.
pub(super) struct Steps {
    /// What kind of console it is, as programs are told.
    pub(super) kind: &'static str,
    /// How it was named.
    pub(super) name: String,
    /// By what a certificate is believed, where no ticket says so.
    pub(super) trust: Option<Trust>,
    remaining: VecDeque<&'static str>,
}

impl Steps {
    /// To a VM's console, by way of so many vSpheres.
    pub(super) fn to_vm(name: String, vspheres: usize) -> Self {
        let logins = std::iter::repeat_n(LOGIN, vspheres);
        Self {
            kind: "vm",
            name,
            trust: None,
            remaining: logins.chain(VM_STEPS).collect(),
        }
    }

    /// To one at a URL.
    pub(super) fn to_url(endpoint: &Endpoint) -> Self {
        Self {
            kind: "url",
            name: endpoint.name.clone(),
            trust: Some(endpoint.trust.clone()),
            remaining: URL_STEPS.into(),
        }
    }

    /// The step that we are at.
    pub(super) fn step(&self) -> &'static str {
        self.remaining.front().copied().unwrap_or("end")
    }

    /// The step that has ended with `milestone`.
    pub(super) fn complete(&mut self, progress: &Progress<'_>) -> &'static str {
        let step = self.step();
        self.remaining.pop_front();
        if matches!(progress, Progress::Located(url) if !url.encrypted) {
            self.remaining.retain(|step| *step != TLS);
        }
        step
    }
}
