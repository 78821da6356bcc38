//! What the viewer has sent and what it has been sent: it outlives a host.

use rfb_proto::input::Message;
use rfb_proto::{Area, Encoding, PixelFormat};

use super::encodings::Encodings;
use super::keyboard::Keyboard;
use super::missing::Missing;
use super::mouse::Mouse;
use super::paste::Paste;
use super::settings::Habits;

/// The viewer's side of a session.
pub(super) struct ViewerPart {
    pub(super) habits: Habits,
    pub(super) view_only: bool,
    /// The format of the pixels that it expects: of its last SetPixelFormat, or else of its ServerInit.
    pub(super) format: PixelFormat,
    /// It has sent SetPixelFormat.
    pub(super) set_format: bool,
    /// The size of the framebuffer, in pixels, as it was sent to the viewer last.
    pub(super) size: (u16, u16),
    pub(super) encodings: Encodings,
    pub(super) offers: Offers,
    /// The areas that it has requested non-incrementally and not received.
    pub(super) asked: Missing,
    /// The area of its last incremental request, since its update began.
    pub(super) waits_for: Option<Area>,
    /// It has sent a FramebufferUpdateRequest since its last update began.
    pub(super) update_requested: bool,
    /// Its SetDesktopSize has not been answered.
    pub(super) resizing: bool,
    pub(super) keyboard: Keyboard,
    /// A key event waits until it is known how the host takes keys.
    pub(super) holds_keys: bool,
    pub(super) mouse: Mouse,
    pub(super) paste: Paste,
}

/// What the viewer has been told.
#[derive(Debug, Default)]
pub(super) struct Offers {
    /// Keys by their places.
    pub(super) keys: bool,
    /// More than eight buttons.
    pub(super) buttons: bool,
    /// Other sizes of the screen, by the gateway.
    pub(super) sizes: bool,
    /// Whether its pointer is absolute, as it was sent last.
    pub(super) absolute: Option<bool>,
}

impl ViewerPart {
    pub(super) fn new(habits: Habits, view_only: bool) -> Self {
        Self {
            habits,
            view_only,
            format: PixelFormat::VMWARE,
            set_format: false,
            size: (0, 0),
            encodings: Encodings::default(),
            offers: Offers::default(),
            asked: Missing::default(),
            waits_for: None,
            update_requested: false,
            resizing: false,
            keyboard: Keyboard::new(habits),
            holds_keys: false,
            mouse: Mouse::default(),
            paste: Paste::default(),
        }
    }

    /// Whether it can be told of another size of the framebuffer.
    pub(super) fn takes_sizes(&self) -> bool {
        self.encodings.has(Encoding::DESKTOP_SIZE)
            || self.encodings.has(Encoding::EXTENDED_DESKTOP_SIZE)
    }

    /// A new host has no key and no button down, and none of what was requested or typed before.
    pub(super) fn host_is_new(&mut self) {
        self.encodings.host_is_new();
        self.asked.clear();
        self.waits_for = None;
        self.resizing = false;
        self.keyboard = Keyboard::new(self.habits);
        self.holds_keys = false;
        self.mouse.host_is_new();
        self.paste.cancel();
    }

    /// Whether a host need not say how it takes keys: none are sent to it, or all as the viewer sends them.
    pub(super) const fn sends_keys_unchanged(&self) -> bool {
        self.view_only || !self.habits.scancodes
    }

    /// Sets whether `message` waits: a key event, while it is not known how the host takes keys.
    pub(super) const fn hold(&mut self, message: &Message<'_>, keys_known: bool) -> bool {
        self.holds_keys = !keys_known && matches!(message, Message::Key(_) | Message::QemuKey(_));
        self.holds_keys
    }
}
