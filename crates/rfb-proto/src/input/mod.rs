//! The viewer's messages, followed without holding or copying any of them (RFC 6143 section 7.5).
//!
//! [`Input::scan`] looks at what has arrived and says what its front is. Messages are handed out whole; of
//! those with a body of any length the head is handed out first and then the body in runs, as it arrives.

mod message;
mod parse;
mod scanner;
mod write;

pub use message::{
    DesktopSize, Encodings, Key, Kind, Message, Pointer, QemuAudio, QemuKey, Screen, UpdateRequest,
};
pub use scanner::{Input, MAX_PIECE, Piece};
pub use write::set_encodings;

pub use crate::limits::MAX_ENCODINGS;
