//! The messages of a client (RFC 6143 section 7.5; `docs/webmks.md` 1.6).

use super::pixel_format::PixelFormat;
use crate::desktop::area::Area;
use crate::desktop::mouse::PointerEvent;

/// A client message, of RFC 6143 or of VMware.
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
    /// The client has processed the update with this id and requests the next one (127/4).
    UpdateAck(u8),
    /// Another message of VMware's that has no effect here.
    Ignored,
}
