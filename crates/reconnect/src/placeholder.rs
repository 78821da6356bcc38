//! The ServerInit of a screen that stands for a VM without a console.

use bytes::BufMut;
use rfb_proto::PixelFormat;

/// The size of a PC's text screen, in pixels: large enough for the line, and small to send.
const SIZE: (u16, u16) = (720, 400);

/// ServerInit (RFC 6143 section 7.3.2) with the format that VMware's consoles have.
pub(crate) fn server_init(name: &str) -> Vec<u8> {
    let mut message = Vec::new();
    message.put_u16(SIZE.0);
    message.put_u16(SIZE.1);
    PixelFormat::VMWARE.write(&mut message);
    message.put_u32(u32::try_from(name.len()).unwrap_or_default());
    message.put_slice(name.as_bytes());
    message
}
