//! Pictures as PNG files.

use png::{BitDepth, ColorType, Compression, Encoder};

/// The file for a picture of this size (neither side 0) whose pixels, of 0x00RRGGBB, come row by row.
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
    // Writing to a Vec cannot fail, and there are as many pixels as the size says.
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&rgb)?;
        writer.finish()
    });
    debug_assert!(written.is_ok(), "{written:?}");
    file
}
