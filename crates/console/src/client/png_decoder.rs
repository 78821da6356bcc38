//! Decodes screenshots of the vSphere API.

use std::io::{Cursor, ErrorKind};

use super::picture::Picture;

/// Limit in bytes for RGBA pixels, equal to that of a console's screen.
const MAX_PIXEL_BYTES: usize = 4 << 26;

/// Decodes a PNG of the vSphere API to RGB.
///
/// # Errors
/// A sentence.
pub fn decode(png: &[u8]) -> Result<Picture, String> {
    let mut decoder = png::Decoder::new(Cursor::new(png));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let size = reader.output_buffer_size().unwrap_or_default();
    if size == 0 || size > MAX_PIXEL_BYTES {
        return Err(unreadable(png::DecodingError::LimitsExceeded));
    }
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels).map_err(unreadable)?;
    let (width, height) = (info.width as usize, info.height as usize);
    let pixels = pixels.get(..info.buffer_size()).unwrap_or(&pixels);
    let rgb: Vec<u8> = match info.color_type {
        png::ColorType::Rgb => pixels.to_vec(),
        png::ColorType::Rgba => {
            let pixels = pixels.as_chunks::<4>().0;
            pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()
        }
        png::ColorType::GrayscaleAlpha => {
            let pixels = pixels.as_chunks::<2>().0;
            pixels.iter().flat_map(|&[grey, _]| [grey; 3]).collect()
        }
        _ => pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
    };
    Ok(Picture::from_rgb(width, height, rgb))
}

/// The error for a PNG that cannot be decoded, in words for users.
fn unreadable(error: png::DecodingError) -> String {
    let cause = match error {
        png::DecodingError::IoError(error) if error.kind() != ErrorKind::UnexpectedEof => {
            vsphere::io_in_words(&error)
        }
        png::DecodingError::IoError(_) => "it is truncated".into(),
        png::DecodingError::Format(_) | png::DecodingError::Parameter(_) => {
            "it is not a well-formed PNG".into()
        }
        png::DecodingError::LimitsExceeded => "it is larger than any screen".into(),
    };
    format!(
        "vSphere's picture cannot be read ({cause}): take it from the VM's console, with --via webmks"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png() -> Vec<u8> {
        let mut png = Vec::new();
        let picture = Picture::from_rgb(2, 1, vec![1, 2, 3, 4, 5, 6]);
        picture.write_png(&mut png).unwrap();
        png
    }

    #[test]
    fn errors_of_the_png_decoder_are_in_plain_words() {
        let whole = png();
        assert!(decode(&whole).is_ok());
        let cut = (0..whole.len() - 12).map(|length| whole[..length].to_vec());
        let flipped = (0..whole.len()).map(|at| {
            let mut bad = whole.clone();
            bad[at] ^= 0x55;
            bad
        });
        let mut huge = whole.clone();
        huge[16..24].fill(0x7f);
        let mut refused = 0;
        for bad in cut.chain(flipped).chain([huge, b"GIF89a".to_vec()]) {
            let Err(text) = decode(&bad) else { continue };
            refused += 1;
            assert!(
                text.starts_with("vSphere's picture cannot be read (it "),
                "{text}"
            );
            for mark in ["://", "::", "{", "Other(", "Some(", "Error", "Crc", "chunk"] {
                assert!(!text.contains(mark), "{text}");
            }
        }
        assert!(refused > whole.len(), "only {refused} were refused");
    }
}
