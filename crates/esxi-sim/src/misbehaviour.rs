//! Faults that tests make a host show, and the queue of them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// A fault. Each is for one console connection, except [`Misbehaviour::SilentTls`].
///
/// Byte counts named `after` start after the response to the upgrade and count WebSocket headers and payloads sent to
/// the client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// The next TCP connection (to the console port) is accepted, and its TLS ClientHello never answered.
    SilentTls,
    /// The upgrade is answered with this status. The ticket is spent.
    AnswerStatus(u16),
    /// The upgrade is answered with 302 and this `Location`.
    Redirect(String),
    /// 101 without `Sec-WebSocket-Protocol`.
    NoSubprotocol,
    /// 101 with this subprotocol, which the client may not have offered.
    OtherSubprotocol(String),
    /// 101 with a `Sec-WebSocket-Accept` that belongs to another key.
    WrongAccept,
    /// The upgrade is never answered; the connection stays open.
    SilentUpgrade,
    /// These 12 bytes instead of `RFB 003.008`.
    RfbVersion([u8; 12]),
    /// No security types, and this reason (RFC 6143 7.1.2).
    NoSecurity(String),
    /// Security type 2 (VNC authentication) is the only one offered.
    VncAuthenticationOnly,
    /// SecurityResult "failed" with this reason (RFC 6143 7.1.3).
    SecurityFailure(String),
    /// FIN without close_notify or Close frame after this many bytes, even inside a frame.
    CutAfter(u64),
    /// RST after this many bytes.
    ResetAfter(u64),
    /// Nothing is sent after this many bytes. The connection stays open, and what the client sends is read.
    StallAfter(u64),
    /// close_notify and FIN without a Close frame, at the first message boundary after this many RFB bytes.
    EndWithoutClose {
        /// RFB bytes sent before.
        after: u64,
    },
    /// A Close frame with this code and reason at the first message boundary after this many RFB bytes.
    CloseWith {
        /// The close code.
        code: u16,
        /// The close reason; at most 123 bytes are sent.
        reason: String,
        /// RFB bytes sent before.
        after: u64,
    },
    /// Everything after the 101 response is sent in TLS records of one byte. Slow: for small desktops.
    OneByteRecords,
    /// Each write, such as a whole FramebufferUpdate, is one message of one frame.
    OneMessagePerTurn,
    /// Each message is sent in three frames with pings between them.
    Fragments,
    /// A WebSocket ping with this payload (at most 125 bytes) is sent after each message.
    Pings(Vec<u8>),
    /// A text message is sent after the RFB version.
    TextMessage,
}

/// The faults of the next connections.
#[derive(Debug, Default)]
pub(crate) struct MisbehaviourQueue(Mutex<Due>);

#[derive(Debug, Default)]
struct Due {
    next: VecDeque<Misbehaviour>,
    default: Option<Misbehaviour>,
}

impl MisbehaviourQueue {
    /// Queues a fault for one connection.
    pub(crate) fn push(&self, misbehaviour: Misbehaviour) {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        due.next.push_back(misbehaviour);
    }

    /// Sets the fault of all connections for which none is queued.
    pub(crate) fn set_default(&self, misbehaviour: Option<Misbehaviour>) {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        due.default = misbehaviour;
    }

    /// Takes [`Misbehaviour::SilentTls`] if it is next; whether it was.
    pub(crate) fn take_for_connection(&self) -> bool {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if due.next.front() == Some(&Misbehaviour::SilentTls) {
            due.next.pop_front();
            return true;
        }
        due.next.is_empty() && due.default == Some(Misbehaviour::SilentTls)
    }

    /// Takes the fault for a console.
    pub(crate) fn take_for_console(&self) -> Option<Misbehaviour> {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if due.next.front() == Some(&Misbehaviour::SilentTls) {
            return None;
        }
        due.next.pop_front().or_else(|| due.default.clone())
    }
}
