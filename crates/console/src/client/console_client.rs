//! A console's RFB client: ClientInit, ServerInit, and the messages that follow.

use bytes::{Buf, BytesMut};
use rfb_proto::server_messages::{Kind, Message, Piece, ServerScanner};
use vsphere::Watch;

use crate::error::Error;
use crate::host_link::{HostLink, OpenConsole};
use crate::printable::printable;
use crate::progress::Screen;
use crate::slots::Slot;

/// The most bytes of a desktop's name that are kept: VMware sends the VM's name, of 80 characters at most.
const MAX_NAME: usize = 400;

/// An RFB client of one console.
pub struct ConsoleClient {
    pub(super) link: HostLink,
    pub(super) update: ServerScanner,
    slot: Option<Slot>,
    watch: Option<Watch>,
}

impl ConsoleClient {
    /// Sends ClientInit and reads ServerInit.
    ///
    /// # Errors
    /// The connection ends, or RFB cannot be decoded.
    pub async fn enter(console: OpenConsole) -> Result<(Self, Screen), Error> {
        let OpenConsole { link, slot, watch } = console;
        let mut client = Self {
            link,
            update: ServerScanner::new(),
            slot,
            watch,
        };
        // The shared-flag: other clients stay connected. VMware ignores it (`docs/webmks.md` 1.2).
        client.send(&[1]).await?;
        let name = client.read_name().await?;
        let screen = Screen {
            name,
            size: client.update.size(),
            format: client.update.pixel_format(),
        };
        Ok((client, screen))
    }

    /// The console, whose next message was not received yet.
    pub fn into_console(self) -> OpenConsole {
        OpenConsole {
            link: self.link,
            slot: self.slot,
            watch: self.watch,
        }
    }

    /// Closes the WebSocket with its closing handshake.
    pub async fn leave(self) {
        self.link.close().await;
    }

    async fn read_name(&mut self) -> Result<String, Error> {
        let mut name = Vec::new();
        self.receive_until(|piece, update| {
            if let Message::Body {
                of: Kind::ServerInit,
                ..
            } = piece.message
            {
                let space = MAX_NAME - name.len();
                name.extend_from_slice(piece.bytes.get(..space).unwrap_or(piece.bytes));
            }
            update.is_between_messages().then_some(())
        })
        .await?;
        Ok(printable(&String::from_utf8_lossy(&name)))
    }

    /// Sends `messages` as one WebSocket message.
    pub(super) async fn send(&mut self, messages: &[u8]) -> Result<(), Error> {
        self.link.send(messages).await
    }

    /// Passes each received piece to `inspect` until that returns a value. Cancel safe: pieces that were not inspected stay
    /// in the buffer.
    pub(super) async fn receive_until<T>(
        &mut self,
        mut inspect: impl FnMut(&Piece<'_>, &ServerScanner) -> Option<T>,
    ) -> Result<T, Error> {
        loop {
            let Self { link, update, .. } = self;
            let payload: &mut BytesMut = &mut link.payload;
            while let Some(piece) = update.scan(payload)? {
                let value = inspect(&piece, update);
                let length = piece.bytes.len();
                payload.advance(length);
                if let Some(value) = value {
                    return Ok(value);
                }
            }
            link.receive().await?;
        }
    }
}
