//! A [`Dialogue`] that both directions of one relay use. They run in one task, and no lock is held across an await: it is
//! never contended.

use std::sync::atomic::{AtomicBool, Ordering};
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
    /// Whether all output for the viewer has been written to its connection.
    is_written: AtomicBool,
    /// The viewer's input that was read and not processed, once `to_host` has ended by itself.
    unprocessed: Mutex<Option<BytesMut>>,
}

impl<'a> SharedDialogue<'a> {
    pub(super) fn new(dialogue: &'a mut Dialogue) -> Self {
        Self {
            dialogue: Mutex::new(dialogue),
            pending: Notify::new(),
            is_written: AtomicBool::new(true),
            unprocessed: Mutex::default(),
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
        self.is_written.store(false, Ordering::Relaxed);
        let mut dialogue = self.lock();
        let received = dialogue.receive_from_host(run, viewer);
        self.notify(&dialogue);
        received
    }

    /// See [`Dialogue::stop_waiting`].
    pub(super) fn stop_waiting(&self, viewer: &mut impl ToViewer) {
        self.is_written.store(false, Ordering::Relaxed);
        let mut dialogue = self.lock();
        dialogue.stop_waiting(viewer);
        self.notify(&dialogue);
    }

    /// All output so far has been written to the viewer.
    pub(super) fn set_written(&self) {
        self.is_written.store(true, Ordering::Relaxed);
    }

    /// `to_host` reads no more, and has not processed this input of the viewer.
    pub(super) fn set_unprocessed(&self, input: &[u8]) {
        let mut unprocessed = self
            .unprocessed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *unprocessed = Some(input.into());
    }

    /// The viewer's unprocessed input, where the dialogue can be continued after the relay: both directions of the
    /// viewer's connection are where the dialogue is. `None` where a direction was dropped in the middle of a write.
    pub(super) fn unprocessed(&self) -> Option<BytesMut> {
        let mut unprocessed = self
            .unprocessed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        unprocessed
            .take()
            .filter(|_| self.is_written.load(Ordering::Relaxed))
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
