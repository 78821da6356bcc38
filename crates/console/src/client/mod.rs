//! mksgate as a viewer of its own: it looks at a console, and types on its keyboard.

mod frame;
mod keyboard;
mod keys;
mod observe;
mod picture;
#[cfg(test)]
mod tests;

use bytes::{Buf, BytesMut};
use rfb_proto::update::{Kind, Message, Piece, Update};

use crate::error::Error;
use crate::host_link::{HostLink, OpenConsole};
use crate::printable::printable;
use crate::progress::Screen;
use crate::slots::Slot;

pub use keyboard::Press;
pub use keys::{Chord, chords_of};
pub use observe::{Acks, Seen};
pub use picture::Picture;

/// As much of a desktop's name as is shown, in bytes: VMware's is the VM's name, which has 80 characters at most.
const MAX_NAME: usize = 400;

/// A console that we are the viewer of.
pub struct ConsoleClient {
    link: HostLink,
    update: Update,
    _slot: Option<Slot>,
}

impl ConsoleClient {
    /// Says ClientInit and hears what there is to be seen.
    pub async fn enter(console: OpenConsole) -> Result<(Self, Screen), Error> {
        let OpenConsole { link, slot, .. } = console;
        let mut viewer = Self {
            link,
            update: Update::new(),
            _slot: slot,
        };
        // Others may stay: VMware ignores this (`docs/webmks.md` 1.2).
        viewer.send(&[1]).await?;
        let name = viewer.read_name().await?;
        let screen = Screen {
            name,
            size: viewer.update.size(),
            format: viewer.update.pixel_format(),
        };
        Ok((viewer, screen))
    }

    /// Leaves in order.
    pub async fn leave(self) {
        self.link.close().await;
    }

    async fn read_name(&mut self) -> Result<String, Error> {
        let mut name = Vec::new();
        self.until(|piece, update| {
            if let Message::Body {
                of: Kind::ServerInit,
                ..
            } = piece.message
            {
                let room = MAX_NAME - name.len();
                name.extend_from_slice(piece.bytes.get(..room).unwrap_or(piece.bytes));
            }
            update.is_between_messages().then_some(())
        })
        .await?;
        Ok(printable(&String::from_utf8_lossy(&name)))
    }

    /// Sends `messages` as one WebSocket message.
    async fn send(&mut self, messages: &[u8]) -> Result<(), Error> {
        self.link.send(messages).await
    }

    /// Shows all that comes to `look`, piece by piece, until that has seen what it waits for. May be broken off: what
    /// was not looked at is kept.
    async fn until<T>(
        &mut self,
        mut look: impl FnMut(&Piece<'_>, &Update) -> Option<T>,
    ) -> Result<T, Error> {
        loop {
            let Self { link, update, .. } = self;
            let payload: &mut BytesMut = &mut link.payload;
            while let Some(piece) = update.scan(payload)? {
                let seen = look(&piece, update);
                let length = piece.bytes.len();
                payload.advance(length);
                if let Some(seen) = seen {
                    return Ok(seen);
                }
            }
            link.receive().await?;
        }
    }
}
