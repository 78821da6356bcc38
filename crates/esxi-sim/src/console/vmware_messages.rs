//! VMware's message type 127, both directions (`docs/webmks.md` 1.5 and 1.6).

use bytes::{Buf, BufMut, BytesMut};

use super::client_message::ClientMessage;
use crate::desktop::mouse::{PointerEvent, Wheel};
use crate::quirks::ServerCaps;

/// The message type, in both directions.
pub(super) const MESSAGE: u8 = 127;

/// Takes a message of this type from the front of `bytes`; `None` if it is incomplete.
///
/// # Errors
/// Describes a message whose capability is not in `announced`, or a wrong length.
pub(super) fn take_message(
    bytes: &mut BytesMut,
    announced: Option<ServerCaps>,
) -> Result<Option<ClientMessage>, String> {
    let Some(&id) = bytes.get(1) else {
        return Ok(None);
    };
    let is_invited = announced.is_some_and(|caps| match id {
        // Which bit permits PointerEvent2 is not known; any does here.
        POINTER_EVENT_2 => true,
        _ => bits(id).is_some_and(|bits| caps.has(bits)),
    });
    if !is_invited && id != KEY_EVENT {
        return Err(uninvited(id));
    }
    let Some(length) = length(id, bytes)? else {
        return Ok(None);
    };
    if bytes.len() < length {
        return Ok(None);
    }
    let mut message = bytes.split_to(length);
    message.advance(4);
    let message = read(id, message);
    if is_invited || is_first_release(&message) {
        Ok(Some(message))
    } else {
        Err(uninvited(id))
    }
}

fn uninvited(id: u8) -> String {
    if id == POINTER_EVENT_2 || bits(id).is_some() {
        format!("client message 127/{id}, which was not announced")
    } else {
        format!("unknown client message 127/{id}")
    }
}

/// The capability bits that permit a message (`docs/webmks.md` 1.5).
fn bits(id: u8) -> Option<u32> {
    Some(match id {
        KEY_EVENT => ServerCaps::KEY_EVENT,
        3 => ServerCaps::CLIENT_CAPS,
        UPDATE_ACK => ServerCaps::UPDATE_ACK,
        RESOLUTION_REQUEST => ServerCaps::RESOLUTION,
        6 => ServerCaps::KEY_EVENT_2,
        7 => ServerCaps::AUDIO_ACK,
        TOPOLOGY => ServerCaps::MULTI_MONITOR,
        11 => ServerCaps::UPDATE_CACHE,
        12 => ServerCaps::SESSION_CLOSE,
        15 => ServerCaps::STREAM_STATE,
        _ => return None,
    })
}

/// The length of the message that starts with `bytes`, header included; `None` until it is known.
fn length(id: u8, bytes: &[u8]) -> Result<Option<usize>, String> {
    let length = match (id, bytes) {
        (POINTER_EVENT_2, _) => 19,
        (6, _) => 10,
        (7, _) => 12,
        (TOPOLOGY, [_, _, _, _, high, low, ..]) => {
            6 + MONITOR * usize::from(u16::from_be_bytes([*high, *low]))
        }
        (TOPOLOGY, _) => return Ok(None),
        (11, _) => 14,
        _ => 8,
    };
    let Some(&[high, low]) = bytes.get(2..4) else {
        return Ok(None);
    };
    let stated = usize::from(u16::from_be_bytes([high, low]));
    if stated == length {
        Ok(Some(length))
    } else {
        Err(format!(
            "message 127/{id} of {stated} bytes instead of {length}"
        ))
    }
}

/// VMware's client releases the modifier keys right after connecting, before it can have been sent capabilities
/// (`docs/webmks.md` 7.2).
fn is_first_release(message: &ClientMessage) -> bool {
    matches!(message, ClientMessage::ScanCode { code, down: false } if MODIFIERS.contains(code))
}

