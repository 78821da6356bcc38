//! A [`Dialogue`] that both directions of one relay use. They run in one task: the lock is never waited for, and never
//! held while something else is.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use dialect::{Dialogue, ToViewer};
use rfb_proto::Violation;
use rfb_proto::update::Lost;
use tokio::sync::Notify;

/// Borrowed for as long as the relay runs.
pub(super) struct SharedDialogue<'a> {
    dialogue: Mutex<&'a mut Dialogue>,
    /// There may be something to send to the host.
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
    ) -> Result<(), Lost> {
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

    /// Ready when there is something to send to the host, or a key that waited may go.
    pub(super) async fn pending(&self) {
        self.pending.notified().await;
    }

    /// The rest of [`Dialogue`].
    pub(super) fn lock(&self) -> MutexGuard<'_, &'a mut Dialogue> {
        self.dialogue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self, dialogue: &Dialogue) {
        if dialogue.has_pending() {
            self.pending.notify_one();
        }
    }
}
