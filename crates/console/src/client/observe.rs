//! What a host sends in answer to what it is asked, counted: nothing of the picture is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::BytesMut;
use rfb_proto::input::{self, UpdateRequest, set_encodings};
use rfb_proto::update::{Kind, Message, Piece, Update};
use rfb_proto::vmware::{Command, ServerCaps};
use rfb_proto::{Area, Encoding};
use tokio::time::timeout;

use super::ConsoleClient;
use crate::error::Error;

/// How many update ids are kept.
const IDS: usize = 16;

/// What has come while it was watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Updates that are complete.
    pub updates: usize,
    /// The byte after the type of each FramebufferUpdate, of the first ones.
    pub ids: Vec<u8>,
    /// That of the last one.
    last_id: Option<u8>,
    /// Rectangles.
    pub rectangles: BTreeMap<Encoding, usize>,
    /// Messages other than updates, by their names.
    pub others: BTreeMap<String, usize>,
    /// The last that came.
    pub caps: Option<ServerCaps>,
}

/// Whether updates are acknowledged (127/4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// Where the host has announced that it takes acks.
    AsAnnounced,
    /// Never.
    Never,
}

impl Seen {
    /// Nothing yet, from a host that has announced these.
    pub fn of(caps: Option<ServerCaps>) -> Self {
        Self {
            caps,
            ..Self::default()
        }
    }

    /// Whether nothing has come.
    pub fn is_empty(&self) -> bool {
        self.updates == 0 && self.rectangles.is_empty() && self.others.is_empty()
    }

    fn note(&mut self, piece: &Piece<'_>, update: &Update) {
        match piece.message {
            Message::Update { id, .. } => {
                self.last_id = Some(id);
                if self.ids.len() < IDS {
                    self.ids.push(id);
                }
            }
            Message::Rectangle { encoding, .. } => {
                *self.rectangles.entry(encoding).or_default() += 1;
            }
            Message::ServerCaps(caps) => {
                self.caps = Some(caps);
                self.note_other("127/0 ServerCaps".into());
            }
            Message::Vmware { id, .. } => self.note_other(format!("127/{id}")),
            Message::Body { .. } => {}
            other => self.note_other(format!("{:?}", other.kind())),
        }
        let is_update = matches!(piece.message.kind(), Kind::Update | Kind::Rectangle);
        if is_update && update.is_between_messages() {
            self.updates += 1;
        }
    }

    fn note_other(&mut self, name: String) {
        *self.others.entry(name).or_default() += 1;
    }
}

impl ConsoleClient {
    /// Says which encodings are understood.
    pub async fn list(
        &mut self,
        encodings: impl IntoIterator<Item = Encoding, IntoIter: ExactSizeIterator>,
    ) -> Result<(), Error> {
        let mut message = BytesMut::new();
        set_encodings(encodings, &mut message);
        self.send(&message).await
    }

    /// Sends one of VMware's messages.
    pub async fn command(&mut self, command: Command) -> Result<(), Error> {
        let mut message = BytesMut::new();
        command.write(&mut message);
        self.send(&message).await
    }

    /// Sends a WebSocket ping.
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.link.ping().await
    }

    /// How many WebSocket pongs have come.
    pub const fn pongs(&self) -> u32 {
        self.link.pongs
    }

    /// Watches for that long, or until it is `enough`; tells whether it was.
    pub async fn watch(
        &mut self,
        seen: &mut Seen,
        within: Duration,
        enough: impl Fn(&Seen) -> bool,
    ) -> Result<bool, Error> {
        let watching = self.until(|piece, update| {
            seen.note(piece, update);
            enough(seen).then_some(())
        });
        timeout(within, watching)
            .await
            .map_or(Ok(false), |came| came.map(|()| true))
    }

    /// Asks for the whole screen and waits for one update; tells whether it came.
    pub async fn exchange(
        &mut self,
        seen: &mut Seen,
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
        input::Message::UpdateRequest(request).write(&mut message);
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

    /// Acknowledges the last update, where the host has announced that it takes that.
    pub async fn ack(&mut self, seen: &Seen) -> Result<(), Error> {
        let announced = seen
            .caps
            .is_some_and(|caps| caps.has(ServerCaps::UPDATE_ACK));
        match (announced, seen.last_id) {
            (true, Some(id)) => self.command(Command::UpdateAck { id, took: 0 }).await,
            _ => Ok(()),
        }
    }
}
