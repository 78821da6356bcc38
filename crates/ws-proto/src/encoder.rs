//! Frames to send: the header goes in front of the payload where it lies, the mask over it.

use std::ops::Range;

use bytes::BytesMut;

use crate::{Header, MAX_CONTROL_PAYLOAD, MAX_HEADER, MaskKey, Opcode, apply_mask};

/// How many bytes a [`FrameBuffer`] keeps free in front of the payload.
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
    /// A margin, `HEADROOM` bytes, the payload, a margin.
    bytes: Box<[u8]>,
    before: usize,
    capacity: usize,
}

impl FrameBuffer {
    /// A buffer for payloads of at most `capacity` bytes. This is its only allocation.
    pub fn new(capacity: usize) -> Self {
        Self::with_margins(0, capacity, 0)
    }

    /// Likewise, with `before` bytes left free in front of each frame and `after` behind it, for whoever wraps
    /// frames in something else where they lie.
    pub fn with_margins(before: usize, capacity: usize, after: usize) -> Self {
        Self {
            bytes: vec![0; before + HEADROOM + capacity + after].into(),
            before,
            capacity,
        }
    }

    /// Where to put the payload: all of the capacity. What it holds before that is of no meaning.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        let start = self.before + HEADROOM;
        self.bytes
            .get_mut(start..start + self.capacity)
            .unwrap_or_default()
    }

    /// The first `len` bytes of the payload (at most the capacity) as one whole frame, masked with `key`
    /// where there is one: a client must give a fresh one, a server none (RFC 6455 section 5.1).
    ///
    /// The payload is masked where it lies: it must be written anew before the next frame.
    pub fn frame(&mut self, len: usize, opcode: Opcode, key: Option<MaskKey>) -> &[u8] {
        let (bytes, frame) = self.frame_within(len, opcode, key);
        bytes.get(frame).unwrap_or_default()
    }

    /// Likewise, as the whole buffer and where in it the frame lies: at least as far from either end as the
    /// margins are wide.
    pub fn frame_within(
        &mut self,
        len: usize,
        opcode: Opcode,
        key: Option<MaskKey>,
    ) -> (&mut [u8], Range<usize>) {
        let len = len.min(self.capacity);
        if let (Some(key), Some(payload)) = (key, self.payload_mut().get_mut(..len)) {
            apply_mask(key, 0, payload);
        }
        let header = Header {
            fin: true,
            opcode,
            mask: key,
            len: len as u64,
        };
        let mut start = self.before;
        let headroom = self.bytes.get_mut(start..).unwrap_or_default();
        if let Some((headroom, _)) = headroom.split_first_chunk_mut::<HEADROOM>() {
            start += header.write_before(headroom);
        }
        (&mut self.bytes, start..self.before + HEADROOM + len)
    }
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
    let mut room = [0; MAX_HEADER];
    let start = header.write_before(&mut room);
    let mut frame = BytesMut::from(room.get(start..).unwrap_or_default());
    let body = frame.len();
    frame.extend_from_slice(payload);
    if let (Some(key), Some(payload)) = (key, frame.get_mut(body..)) {
        apply_mask(key, 0, payload);
    }
    frame
}
