//! What a server can say, as values (RFC 6143 section 7.6; rfbproto; QEMU's and VMware's own).

use crate::vmware::ServerCaps;
use crate::{Area, CutText, Encoding, PixelFormat};

/// One message, or what its head says where something follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// The first message, without a type (section 7.3.2). The desktop's name follows.
    ServerInit {
        /// Of the framebuffer, in pixels.
        width: u16,
        /// Of the framebuffer, in pixels.
        height: u16,
        /// What pixels look like unless another format is asked for.
        format: PixelFormat,
        /// The length of the name.
        name: u32,
    },
    /// 0 (section 7.6.1). Rectangles follow.
    Update {
        /// Padding in RFB; VMware's number of the update, for [`crate::vmware::Command::UpdateAck`].
        id: u8,
        /// How many; 65,535 where it was not known yet, and then the last is [`Encoding::LAST_RECT`].
        rectangles: u16,
    },
    /// A rectangle of the update. What it holds follows, if anything.
    Rectangle {
        /// Where, or for pseudo-encodings what they say here.
        area: Area,
        /// How.
        encoding: Encoding,
    },
    /// 1 (section 7.6.2). A body of six bytes for each colour follows.
    SetColourMapEntries {
        /// The first of them.
        first: u16,
        /// How many.
        count: u16,
    },
    /// 2 (section 7.6.3).
    Bell,
    /// 3 (section 7.6.4). The text follows.
    CutText(CutText),
    /// 127, 0, VMware's own (`docs/webmks.md` 1.5).
    ServerCaps(ServerCaps),
    /// Any other 127. A body follows, with sound longer than the length says.
    Vmware {
        /// Which of them.
        id: u8,
        /// What it says that its length is, with the four bytes of its head.
        length: u16,
    },
    /// 150 (rfbproto, "EndOfContinuousUpdates").
    EndOfContinuousUpdates,
    /// 248 (rfbproto, "ServerFence").
    Fence {
        /// What is asked for, and in bit 31 whether it is asked at all, or answered.
        flags: u32,
        /// To be sent back as it is.
        payload: &'a [u8],
    },
    /// 250 (rfbproto, "xvp Server Message").
    Xvp {
        /// 1.
        version: u8,
        /// 0 fail, 1 init.
        code: u8,
    },
    /// 253 (rfbproto, "gii Server Message"). A body follows.
    Gii {
        /// The subtype, without the bit that says which endian.
        subtype: u8,
        /// The body's length.
        length: u16,
    },
    /// 255, 1 (rfbproto, "QEMU Audio Server Message").
    QemuSound(QemuSound),
    /// A run of a body, or of what a rectangle holds.
    Body {
        /// Whose.
        of: Kind,
        /// Whether it ends here.
        last: bool,
    },
}

/// What is to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QemuSound {
    /// 0: nothing more.
    End,
    /// 1: something.
    Begin,
    /// 2: this. A body follows.
    Data {
        /// The body's length.
        length: u32,
    },
}

/// Which message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the variant of Message with its name")]
pub enum Kind {
    ServerInit,
    Update,
    Rectangle,
    SetColourMapEntries,
    Bell,
    CutText,
    ServerCaps,
    Vmware,
    EndOfContinuousUpdates,
    Fence,
    Xvp,
    Gii,
    QemuSound,
}

impl Message<'_> {
    /// Which message it is, or belongs to.
    pub const fn kind(&self) -> Kind {
        match *self {
            Self::ServerInit { .. } => Kind::ServerInit,
            Self::Update { .. } => Kind::Update,
            Self::Rectangle { .. } => Kind::Rectangle,
            Self::SetColourMapEntries { .. } => Kind::SetColourMapEntries,
            Self::Bell => Kind::Bell,
            Self::CutText(_) => Kind::CutText,
            Self::ServerCaps(_) => Kind::ServerCaps,
            Self::Vmware { .. } => Kind::Vmware,
            Self::EndOfContinuousUpdates => Kind::EndOfContinuousUpdates,
            Self::Fence { .. } => Kind::Fence,
            Self::Xvp { .. } => Kind::Xvp,
            Self::Gii { .. } => Kind::Gii,
            Self::QemuSound(_) => Kind::QemuSound,
            Self::Body { of, .. } => of,
        }
    }

    /// How many bytes of body follow, as far as the head says: see [`Message::Vmware`].
    pub(super) fn body(&self) -> u64 {
        match *self {
            Self::ServerInit { name, .. } => name.into(),
            Self::SetColourMapEntries { count, .. } => 6 * u64::from(count),
            Self::CutText(CutText { length, .. }) | Self::QemuSound(QemuSound::Data { length }) => {
                length.into()
            }
            Self::Vmware { length, .. } => u64::from(length).saturating_sub(4),
            Self::Gii { length, .. } => length.into(),
            _ => 0,
        }
    }
}
