//! The encodings in which a desktop's pixels are sent (RFC 6143 section 7.7).

mod copy_rect;
mod encoder;
mod head;
mod hextile;
mod palette;
mod raw;
mod rectangle;
mod rre;
mod tight;
mod tight_png;
mod zlib;
mod zrle;

pub(super) use self::copy_rect::NUMBER as COPY_RECT;
pub(super) use self::copy_rect::put as copy_rect;
pub(super) use self::encoder::{Encoder, Encoding};
pub(super) use self::head::head;
pub(super) use self::rectangle::Rectangle;
