//! Completes what the viewer has received when the host is lost.

use std::ops::Range;

use rfb_proto::{Area, Encoding};

use super::{Body, Host};
use crate::cannot_continue::CannotContinue;
use crate::shared::Shared;
use crate::to_viewer::ToViewer;
use crate::viewer_update::write_head;

/// The most bytes to complete a rectangle: two Raw screens of 3840 × 2160 pixels.
pub(crate) const MOST_COMPLETED: usize = 64 << 20;

impl Host {
    /// See [`crate::Dialogue::host_lost`].
    pub(crate) fn finish(
        &mut self,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<(), CannotContinue> {
        if self.unparsed {
            return Err(CannotContinue::NotParsed);
        }
        // The beginning of a header or rectangle, which the viewer has not been sent.
        self.cut.clear();
        self.incomplete = None;
        let left_out = self.body == Body::Drop;
        if !self.update.is_between_rectangles() && !left_out {
            self.complete(shared, viewer)?;
        }
        let filler = self.filler(shared);
        self.viewer_update.finish(&filler, viewer);
        // The viewer has a whole number of messages, ServerInit among them.
        *self = Self::after_server_init(shared.viewer.size, shared.viewer.format);
        Ok(())
    }

    /// A rectangle of 1 × 1 pixels that changes nothing: a copy of the pixel onto itself or, for a viewer that has not
    /// listed CopyRect, a pixel that it has already. Where none is known, a black one.
    fn filler(&self, shared: &Shared) -> Vec<u8> {
        let mut filler = Vec::new();
        let known = self.known_pixel.unwrap_or_default();
        let copies = shared.viewer.encodings.has(Encoding::COPY_RECT);
        let (place, pixel) = if copies { Default::default() } else { known };
        let encoding = if copies {
            Encoding::COPY_RECT
        } else {
            Encoding::RAW
        };
        let area = Area {
            width: 1,
            height: 1,
            ..place
        };
        write_head(area, encoding, &mut filler);
        match &self.converter {
            Some(converter) if !copies => {
                let pixel = pixel.get(..converter.source_bytes());
                converter.convert(pixel.unwrap_or_default(), &mut filler);
            }
            _ => {
                let length = self.update.pixel_format().bytes_per_pixel();
                let length = length.filter(|_| !copies).unwrap_or(pixel.len());
                filler.extend(pixel.iter().take(length));
            }
        }
        filler
    }

    /// Completes the current rectangle or message as if the host had sent the rest.
    fn complete(
        &mut self,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<(), CannotContinue> {
        match self.update.complete(&self.partial, MOST_COMPLETED) {
            Some(rest) => {
                let mut viewer = Copied { run: &rest, viewer };
                let followed = self.receive(&rest, shared, &mut viewer);
                followed.map_err(|_| CannotContinue::NotParsed)
            }
            // Its header has changed the size that the viewer is taken to know.
            None if self.partial.encoding() == Encoding::EXTENDED_DESKTOP_SIZE => {
                Err(CannotContinue::Rectangle(self.partial.encoding()))
            }
            None if self.viewer_update.drop_rectangle() => {
                shared
                    .viewer
                    .encodings
                    .set_left_out(self.partial.encoding());
                Ok(())
            }
            None if self.current.is_some() => {
                Err(CannotContinue::Rectangle(self.partial.encoding()))
            }
            None => Err(CannotContinue::Message),
        }
    }
}

/// Copies ranges of bytes that did not come from the host.
struct Copied<'a, V> {
    run: &'a [u8],
    viewer: &'a mut V,
}

impl<V: ToViewer> ToViewer for Copied<'_, V> {
    fn pass(&mut self, range: Range<usize>) {
        let bytes = self.run.get(range).unwrap_or_default();
        self.viewer.own().extend_from_slice(bytes);
    }

    fn own(&mut self) -> &mut Vec<u8> {
        self.viewer.own()
    }
}
