//! What both directions of a session have to know of each other.

use std::sync::Arc;

use bytes::BytesMut;
use rfb_proto::input::{self, Message, UpdateRequest};
use rfb_proto::vmware::ServerCaps;
use rfb_proto::{Area, Converter, PixelFormat};

use super::acks::Acks;
use super::encodings::{Encodings, Wanted};
use super::keyboard::Keyboard;
use super::missing::Missing;
use super::mouse::Mouse;
use super::offers::Offers;
use super::paste::Paste;
use super::{Habits, HostKind};

/// How much the gateway may have to say to a host before it says no more.
const MAX_PENDING: usize = 16 * 1024;

/// The most that is held back of an update, whatever the screen's size.
const MOST_HELD: u64 = 64 << 20;

/// What an update may take beyond the pixels of the screen: a cursor, a name, the headers of small rectangles.
const HELD_BESIDE_PIXELS: u64 = 64 << 10;

/// The screen as the host has it, what the viewer wants of it, and who can do what.
pub(super) struct Shared {
    pub(super) habits: Habits,
    pub(super) view_only: bool,
    /// The host's own format: what all of its pixels are in.
    pub(super) format: PixelFormat,
    /// Makes the host's pixels what the viewer asked for last; `None` where it asked for the host's own.
    pub(super) converter: Option<Arc<Converter>>,
    /// In pixels.
    pub(super) size: (u16, u16),
    pub(super) encodings: Encodings,
    /// The console is a vSphere's, or the host has sent ServerCaps or one of VMware's rectangles.
    pub(super) host_is_vmware: bool,
    /// The host has been asked for all that the gateway wants to know.
    wants_all: bool,
    /// What the host says that it can do.
    pub(super) caps: ServerCaps,
    pub(super) acks: Acks,
    /// Whether the guest's pointer is a place, where the host has said.
    pub(super) absolute: Option<bool>,
    pub(super) offers: Offers,
    /// What the viewer has asked for whether or not it has changed.
    pub(super) asked: Missing,
    /// What the viewer has asked to be told of when it changes, since its update began.
    pub(super) waits_for: Option<Area>,
    /// The viewer has asked for another size.
    pub(super) resizing: bool,
    pub(super) keyboard: Keyboard,
    /// It is known whether the host takes scan codes, or makes no difference.
    pub(super) keys_known: bool,
    /// A key waits for that.
    pub(super) holds_keys: bool,
    pub(super) mouse: Mouse,
    pub(super) paste: Paste,
    /// What the gateway has to say to the host by itself.
    pub(super) pending: BytesMut,
}

impl Shared {
    pub(super) fn new(habits: Habits, view_only: bool, kind: HostKind) -> Self {
        Self {
            habits,
            view_only,
            format: PixelFormat::VMWARE,
            converter: None,
            size: (0, 0),
            encodings: Encodings::default(),
            host_is_vmware: kind == HostKind::Vmware,
            wants_all: false,
            caps: ServerCaps::default(),
            acks: Acks::default(),
            absolute: None,
            offers: Offers::default(),
            asked: Missing::default(),
            waits_for: None,
            resizing: false,
            keyboard: Keyboard::new(habits),
            keys_known: view_only || !habits.scancodes,
            holds_keys: false,
            mouse: Mouse::default(),
            paste: Paste::default(),
            pending: BytesMut::new(),
        }
    }

    /// The host's ServerInit has come.
    pub(super) fn handle_server_init(&mut self, size: (u16, u16), format: PixelFormat) {
        self.size = size;
        self.format = format;
        // At once, for some viewers list nothing at all.
        let mut pending = std::mem::take(&mut self.pending);
        if !self.view_only {
            self.list_encodings(&mut pending);
        }
        self.pending = pending;
    }

