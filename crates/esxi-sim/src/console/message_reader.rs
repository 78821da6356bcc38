//! Reads client messages (RFC 6143 section 7.5; `docs/webmks.md` 1.6).

use bytes::{Buf, BytesMut};

use super::client_message::ClientMessage;
use super::pixel_format::PixelFormat;
use super::vmware_messages;
use crate::desktop::area::Area;
use crate::desktop::mouse::PointerEvent;
use crate::quirks::ServerCaps;

/// Takes a message from the front of `bytes`; `None` if it is incomplete. `announced`: the capabilities that the client
/// was sent.
///
/// # Errors
/// Describes an invalid pixel format, an excessive length, or a type that was not announced (`docs/webmks.md` 5.3 and
/// 7.2).
pub(super) fn take_message(
    bytes: &mut BytesMut,
    announced: Option<ServerCaps>,
) -> Result<Option<ClientMessage>, String> {
    let Some(&kind) = bytes.first() else {
        return Ok(None);
    };
    if kind == vmware_messages::MESSAGE {
        return vmware_messages::take_message(bytes, announced);
    }
    let Some(length) = length(kind, bytes)? else {
        return Ok(None);
    };
    if bytes.len() < length {
        return Ok(None);
    }
    let mut message = bytes.split_to(length);
    message.advance(1);
    read(kind, message).map(Some)
}

/// The length of the message that starts with `bytes`; `None` until it is known.
fn length(kind: u8, bytes: &[u8]) -> Result<Option<usize>, String> {
    Ok(match (kind, bytes) {
        (0, _) => Some(20),
        (2, [_, _, high, low, ..]) => {
            let count = usize::from(u16::from_be_bytes([*high, *low]));
            if count > ENCODINGS {
                return Err(format!("{count} encodings"));
            }
            Some(4 + 4 * count)
        }
        (6, [_, _, _, _, a, b, c, d, ..]) => {
            let length = u32::from_be_bytes([*a, *b, *c, *d]);
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > CUT_TEXT {
                return Err(format!("cut text of {length} bytes"));
            }
            Some(8 + length)
        }
        (2 | 6, _) => None,
        (3, _) => Some(10),
        (4, _) => Some(8),
        (5, _) => Some(6),
        _ => return Err(format!("unknown client message type {kind}")),
    })
}

fn read(kind: u8, mut message: BytesMut) -> Result<ClientMessage, String> {
    Ok(match kind {
        0 => {
            message.advance(3);
            let mut format = [0; 16];
            message.copy_to_slice(&mut format);
            let invalid = |why| format!("invalid pixel format: {why}");
            ClientMessage::SetPixelFormat(PixelFormat::read(format).map_err(invalid)?)
        }
        2 => {
            message.advance(3);
            ClientMessage::SetEncodings(
                message
                    .chunks_exact(4)
                    .map(|mut number| number.get_i32())
                    .collect(),
            )
        }
        3 => ClientMessage::UpdateRequest {
            // VMware's client sends the last update's id here (`docs/webmks.md` 1.7).
            incremental: message.get_u8() != 0,
            region: Area {
                x: message.get_u16(),
                y: message.get_u16(),
                width: message.get_u16(),
                height: message.get_u16(),
            },
        },
        4 => {
            let down = message.get_u8() != 0;
            message.advance(2);
            let keysym = message.get_u32();
            ClientMessage::Key { down, keysym }
        }
        5 => {
            let buttons = message.get_u8();
            ClientMessage::Pointer(PointerEvent::absolute(
                message.get_u16(),
                message.get_u16(),
                buttons,
            ))
        }
        _ => ClientMessage::CutText,
    })
}

/// The most encodings of a SetEncodings; viewers list a few dozen.
const ENCODINGS: usize = 1024;
/// The longest ClientCutText: TigerVNC's own limit.
const CUT_TEXT: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bytes: &[u8]) -> Result<Option<ClientMessage>, String> {
        take_message(&mut BytesMut::from(bytes), None)
    }

    #[test]
    fn each_message_is_read_once_it_is_whole() {
        let whole: [(&[u8], ClientMessage); 6] = [
            (
                &[2, 0, 0, 2, 0, 0, 0, 0, 255, 255, 255, 33],
                ClientMessage::SetEncodings(vec![0, -223]),
            ),
            (
                &[3, 1, 0, 1, 0, 2, 0, 3, 0, 4],
                ClientMessage::UpdateRequest {
                    incremental: true,
                    region: Area {
                        x: 1,
                        y: 2,
                        width: 3,
                        height: 4,
                    },
                },
            ),
            (
                &[3, 77, 0, 0, 0, 0, 0, 3, 0, 4],
                ClientMessage::UpdateRequest {
                    incremental: true,
                    region: Area::whole((3, 4)),
                },
            ),
            (
                &[4, 1, 0, 0, 0, 0, 0xff, 0x0d],
                ClientMessage::Key {
                    down: true,
                    keysym: 0xff0d,
                },
            ),
            (
                &[5, 4, 0, 9, 1, 0],
                ClientMessage::Pointer(PointerEvent::absolute(9, 256, 4)),
            ),
            (
                &[6, 0, 0, 0, 0, 0, 0, 2, b'h', b'i'],
                ClientMessage::CutText,
            ),
        ];
        for (bytes, message) in whole {
            for cut in 0..bytes.len() {
                assert_eq!(taken(&bytes[..cut]), Ok(None), "{cut} of {bytes:?}");
            }
            assert_eq!(taken(bytes), Ok(Some(message)));
        }
    }

    #[test]
    fn what_follows_a_message_is_left() {
        let mut bytes = BytesMut::from(&[5, 0, 0, 0, 0, 0, 4][..]);
        take_message(&mut bytes, None).unwrap();
        assert_eq!(bytes[..], [4]);
    }

    #[test]
    fn unknown_types_long_lists_and_long_texts_are_refused_before_they_are_read() {
        assert!(taken(&[127, 3]).is_err());
        assert!(taken(&[255, 0]).is_err());
        assert!(taken(&[2, 0, 255, 255]).is_err());
        assert!(taken(&[6, 0, 0, 0, 255, 255, 255, 252]).is_err());
    }
}
