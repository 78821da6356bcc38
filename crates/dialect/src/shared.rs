//! The state that both directions of a session share: the viewer's part and the host's.

use bytes::BytesMut;
use rfb_proto::client_messages::{self, Message, UpdateRequest};
use rfb_proto::vmware::ServerCaps;
use rfb_proto::{Area, PixelFormat};

use super::acks::Acks;
use super::cannot_continue::CannotContinue;
use super::encodings::Wanted;
use super::host_part::HostPart;
use super::settings::{HostKind, InputSettings};
use super::viewer_part::ViewerPart;

/// The most bytes of an update that are held back, whatever the size of the screen.
const MOST_HELD: u64 = 64 << 20;

/// The most bytes that are held back beside the pixels of the screen: a cursor, a name, headers of small rectangles.
const HELD_BESIDE_PIXELS: u64 = 64 << 10;

/// Both parts of a session.
pub(super) struct Shared {
    pub(super) viewer: ViewerPart,
    pub(super) host: HostPart,
}

impl Shared {
    pub(super) fn new(input_settings: InputSettings, view_only: bool, kind: HostKind) -> Self {
        let viewer = ViewerPart::new(input_settings, view_only);
        let host = HostPart::new(kind, viewer.sends_keys_unchanged());
        Self { viewer, host }
    }

    /// The host has sent ServerInit.
    pub(super) fn handle_server_init(&mut self, size: (u16, u16), format: PixelFormat) {
        self.resize(size);
        self.host.format = format;
        if !self.viewer.set_format {
            self.viewer.format = format;
        }
        // Now, since some viewers never send SetEncodings.
        if !self.viewer.view_only {
            self.list_encodings_again();
        }
    }

    /// Drops what was to be sent to the host.
    pub(super) fn host_lost(&mut self) {
        self.host.pending.clear();
        self.host.acks = Acks::default();
        self.viewer.paste.cancel();
    }

    /// See [`super::Dialogue::host_back`].
    pub(super) fn host_back(
        &mut self,
        size: (u16, u16),
        format: PixelFormat,
    ) -> Result<BytesMut, CannotContinue> {
        let viewer = &mut self.viewer;
        if size != viewer.size && !viewer.takes_sizes() {
            return Err(CannotContinue::Size);
        }
        let keys_known = viewer.sends_keys_unchanged();
        let successor = self
            .host
            .successor(size, format, viewer.format, keys_known)
            .ok_or(CannotContinue::Format)?;
        self.host = successor;
        viewer.reset_for_new_host();
        let mut host = BytesMut::new();
        if viewer.set_format && self.host.converter.is_none() {
            Message::SetPixelFormat(format).write(&mut host);
        }
        if !self.viewer.view_only || !self.viewer.encodings.is_empty() {
            self.list_encodings(&mut host);
        }
        let area = self.host.everything();
        let incremental = false;
        Message::UpdateRequest(UpdateRequest { incremental, area }).write(&mut host);
        self.ask(area);
        Ok(host)
    }

    /// The host has sent ServerCaps (127/0).
    pub(super) fn handle_server_caps(&mut self, caps: ServerCaps) {
        let host = &mut self.host;
        host.is_vmware = true;
        host.caps = caps;
        host.acks.set_wanted(caps.has(ServerCaps::UPDATE_ACK));
        host.set_keys_known();
        if !self.takes_vmware() {
            return;
        }
        self.viewer.keyboard.use_scancodes();
        self.viewer.mouse.use_vmware_messages();
        if !std::mem::replace(&mut self.host.wants_all, true) {
            self.list_encodings_again();
        }
    }

    /// The framebuffer has a new size, which the viewer is sent at once.
    pub(super) const fn resize(&mut self, size: (u16, u16)) {
        self.host.size = size;
        self.viewer.size = size;
    }

    /// Whether the host takes VMware's messages and the viewer may control the VM. No capability is known for the
    /// pointer message; that hosts with the capability for keys take it is a guess.
    pub(super) const fn takes_vmware(&self) -> bool {
        self.host.caps.has(ServerCaps::KEY) && !self.viewer.view_only
    }

