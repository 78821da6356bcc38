//! The messages of a client (RFC 6143 section 7.5; `docs/webmks.md` 1.6).

use super::pixel_format::PixelFormat;
use crate::desktop::area::Area;
use crate::desktop::mouse::PointerEvent;

/// One client message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ClientMessage {
    SetPixelFormat(PixelFormat),
    SetEncodings(Vec<i32>),
    UpdateRequest {
        incremental: bool,
        region: Area,
    },
    Key {
        down: bool,
        keysym: u32,
    },
    Pointer(PointerEvent),
    CutText,
    ScanCode {
        code: u16,
        down: bool,
    },
    Resolution {
        width: u16,
        height: u16,
    },
    /// The update with this id was shown, and the next one is wanted (127/4).
    UpdateAck(u8),
    /// Another of VMware's messages, from which nothing follows here.
    Ignored,
}
