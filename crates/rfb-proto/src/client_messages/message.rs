//! Messages from a viewer (RFC 6143 section 7.5; rfbproto; those of QEMU and VMware).

use crate::vmware::Command;
use crate::{Area, CutText, Encoding, PixelFormat};

/// A message; for messages with a body of variable length, its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// The first message, which has no type (section 7.3.1).
    ClientInit {
        /// Whether other clients may stay connected.
        shared: bool,
    },
    /// 0 (section 7.5.1).
    SetPixelFormat(PixelFormat),
    /// 1: older than RFC 6143, which no longer has it. A body of six bytes per colour follows.
    FixColourMapEntries {
        /// The index of the first colour.
        first: u16,
        /// The number of colours.
        count: u16,
    },
    /// 2 (section 7.5.2).
    SetEncodings(Encodings<'a>),
    /// 3 (section 7.5.3).
    UpdateRequest(UpdateRequest),
    /// 4 (section 7.5.4).
    Key(Key),
    /// 5 (section 7.5.5).
    Pointer(Pointer),
    /// 6 (section 7.5.6). The text follows.
    CutText(CutText),
    /// 127: a message of VMware's that is a [`Command`].
    VmwareCommand(Command),
    /// 127: another message of VMware's (`docs/webmks.md` 1.6). A body of [`Message::body`] bytes follows.
    Vmware {
        /// The kind of message: the second byte.
        id: u8,
        /// The length in bytes, with the four bytes of the head: at least 4.
        length: u16,
    },
    /// 150 (rfbproto, "EnableContinuousUpdates").
    ContinuousUpdates {
        /// Whether continuous updates are switched on or off.
        enable: bool,
        /// The area that is updated.
        area: Area,
    },
    /// 248 (rfbproto, "ClientFence").
    Fence {
        /// The flags; bit 31 is set in a request and clear in a response.
        flags: u32,
        /// The data to send back: at most 64 bytes in rfbproto, at most 255 on the wire.
        payload: &'a [u8],
    },
    /// 250 (rfbproto, "xvp Client Message").
    Xvp {
        /// The version of the extension: 1.
        version: u8,
        /// 2 shutdown, 3 reboot, 4 reset.
        code: u8,
    },
    /// 251 (rfbproto, "SetDesktopSize").
    SetDesktopSize(DesktopSize<'a>),
    /// 253 (rfbproto, "gii Client Message"). A body follows.
    Gii {
        /// The subtype, without the bit for the byte order.
        subtype: u8,
        /// The length of the body in bytes.
        length: u16,
    },
    /// 255, 0 (rfbproto, "QEMU Extended Key Event Message").
    QemuKey(QemuKey),
    /// 255, 1 (rfbproto, "QEMU Audio Client Message").
    QemuAudio(QemuAudio),
    /// A part of a body.
    Body {
        /// The message to which the body belongs.
        of: Kind,
        /// Whether the body ends here.
        last: bool,
    },
}

/// The type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each is the variant of Message of the same name"
)]
pub enum Kind {
    ClientInit,
    SetPixelFormat,
    FixColourMapEntries,
    SetEncodings,
    UpdateRequest,
    Key,
    Pointer,
    CutText,
    Vmware,
    ContinuousUpdates,
    Fence,
    Xvp,
    SetDesktopSize,
    Gii,
    QemuKey,
    QemuAudio,
}

/// FramebufferUpdateRequest (section 7.5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateRequest {
    /// Whether the server may wait for a change and send only what has changed.
    pub incremental: bool,
    /// The requested part of the framebuffer.
    pub area: Area,
}

/// KeyEvent (section 7.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Whether the key is pressed (also when it is held and repeats) or released.
    pub down: bool,
    /// The keysym of the X Window System.
    pub keysym: u32,
}

/// PointerEvent (section 7.5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// The buttons that are pressed: bit 0 left, 1 middle, 2 right, 3 and 4 wheel up and down, 5 and 6 wheel left and
    /// right, and further buttons up to bit 14.
    pub buttons: u16,
    /// Pixels from the left edge.
    pub x: u16,
    /// Pixels from the upper edge.
    pub y: u16,
}

/// SetDesktopSize: a request for another size of the framebuffer (rfbproto).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DesktopSize<'a> {
    /// The width in pixels.
    pub width: u16,
    /// The height in pixels.
    pub height: u16,
    pub(super) screens: &'a [[u8; 16]],
}

/// A screen: a part of the framebuffer that one monitor shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// The number of the screen, which stays the same when the layout changes.
    pub id: u32,
    /// Its part of the framebuffer.
    pub area: Area,
    /// No flags are defined.
    pub flags: u32,
}

