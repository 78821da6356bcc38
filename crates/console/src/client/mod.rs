//! An RFB client of a console, for the commands that take pictures, type and measure.

mod console_client;
mod frame;
mod keyboard;
mod keys;
mod observe;
mod picture;
mod png_decoder;
#[cfg(test)]
mod tests;

pub use console_client::ConsoleClient;
pub use keyboard::KeyEncoding;
pub use keys::{Chord, ChordError, chords_of, quoted};
pub use observe::Acks;
pub use picture::Picture;
pub use png_decoder::decode as decode_png;
