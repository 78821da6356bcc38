//! Acknowledgements of updates (`docs/webmks.md` 7.1). A host that announces that it expects them may send no further
//! update without them, whatever the viewer requests.

use bytes::BytesMut;
use rfb_proto::vmware::Command;

/// The most acknowledgements that are kept. If there are more, the older ones are dropped.
const MOST: usize = 16 * 1024;

/// The acknowledgements to be sent.
#[derive(Debug, Default)]
pub(super) struct Acks {
    wanted: bool,
    ids: Vec<u8>,
}

impl Acks {
    /// Sets whether the host expects them, as its ServerCaps announce.
    pub(super) const fn set_wanted(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    /// Whether the host expects them. Each is then also a request for the next update.
    pub(super) const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// The host's update with this id is complete.
    pub(super) fn add(&mut self, id: u8) {
        if !self.wanted {
            return;
        }
        if self.ids.len() >= MOST {
            self.ids.clear();
        }
        self.ids.push(id);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Appends all to `host`, with a time of 0, as the viewer's is not known. No server of VMware's is known to use it.
    pub(super) fn write(&mut self, host: &mut BytesMut) {
        for id in self.ids.drain(..) {
            Command::UpdateAck { id, took: 0 }.write(host);
        }
        self.ids.shrink_to(64);
    }

    /// The bytes of memory that it takes.
    pub(super) const fn memory(&self) -> usize {
        self.ids.capacity()
    }
}
