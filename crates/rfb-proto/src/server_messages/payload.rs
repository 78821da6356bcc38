//! The length of a rectangle's content (RFC 6143 sections 7.7 and 7.8; rfbproto; `docs/webmks.md` 1.4).

use super::ScanError;
use super::hextile::Hextile;
use super::jpeg::Jpeg;
use super::step::{Read, Step};
use super::tight::Tight;
use super::trle::Trle;
use crate::{Area, Encoding, PixelFormat};

/// What is still to come of a rectangle.
pub(super) type Payload = Step<Reader>;

/// Reads content whose length is not known in advance.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reader {
    Head(Head),
    Hextile(Hextile),
    Tight(Tight),
    Trle(Trle),
    Jpeg(Jpeg),
}

/// A few bytes from which the length of all that follows is known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Head {
    /// The length as u32.
    Length,
    /// The length as u32, and u32 flags (rfbproto, "Open H.264 Encoding").
    H264,
    /// The number of subrectangles as u32; then the background, and subrectangles of `piece` bytes each.
    Rre { background: u64, piece: u64 },
    /// The number of screens as u8 (rfbproto, "ExtendedDesktopSize").
    Screens,
    /// The encoding of the image (rfbproto, "Cursor With Alpha").
    AlphaCursor(Area),
    /// Two u16, and the length as u32.
    VmwareH264,
    /// u8, u16, and the length as u16.
    VmwareCache,
    /// The kind of cursor; the lengths for two masks and for an image with alpha.
    VmwareCursor { masks: u64, alpha: u64 },
}

/// The number of bytes per pixel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pixel {
    /// PIXEL.
    pub(super) plain: u64,
    /// CPIXEL (RFC 6143 section 7.7.5).
    pub(super) compressed: u64,
    /// TPIXEL (rfbproto, "Tight Encoding").
    pub(super) tight: u64,
}

impl Payload {
    const fn head(head: Head) -> Self {
        Self::next(Reader::Head(head))
    }

    /// The content of a rectangle.
    pub(super) fn of(
        encoding: Encoding,
        area: Area,
        format: &PixelFormat,
    ) -> Result<Self, ScanError> {
        let pixel = Pixel::of(format)?;
        if let Some(image) = Self::image(encoding, area, pixel) {
            return Ok(image);
        }
        Ok(match encoding {
            Encoding::DESKTOP_SIZE
            | Encoding::LAST_RECT
            | Encoding::POINTER_POSITION
            | Encoding::QEMU_POINTER_MOTION
            | Encoding::QEMU_EXTENDED_KEY
            | Encoding::QEMU_AUDIO
            | Encoding::EXTENDED_MOUSE_BUTTONS
            | Encoding::VMWARE_CURSOR_POSITION => Self::END,
            Encoding::CURSOR => Self::skip(area.pixels() * pixel.plain + area.mask()),
            // An empty cursor has no colours and no masks.
            Encoding::X_CURSOR if area.pixels() == 0 => Self::END,
            Encoding::X_CURSOR => Self::skip(6 + 2 * area.mask()),
            Encoding::CURSOR_WITH_ALPHA => Self::head(Head::AlphaCursor(area)),
            Encoding::QEMU_LED_STATE => Self::skip(1),
            Encoding::DESKTOP_NAME => Self::head(Head::Length),
            Encoding::EXTENDED_DESKTOP_SIZE => Self::head(Head::Screens),
            Encoding::VMWARE_CURSOR => Self::head(Head::VmwareCursor {
                masks: 2 * area.pixels() * pixel.plain,
                alpha: 4 * area.pixels(),
            }),
            Encoding::VMWARE_CURSOR_STATE | Encoding::VMWARE_STATE => Self::skip(2),
            Encoding::VMWARE_TYPEMATIC => Self::skip(10),
            Encoding::VMWARE_LED_STATE => Self::skip(4),
            Encoding::VMWARE_DISPLAY_MODE => Self::skip(PixelFormat::LENGTH as u64),
            Encoding::VMWARE_FRAME_STAMP => Self::skip(8),
            Encoding::VMWARE_OFFSCREEN_COPY_RECT => Self::skip(6),
            Encoding::VMWARE_UPDATE_CACHE => Self::head(Head::VmwareCache),
            Encoding::VMWARE_H264_RECT | Encoding::VMWARE_H264_MP4 => Self::head(Head::VmwareH264),
            _ => return Err(ScanError::Encoding(encoding)),
        })
    }

