//! One whole frame of a console, pixel for pixel.

use bytes::BytesMut;
use rfb_proto::input::{self, UpdateRequest, set_encodings};
use rfb_proto::update::{Kind, Message, Piece, Update};
use rfb_proto::{Area, Encoding, PixelFormat};

use super::ConsoleClient;
use super::picture::{Brush, Picture};
use crate::error::Error;

/// Pixels as they are: nothing to decode, and nothing lost. The other two are what servers need to say where an
/// update ends and that the screen has changed its size.
const ENCODINGS: [Encoding; 3] = [Encoding::RAW, Encoding::LAST_RECT, Encoding::DESKTOP_SIZE];

/// A frame under way.
struct Painting {
    picture: Picture,
    brush: Option<Brush>,
}

impl ConsoleClient {
    /// Asks until every pixel has been seen: some servers answer a question with one pixel, or with the upper part
    /// (`docs/webmks.md` 2.3, Q3 and Q4). Takes as long as that takes.
    pub async fn frame(&mut self) -> Result<Picture, Error> {
        self.ask_for_pixels().await?;
        let mut painting = Painting {
            picture: Picture::blank(self.update.size())?,
            brush: None,
        };
        while let Some(area) = painting.picture.missing() {
            self.ask_for(area).await?;
            let painted = self.until(|piece, update| painting.take(piece, update));
            painted.await??;
        }
        Ok(painting.picture)
    }

    /// The server's own format is kept where it can be converted, since some ignore any other (Q2).
    async fn ask_for_pixels(&mut self) -> Result<(), Error> {
        let mut messages = BytesMut::new();
        if Brush::new(Area::default(), self.update.pixel_format()).is_none() {
            input::Message::SetPixelFormat(PixelFormat::VMWARE).write(&mut messages);
            self.update.set_pixel_format(PixelFormat::VMWARE);
        }
        set_encodings(ENCODINGS, &mut messages);
        self.send(&messages).await
    }

    /// Asks for all of an area.
    pub(super) async fn ask_for(&mut self, area: Area) -> Result<(), Error> {
        let mut message = BytesMut::new();
        let request = UpdateRequest {
            incremental: false,
            area,
        };
        input::Message::UpdateRequest(request).write(&mut message);
        self.send(&message).await
    }
}

impl Painting {
    /// Takes a piece of what comes; there is an answer when an update is over, or cannot be painted.
    fn take(&mut self, piece: &Piece<'_>, update: &Update) -> Option<Result<(), Error>> {
        match piece.message {
            Message::Rectangle { area, encoding } => {
                if let Err(failure) = self.begin(area, encoding, update) {
                    return Some(Err(failure));
                }
            }
            Message::Body {
                of: Kind::Rectangle,
                ..
            } => {
                if let Some(brush) = &mut self.brush {
                    brush.paint(&mut self.picture, piece.bytes);
                }
            }
            _ => {}
        }
        (is_update(piece) && update.is_between_messages()).then_some(Ok(()))
    }

    fn begin(&mut self, area: Area, encoding: Encoding, update: &Update) -> Result<(), Error> {
        self.brush = match encoding {
            Encoding::RAW => Brush::new(area, update.pixel_format()),
            _ => None,
        };
        match encoding {
            Encoding::DESKTOP_SIZE => self.picture = Picture::blank(update.size())?,
            Encoding::RAW if self.brush.is_none() => {
                let sentence = "the console has pixels of a kind that cannot be read";
                return Err(Error::Setup(sentence.into()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a piece belongs to an update of the framebuffer.
fn is_update(piece: &Piece<'_>) -> bool {
    matches!(piece.message.kind(), Kind::Update | Kind::Rectangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server's ServerInit for a desktop without a name.
    fn server_init(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = [width.to_be_bytes(), height.to_be_bytes()].concat();
        PixelFormat::VMWARE.write(&mut bytes);
        bytes.extend([0; 4]);
        bytes
    }

    /// An update of one raw rectangle whose bytes are all `value`.
    fn raw(x: u16, y: u16, width: u16, height: u16, value: u8) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 1];
        for side in [x, y, width, height] {
            bytes.extend(side.to_be_bytes());
        }
        bytes.extend([0; 4]);
        bytes.resize(
            bytes.len() + 4 * usize::from(width) * usize::from(height),
            value,
        );
        bytes
    }

    /// Feeds what a server says; how many updates were over.
    fn feed(painting: &mut Painting, update: &mut Update, mut bytes: &[u8]) -> usize {
        let mut over = 0;
        while let Some(piece) = update.scan(bytes).unwrap() {
            let length = piece.bytes.len();
            let ended = painting.take(&piece, update);
            over += usize::from(ended.is_some_and(|painted| painted.is_ok()));
            bytes = &bytes[length..];
        }
        assert!(bytes.is_empty());
        over
    }

    fn begin(width: u16, height: u16) -> (Painting, Update) {
        let mut update = Update::new();
        let mut painting = Painting {
            picture: Picture::blank((width, height)).unwrap(),
            brush: None,
        };
        feed(&mut painting, &mut update, &server_init(width, height));
        (painting, update)
    }

    #[test]
    fn one_pixel_and_the_upper_part_are_no_frame_and_what_is_missing_is_asked_for() {
        let (mut painting, mut update) = begin(4, 4);
        assert_eq!(feed(&mut painting, &mut update, &raw(0, 0, 1, 1, 7)), 1);
        assert_eq!(painting.picture.missing().unwrap().height, 4);
        assert_eq!(feed(&mut painting, &mut update, &raw(0, 0, 4, 3, 7)), 1);
        let missing = painting.picture.missing().unwrap();
        assert_eq!((missing.y, missing.height), (3, 1));
        assert_eq!(feed(&mut painting, &mut update, &raw(0, 3, 4, 1, 7)), 1);
        assert_eq!(painting.picture.missing(), None);
    }

    #[test]
    fn a_screen_that_changes_its_size_is_taken_anew() {
        let (mut painting, mut update) = begin(2, 2);
        feed(&mut painting, &mut update, &raw(0, 0, 2, 2, 7));
        assert_eq!(painting.picture.missing(), None);
        let resize = [0, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0, 1, 0xff, 0xff, 0xff, 0x21];
        assert_eq!(feed(&mut painting, &mut update, &resize), 1);
        let missing = painting.picture.missing().unwrap();
        assert_eq!((missing.width, missing.height), (3, 1));
    }

    #[test]
    fn other_messages_and_an_empty_update_are_no_pictures() {
        let (mut painting, mut update) = begin(2, 2);
        let bell_and_caps = [2, 127, 0, 0, 8, 0, 0, 0, 2];
        assert_eq!(feed(&mut painting, &mut update, &bell_and_caps), 0);
        assert_eq!(feed(&mut painting, &mut update, &[0, 0, 0, 0]), 1);
        assert_eq!(painting.picture.missing().unwrap().height, 2);
    }
}