/// QEMU Extended Key Event: a key event with a scan code (rfbproto).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QemuKey {
    /// Whether the key is pressed (also when it is held and repeats) or released.
    pub down: bool,
    /// The keysym of the X Window System; 0 if the viewer knows none.
    pub keysym: u32,
    /// The XT scan code (PC set 1), with bit 7 for the prefix E0.
    pub keycode: u32,
}

/// QEMU Audio Client Message (rfbproto).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QemuAudio {
    /// 0: enable audio.
    Enable,
    /// 1: disable audio.
    Disable,
    /// 2: set the format of samples.
    Format {
        /// The sample type: from 0 on U8, S8, U16, S16, U32, S32.
        sample: u8,
        /// The number of channels: 1 or 2.
        channels: u8,
        /// Samples per second.
        frequency: u32,
    },
}

/// SetEncodings: the encodings that a viewer supports, in order of preference (section 7.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encodings<'a>(pub(super) &'a [[u8; 4]]);

impl<'a> Encodings<'a> {
    /// The encodings in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Encoding> + use<'a> {
        self.0
            .iter()
            .map(|&number| Encoding(i32::from_be_bytes(number)))
    }

    /// Whether `encoding` is listed.
    pub fn contains(&self, encoding: Encoding) -> bool {
        self.0.contains(&encoding.0.to_be_bytes())
    }
}

impl<'a> DesktopSize<'a> {
    /// The requested layout: at most 255 screens.
    pub fn screens(&self) -> impl ExactSizeIterator<Item = Screen> + use<'a> {
        self.screens.iter().map(Screen::parse)
    }
}

impl Screen {
    fn parse(bytes: &[u8; 16]) -> Self {
        let &[a, b, c, d, area @ .., e, f, g, h] = bytes;
        Self {
            id: u32::from_be_bytes([a, b, c, d]),
            area: Area::parse(&area),
            flags: u32::from_be_bytes([e, f, g, h]),
        }
    }
}

impl Message<'_> {
    /// Whether it is a key or pointer event, that is, the act of a user. All other messages a viewer may send by
    /// itself, such as update requests for as long as it is connected.
    pub const fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Key(_)
                | Self::QemuKey(_)
                | Self::Pointer(_)
                | Self::VmwareCommand(Command::Key { .. } | Command::Pointer { .. })
        )
    }

    /// Whether it presses Enter, on the main keyboard or on the keypad.
    pub const fn is_enter(&self) -> bool {
        const ENTER: u32 = 0xff0d;
        const KEYPAD_ENTER: u32 = 0xff8d;
        // XT scan codes, by which a viewer without keysyms names them.
        const SCAN_CODES: [u32; 2] = [0x1c, 0x9c];
        match *self {
            Self::Key(Key { down, keysym }) => down && (keysym == ENTER || keysym == KEYPAD_ENTER),
            Self::QemuKey(QemuKey { down, keycode, .. }) => {
                down && (keycode == SCAN_CODES[0] || keycode == SCAN_CODES[1])
            }
            _ => false,
        }
    }

    /// The type of the message; of a body, that of its message.
    pub const fn kind(&self) -> Kind {
        match *self {
            Self::ClientInit { .. } => Kind::ClientInit,
            Self::SetPixelFormat(_) => Kind::SetPixelFormat,
            Self::FixColourMapEntries { .. } => Kind::FixColourMapEntries,
            Self::SetEncodings(_) => Kind::SetEncodings,
            Self::UpdateRequest(_) => Kind::UpdateRequest,
            Self::Key(_) => Kind::Key,
            Self::Pointer(_) => Kind::Pointer,
            Self::CutText(_) => Kind::CutText,
            Self::Vmware { .. } | Self::VmwareCommand(_) => Kind::Vmware,
            Self::ContinuousUpdates { .. } => Kind::ContinuousUpdates,
            Self::Fence { .. } => Kind::Fence,
            Self::Xvp { .. } => Kind::Xvp,
            Self::SetDesktopSize(_) => Kind::SetDesktopSize,
            Self::Gii { .. } => Kind::Gii,
            Self::QemuKey(_) => Kind::QemuKey,
            Self::QemuAudio(_) => Kind::QemuAudio,
            Self::Body { of, .. } => of,
        }
    }

    /// The length in bytes of the body that follows.
    pub fn body(&self) -> u64 {
        match *self {
            Self::FixColourMapEntries { count, .. } => 6 * u64::from(count),
            Self::CutText(CutText { length, .. }) => length.into(),
            Self::Vmware { length, .. } => u64::from(length).saturating_sub(4),
            Self::Gii { length, .. } => length.into(),
            _ => 0,
        }
    }
}
