//! Acknowledgements of updates (`docs/webmks.md` 7.1). A host that has announced that it wants them may send nothing
//! more without, whatever else the viewer asks for.

use bytes::BytesMut;
use rfb_proto::vmware::Command;

/// How many may wait to be sent. Of more than those the latest count.
const MOST: usize = 16 * 1024;

/// Those that are still to be sent.
#[derive(Debug, Default)]
pub(super) struct Acks {
    wanted: bool,
    ids: Vec<u8>,
}

impl Acks {
    /// Whether the host wants them, by its ServerCaps.
    pub(super) const fn host_wants(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    /// Whether it does. Each is then also a request for what comes next.
    pub(super) const fn are_wanted(&self) -> bool {
        self.wanted
    }

    /// The host's update with this id is whole.
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

    /// Writes all. How long it took to show an update is not known: none of VMware's servers is known to look at that.
    pub(super) fn write(&mut self, host: &mut BytesMut) {
        for id in self.ids.drain(..) {
            Command::UpdateAck { id, took: 0 }.write(host);
        }
        self.ids.shrink_to(64);
    }

    /// How many bytes of memory it takes.
    pub(super) const fn memory(&self) -> usize {
        self.ids.capacity()
    }
}
