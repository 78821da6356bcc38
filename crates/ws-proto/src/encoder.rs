//! Encodes frames in place: the header is written in front of the payload, which is masked where it is.

use std::ops::Range;

use bytes::BytesMut;

use crate::header::{Header, MAX_CONTROL_PAYLOAD, MAX_HEADER, Opcode};
use crate::mask::{MaskKey, apply_mask};

/// The space kept free in front of a payload: the longest header.
pub const HEADROOM: usize = MAX_HEADER;

/// A buffer of fixed size in which payload is read and becomes a frame without being moved.
///
/// ```
/// # use ws_proto::{FrameBuffer, Opcode};
/// let mut buffer = FrameBuffer::new(1024);
/// buffer.payload_mut()[..5].copy_from_slice(b"Hello"); // or: socket.read(buffer.payload_mut())
/// // RFC 6455 section 5.7: a single-frame masked text message.
/// let frame = buffer.frame(5, Opcode::Text, Some([0x37, 0xfa, 0x21, 0x3d]));
/// assert_eq!(frame, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
/// ```
pub struct FrameBuffer {
    /// `HEADROOM` bytes, then the payload.
    bytes: Box<[u8]>,
}

impl FrameBuffer {
    /// A buffer for payloads of at most `capacity` bytes. This is its only allocation.
    pub fn new(capacity: usize) -> Self {
        Self {
            bytes: vec![0; HEADROOM + capacity].into(),
        }
    }

    /// The space for the payload, with the full capacity; its previous contents are undefined.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(HEADROOM..).unwrap_or_default()
    }

    /// The first `len` bytes of the payload (at most the capacity) as one whole frame, masked with `key`
    /// where there is one: a client must give a fresh one, a server none (RFC 6455 section 5.1).
    ///
    /// The payload is masked in place: it must be written again before the next frame.
    pub fn frame(&mut self, len: usize, opcode: Opcode, key: Option<MaskKey>) -> &[u8] {
        let end = self.bytes.len().min(HEADROOM.saturating_add(len));
        let frame = frame_within(&mut self.bytes, HEADROOM..end, opcode, key);
        self.bytes.get(frame).unwrap_or_default()
    }
}

/// Encodes the range `payload` of `bytes` in place as one frame, and returns the frame's range: its header ends where the
/// payload begins. For callers that wrap frames, such as in TLS records, and keep space for that around them.
///
/// As [`FrameBuffer::frame`]; an empty frame is one, too. Without [`HEADROOM`] bytes in front of the payload, or where that
/// is not within `bytes`, nothing changes and the answer is empty.
pub fn frame_within(
    bytes: &mut [u8],
    payload: Range<usize>,
    opcode: Opcode,
    key: Option<MaskKey>,
) -> Range<usize> {
    let Range { start, end } = payload.clone();
    let parts = bytes.split_at_mut_checked(start);
    let (Some((front, rest)), Some(len)) = (parts, end.checked_sub(start)) else {
        return 0..0;
    };
    let (Some(headroom), Some(payload)) = (front.last_chunk_mut::<HEADROOM>(), rest.get_mut(..len))
    else {
        return 0..0;
    };
    if let Some(key) = key {
        apply_mask(key, 0, payload);
    }
    let header = Header {
        fin: true,
        opcode,
        mask: key,
        len: len as u64,
    };
    start - HEADROOM + header.write_before(headroom)..end
}

/// A whole control frame. `payload` is cut to 125 bytes (RFC 6455 section 5.5).
pub fn control(opcode: Opcode, payload: &[u8], key: Option<MaskKey>) -> BytesMut {
    let payload = payload.get(..MAX_CONTROL_PAYLOAD).unwrap_or(payload);
    let header = Header {
        fin: true,
        opcode,
        mask: key,
        len: payload.len() as u64,
    };
    let mut buffer = [0; MAX_HEADER];
    let start = header.write_before(&mut buffer);
    let mut frame = BytesMut::from(buffer.get(start..).unwrap_or_default());
    let body = frame.len();
    frame.extend_from_slice(payload);
    if let (Some(key), Some(payload)) = (key, frame.get_mut(body..)) {
        apply_mask(key, 0, payload);
    }
    frame
}
