//! Counters of a host's events, and how to wait for them.

use std::collections::BTreeMap;

use tokio::sync::watch;

/// Counters since the host started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// TCP connections accepted.
    pub connections: u64,
    /// TCP connections that are open now.
    pub connections_open: u64,
    /// Logins that succeeded.
    pub logins: u64,
    /// Logins that were refused.
    pub logins_refused: u64,
    /// Logouts of a session that existed.
    pub logouts: u64,
    /// Sessions that are open now.
    pub sessions_open: u64,
    /// Tickets handed out.
    pub tickets_issued: u64,
    /// Tickets that opened a console.
    pub tickets_spent: u64,
    /// Upgrades refused because the ticket was unknown, spent or expired.
    pub tickets_refused: u64,
    /// Upgrades dropped because the client did not offer the subprotocol `binary`.
    pub binary_missing: u64,
    /// Consoles whose WebSocket upgrade succeeded.
    pub consoles_opened: u64,
    /// Consoles that are open now.
    pub consoles_open: u64,
    /// The most consoles that were served at the same time. A console counts until the host answers the client's Close,
    /// so a client that waits for the answer before it opens the next console is never counted twice.
    pub consoles_at_once: u64,
    /// Consoles that are being served now.
    pub(crate) consoles_served: u64,
    /// How the latest consoles ended, newest last, at most [`ENDS_KEPT`].
    pub ends: Vec<ConsoleEnd>,
    /// Non-incremental FramebufferUpdateRequests that desktops received.
    pub whole_requests: u64,
    /// Incremental FramebufferUpdateRequests that desktops received; acknowledgements not included.
    pub incremental_requests: u64,
    /// Acknowledgements of updates (127/4) that desktops received.
    pub acknowledgements: u64,
    /// WebSocket pings received on consoles; none was answered.
    pub pings: u64,
    /// WebSocket pongs received on consoles.
    pub pongs: u64,
    /// Requests to `/screen` by the id of the VM, refusals included.
    pub screens: BTreeMap<String, u64>,
    /// The most requests to `/screen` that were answered at the same time.
    pub screens_at_once: u64,
    /// Those that are being answered now.
    pub(crate) screens_now: u64,
    /// SOAP calls by method, faults included. Methods that the simulator does not know count as `unknown`.
    pub calls: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// The number of SOAP calls.
    pub fn soap_calls(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Calls of the SOAP method `name`.
    pub fn calls_of(&self, name: &str) -> u64 {
        self.calls.get(name).copied().unwrap_or_default()
    }
}

/// A console that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleEnd {
    /// The VM's name.
    pub vm: String,
    /// Why it ended.
    pub reason: EndReason,
}

/// Why a console ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The client sent a Close frame, with this code if it named one.
    ClosedByClient(Option<u16>),
    /// The client's connection ended or failed without a Close frame.
    LostClient,
    /// The client violated the protocol in this way; the host closed.
    Violation(String),
    /// The VM was powered off or suspended, or the host stopped.
    Stopped,
    /// The VNC server behind a bridge closed, failed or could not be reached.
    LostServer(String),
    /// A misbehaviour ended it.
    Misbehaved,
    /// The host went silent: no further data and no Close.
    FellSilent,
    /// DropConnections ended it.
    Dropped,
    /// `RemoteDisplay.maxConnections` was reached.
    LimitReached,
    /// VNC authentication failed.
    WrongPassword,
}

/// [`Counts`] that can be watched.
#[derive(Clone, Debug)]
pub(crate) struct Counters(watch::Sender<Counts>);

impl Counters {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Counts::default()))
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Counts)) {
        self.0.send_modify(change);
    }

    pub(crate) fn console_opened(&self) {
        self.update(|counts| {
            counts.consoles_opened += 1;
            counts.consoles_open += 1;
            counts.consoles_served += 1;
            counts.consoles_at_once = counts.consoles_at_once.max(counts.consoles_served);
        });
    }

    /// The console is no longer served; it only has to be closed.
    pub(crate) fn console_served(&self) {
        self.update(|counts| counts.consoles_served = counts.consoles_served.saturating_sub(1));
    }

    pub(crate) fn console_ended(&self, vm: &str, reason: EndReason) {
        self.update(|counts| {
            counts.consoles_open = counts.consoles_open.saturating_sub(1);
            if counts.ends.len() >= ENDS_KEPT {
                counts.ends.remove(0);
            }
            counts.ends.push(ConsoleEnd {
                vm: vm.to_owned(),
                reason,
            });
        });
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Counts> {
        self.0.subscribe()
    }
}

/// The limit of [`Counts::ends`]: more than any test opens, small enough to clone.
pub const ENDS_KEPT: usize = 256;
