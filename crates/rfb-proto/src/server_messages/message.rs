//! Messages from a server (RFC 6143 section 7.6; rfbproto; those of QEMU and VMware).

use crate::vmware::ServerCaps;
use crate::{Area, CutText, Encoding, PixelFormat};

/// A message; where content of variable length follows, its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// The first message, which has no type (section 7.3.2). The desktop's name follows as a body.
    ServerInit {
        /// The width of the framebuffer in pixels.
        width: u16,
        /// The height of the framebuffer in pixels.
        height: u16,
        /// The native pixel format, in force until SetPixelFormat.
        format: PixelFormat,
        /// The length of the name in bytes.
        name: u32,
    },
    /// 0: FramebufferUpdate (section 7.6.1). Rectangles follow.
    Update {
        /// The byte that is padding in RFC 6143; VMware's update id, for [`crate::vmware::Command::UpdateAck`].
        id: u8,
        /// The number of rectangles; 65,535 if [`Encoding::LAST_RECT`] ends the update.
        rectangles: u16,
    },
    /// The header of a rectangle. Its content follows as a body, if it has any.
    Rectangle {
        /// Its position and size; the meaning in pseudo-encodings depends on these.
        area: Area,
        /// Its encoding.
        encoding: Encoding,
    },
    /// 1 (section 7.6.2). A body of six bytes per colour follows.
    SetColourMapEntries {
        /// The index of the first colour.
        first: u16,
        /// The number of colours.
        count: u16,
    },
    /// 2 (section 7.6.3).
    Bell,
    /// 3 (section 7.6.4). The text follows.
    CutText(CutText),
    /// 127, 0: VMware's ServerCaps (`docs/webmks.md` 1.5).
    ServerCaps(ServerCaps),
    /// 127: any other message of VMware's. A body follows; audio data is not included in `length`.
    Vmware {
        /// The kind of message: the second byte.
        id: u8,
        /// The length that the message announces in bytes, with the four bytes of the head.
        length: u16,
    },
    /// 150 (rfbproto, "EndOfContinuousUpdates").
    EndOfContinuousUpdates,
    /// 248 (rfbproto, "ServerFence").
    Fence {
        /// The flags; bit 31 is set in a request and clear in a response.
        flags: u32,
        /// The data to send back: at most 255 bytes.
        payload: &'a [u8],
    },
    /// 250 (rfbproto, "xvp Server Message").
    Xvp {
        /// The version of the extension: 1.
        version: u8,
        /// 0: the operation failed. 1: the extension is supported.
        code: u8,
    },
    /// 253 (rfbproto, "gii Server Message"). A body follows.
    Gii {
        /// The subtype, without the bit for the byte order.
        subtype: u8,
        /// The length of the body in bytes.
        length: u16,
    },
    /// 255, 1 (rfbproto, "QEMU Audio Server Message").
    QemuSound(QemuSound),
    /// A part of the content of a message or rectangle.
    Body {
        /// What it belongs to.
        of: Kind,
        /// Whether the content ends here.
        last: bool,
    },
}

/// QEMU Audio Server Message (rfbproto).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QemuSound {
    /// 0: the audio stream ends.
    End,
    /// 1: the audio stream begins.
    Begin,
    /// 2: samples, which follow as a body.
    Data {
        /// The length of the body in bytes.
        length: u32,
    },
}

/// The type of a message or rectangle piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each is the variant of Message of the same name"
)]
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
    /// The type of the message; of a body, that of what it belongs to.
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

    /// The length in bytes of the body that follows, as the head announces it: see [`Message::Vmware`].
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
