//! The small repairs between what viewers send and what ESXi accepts. Bytes in, bytes out: no I/O, no clock.
//!
//! A viewer's messages are few and small: each is read, and passes, is changed, or is left out ([`viewer`]). What
//! the host sends is followed by its lengths and goes on where it lies ([`host`]), but for what only the gateway
//! asked for, and for pixels in a format that the host does not speak ([`rfb_proto::Recolour`]).
//!
//! | what | repaired in | why (`docs/webmks.md`) |
//! |---|---|---|
//! | pixel formats | [`viewer`], [`host`] | 2.3: others than the host's own end the connection, or are ignored |
//! | encodings | [`encodings`] | 2.4: marks that make a server send what no viewer can read |
//! | keys | [`keyboard`] | 2.3, Q6: keysyms go through a fixed layout |
//! | wheel, further buttons, relative pointers | [`mouse`] | 1.7: they have a message of their own |
//! | clipboards | [`paste`] | 1.7: they are typed, if anything |
//! | pictures in parts | [`missing`], [`viewer_update`] | 2.3, Q3 and Q4: one request, one whole picture |
//! | acknowledgements | [`acks`] | 7.1: a host that wants them may send nothing more without |
//! | sizes | [`host`], [`viewer`] | 1.6: asked for by a message of their own |
//!
//! What viewers are told that they may send ([`offers`]) is what the host takes in its own way.

mod acks;
pub(crate) mod bounds;
mod by_keysym;
mod encodings;
mod host;
mod keyboard;
mod missing;
mod mouse;
mod offers;
mod paste;
mod shared;
#[cfg(test)]
mod tests;
mod viewer;
mod viewer_update;

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use rfb_proto::Violation;
use rfb_proto::input::Input;
use rfb_proto::keys::Layout;
use rfb_proto::update::Lost;
use tokio::sync::Notify;

use host::Host;
pub(crate) use host::ToViewer;
use shared::Shared;

/// How a console's keys and clipboard are to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    /// Whether keys become scan codes where the host takes those; else they go as the viewer sends them.
    pub by_place: bool,
    /// The layout of the guest's keyboard.
    pub layout: Layout,
    /// Whether a viewer's clipboard is typed; else it goes nowhere.
    pub paste: bool,
    /// What Ctrl-Alt-Insert on the viewer's keyboard is in the guest.
    pub ctrl_alt_insert: CtrlAltInsert,
}

/// What the guest gets where the viewer presses Ctrl-Alt-Insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CtrlAltInsert {
    /// Ctrl-Alt-Delete, which the viewer's own machine may keep for itself. VMware's consoles do so too.
    #[default]
    Delete,
    /// The same keys.
    AsIs,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            by_place: true,
            layout: Layout::Us,
            paste: false,
            ctrl_alt_insert: CtrlAltInsert::Delete,
        }
    }
}

/// What is known of a console's host beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostKind {
    /// It is one of a vSphere's.
    Vmware,
    /// It may be any, until it shows that it is VMware's.
    Unknown,
}

/// Both directions of one session. They run in one task: the lock is never waited for, and never held while
/// something else is.
pub(crate) struct Repair {
    state: Mutex<State>,
    owes: Notify,
}

struct State {
    input: Input,
    host: Host,
    shared: Shared,
    /// The viewer has pressed a key or moved its pointer.
    acted: bool,
}

impl Repair {
    /// For a viewer whose ClientInit comes next, and a host whose ServerInit comes next.
    pub(crate) fn new(habits: Habits, view_only: bool, kind: HostKind) -> Self {
        let state = State {
            input: Input::new(),
            host: Host::new(),
            shared: Shared::new(habits, view_only, kind),
            acted: false,
        };
        Self {
            state: Mutex::new(state),
            owes: Notify::new(),
        }
    }

    /// What the viewer sent: appends what the host is to hear, and says how much was read. The rest is a message
    /// that is not whole, or begins with a key that [waits](Self::holds_keys): it is to be put before what comes next.
    ///
    /// # Errors
    /// A [`Violation`]: what comes next cannot be told apart. What came before it has been appended.
    pub(crate) fn hear_viewer(
        &self,
        bytes: &[u8],
        host: &mut BytesMut,
    ) -> Result<usize, Violation> {
        let State {
            input,
            shared,
            acted,
            ..
        } = &mut *self.state();
        let mut at = 0;
        loop {
            let before = input.clone();
            let Some(piece) = input.scan(bytes.get(at..).unwrap_or_default())? else {
                break;
            };
            if shared.holds(&piece.message) {
                *input = before;
                break;
            }
            at += piece.bytes.len();
            *acted |= piece.message.is_input();
            shared.viewer_says(piece, host)?;
            input.allow_extended_buttons(shared.offers.buttons);
        }
        Ok(at)
    }

    /// Whether the viewer has pressed a key or moved its pointer since this was asked last.
    pub(crate) fn has_acted(&self) -> bool {
        std::mem::replace(&mut self.state().acted, false)
    }

    /// Whether a key waits, and all that the viewer has sent after it, until it is known how the host takes keys.
    /// There is [something to do](Self::owes) when it is.
    pub(crate) fn holds_keys(&self) -> bool {
        let State { shared, .. } = &*self.state();
        shared.holds_keys && !shared.knows_keys
    }

    /// The host has had time enough to say what it can do.
    pub(crate) fn let_keys_go(&self) {
        self.state().shared.knows_keys();
    }

    /// What the host sent, whatever it is cut into.
    ///
    /// # Errors
    /// It cannot be followed any more, and what the viewer has got of it cannot be continued without.
    pub(crate) fn hear_host(&self, run: &[u8], viewer: &mut impl ToViewer) -> Result<(), Lost> {
        let State { host, shared, .. } = &mut *self.state();
        let heard = host.hear(run, shared, viewer);
        self.wake(shared);
        heard
    }

    /// Whether the viewer is in the middle of an update for which more is expected of the host: then a number
    /// that is another one when the wait begins anew.
    pub(crate) fn waits_for_more(&self) -> Option<u32> {
        self.state().host.waits_for_more()
    }

    /// The host does not send what it was expected to.
    pub(crate) fn give_up_waiting(&self, viewer: &mut impl ToViewer) {
        let State { host, shared, .. } = &mut *self.state();
        host.give_up_waiting(shared, viewer);
        self.wake(shared);
    }

    /// Ready when the gateway has something to say to the host, or keys that waited may go.
    pub(crate) async fn owes(&self) {
        self.owes.notified().await;
    }

    /// What that is.
    pub(crate) fn owed(&self) -> BytesMut {
        let State { shared, .. } = &mut *self.state();
        shared.acks.write(&mut shared.owed);
        shared.owed.split()
    }

    /// Whether there is text to be typed.
    pub(crate) fn is_typing(&self) -> bool {
        self.state().shared.paste.is_typing()
    }

    /// The next character of it.
    pub(crate) fn type_next(&self, host: &mut BytesMut) {
        self.state().shared.type_next(host);
    }

    /// The last thing that the host is to hear: nothing stays pressed.
    pub(crate) fn let_go(&self) -> BytesMut {
        let mut host = BytesMut::new();
        self.state().shared.let_go(&mut host);
        host
    }

    fn wake(&self, shared: &Shared) {
        if !shared.owed.is_empty()
            || !shared.acks.is_empty()
            || shared.holds_keys && shared.knows_keys
        {
            self.owes.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
