//! Messages from the client (the viewer) to the server (RFC 6143 section 7.5), parsed without holding or copying them.
//!
//! [`ClientScanner::scan`] returns the message at the front of the received bytes. A message with a body of variable length is
//! returned as a head, followed by the body in pieces as it arrives.

mod message;
mod parse;
mod scanner;
mod write;

pub use message::{
    DesktopSize, Encodings, Key, Kind, Message, Pointer, QemuAudio, QemuKey, Screen, UpdateRequest,
};
pub use scanner::{ClientScanner, MAX_PIECE, Piece};
pub use write::set_encodings;

pub use crate::limits::MAX_ENCODINGS;
