//! Requests updates and counts what the host sends.

use std::time::Duration;

use bytes::BytesMut;
use rfb_proto::client_messages::{self, UpdateRequest, set_encodings};
use rfb_proto::vmware::{Command, ServerCaps};
use rfb_proto::{Area, Encoding};
use tokio::time::timeout;

use super::console_client::ConsoleClient;
use crate::error::Error;
use crate::update_stats::UpdateStats;

/// Whether updates are acknowledged (127/4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// Where the host's ServerCaps announce it.
    AsAnnounced,
    /// Never.
    Never,
}

impl ConsoleClient {
    /// Sends SetEncodings.
    ///
    /// # Errors
    /// The connection fails.
    pub async fn set_encodings(
        &mut self,
        encodings: impl IntoIterator<Item = Encoding, IntoIter: ExactSizeIterator>,
    ) -> Result<(), Error> {
        let mut message = BytesMut::new();
        set_encodings(encodings, &mut message);
        self.send(&message).await
    }

    /// Sends a VMware client message (type 127).
    ///
    /// # Errors
    /// The connection fails.
    pub async fn command(&mut self, command: Command) -> Result<(), Error> {
        let mut message = BytesMut::new();
        command.write(&mut message);
        self.send(&message).await
    }

    /// Sends a WebSocket ping.
    ///
    /// # Errors
    /// The connection fails.
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.link.ping().await
    }

    /// How many WebSocket pongs were received.
    pub const fn pongs(&self) -> u32 {
        self.link.pongs
    }

    /// Counts messages into `seen` until `enough` returns true, or `within` has passed: then it returns false.
    ///
    /// # Errors
    /// The connection ends, or RFB cannot be decoded.
    pub async fn watch(
        &mut self,
        seen: &mut UpdateStats,
        within: Duration,
        enough: impl Fn(&UpdateStats) -> bool,
    ) -> Result<bool, Error> {
        let watching = self.receive_until(|piece, update| {
            seen.count(piece, update);
            enough(seen).then_some(())
        });
        timeout(within, watching)
            .await
            .map_or(Ok(false), |came| came.map(|()| true))
    }

    /// Requests the whole screen and waits for one update; false where none came within the time.
    ///
    /// # Errors
    /// The connection ends, or RFB cannot be decoded.
    pub async fn request_screen(
        &mut self,
        seen: &mut UpdateStats,
        acks: Acks,
        within: Duration,
    ) -> Result<bool, Error> {
        let (width, height) = self.update.size();
        let request = UpdateRequest {
            incremental: false,
            area: Area {
                x: 0,
                y: 0,
                width,
                height,
            },
        };
        let mut message = BytesMut::new();
        client_messages::Message::UpdateRequest(request).write(&mut message);
        self.send(&message).await?;
        let before = seen.updates;
        let came = self
            .watch(seen, within, |seen| seen.updates > before)
            .await?;
        if came && acks == Acks::AsAnnounced {
            self.ack(seen).await?;
        }
        Ok(came)
    }

    /// Acknowledges the last update, where the host's ServerCaps announce that it takes acknowledgements.
    ///
    /// # Errors
    /// The connection fails.
    pub async fn ack(&mut self, seen: &UpdateStats) -> Result<(), Error> {
        let announced = seen
            .caps
            .is_some_and(|caps| caps.has(ServerCaps::UPDATE_ACK));
        match (announced, seen.last_id) {
            (true, Some(id)) => self.command(Command::UpdateAck { id, took: 0 }).await,
            _ => Ok(()),
        }
    }
}
