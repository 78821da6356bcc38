//! The encodings in which a desktop's pixels are sent (RFC 6143 section 7.7).

pub(super) mod copy_rect;
pub(super) mod encoder;
pub(super) mod head;
mod hextile;
mod palette;
mod raw;
pub(super) mod rectangle;
mod rre;
mod tight;
mod zlib;
mod zrle;
