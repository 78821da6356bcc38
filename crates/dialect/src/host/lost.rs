//! Completes what the viewer has received when the host is lost.

use std::ops::Range;

use rfb_proto::Encoding;

use super::{Body, Host};
use crate::cannot_continue::CannotContinue;
use crate::shared::Shared;
use crate::to_viewer::ToViewer;

/// The most bytes to complete a rectangle: two Raw screens of 3840 × 2160 pixels.
const MOST_COMPLETED: usize = 64 << 20;

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
        // The beginning of a header, which the viewer has not been sent.
        self.cut.clear();
        let left_out = self.body == Body::Drop;
        if !self.update.is_between_rectangles() && !left_out {
            self.complete(shared, viewer)?;
        }
        let pixel = match &self.converter {
            Some(converter) => Some(converter.target_bytes()),
            None => self.update.pixel_format().bytes_per_pixel(),
        };
        let copies = shared.viewer.encodings.has(Encoding::COPY_RECT);
        let pixel = pixel.filter(|_| !copies);
        self.viewer_update.finish(pixel, viewer);
        // The viewer has a whole number of messages, ServerInit among them.
        *self = Self::after_server_init(shared.viewer.size, shared.viewer.format);
        Ok(())
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
