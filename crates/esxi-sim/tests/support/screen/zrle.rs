//! ZRLE, decoded (RFC 6143 section 7.7.6).

use super::{Place, Screen, ZRLE, inflate, numbers, split, tiles};
use crate::support::Viewer;

impl Screen {
    pub(super) async fn zrle(&mut self, place: &Place, viewer: &mut Viewer) {
        let length = u32::from_be_bytes(viewer.take(4).await.try_into().unwrap());
        let bytes = viewer.take(length as usize).await;
        let most = place.width * place.height * (self.format.compact + 1) + 4096;
        let plain = inflate(&mut self.zrle, &bytes, most);
        let mut plain = &plain[..];
        for tile in tiles(place, 64) {
            self.zrle_tile(&tile, &mut plain);
        }
        assert!(plain.is_empty(), "{} bytes too many", plain.len());
    }

    fn zrle_tile(&mut self, tile: &Place, plain: &mut &[u8]) {
        let (each, size) = (self.format.compact, tile.width * tile.height);
        let kind = split(plain, 1)[0];
        self.kinds.push((ZRLE, kind));
        let palette = match kind {
            1..=127 => self.colours(split(plain, usize::from(kind) * each), each),
            129.. => self.colours(split(plain, usize::from(kind - 128) * each), each),
            _ => Vec::new(),
        };
        let colours = match kind {
            0 => self.colours(split(plain, size * each), each),
            1 => vec![palette[0]; size],
            2..=16 => {
                let bits = [0, 0, 1, 2, 2].get(usize::from(kind)).copied().unwrap_or(4);
                let across = (tile.width * bits).div_ceil(8);
                let rows = split(plain, across * tile.height).chunks(across);
                rows.flat_map(|row| numbers(row, bits, tile.width))
                    .map(|number| palette[number])
                    .collect()
            }
            128.. => {
                let mut colours = Vec::new();
                while colours.len() < size {
                    let (colour, length) = if kind == 128 {
                        (self.colours(split(plain, each), each)[0], run(plain))
                    } else {
                        let number = split(plain, 1)[0];
                        let length = if number & 128 == 0 { 1 } else { run(plain) };
                        (palette[usize::from(number & 127)], length)
                    };
                    colours.resize(colours.len() + length, colour);
                }
                colours
            }
            other => panic!("tile of kind {other}"),
        };
        self.put(tile, &colours);
    }
}

fn run(plain: &mut &[u8]) -> usize {
    let mut length = 1;
    loop {
        let byte = split(plain, 1)[0];
        length += usize::from(byte);
        if byte != 255 {
            return length;
        }
    }
}
