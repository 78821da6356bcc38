//! One session between a viewer and a host: translates the messages of both.

use bytes::{Bytes, BytesMut};
use rfb_proto::client_messages::ClientScanner;
use rfb_proto::server_messages::ScanError;
use rfb_proto::{PixelFormat, Violation};

use crate::banner::{banner, blank};
use crate::cannot_continue::CannotContinue;
use crate::host::Host;
use crate::host_part::HostPart;
use crate::settings::{HostKind, InputSettings};
use crate::shared::Shared;
use crate::to_viewer::ToViewer;

/// The state of one session: what the viewer and the host have sent so far.
///
/// Two limits hold for every input. The bytes to one side are bounded by the bytes from the other side, plus a constant
/// per message (four times the bytes where pixels are converted). Memory is bounded by the size of the screen, plus a
/// constant.
pub struct Dialogue {
    input: ClientScanner,
    pub(super) host: Host,
    pub(super) shared: Shared,
    /// The viewer has sent a key or pointer event.
    acted: bool,
    /// It has pressed Enter.
    entered: bool,
}

impl Dialogue {
    /// For a viewer that sends ClientInit next, and a host that sends ServerInit next. A `view_only` viewer's keys,
    /// pointer events, clipboards and sizes are dropped.
    pub fn new(input_settings: InputSettings, view_only: bool, kind: HostKind) -> Self {
        Self {
            input: ClientScanner::new(),
            host: Host::new(),
            shared: Shared::new(input_settings, view_only, kind),
            acted: false,
            entered: false,
        }
    }

    /// Prepares for a new host after [`host_lost`](Self::host_lost): to be called before the first byte of a host. From
    /// then on rectangles whose pixels could not be completed are relayed only when they are whole, if they have at most
    /// 4 MiB: the host may be lost inside one. Only the bytes of such a rectangle are copied that arrived before its end.
    /// Nothing else is delayed.
    pub fn hold_rectangles(&mut self) {
        self.shared.viewer.encodings.follow_streams();
    }

    /// Processes bytes from the viewer, appends what the host is to be sent to `host`, and returns the number of bytes
    /// that were consumed. The caller keeps the others and passes them again, followed by new ones: they are an
    /// incomplete message, or begin with a key event that is [delayed](Self::holds_keys).
    ///
    /// # Errors
    /// A [`Violation`], after which the next message cannot be found. The messages before it have been processed.
    pub fn receive_from_viewer(
        &mut self,
        bytes: &[u8],
        host: &mut BytesMut,
    ) -> Result<usize, Violation> {
        let Self {
            input,
            shared,
            acted,
            entered,
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
            *entered |= piece.message.is_enter();
            shared.handle_viewer_message(piece, host)?;
            input.allow_extended_buttons(shared.viewer.offers.buttons);
        }
        Ok(at)
    }

    /// Whether the viewer's next message is ClientInit.
    pub const fn expects_client_init(&self) -> bool {
        self.input.expects_client_init()
    }

    /// Whether the viewer has sent a key or pointer event since the last call.
    pub const fn take_acted(&mut self) -> bool {
        std::mem::replace(&mut self.acted, false)
    }

    /// Whether the viewer has pressed Enter since the last call.
    pub const fn take_entered(&mut self) -> bool {
        std::mem::replace(&mut self.entered, false)
    }

    /// Whether a key event, and all messages of the viewer after it, are delayed until it is known whether the host
    /// takes scan codes.
    pub const fn holds_keys(&self) -> bool {
        self.shared.viewer.holds_keys && !self.shared.host.keys_known
    }

    /// Stops delaying keys: the host has had enough time to send its capabilities.
    pub const fn stop_holding_keys(&mut self) {
        self.shared.host.set_keys_known();
    }

    /// Processes bytes from the host, all of them, and hands what the viewer is to be sent to `viewer`.
    ///
    /// # Errors
    /// The bytes cannot be parsed any further, and cannot be relayed unparsed either, as the viewer would misread them.
    /// Where it is safe, unknown extensions are relayed without an error.
    pub fn receive_from_host(
        &mut self,
        run: &[u8],
        viewer: &mut impl ToViewer,
    ) -> Result<(), ScanError> {
        self.host.receive(run, &mut self.shared, viewer)
    }

    /// Whether the viewer's update waits for further updates of the host. The number identifies the wait: when it
    /// changes, a new wait has begun, and a timeout of the caller starts again.
    pub fn waits_for_more(&self) -> Option<u32> {
        self.host.waits_for_more()
    }

    /// The wait has timed out: requests the rest of the picture once more, or ends the viewer's update without it.
    pub fn stop_waiting(&mut self, viewer: &mut impl ToViewer) {
        self.host.stop_waiting(&mut self.shared, viewer);
    }

