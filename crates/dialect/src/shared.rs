//! What both directions of a session have to know of each other: the viewer's part and the host's.

use bytes::BytesMut;
use rfb_proto::input::{self, Message, UpdateRequest};
use rfb_proto::vmware::ServerCaps;
use rfb_proto::{Area, PixelFormat};

use super::acks::Acks;
use super::cannot_continue::CannotContinue;
use super::encodings::Wanted;
use super::host_part::HostPart;
use super::settings::{Habits, HostKind};
use super::viewer_part::ViewerPart;

/// The most that is held back of an update, whatever the screen's size.
const MOST_HELD: u64 = 64 << 20;

/// What an update may take beyond the pixels of the screen: a cursor, a name, the headers of small rectangles.
const HELD_BESIDE_PIXELS: u64 = 64 << 10;

/// Both sides of a session, and what follows from the two together.
pub(super) struct Shared {
    pub(super) viewer: ViewerPart,
    pub(super) host: HostPart,
}

impl Shared {
    pub(super) fn new(habits: Habits, view_only: bool, kind: HostKind) -> Self {
        let viewer = ViewerPart::new(habits, view_only);
        let host = HostPart::new(kind, viewer.sends_keys_unchanged());
        Self { viewer, host }
    }

    /// The host's ServerInit has come.
    pub(super) fn handle_server_init(&mut self, size: (u16, u16), format: PixelFormat) {
        self.resize(size);
        self.host.format = format;
        if !self.viewer.set_format {
            self.viewer.format = format;
        }
        // At once: some viewers never send SetEncodings.
        if !self.viewer.view_only {
            self.list_encodings_again();
        }
    }

    /// Nothing more goes to the host.
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
        viewer.host_is_new();
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
        host.acks.host_wants(caps.has(ServerCaps::UPDATE_ACK));
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

    /// The framebuffer has another size, of which the viewer is told at once.
    pub(super) const fn resize(&mut self, size: (u16, u16)) {
        self.host.size = size;
        self.viewer.size = size;
    }

    /// Whether the host takes VMware's own messages and the viewer may act on the VM. There is no capability for
    /// the pointer's: that it comes with that for keys is a guess.
    pub(super) const fn takes_vmware(&self) -> bool {
        self.host.caps.has(ServerCaps::KEY) && !self.viewer.view_only
    }

    pub(super) fn list_encodings(&self, host: &mut BytesMut) {
        let converted = self.host.converter.is_some();
        let list = self.viewer.encodings.for_host(converted, self.wanted());
        input::set_encodings(list, host);
    }

    /// Sends SetEncodings on the gateway's own behalf.
    fn list_encodings_again(&mut self) {
        let mut pending = std::mem::take(&mut self.host.pending);
        self.list_encodings(&mut pending);
        self.host.pending = pending;
    }

    /// What the gateway asks for on its own behalf. Only a host that takes VMware's messages is asked for rectangles
    /// that the viewer must not see: of all others the number of rectangles stays what they announce.
    const fn wanted(&self) -> Wanted {
        match (self.viewer.view_only, self.host.wants_all) {
            (true, _) => Wanted::Nothing,
            (false, false) => Wanted::Caps,
            (false, true) => Wanted::All,
        }
    }

    /// Whether the host may send rectangles that have to be left out.
    pub(super) fn may_leave_out(&self) -> bool {
        let converted = self.host.converter.is_some();
        let encodings = &self.viewer.encodings;
        encodings.may_leave_out(converted, self.wanted())
    }

    /// How many bytes an update may take that is held back: what it takes to draw the whole screen once, with an eighth
    /// more for what the encodings add.
    pub(super) fn most_held(&self) -> usize {
        let pixel = match &self.host.converter {
            Some(converter) => converter.target_bytes(),
            None => self.host.format.bytes_per_pixel().unwrap_or_default(),
        };
        let screen = self.host.everything().pixels() * pixel as u64;
        let most = (screen + screen / 8 + HELD_BESIDE_PIXELS).min(MOST_HELD);
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// The viewer wants `area`, changed or not. Hosts that are not VMware's answer that with one update.
    pub(super) fn ask(&mut self, area: Area) {
        if !self.host.is_vmware {
            return;
        }
        let (width, height) = self.host.size;
        self.viewer.asked.add(Area {
            width: area.width.min(width.saturating_sub(area.x)),
            height: area.height.min(height.saturating_sub(area.y)),
            ..area
        });
    }

    /// How many bytes of memory grow with what the host sends.
    pub(super) fn memory(&self) -> usize {
        let Self { viewer, host } = self;
        host.pending.capacity() + host.acks.memory() + viewer.asked.memory()
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
