//! The viewer's part of the session state, which outlives a host.

use rfb_proto::client_messages::Message;
use rfb_proto::vmware::{Command, ServerCaps};
use rfb_proto::{Area, Encoding, PixelFormat};

use super::encodings::Encodings;
use super::keyboard::Keyboard;
use super::missing::Missing;
use super::mouse::Mouse;
use super::paste::Paste;
use super::settings::InputSettings;

/// What the viewer has sent and has been sent.
pub(super) struct ViewerPart {
    pub(super) input_settings: InputSettings,
    pub(super) view_only: bool,
    /// The pixel format that it expects: that of its last SetPixelFormat, or else of ServerInit.
    pub(super) format: PixelFormat,
    /// It has sent SetPixelFormat.
    pub(super) set_format: bool,
    /// The size of the framebuffer, in pixels, as it was sent to the viewer last.
    pub(super) size: (u16, u16),
    pub(super) encodings: Encodings,
    pub(super) offers: Offers,
    /// The areas that it has requested non-incrementally and not received.
    pub(super) requested: Missing,
    /// The area of its last incremental request since its update began.
    pub(super) incremental_area: Option<Area>,
    /// It has sent a FramebufferUpdateRequest since its last update began.
    pub(super) update_requested: bool,
    /// It has sent a non-incremental FramebufferUpdateRequest, and no update for it has ended since.
    pub(super) awaits_picture: bool,
    /// Its SetDesktopSize has not been answered.
    pub(super) resizing: bool,
    pub(super) keyboard: Keyboard,
    /// A key event is delayed until it is known whether the host takes scan codes.
    pub(super) holds_keys: bool,
    pub(super) mouse: Mouse,
    pub(super) paste: Paste,
}

/// The extensions that have been announced to the viewer.
#[derive(Debug, Default)]
pub(super) struct Offers {
    /// QEMU Extended Key Event.
    pub(super) keys: bool,
    /// ExtendedMouseButtons.
    pub(super) buttons: bool,
    /// SetDesktopSize, which the gateway translates.
    pub(super) sizes: bool,
    /// Whether its pointer is absolute, if it has been sent that.
    pub(super) absolute: Option<bool>,
    /// The capabilities of the host, as VMware's own client has been sent them.
    pub(super) caps: Option<ServerCaps>,
}

impl ViewerPart {
    pub(super) fn new(input_settings: InputSettings, view_only: bool) -> Self {
        Self {
            input_settings,
            view_only,
            format: PixelFormat::VMWARE,
            set_format: false,
            size: (0, 0),
            encodings: Encodings::default(),
            offers: Offers::default(),
            requested: Missing::default(),
            incremental_area: None,
            update_requested: false,
            awaits_picture: false,
            resizing: false,
            keyboard: Keyboard::new(input_settings),
            holds_keys: false,
            mouse: Mouse::default(),
            paste: Paste::default(),
        }
    }

    /// Whether it supports a change of the framebuffer's size.
    pub(super) fn takes_sizes(&self) -> bool {
        self.encodings.has(Encoding::DESKTOP_SIZE)
            || self.encodings.has(Encoding::EXTENDED_DESKTOP_SIZE)
    }

    /// Whether it is VMware's own client, or speaks as it does (`docs/webmks.md` 7.2).
    pub(super) fn is_vmware(&self) -> bool {
        self.encodings.has(Encoding::VMWARE_SERVER_CAPS)
    }

    /// Whether it acknowledges the updates that it receives.
    pub(super) fn acknowledges(&self) -> bool {
        let caps = self.offers.caps;
        caps.is_some_and(|caps| caps.has(ServerCaps::UPDATE_ACK))
    }

    /// Resets what depends on the host: for a new one, no key or button is pressed, and nothing has been requested or
    /// typed.
    pub(super) fn reset_for_new_host(&mut self) {
        self.encodings.reset_for_new_host();
        self.requested.clear();
        self.incremental_area = None;
        self.resizing = false;
        self.keyboard = Keyboard::new(self.input_settings);
        self.holds_keys = false;
        self.mouse.reset_for_new_host();
        self.paste.cancel();
    }

    /// Whether it does not matter if the host takes scan codes: keys are dropped or relayed unchanged.
    pub(super) const fn sends_keys_unchanged(&self) -> bool {
        self.view_only || !self.input_settings.scancodes
    }

    /// Delays `message` if it is a key event and it is not known whether the host takes scan codes; returns whether it
    /// is delayed. VMware's own client begins with the release of keys that it has not pressed: those need not wait.
    pub(super) const fn hold(&mut self, message: &Message<'_>, keys_known: bool) -> bool {
        let is_key = matches!(
            message,
            Message::Key(_)
                | Message::QemuKey(_)
                | Message::VmwareCommand(Command::Key { down: true, .. })
        );
        self.holds_keys = !keys_known && is_key;
        self.holds_keys
    }
}
