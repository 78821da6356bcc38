//! What has happened on a host so far, and how to wait for it.

use std::collections::BTreeMap;

use tokio::sync::watch;

/// Everything that has happened on a host since it started.
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
    /// Consoles that were opened (the WebSocket was there).
    pub consoles_opened: u64,
    /// Consoles that are open now.
    pub consoles_open: u64,
    /// The most consoles that were served at the same time. One whose client has said Close is served no more when that
    /// is answered, so a client that waits for the answer before it opens the next is never counted twice.
    pub consoles_at_once: u64,
    /// Consoles that are being served now.
    pub(crate) consoles_served: u64,
    /// Ends of the latest consoles, newest last, at most [`ENDS_KEPT`].
    pub ends: Vec<ConsoleEnd>,
    /// Requests for a whole picture (FramebufferUpdateRequest, not incremental) that desktops have received.
    pub whole_requests: u64,
    /// Requests for what changes (incremental) that desktops have received, acknowledgements not included.
    pub incremental_requests: u64,
    /// Acknowledgements of updates (127/4) that desktops have received.
    pub acknowledgements: u64,
    /// WebSocket pings received on consoles; none was answered.
    pub pings: u64,
    /// WebSocket pongs received on consoles.
    pub pongs: u64,
    /// SOAP calls by name, those that ended in a fault included. Names that the simulator does not know count as
    /// `unknown`.
    pub calls: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// All SOAP calls together.
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
    /// Who ended it, and how.
    pub reason: EndReason,
}

/// How a console ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The client sent a Close frame, with this code if it named one.
    ClosedByClient(Option<u16>),
    /// The client's connection ended or failed without a Close frame.
    LostClient,
    /// The client broke a rule, in words; the host closed.
    Violation(String),
    /// The VM was powered off or suspended, or the host stopped.
    Stopped,
    /// The VNC server behind a bridge went away or could not be reached.
    LostServer(String),
    /// A misbehaviour ended it.
    Misbehaved,
    /// The host said nothing more.
    FellSilent,
    /// DropConnections ended it.
    Dropped,
    /// The VM had as many connections as it allows.
    LimitReached,
    /// The client did not know the VM's VNC password.
    WrongPassword,
}

/// The watched [`Counts`].
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

    /// Nothing more is said on a console but how it ends.
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

/// How many ends [`Counts::ends`] keeps: more than any test opens at a time, little enough to clone.
pub const ENDS_KEPT: usize = 256;
