//! Scales a host's picture down to what the list shows.

use console::client::decode_png;

/// Twice the size in the list, for screens of high density.
const SIZE: (u32, u32) = (320, 200);

/// The largest picture that is decoded: a screen of 8K. It takes 100 MB for some milliseconds.
const MAX_PIXELS: u64 = 7680 * 4320;

/// A small PNG of a large one; `None` where it cannot be read.
pub(super) fn thumbnail(png: &[u8]) -> Option<Vec<u8>> {
    let (width, height) = size(png)?;
    if width == 0 || height == 0 || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return None;
    }
    let across = f64::from(SIZE.0) / f64::from(width);
    let scale = (f64::from(SIZE.1) / f64::from(height)).min(across).min(1.0);
    let picture = decode_png(png).ok()?.scaled(scale);
    let mut small = Vec::new();
    picture.write_png(&mut small).ok()?;
    Some(small)
}

/// Width and height in the header (PNG specification, section 11.2.2).
fn size(png: &[u8]) -> Option<(u32, u32)> {
    let (width, rest) = png.get(16..)?.split_first_chunk()?;
    let height = rest.first_chunk()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}

#[cfg(test)]
mod tests {
    use console::client::Picture;

    use super::*;

    fn png(width: usize, height: usize) -> Vec<u8> {
        let (mut png, rgb) = (Vec::new(), vec![0x70; width * height * 3]);
        Picture::from_rgb(width, height, rgb)
            .write_png(&mut png)
            .unwrap();
        png
    }

    #[test]
    fn a_picture_fits_and_is_never_enlarged() {
        for (from, to) in [
            ((800, 600), (267, 200)),
            ((1920, 1080), (320, 180)),
            ((2000, 10), (320, 2)),
            ((10, 2000), (1, 200)),
            ((64, 48), (64, 48)),
        ] {
            let small = thumbnail(&png(from.0, from.1)).unwrap();
            assert_eq!(size(&small), Some(to), "{from:?}");
        }
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused() {
        let whole = png(64, 48);
        let mut huge = whole.clone();
        huge[16..24].fill(0x7f);
        let mut empty = whole.clone();
        empty[16..24].fill(0);
        let cut = &whole[..whole.len() / 2];
        for bad in [&[][..], b"GIF89a", cut, &huge, &empty] {
            assert_eq!(thumbnail(bad), None);
        }
    }
}