    /// The capabilities that VMware's own client is to be sent, if it has not been: those whose messages pass.
    pub(super) fn caps_for_viewer(&self) -> Option<ServerCaps> {
        const WATCH: u32 = ServerCaps::UPDATE_ACK.0;
        const CONTROL: u32 = WATCH | ServerCaps::KEY.0 | ServerCaps::RESOLUTION.0;
        let passed = if self.viewer.view_only {
            WATCH
        } else {
            CONTROL
        };
        let caps = ServerCaps(self.host.caps.0 & passed);
        let due = self.viewer.is_vmware()
            && self.host.caps != ServerCaps::default()
            && self.viewer.offers.caps != Some(caps);
        due.then_some(caps)
    }

    /// Appends them to `viewer`, between two messages.
    pub(super) fn write_caps(&mut self, viewer: &mut Vec<u8>) {
        if let Some(caps) = self.caps_for_viewer() {
            self.viewer.offers.caps = Some(caps);
            caps.write(viewer);
        }
    }

    /// The viewer has been sent the update with this id to its end.
    pub(super) fn update_sent(&mut self, id: u8) {
        if !self.viewer.acknowledges() {
            self.host.acks.add(id);
        }
    }

    pub(super) fn list_encodings(&self, host: &mut BytesMut) {
        let converted = self.host.converter.is_some();
        let list = self.viewer.encodings.for_host(converted, self.wanted());
        client_messages::set_encodings(list, host);
    }

    /// Sends SetEncodings on the gateway's own behalf.
    fn list_encodings_again(&mut self) {
        let mut pending = std::mem::take(&mut self.host.pending);
        self.list_encodings(&mut pending);
        self.host.pending = pending;
    }

    /// What the gateway requests for itself. Rectangles that the viewer must not receive are only requested from a host
    /// that takes VMware's messages: from all others, the number of rectangles in an update stays the announced one.
    const fn wanted(&self) -> Wanted {
        match (self.viewer.view_only, self.host.wants_all) {
            (true, _) => Wanted::Nothing,
            (false, false) => Wanted::Caps,
            (false, true) => Wanted::All,
        }
    }

    /// Whether the host may send rectangles that have to be dropped.
    pub(super) fn may_leave_out(&self) -> bool {
        let converted = self.host.converter.is_some();
        let encodings = &self.viewer.encodings;
        encodings.may_leave_out(converted, self.wanted())
    }

    /// The most bytes of an update that are held back: those of the whole screen in Raw, and an eighth more for the
    /// overhead of encodings.
    pub(super) fn most_held(&self) -> usize {
        let pixel = match &self.host.converter {
            Some(converter) => converter.target_bytes(),
            None => self.host.format.bytes_per_pixel().unwrap_or_default(),
        };
        let screen = self.host.everything().pixels() * pixel as u64;
        let most = (screen + screen / 8 + HELD_BESIDE_PIXELS).min(MOST_HELD);
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// The viewer has requested `area` non-incrementally. Only VMware's hosts may answer in several updates.
    pub(super) fn ask(&mut self, area: Area) {
        // VMware's own client requests the rest itself, and acknowledges each update.
        if !self.host.is_vmware || self.viewer.is_vmware() {
            return;
        }
        let (width, height) = self.host.size;
        self.viewer.requested.add(Area {
            width: area.width.min(width.saturating_sub(area.x)),
            height: area.height.min(height.saturating_sub(area.y)),
            ..area
        });
    }

    /// The bytes of memory whose size depends on what the host sends.
    pub(super) fn memory(&self) -> usize {
        let Self { viewer, host } = self;
        host.pending.capacity() + host.acks.memory() + viewer.requested.memory()
    }

    pub(super) fn type_next(&mut self, host: &mut BytesMut) {
        if let Some(character) = self.viewer.paste.next() {
            self.viewer.keyboard.write(character, host);
        }
    }

    pub(super) fn release_all(&mut self, host: &mut BytesMut) {
        let viewer = &mut self.viewer;
        viewer.paste.cancel();
        viewer.keyboard.release_all(host);
        viewer.mouse.release_all(host);
    }
}
