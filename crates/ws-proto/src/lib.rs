//! RFC 6455 framing and opening handshake: bytes in, events out.
//!
//! Nothing here does I/O, reads a clock or draws a random number: mask keys and handshake keys are
//! arguments. What the crate promises:
//!
//! 1. No input makes it panic.
//! 2. Each payload byte comes out exactly once, in order, unmasked.
//! 3. Cutting the input anywhere changes nothing but the size of the pieces.
//! 4. It holds no payload: a partial header or control frame stays in the caller's buffer.
//! 5. A header is consumed whole or not at all.
//! 6. A client's frames are masked and a server's are not; both breaches are refused.
//! 7. Control frames are at most 125 bytes and never fragmented, lengths are minimal, reserved bits zero.
//! 8. Nothing follows a Close.
//! 9. Every [`Violation`] knows the close code to answer with.
//!
//! ```
//! use bytes::BytesMut;
//! use ws_proto::{Decoder, Event, Kind, Role};
//!
//! // RFC 6455 section 5.7: a single-frame unmasked text message, as a client receives it.
//! let mut input = BytesMut::from(&[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f][..]);
//! let event = Decoder::new(Role::Client).decode(&mut input).unwrap();
//! assert_eq!(event, Some(Event::Data { kind: Kind::Text, payload: "Hello".into(), last: true }));
//! ```

mod close;
mod code;
mod decoder;
mod encoder;
#[cfg(test)]
mod error_texts;
mod header;
mod mask;
mod role;
mod upgrade;
mod violation;

pub use close::Close;
pub use code::CloseCode;
pub use decoder::{Decoder, Event, Kind, Piece, What};
pub use encoder::{FrameBuffer, HEADROOM, control, frame_within};
pub use header::{Header, MAX_CONTROL_PAYLOAD, MAX_HEADER, Opcode};
pub use mask::{MaskKey, apply_mask};
pub use role::Role;
pub use upgrade::{BadRequest, MAX_HEAD, Upgrade, UpgradeError};
pub use violation::Violation;
