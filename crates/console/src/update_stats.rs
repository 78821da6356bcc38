//! Counts of what a host sends; nothing of the picture is kept.

use std::collections::BTreeMap;

use rfb_proto::Encoding;
use rfb_proto::server_messages::{Kind, Message, Piece, ServerScanner};
use rfb_proto::vmware::ServerCaps;

/// The most update ids that are kept.
const MAX_IDS: usize = 16;

/// Counts of received messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpdateStats {
    /// Complete updates.
    pub updates: usize,
    /// The second byte of the first FramebufferUpdates, which RFC 6143 calls padding and VMware uses as an id.
    pub ids: Vec<u8>,
    /// The id of the last FramebufferUpdate.
    pub(crate) last_id: Option<u8>,
    /// Rectangles by encoding.
    pub rectangles: BTreeMap<Encoding, usize>,
    /// Other messages by name.
    pub others: BTreeMap<String, usize>,
    /// The last ServerCaps.
    pub caps: Option<ServerCaps>,
}

impl UpdateStats {
    /// No messages yet, from a host with these capabilities.
    pub fn of(caps: Option<ServerCaps>) -> Self {
        Self {
            caps,
            ..Self::default()
        }
    }

    /// Whether no message was received.
    pub fn is_empty(&self) -> bool {
        self.updates == 0 && self.rectangles.is_empty() && self.others.is_empty()
    }

    pub(crate) fn count(&mut self, piece: &Piece<'_>, update: &ServerScanner) {
        match piece.message {
            Message::Update { id, .. } => {
                self.last_id = Some(id);
                if self.ids.len() < MAX_IDS {
                    self.ids.push(id);
                }
            }
            Message::Rectangle { encoding, .. } => {
                *self.rectangles.entry(encoding).or_default() += 1;
            }
            Message::ServerCaps(caps) => {
                self.caps = Some(caps);
                self.count_other("127/0 ServerCaps".into());
            }
            Message::Vmware { id, .. } => self.count_other(format!("127/{id}")),
            Message::Body { .. } => {}
            other => self.count_other(format!("{:?}", other.kind())),
        }
        let is_update = matches!(piece.message.kind(), Kind::Update | Kind::Rectangle);
        if is_update && update.is_between_messages() {
            self.updates += 1;
        }
    }

    fn count_other(&mut self, name: String) {
        *self.others.entry(name).or_default() += 1;
    }
}
