//! A [`Dialogue`] that both directions of one relay use. They run in one task, and no lock is held across an await: it is
//! never contended.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use dialect::{Dialogue, ToViewer};
use rfb_proto::Violation;
use rfb_proto::server_messages::ScanError;
use tokio::sync::Notify;

/// Borrowed for as long as the relay runs.
pub(super) struct SharedDialogue<'a> {
    dialogue: Mutex<&'a mut Dialogue>,
    /// Wakes `to_host` when messages for the host are pending.
    pending: Notify,
}

impl<'a> SharedDialogue<'a> {
    pub(super) fn new(dialogue: &'a mut Dialogue) -> Self {
        Self {
            dialogue: Mutex::new(dialogue),
            pending: Notify::new(),
        }
    }

    /// See [`Dialogue::receive_from_viewer`].
    pub(super) fn receive_from_viewer(
        &self,
        bytes: &[u8],
        host: &mut BytesMut,
    ) -> Result<usize, Violation> {
        self.lock().receive_from_viewer(bytes, host)
    }

    /// See [`Dialogue::receive_from_host`].
    pub(super) fn receive_from_host(
        &self,
        run: &[u8],
        viewer: &mut impl ToViewer,
    ) -> Result<(), ScanError> {
        let mut dialogue = self.lock();
        let received = dialogue.receive_from_host(run, viewer);
        self.notify(&dialogue);
        received
    }

    /// See [`Dialogue::stop_waiting`].
    pub(super) fn stop_waiting(&self, viewer: &mut impl ToViewer) {
        let mut dialogue = self.lock();
        dialogue.stop_waiting(viewer);
        self.notify(&dialogue);
    }

    /// Ready when messages for the host are pending, or delayed keys may be sent.
    pub(super) async fn pending(&self) {
        self.pending.notified().await;
    }

    /// Access to the rest of [`Dialogue`].
    pub(super) fn lock(&self) -> MutexGuard<'_, &'a mut Dialogue> {
        self.dialogue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self, dialogue: &Dialogue) {
        if dialogue.has_pending() {
            self.pending.notify_one();
        }
    }
}
