//! What a viewer can say, as values (RFC 6143 section 7.5; rfbproto; QEMU's and VMware's own).

use crate::{Area, CutText, Encoding, PixelFormat};

/// One message, or what its head says where a body follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// The first message, without a type (section 7.3.1).
    ClientInit {
        /// Whether others may stay connected.
        shared: bool,
    },
    /// 0 (section 7.5.1).
    SetPixelFormat(PixelFormat),
    /// 1: from before RFC 6143, which no longer has it. A body of six bytes for each colour follows.
    FixColourMapEntries {
        /// The first of them.
        first: u16,
        /// How many.
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
    /// 127, VMware's own (`docs/webmks.md` 1.6). A body of [`Message::body`] bytes follows.
    Vmware {
        /// Which of them.
        id: u8,
        /// Its length with the four bytes of its head: 4 at least.
        length: u16,
    },
    /// 150 (rfbproto, "EnableContinuousUpdates").
    ContinuousUpdates {
        /// Whether they begin or end.
        enable: bool,
        /// Where.
        area: Area,
    },
    /// 248 (rfbproto, "ClientFence").
    Fence {
        /// What is asked for, and in bit 31 whether it is asked at all, or answered.
        flags: u32,
        /// To be sent back as it is: at most 64 bytes, says rfbproto; 255 can come.
        payload: &'a [u8],
    },
    /// 250 (rfbproto, "xvp Client Message").
    Xvp {
        /// 1.
        version: u8,
        /// 2 shutdown, 3 reboot, 4 reset.
        code: u8,
    },
    /// 251 (rfbproto, "SetDesktopSize").
    SetDesktopSize(DesktopSize<'a>),
    /// 253 (rfbproto, "gii Client Message"). A body follows.
    Gii {
        /// The subtype, without the bit that says which endian.
        subtype: u8,
        /// The body's length.
        length: u16,
    },
    /// 255, 0 (rfbproto, "QEMU Extended Key Event Message").
    QemuKey(QemuKey),
    /// 255, 1 (rfbproto, "QEMU Audio Client Message").
    QemuAudio(QemuAudio),
    /// A run of a body.
    Body {
        /// Whose.
        of: Kind,
        /// Whether it ends here.
        last: bool,
    },
}

/// Which message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the variant of Message with its name")]
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

/// A request for an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateRequest {
    /// Whether only what has changed is wanted, once something has.
    pub incremental: bool,
    /// Of what.
    pub area: Area,
}

/// A key that was pressed or released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Pressed, or held and repeated.
    pub down: bool,
    /// What it means, as X numbers it.
    pub keysym: u32,
}

/// Where the pointer is and which buttons are down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// Bit 0 left, 1 middle, 2 right, 3 and 4 the wheel up and down, 5 and 6 to the left and right, and
    /// then more buttons: of fifteen at most.
    pub buttons: u16,
    /// From the left.
    pub x: u16,
    /// From the top.
    pub y: u16,
}

/// Another size for the framebuffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DesktopSize<'a> {
    /// In pixels.
    pub width: u16,
    /// In pixels.
    pub height: u16,
    pub(super) screens: &'a [[u8; 16]],
}

/// A part of the framebuffer that is somebody's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// A number that stays with it.
    pub id: u32,
    /// Where it is.
    pub area: Area,
    /// None are defined.
    pub flags: u32,
}

/// A key that was pressed or released, with where it is on the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QemuKey {
    /// Pressed, or held and repeated.
    pub down: bool,
    /// What it means, as X numbers it; 0 where the viewer does not know.
    pub keysym: u32,
    /// The XT scan code (PC set 1), its prefix E0 given by bit 7.
    pub keycode: u32,
}

/// What the viewer wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QemuAudio {
    /// 0: sound.
    Enable,
    /// 1: silence.
    Disable,
    /// 2: sound like this.
    Format {
        /// From 0: U8, S8, U16, S16, U32, S32.
        sample: u8,
        /// 1 or 2.
        channels: u8,
        /// Samples a second.
        frequency: u32,
    },
}

/// The encodings that a viewer takes, the one it prefers first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encodings<'a>(pub(super) &'a [[u8; 4]]);

impl<'a> Encodings<'a> {
    /// One after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Encoding> + use<'a> {
        self.0
            .iter()
            .map(|&number| Encoding(i32::from_be_bytes(number)))
    }

    /// Whether `encoding` is one of them.
    pub fn contains(&self, encoding: Encoding) -> bool {
        self.0.contains(&encoding.0.to_be_bytes())
    }
}

impl<'a> DesktopSize<'a> {
    /// The screens that it is to be made of; 255 at most.
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
    /// Whether somebody has pressed or let go a key or a button, or moved the pointer. Everything else a viewer sends without
    /// anybody being there: requests for updates for as long as it is connected.
    pub const fn is_input(&self) -> bool {
        matches!(self, Self::Key(_) | Self::QemuKey(_) | Self::Pointer(_))
    }

    /// Which message it is, or belongs to.
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
            Self::Vmware { .. } => Kind::Vmware,
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

    /// How many bytes of body follow this head.
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