fn read(id: u8, mut message: BytesMut) -> ClientMessage {
    match id {
        KEY_EVENT => ClientMessage::ScanCode {
            code: message.get_u16(),
            down: message.get_u8() != 0,
        },
        POINTER_EVENT_2 => ClientMessage::Pointer(PointerEvent {
            is_absolute: message.get_u8() != 0,
            x: message.get_i32(),
            y: message.get_i32(),
            buttons: message.get_u32() as u8,
            wheel: Wheel {
                vertical: message.get_i8().into(),
                horizontal: message.get_i8().into(),
            },
        }),
        UPDATE_ACK => ClientMessage::UpdateAck(message.get_u8()),
        RESOLUTION_REQUEST => ClientMessage::Resolution {
            width: message.get_u16(),
            height: message.get_u16(),
        },
        _ => ClientMessage::Ignored,
    }
}

const KEY_EVENT: u8 = 0;
const POINTER_EVENT_2: u8 = 2;
const UPDATE_ACK: u8 = 4;
const RESOLUTION_REQUEST: u8 = 5;
const TOPOLOGY: u8 = 10;
/// Bytes for each monitor of a topology.
const MONITOR: usize = 20;
/// Windows, Ctrl, Shift and Alt, left and right.
const MODIFIERS: [u16; 8] = [0x15b, 0x15c, 0x1d, 0x11d, 0x2a, 0x36, 0x38, 0x138];

/// 127/0: the server's capabilities.
pub(super) fn server_caps(caps: ServerCaps) -> BytesMut {
    let mut message = head(0, 8);
    message.put_u32(caps.0);
    message
}

/// 127/4: a heartbeat and its interval.
pub(super) fn heartbeat(seconds: u16) -> BytesMut {
    let mut message = head(4, 6);
    message.put_u16(seconds);
    message
}

/// 127/3: sound. The length field does not include the samples.
pub(super) fn audio(samples: &[u8]) -> BytesMut {
    let mut message = head(3, 36);
    message.put_u32(u32::try_from(samples.len()).unwrap_or(u32::MAX));
    // Rate, channels, sample size, container size, time stamp (low, high), flags.
    for number in [44_100, 2, 16, 16, 1, 0, 0] {
        message.put_u32(number);
    }
    message.put_slice(samples);
    message
}

