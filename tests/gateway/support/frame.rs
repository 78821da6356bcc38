//! WebSocket frames as bytes (RFC 6455 section 5.2), written and read without the crate under test.

/// Opcodes.
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A whole message, as a server sends it.
pub(crate) fn whole(opcode: u8, payload: &[u8]) -> Vec<u8> {
    part(opcode, true, payload)
}

/// One frame of a message, as a server sends it.
pub(crate) fn part(opcode: u8, last: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![opcode | if last { 0x80 } else { 0 }];
    match payload.len() {
        length @ 0..126 => frame.push(length as u8),
        length @ 126..0x1_0000 => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// A Close frame.
pub(crate) fn close(code: u16, reason: &str) -> Vec<u8> {
    whole(
        CLOSE,
        &[&code.to_be_bytes()[..], reason.as_bytes()].concat(),
    )
}

/// A frame from a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// A Close frame with `code` and no reason.
    pub(crate) fn close(code: u16) -> Self {
        Self {
            opcode: CLOSE,
            payload: code.to_be_bytes().to_vec(),
        }
    }
}

/// Removes a frame from the front of `input`, once it is complete. It must be unfragmented and masked, with the shortest
/// length encoding and no reserved bits.
pub(crate) fn take(input: &mut Vec<u8>) -> Option<Frame> {
    let &[first, second, ..] = &input[..] else {
        return None;
    };
    assert_eq!(first & 0xf0, 0x80, "FIN and no reserved bits");
    assert_eq!(second & 0x80, 0x80, "clients mask");
    let (length, head) = match second & 0x7f {
        126 => {
            let length = u16::from_be_bytes(*input.get(2..)?.first_chunk()?);
            assert!(length >= 126, "the shortest form");
            (usize::from(length), 4)
        }
        127 => {
            let length = u64::from_be_bytes(*input.get(2..)?.first_chunk()?);
            assert!(length >= 0x1_0000, "the shortest form");
            (usize::try_from(length).unwrap(), 10)
        }
        length => (usize::from(length), 2),
    };
    let end = head + 4 + length;
    if input.len() < end {
        return None;
    }
    let mut payload: Vec<u8> = input.drain(..end).skip(head).collect();
    let key: Vec<u8> = payload.drain(..4).collect();
    for (byte, mask) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= mask;
    }
    let opcode = first & 0x0f;
    assert!(
        opcode < CLOSE || length < 126,
        "a control frame of {length}"
    );
    Some(Frame { opcode, payload })
}
