//! Messages from the server to the client (RFC 6143 section 7.6), parsed without holding or copying them.
//!
//! [`ServerScanner::scan`] returns what is at the front of the received bytes: a message, the head of one, the header of a
//! rectangle, or a part of the content after a head or header. Pixels are skipped. Only the encodings that do not send
//! the length of a rectangle (Hextile, Tight, TRLE, JPEG) are parsed further, as far as the length requires it.

mod complete;
pub(crate) mod hextile;
mod jpeg;
mod message;
mod parse;
mod payload;
mod scan_error;
mod scanner;
mod skip;
mod step;
mod tight;
mod trle;

pub use complete::PartialRectangle;
pub use message::{Kind, Message, QemuSound};
pub use scan_error::ScanError;
pub use scanner::{MAX_PIECE, Piece, ServerScanner};
pub use skip::Skipped;
