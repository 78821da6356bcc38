//! PNG encoding.

use png::{BitDepth, ColorType, Compression, Encoder};

/// Encodes an image of this size (neither side 0) from its pixels, 0x00RRGGBB, row by row.
pub(crate) fn encode((width, height): (u16, u16), pixels: impl Iterator<Item = u32>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width.into(), height.into());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    let rgb: Vec<u8> = pixels
        .flat_map(|pixel| {
            let [_, red, green, blue] = pixel.to_be_bytes();
            [red, green, blue]
        })
        .collect();
    // Cannot fail: the output is a Vec, and the pixels match the size.
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&rgb)?;
        writer.finish()
    });
    debug_assert!(written.is_ok(), "{written:?}");
    file
}
