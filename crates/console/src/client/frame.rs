//! Captures one complete, lossless frame.

use bytes::BytesMut;
use rfb_proto::client_messages::{self, UpdateRequest, set_encodings};
use rfb_proto::server_messages::{Kind, Message, Piece, ServerScanner};
use rfb_proto::{Area, Encoding, PixelFormat};

use super::console_client::ConsoleClient;
use super::picture::{Picture, RawRectangle};
use crate::error::Error;

/// Raw is lossless and needs no decoder. The pseudo-encodings let a server end an update early (LastRect) and announce a
/// new size (DesktopSize).
const ENCODINGS: [Encoding; 3] = [Encoding::RAW, Encoding::LAST_RECT, Encoding::DESKTOP_SIZE];

/// A frame that is being received.
struct Capture {
    picture: Picture,
    /// The decoder of the current rectangle; `None` for other encodings than Raw.
    rectangle: Option<RawRectangle>,
}

impl ConsoleClient {
    /// Sends update requests until every pixel has been received: some servers answer a request with one pixel, or with the
    /// upper part of the screen (`docs/webmks.md` 2.3, Q3 and Q4). Without a time limit.
    ///
    /// # Errors
    /// The connection ends, RFB cannot be decoded, or the pixel format or screen size is not supported.
    pub async fn frame(&mut self) -> Result<Picture, Error> {
        self.negotiate_pixels().await?;
        let mut capture = Capture {
            picture: Picture::blank(self.update.size())?,
            rectangle: None,
        };
        while let Some(area) = capture.picture.missing() {
            self.request(area).await?;
            let update = self.receive_until(|piece, update| capture.take(piece, update));
            update.await??;
        }
        Ok(capture.picture)
    }

    /// Keeps the server's pixel format where it can be converted, since some servers ignore SetPixelFormat (Q2).
    async fn negotiate_pixels(&mut self) -> Result<(), Error> {
        let mut messages = BytesMut::new();
        if RawRectangle::new(Area::default(), self.update.pixel_format()).is_none() {
            client_messages::Message::SetPixelFormat(PixelFormat::VMWARE).write(&mut messages);
            self.update.set_pixel_format(PixelFormat::VMWARE);
        }
        set_encodings(ENCODINGS, &mut messages);
        self.send(&messages).await
    }

    /// Sends a non-incremental FramebufferUpdateRequest for `area`.
    pub(super) async fn request(&mut self, area: Area) -> Result<(), Error> {
        let mut message = BytesMut::new();
        let request = UpdateRequest {
            incremental: false,
            area,
        };
        client_messages::Message::UpdateRequest(request).write(&mut message);
        self.send(&message).await
    }
}

impl Capture {
    /// Takes the next piece; `Some` when an update is complete, or cannot be decoded.
    fn take(&mut self, piece: &Piece<'_>, update: &ServerScanner) -> Option<Result<(), Error>> {
        match piece.message {
            Message::Rectangle { area, encoding } => {
                if let Err(error) = self.begin(area, encoding, update) {
                    return Some(Err(error));
                }
            }
            Message::Body {
                of: Kind::Rectangle,
                ..
            } => {
                if let Some(rectangle) = &mut self.rectangle {
                    rectangle.decode(&mut self.picture, piece.bytes);
                }
            }
            _ => {}
        }
        (is_update(piece) && update.is_between_messages()).then_some(Ok(()))
    }

    fn begin(
        &mut self,
        area: Area,
        encoding: Encoding,
        update: &ServerScanner,
    ) -> Result<(), Error> {
        self.rectangle = match encoding {
            Encoding::RAW => RawRectangle::new(area, update.pixel_format()),
            _ => None,
        };
        match encoding {
            Encoding::DESKTOP_SIZE => self.picture = Picture::blank(update.size())?,
            Encoding::RAW if self.rectangle.is_none() => {
                let sentence = "the console's pixel format is not supported";
                return Err(Error::Setup(sentence.into()));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a piece belongs to a FramebufferUpdate.
fn is_update(piece: &Piece<'_>) -> bool {
    matches!(piece.message.kind(), Kind::Update | Kind::Rectangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ServerInit for a desktop without a name.
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

    /// Feeds a server's bytes and returns the number of complete updates.
    fn feed(capture: &mut Capture, update: &mut ServerScanner, mut bytes: &[u8]) -> usize {
        let mut over = 0;
        while let Some(piece) = update.scan(bytes).unwrap() {
            let length = piece.bytes.len();
            let ended = capture.take(&piece, update);
            over += usize::from(ended.is_some_and(|painted| painted.is_ok()));
            bytes = &bytes[length..];
        }
        assert!(bytes.is_empty());
        over
    }

    fn begin(width: u16, height: u16) -> (Capture, ServerScanner) {
        let mut update = ServerScanner::new();
        let mut capture = Capture {
            picture: Picture::blank((width, height)).unwrap(),
            rectangle: None,
        };
        feed(&mut capture, &mut update, &server_init(width, height));
        (capture, update)
    }

    #[test]
    fn partial_updates_leave_the_rest_missing() {
        let (mut capture, mut update) = begin(4, 4);
        assert_eq!(feed(&mut capture, &mut update, &raw(0, 0, 1, 1, 7)), 1);
        assert_eq!(capture.picture.missing().unwrap().height, 4);
        assert_eq!(feed(&mut capture, &mut update, &raw(0, 0, 4, 3, 7)), 1);
        let missing = capture.picture.missing().unwrap();
        assert_eq!((missing.y, missing.height), (3, 1));
        assert_eq!(feed(&mut capture, &mut update, &raw(0, 3, 4, 1, 7)), 1);
        assert_eq!(capture.picture.missing(), None);
    }

    #[test]
    fn new_screen_size_restarts_the_capture() {
        let (mut capture, mut update) = begin(2, 2);
        feed(&mut capture, &mut update, &raw(0, 0, 2, 2, 7));
        assert_eq!(capture.picture.missing(), None);
        let resize = [0, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0, 1, 0xff, 0xff, 0xff, 0x21];
        assert_eq!(feed(&mut capture, &mut update, &resize), 1);
        let missing = capture.picture.missing().unwrap();
        assert_eq!((missing.width, missing.height), (3, 1));
    }

    #[test]
    fn other_messages_and_an_empty_update_add_no_pixels() {
        let (mut capture, mut update) = begin(2, 2);
        let bell_and_caps = [2, 127, 0, 0, 8, 0, 0, 0, 2];
        assert_eq!(feed(&mut capture, &mut update, &bell_and_caps), 0);
        assert_eq!(feed(&mut capture, &mut update, &[0, 0, 0, 0]), 1);
        assert_eq!(capture.picture.missing().unwrap().height, 2);
    }
}
