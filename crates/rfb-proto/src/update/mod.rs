//! What a server says, followed by its lengths without holding or copying any of it (RFC 6143 section 7.6).
//!
//! [`Update::scan`] looks at what has arrived and says what its front is: a message, the head of one, the head
//! of a rectangle, or a run of what follows such a head. Pixels are never looked at, but for the few encodings
//! whose length is nowhere written (Hextile, Tight, TRLE, JPEG): there their marks are read.

mod complete;
pub(crate) mod hextile;
mod jpeg;
mod lost;
mod message;
mod parse;
mod payload;
mod scanner;
mod step;
mod tight;
mod trle;
mod whole;

pub use complete::PartialRectangle;
pub use lost::Lost;
pub use message::{Kind, Message, QemuSound};
pub use scanner::{MAX_PIECE, Piece, Update};