    /// The host says what it can do (127/0).
    pub(super) fn handle_server_caps(&mut self, caps: ServerCaps) {
        self.host_is_vmware = true;
        self.caps = caps;
        self.acks.host_wants(caps.has(ServerCaps::UPDATE_ACK));
        self.set_keys_known();
        if !self.takes_vmware() {
            return;
        }
        self.keyboard.use_scancodes();
        self.mouse.use_vmware_messages();
        if !std::mem::replace(&mut self.wants_all, true) {
            let mut pending = std::mem::take(&mut self.pending);
            self.list_encodings(&mut pending);
            self.pending = pending;
        }
    }

    /// Whether a message is to wait: a key for which it is not known how the host takes it.
    pub(super) const fn hold(&mut self, message: &Message<'_>) -> bool {
        self.holds_keys =
            !self.keys_known && matches!(message, Message::Key(_) | Message::QemuKey(_));
        self.holds_keys
    }

    /// It is known how the host takes keys. It has said so; or it has answered what it was asked after that, and so
    /// will not; or it has had time enough.
    pub(super) const fn set_keys_known(&mut self) {
        self.keys_known = true;
    }

    /// Whether the host takes VMware's own messages and the viewer may act on the VM. There is no capability for
    /// the pointer's: that it comes with that for keys is a guess.
    pub(super) const fn takes_vmware(&self) -> bool {
        self.caps.has(ServerCaps::KEY) && !self.view_only
    }

    pub(super) fn list_encodings(&self, host: &mut BytesMut) {
        let list = self
            .encodings
            .for_host(self.converter.is_some(), self.wanted());
        input::set_encodings(list, host);
    }

    /// What the gateway asks for on its own behalf. Only a host that takes VMware's messages is asked for rectangles
    /// that the viewer must not see: of all others the number of rectangles stays what they announce.
    const fn wanted(&self) -> Wanted {
        match (self.view_only, self.wants_all) {
            (true, _) => Wanted::Nothing,
            (false, false) => Wanted::Caps,
            (false, true) => Wanted::All,
        }
    }

    /// Whether the host may send rectangles that have to be left out.
    pub(super) fn may_leave_out(&self) -> bool {
        self.encodings
            .may_leave_out(self.converter.is_some(), self.wanted())
    }

    /// How many bytes an update may take that is held back: what it takes to draw the whole screen once, with an eighth
    /// more for what the encodings add.
    pub(super) fn most_held(&self) -> usize {
        let pixel = match &self.converter {
            Some(converter) => converter.target_bytes(),
            None => self.format.bytes_per_pixel().unwrap_or_default(),
        };
        let screen = self.everything().pixels() * pixel as u64;
        let most = (screen + screen / 8 + HELD_BESIDE_PIXELS).min(MOST_HELD);
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Has the host asked for `area`.
    pub(super) fn request(&mut self, incremental: bool, area: Area) {
        // A host that does not listen is not talked to any louder.
        if self.pending.len() < MAX_PENDING {
            let request = UpdateRequest { incremental, area };
            Message::UpdateRequest(request).write(&mut self.pending);
        }
    }

    /// The whole framebuffer.
    pub(super) const fn everything(&self) -> Area {
        Area {
            x: 0,
            y: 0,
            width: self.size.0,
            height: self.size.1,
        }
    }

    /// The viewer wants `area`, changed or not. Hosts that are not VMware's answer that with one update.
    pub(super) fn ask(&mut self, area: Area) {
        if !self.host_is_vmware {
            return;
        }
        let (width, height) = self.size;
        self.asked.add(Area {
            width: area.width.min(width.saturating_sub(area.x)),
            height: area.height.min(height.saturating_sub(area.y)),
            ..area
        });
    }

    /// How many bytes of memory grow with what the host sends.
    pub(super) fn memory(&self) -> usize {
        self.pending.capacity() + self.acks.memory() + self.asked.memory()
    }

    pub(super) fn type_next(&mut self, host: &mut BytesMut) {
        if let Some(character) = self.paste.next() {
            self.keyboard.write(character, host);
        }
    }

    pub(super) fn release_all(&mut self, host: &mut BytesMut) {
        self.paste.cancel();
        self.keyboard.release_all(host);
        self.mouse.release_all(host);
    }
}
