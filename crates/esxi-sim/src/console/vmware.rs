//! VMware's own message 127, both ways (`docs/webmks.md` 1.5 and 1.6).

use bytes::{Buf, BufMut, BytesMut};

use super::client::ClientMessage;
use crate::desktop::{Motion, Wheel};
use crate::moods::ServerCaps;

/// The message type, in both directions.
pub(super) const MESSAGE: u8 = 127;

/// Takes one message of this type from the front of `bytes`; `None` if it is not all there yet.
///
/// # Errors
/// What is wrong, in words: one that no capability in `announced` offers, or a length that is not its own.
pub(super) fn take(
    bytes: &mut BytesMut,
    announced: Option<ServerCaps>,
) -> Result<Option<ClientMessage>, String> {
    let Some(&id) = bytes.get(1) else {
        return Ok(None);
    };
    let length = length(id, announced)?;
    let Some(&[high, low]) = bytes.get(2..4) else {
        return Ok(None);
    };
    let said = usize::from(u16::from_be_bytes([high, low]));
    if said != length {
        return Err(format!(
            "message 127/{id} of {said} bytes instead of {length}"
        ));
    }
    if bytes.len() < length {
        return Ok(None);
    }
    let mut message = bytes.split_to(length);
    message.advance(4);
    Ok(Some(read(id, message)))
}

/// How long a message is, its head included. Which bit offers PointerEvent2 is not known: any will do.
fn length(id: u8, announced: Option<ServerCaps>) -> Result<usize, String> {
    let (length, bit) = match id {
        0 => (8, ServerCaps::KEY_EVENT),
        2 => (19, u32::MAX),
        3 => (8, ServerCaps::CLIENT_CAPS),
        4 => (8, ServerCaps::UPDATE_ACK),
        5 => (8, ServerCaps::RESOLUTION),
        _ => return Err(format!("unknown client message 127/{id}")),
    };
    let is_announced = announced.is_some_and(|caps| bit == u32::MAX || caps.0 & bit != 0);
    if is_announced {
        Ok(length)
    } else {
        Err(format!("client message 127/{id}, which was not announced"))
    }
}

fn read(id: u8, mut message: BytesMut) -> ClientMessage {
    match id {
        0 => ClientMessage::ScanCode {
            code: message.get_u16(),
            down: message.get_u8() != 0,
        },
        2 => ClientMessage::Pointer(Motion {
            is_absolute: message.get_u8() != 0,
            x: message.get_i32(),
            y: message.get_i32(),
            buttons: message.get_u32() as u8,
            wheel: Wheel {
                vertical: message.get_i8().into(),
                horizontal: message.get_i8().into(),
            },
        }),
        5 => ClientMessage::Resolution {
            width: message.get_u16(),
            height: message.get_u16(),
        },
        _ => ClientMessage::Noted,
    }
}

/// 127/0: what the server offers.
pub(super) fn server_caps(caps: ServerCaps) -> BytesMut {
    let mut message = head(0, 8);
    message.put_u32(caps.0);
    message
}

/// 127/4: a sign of life, promised once in so many seconds.
pub(super) fn heartbeat(seconds: u16) -> BytesMut {
    let mut message = head(4, 6);
    message.put_u16(seconds);
    message
}

/// 127/3: sound, whose samples its length does not count.
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
        take(&mut BytesMut::from(bytes), announced)
    }

    #[test]
    fn each_message_is_read_once_it_is_whole_and_only_if_it_was_announced() {
        let motion = Motion {
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
                ClientMessage::Pointer(motion),
            ),
            (&[127, 3, 0, 8, 0, 0, 0x51, 0], ClientMessage::Noted),
            (&[127, 4, 0, 8, 1, 0, 0, 9], ClientMessage::Noted),
            (
                &[127, 5, 0, 8, 4, 0, 3, 0],
                ClientMessage::Resolution {
                    width: 1024,
                    height: 768,
                },
            ),
        ];
        for (bytes, message) in whole {
            for cut in 1..bytes.len() {
                assert_eq!(taken(&bytes[..cut], ALL), Ok(None), "{cut} of {bytes:?}");
            }
            assert_eq!(taken(bytes, ALL), Ok(Some(message)));
            assert!(taken(bytes, None).is_err());
        }
    }

    #[test]
    fn what_no_bit_offers_and_lengths_that_are_wrong_are_refused() {
        let keys = Some(ServerCaps(ServerCaps::KEY_EVENT));
        assert!(taken(&[127, 5, 0, 8, 4, 0, 3, 0], keys).is_err());
        assert!(taken(&[127, 0, 0, 9], keys).is_err());
        assert!(taken(&[127, 6], ALL).is_err());
    }

    #[test]
    fn the_length_of_sound_leaves_out_its_samples() {
        let message = audio(&[7; 10]);
        assert_eq!(message[..8], [127, 3, 0, 36, 0, 0, 0, 10]);
        assert_eq!(message.len(), 36 + 10);
        assert_eq!(heartbeat(5)[..], [127, 4, 0, 6, 0, 5]);
        assert_eq!(
            server_caps(ServerCaps::default())[..],
            [127, 0, 0, 8, 0, 0, 0, 0x82]
        );
    }
}