    /// The host is lost: completes what the viewer has received. An incomplete header or [held](Self::hold_rectangles)
    /// rectangle is dropped, another incomplete rectangle is completed, and the update is ended. Until [`host_back`](Self::host_back) the viewer's messages are
    /// still to be passed to [`receive_from_viewer`](Self::receive_from_viewer), but its output must be dropped. May be
    /// called again in that time.
    ///
    /// # Errors
    /// The viewer has received a part of something that cannot be completed: the session has to end.
    pub fn host_lost(&mut self, viewer: &mut impl ToViewer) -> Result<(), CannotContinue> {
        self.host.finish(&mut self.shared, viewer)?;
        self.shared.host_lost();
        Ok(())
    }

    /// A new host has sent ServerInit with this size, in pixels, and format. Returns what it is to be sent first: pixel
    /// format, encodings and a request for the whole picture. From then on its messages after ServerInit go to
    /// [`receive_from_host`](Self::receive_from_host), and the output for the viewer's messages to it.
    ///
    /// Encodings whose rectangles depend on earlier ones (ZRLE, Tight) are listed only after
    /// [`hold_rectangles`](Self::hold_rectangles), and only if the new host's stream can go on in the viewer's decoder:
    /// the first rectangle of the new host is then changed to that end. If it turns out that it cannot go on,
    /// [`receive_from_host`](Self::receive_from_host) returns [`ScanError::Continuation`].
    ///
    /// # Errors
    /// The viewer cannot show this size or format: the session has to end.
    pub fn host_back(
        &mut self,
        size: (u16, u16),
        format: PixelFormat,
    ) -> Result<BytesMut, CannotContinue> {
        let first = self.shared.host_back(size, format)?;
        self.host = Host::after_server_init(size, format);
        Ok(first)
    }

    /// Whether an update that is not the host's may go to the viewer now: it has received ServerInit and a whole number
    /// of messages. So it is after [`host_lost`](Self::host_lost), also while there is no host.
    pub const fn may_insert_update(&self) -> bool {
        self.host.is_between_messages()
    }

    /// Whether the viewer has requested an update (RFC 6143 section 7.5.3) and received none since. It then sends no
    /// SetPixelFormat before it receives one (section 7.5.1); a viewer that has requested nothing may have sent one
    /// that has not arrived here, and would misread the pixels of a [banner](Self::banner).
    pub const fn is_update_requested(&self) -> bool {
        self.shared.viewer.update_requested
    }

    /// Whether the viewer has requested a picture (non-incrementally) and has not received an update to its end since.
    /// A program that saves one picture would take an update that [`host_lost`](Self::host_lost) has completed, or a
    /// [banner](Self::banner), for that picture.
    pub const fn awaits_picture(&self) -> bool {
        self.shared.viewer.awaits_picture
    }

    /// An update that draws `text` over the bottom of the viewer's last picture: see [`banner`]. It is in the format of
    /// the viewer's last SetPixelFormat and within the size that the viewer knows, and it answers the viewer's request.
    /// Viewers request the next update at once, so the caller has to limit how often it sends one.
    ///
    /// `None` where [no update may be inserted](Self::may_insert_update), the format is not sound, the screen is
    /// too small for a character, or the viewer uses the host's own colour map, which the banner's would replace.
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

    /// An update that draws nothing over the whole screen: zero in each pixel. It answers the viewer's request for a
    /// picture while there has been none. At most 16 MiB.
    ///
    /// `None` where a [banner](Self::banner) is `None`, or the screen is larger.
    pub fn blank(&mut self) -> Option<Bytes> {
        const MOST: usize = 16 << 20;
        let Shared { viewer, host } = &mut self.shared;
        let own_map = !viewer.format.true_colour && !host.format.true_colour;
        let (width, height) = viewer.size;
        let pixel = viewer.format.bytes_per_pixel()?;
        let length = usize::from(width) * usize::from(height) * pixel;
        if own_map || length > MOST || !self.host.is_between_messages() {
            return None;
        }
        viewer.update_requested = false;
        viewer.awaits_picture = false;
        Some(blank(viewer.size, length))
    }

    /// Whether there are [messages to send to the host](Self::take_pending), or a delayed key event may be passed
    /// again.
    pub fn has_pending(&self) -> bool {
        let Shared { viewer, host } = &self.shared;
        !host.pending.is_empty() || !host.acks.is_empty() || viewer.holds_keys && host.keys_known
    }

    /// Takes the messages that the gateway sends to the host on its own behalf.
    pub fn take_pending(&mut self) -> BytesMut {
        let HostPart { pending, acks, .. } = &mut self.shared.host;
        acks.write(pending);
        pending.split()
    }

    /// Whether text of a clipboard is still to be typed.
    pub fn is_typing(&self) -> bool {
        self.shared.viewer.paste.is_typing()
    }

    /// Appends the keys of the next character of that text to `host`.
    pub fn type_next(&mut self, host: &mut BytesMut) {
        self.shared.type_next(host);
    }

    /// Releases every key and button that is pressed: returns the last messages to the host.
    pub fn release_all(&mut self) -> BytesMut {
        let mut host = BytesMut::new();
        self.shared.release_all(&mut host);
        host
    }
}