fn head(id: u8, length: u16) -> BytesMut {
    let mut message = BytesMut::with_capacity(length.into());
    message.put_slice(&[MESSAGE, id]);
    message.put_u16(length);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Option<ServerCaps> = Some(ServerCaps(u32::MAX));

    fn taken(bytes: &[u8], announced: Option<ServerCaps>) -> Result<Option<ClientMessage>, String> {
        take_message(&mut BytesMut::from(bytes), announced)
    }

    #[test]
    fn each_message_is_read_once_it_is_whole_and_only_if_it_was_announced() {
        let event = PointerEvent {
            is_absolute: false,
            x: -2,
            y: 3,
            buttons: 4,
            wheel: Wheel {
                vertical: -1,
                horizontal: 1,
            },
        };
        let whole: [(&[u8], ClientMessage); 5] = [
            (
                &[127, 0, 0, 8, 1, 0x1d, 1, 0],
                ClientMessage::ScanCode {
                    code: 0x11d,
                    down: true,
                },
            ),
            (
                &[
                    127, 2, 0, 19, 0, 255, 255, 255, 254, 0, 0, 0, 3, 0, 0, 0, 4, 255, 1,
                ],
                ClientMessage::Pointer(event),
            ),
            (&[127, 3, 0, 8, 0, 0, 0x51, 0], ClientMessage::Ignored),
            (&[127, 4, 0, 8, 1, 0, 0, 9], ClientMessage::UpdateAck(1)),
            (
                &[127, 5, 0, 8, 4, 0, 3, 0],
                ClientMessage::Resolution {
                    width: 1024,
                    height: 768,
                },
            ),
        ];
        for (bytes, message) in whole {
            each_cut(bytes, &message);
            assert!(taken(bytes, None).is_err());
        }
    }

    #[test]
    fn further_messages_are_taken_where_their_bits_are_set() {
        let two_monitors = [
            &[127, 10, 0, 46, 0, 2][..],
            &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 0, 0],
            &[0, 0, 4, 1, 0, 0, 0, 2, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 0, 0],
        ]
        .concat();
        let messages: [(u32, &[u8]); 6] = [
            (0x300, &[127, 6, 0, 10, 0, 0, 0, 97, 1, 0]),
            (0x400, &[127, 7, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0]),
            (0x1000, &two_monitors),
            (0x2000, &[127, 11, 0, 14, 0, 0, 1, 6, 4, 0, 0, 1, 0x90, 0]),
            (0x2_0000, &[127, 12, 0, 8, 0, 0, 0, 23]),
            (0x40_0000, &[127, 15, 0, 8, 0, 0, 0, 1]),
        ];
        for (bits, bytes) in messages {
            each_cut(bytes, &ClientMessage::Ignored);
            assert_eq!(
                taken(bytes, Some(ServerCaps(bits))),
                Ok(Some(ClientMessage::Ignored))
            );
            assert!(taken(bytes, Some(ServerCaps(!bits))).is_err());
        }
        let real = Some(ServerCaps::default());
        let ids = messages.map(|(_, bytes)| taken(bytes, real).is_ok());
        assert_eq!(ids, [false, false, false, true, false, false]);
    }

    #[test]
    fn modifiers_may_be_let_go_before_anything_is_announced_and_nothing_else() {
        for code in [0x15b_u16, 0x15c, 0x1d, 0x11d, 0x2a, 0x36, 0x38, 0x138] {
            let [high, low] = code.to_be_bytes();
            let up = [127, 0, 0, 8, high, low, 0, 0];
            for cut in 1..up.len() {
                assert_eq!(taken(&up[..cut], None), Ok(None));
            }
            let released = ClientMessage::ScanCode { code, down: false };
            assert_eq!(taken(&up, None), Ok(Some(released)));
            assert!(taken(&[127, 0, 0, 8, high, low, 1, 0], None).is_err());
        }
        assert!(taken(&[127, 0, 0, 8, 0, 0x1e, 0, 0], None).is_err());
    }

    #[test]
    fn what_no_bit_invites_and_lengths_that_are_wrong_are_refused() {
        let keys = Some(ServerCaps(ServerCaps::KEY_EVENT));
        assert!(taken(&[127, 5, 0, 8, 4, 0, 3, 0], keys).is_err());
        assert!(taken(&[127, 0, 0, 9], keys).is_err());
        assert!(taken(&[127, 10, 0, 26, 0, 2], ALL).is_err());
        for id in [1, 8, 9, 13, 14, 16, 17] {
            assert!(taken(&[127, id], ALL).unwrap_err().contains("unknown"));
        }
    }

    fn each_cut(bytes: &[u8], message: &ClientMessage) {
        for cut in 1..bytes.len() {
            assert_eq!(taken(&bytes[..cut], ALL), Ok(None), "{cut} of {bytes:?}");
        }
        let whole = taken(bytes, ALL).unwrap();
        assert_eq!(whole.as_ref(), Some(message));
    }

    #[test]
    fn the_length_of_sound_leaves_out_its_samples() {
        let message = audio(&[7; 10]);
        assert_eq!(message[..8], [127, 3, 0, 36, 0, 0, 0, 10]);
        assert_eq!(message.len(), 36 + 10);
        assert_eq!(heartbeat(5)[..], [127, 4, 0, 6, 0, 5]);
        assert_eq!(
            server_caps(ServerCaps::default())[..],
            [127, 0, 0, 8, 0x02, 0x10, 0x20, 0xbf]
        );
    }
}