    /// The content of a rectangle with pixels; `None` for other encodings.
    #[inline]
    pub(super) fn image(encoding: Encoding, area: Area, pixel: Pixel) -> Option<Self> {
        let Pixel { plain, .. } = pixel;
        let rre = |place| {
            Self::head(Head::Rre {
                background: plain,
                piece: plain + place,
            })
        };
        Some(match encoding {
            Encoding::RAW => Self::skip(area.pixels() * plain),
            Encoding::COPY_RECT => Self::skip(4),
            Encoding::RRE => rre(8),
            Encoding::CORRE => rre(4),
            Encoding::HEXTILE | Encoding::ZLIB_HEX => {
                Hextile::begin(area, plain, encoding == Encoding::ZLIB_HEX).map(Reader::Hextile)
            }
            Encoding::ZLIB | Encoding::ZRLE | Encoding::ZYWRLE => Self::head(Head::Length),
            Encoding::TIGHT | Encoding::TIGHT_PNG => {
                Self::next(Reader::Tight(Tight::begin(encoding, area, pixel.tight)))
            }
            Encoding::TRLE => Trle::begin(area, pixel.compressed).map(Reader::Trle),
            Encoding::JPEG => Self::next(Reader::Jpeg(Jpeg::Start)),
            Encoding::H264 => Self::head(Head::H264),
            _ => return None,
        })
    }

    pub(super) const fn is_over(&self) -> bool {
        self.skip == 0 && self.next.is_none()
    }

    /// Advances, and returns the number of bytes of `input` that were read; `None` while more are needed.
    #[inline]
    pub(super) fn step(&mut self, input: &[u8]) -> Result<Option<usize>, ScanError> {
        if self.skip > 0 {
            let length = usize::try_from(self.skip).map_or(input.len(), |n| n.min(input.len()));
            self.skip -= length as u64;
            return Ok((length > 0).then_some(length));
        }
        let Some(reader) = self.next else {
            return Ok(None);
        };
        Ok(reader.read(input)?.map(|(length, next)| {
            *self = next;
            length
        }))
    }
}

impl Reader {
    #[inline]
    fn read(self, input: &[u8]) -> Read<Self> {
        Ok(match self {
            Self::Head(head) => head.read(input)?,
            Self::Hextile(hextile) => wrap(hextile.read(input)?, Self::Hextile),
            Self::Tight(tight) => wrap(tight.read(input)?, Self::Tight),
            Self::Trle(trle) => wrap(trle.read(input)?, Self::Trle),
            Self::Jpeg(jpeg) => wrap(jpeg.read(input)?, Self::Jpeg),
        })
    }
}

#[inline]
fn wrap<N>(
    read: Option<(usize, Step<N>)>,
    reader: impl FnOnce(N) -> Reader,
) -> Option<(usize, Payload)> {
    read.map(|(length, step)| (length, step.map(reader)))
}

impl Head {
    #[inline]
    fn read(self, input: &[u8]) -> Read<Reader> {
        let word = |at: usize| Some(u32::from_be_bytes(*input.get(at..)?.first_chunk()?));
        let read = match self {
            Self::Length => word(0).map(|n| (4, Payload::skip(n.into()))),
            Self::H264 => word(0)
                .filter(|_| input.len() >= 8)
                .map(|n| (8, Payload::skip(n.into()))),
            Self::Rre { background, piece } => {
                word(0).map(|n| (4, Payload::skip(background + u64::from(n) * piece)))
            }
            Self::Screens => word(0).map(|head| (4, Payload::skip(16 * u64::from(head >> 24)))),
            Self::AlphaCursor(area) => match word(0) {
                None => None,
                Some(encoding) => Some((4, alpha_cursor(encoding, area)?)),
            },
            Self::VmwareH264 => word(4).map(|n| (8, Payload::skip(n.into()))),
            Self::VmwareCache => {
                let length = input.first_chunk().map(|&[_, _, _, a, b]| [a, b]);
                length.map(|n| (5, Payload::skip(u16::from_be_bytes(n).into())))
            }
            Self::VmwareCursor { masks, alpha } => match input.first_chunk() {
                None => None,
                Some([0, _]) => Some((2, Payload::skip(masks))),
                Some([1, _]) => Some((2, Payload::skip(alpha))),
                Some(_) => return Err(ScanError::Rectangle(Encoding::VMWARE_CURSOR)),
            },
        };
        Ok(read)
    }
}

/// The pixels have four bytes in every pixel format: red, green, blue, alpha.
fn alpha_cursor(encoding: u32, area: Area) -> Result<Payload, ScanError> {
    let encoding = Encoding(encoding.cast_signed());
    let pixel = Pixel {
        plain: 4,
        compressed: 4,
        tight: 4,
    };
    Payload::image(encoding, area, pixel).ok_or(ScanError::Encoding(encoding))
}

impl Pixel {
    #[inline]
    pub(super) fn of(format: &PixelFormat) -> Result<Self, ScanError> {
        let plain = match format.bytes_per_pixel() {
            Some(bytes) => bytes as u64,
            None => return Err(ScanError::Pixels(format.bits_per_pixel)),
        };
        let packs = |yes| if yes { 3 } else { plain };
        Ok(Self {
            plain,
            compressed: packs(format.fits_three_bytes()),
            tight: packs(format.is_eight_bits_each()),
        })
    }
}
