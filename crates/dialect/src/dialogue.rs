//! The state of one session, and what both sides send each other through it.

use bytes::{Bytes, BytesMut};
use rfb_proto::input::Input;
use rfb_proto::update::Lost;
use rfb_proto::{PixelFormat, Violation};

use crate::banner::banner;
use crate::cannot_continue::CannotContinue;
use crate::host::Host;
use crate::host_part::HostPart;
use crate::settings::{Habits, HostKind};
use crate::shared::Shared;
use crate::to_viewer::ToViewer;

/// What both sides of one session have said, and what follows from it for either.
///
/// Two bounds hold for every input: bytes to one side are at most those from the other and a constant for each message;
/// memory is at most what the screen needs and a constant.
pub struct Dialogue {
    input: Input,
    pub(super) host: Host,
    pub(super) shared: Shared,
    /// The viewer has pressed a key or moved its pointer.
    acted: bool,
}

impl Dialogue {
    /// For a viewer whose ClientInit comes next, and a host whose ServerInit comes next.
    pub fn new(habits: Habits, view_only: bool, kind: HostKind) -> Self {
        Self {
            input: Input::new(),
            host: Host::new(),
            shared: Shared::new(habits, view_only, kind),
            acted: false,
        }
    }

    /// What the viewer sent: appends what goes to the host, and says how much was read. The rest is a message that is
    /// not whole, or begins with a key that [waits](Self::holds_keys): it is to be put before what comes next.
    ///
    /// # Errors
    /// A [`Violation`]: what comes next cannot be told apart. What came before it has been appended.
    pub fn receive_from_viewer(
        &mut self,
        bytes: &[u8],
        host: &mut BytesMut,
    ) -> Result<usize, Violation> {
        let Self {
            input,
            shared,
            acted,
            ..
        } = self;
        let mut at = 0;
        loop {
            let before = input.clone();
            let Some(piece) = input.scan(bytes.get(at..).unwrap_or_default())? else {
                break;
            };
            if shared.viewer.hold(&piece.message, shared.host.keys_known) {
                *input = before;
                break;
            }
            at += piece.bytes.len();
            *acted |= piece.message.is_input();
            shared.handle_viewer_message(piece, host)?;
            input.allow_extended_buttons(shared.viewer.offers.buttons);
        }
        Ok(at)
    }

    /// Takes the mark that the viewer has pressed a key or moved its pointer.
    pub const fn take_acted(&mut self) -> bool {
        std::mem::replace(&mut self.acted, false)
    }

    /// Whether a key waits, and all that the viewer has sent after it, until it is known how the host takes keys.
    pub const fn holds_keys(&self) -> bool {
        self.shared.viewer.holds_keys && !self.shared.host.keys_known
    }

    /// The host has had time enough to say what it can do: keys wait no longer.
    pub const fn stop_holding_keys(&mut self) {
        self.shared.host.set_keys_known();
    }

    /// What the host sent, whatever it is cut into.
    ///
    /// # Errors
    /// It cannot be followed any more, and what the viewer has got of it cannot be continued without.
    pub fn receive_from_host(
        &mut self,
        run: &[u8],
        viewer: &mut impl ToViewer,
    ) -> Result<(), Lost> {
        self.host.receive(run, &mut self.shared, viewer)
    }

    /// Whether the viewer is in the middle of an update for which more is expected of the host: then a number
    /// that is another one when the wait begins anew.
    pub fn waits_for_more(&self) -> Option<u32> {
        self.host.waits_for_more()
    }

    /// The host does not send what it was expected to.
    pub fn stop_waiting(&mut self, viewer: &mut impl ToViewer) {
        self.host.stop_waiting(&mut self.shared, viewer);
    }

    /// The host has gone: brings what the viewer has got to the end of a message. A cut header is dropped, a cut
    /// rectangle completed, and the update ended. The viewer's messages are read as before, but nothing of what they
    /// become is to be sent until [`host_back`](Self::host_back).
    ///
    /// # Errors
    /// What the viewer has got cannot be completed: the session has to end.
    pub fn host_lost(&mut self, viewer: &mut impl ToViewer) -> Result<(), CannotContinue> {
        self.host.finish(&mut self.shared, viewer)?;
        self.shared.host_lost();
        Ok(())
    }

    /// Another host has sent its ServerInit, with this size and format: what it is to be sent first. Its messages after
    /// ServerInit are to be [received](Self::receive_from_host); the viewer's further ones go to it.
    ///
    /// Encodings whose rectangles build on earlier ones (ZRLE, Tight) are not listed to it: the viewer's decoder
    /// continues the streams of the host before.
    ///
    /// # Errors
    /// The viewer cannot show what this host sends: the session has to end.
    pub fn host_back(
        &mut self,
        size: (u16, u16),
        format: PixelFormat,
    ) -> Result<BytesMut, CannotContinue> {
        let first = self.shared.host_back(size, format)?;
        self.host = Host::after_server_init(size, format);
        Ok(first)
    }

    /// Whether an update that is not the host's may go to the viewer now: it has received ServerInit and a whole number of
    /// messages. So it is after [`host_lost`](Self::host_lost), also while there is no host.
    pub const fn may_insert_update(&self) -> bool {
        self.host.is_between_messages()
    }

    /// Whether the viewer has requested an update (RFC 6143 section 7.5.3) and received none since. It then sends no
    /// SetPixelFormat before it receives one (section 7.5.1); a viewer that has requested nothing may have sent one that has
    /// not arrived here, and would misread the pixels of a [banner](Self::banner).
    pub const fn is_update_requested(&self) -> bool {
        self.shared.viewer.update_requested
    }

    /// An update that draws `text` over the bottom of the viewer's last picture: see [`banner`]. It is in the format of the
    /// viewer's last SetPixelFormat and within the size that the viewer knows, and it answers the viewer's request. Viewers
    /// request the next update at once, so the caller has to limit how often it sends one.
    ///
    /// `None` where [no update may be inserted](Self::may_insert_update), the format is not sound, the screen has no room for
    /// a character, or the viewer uses the host's own colour map, which the banner's would replace.
    pub fn banner(&mut self, text: &str) -> Option<Bytes> {
        let Shared { viewer, host } = &mut self.shared;
        let own_map = !viewer.format.true_colour && !host.format.true_colour;
        if own_map || !self.host.is_between_messages() {
            return None;
        }
        let banner = banner(text, viewer.size, &viewer.format)?;
        viewer.update_requested = false;
        Some(banner)
    }

    /// Whether there is something to [send to the host](Self::take_pending), or a key that waited may go.
    pub fn has_pending(&self) -> bool {
        let Shared { viewer, host } = &self.shared;
        !host.pending.is_empty() || !host.acks.is_empty() || viewer.holds_keys && host.keys_known
    }

    /// What the gateway sends to the host on its own behalf.
    pub fn take_pending(&mut self) -> BytesMut {
        let HostPart { pending, acks, .. } = &mut self.shared.host;
        acks.write(pending);
        pending.split()
    }

    /// Whether there is text to be typed.
    pub fn is_typing(&self) -> bool {
        self.shared.viewer.paste.is_typing()
    }

    /// Appends the next character of it.
    pub fn type_next(&mut self, host: &mut BytesMut) {
        self.shared.type_next(host);
    }

    /// What the host gets last: every key and button that is down is released.
    pub fn release_all(&mut self) -> BytesMut {
        let mut host = BytesMut::new();
        self.shared.release_all(&mut host);
        host
    }
}
