//! What is owed to ESXi in answer to what it sent: one slot, the newest wins.

use bytes::Bytes;
use tokio::sync::watch;
use ws_proto::Close;

/// An answer that `down` found to be due and `up` has to send.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// A pong. Only the latest ping must be answered (RFC 6455 section 5.5.3).
    Pong(Bytes),
    /// A Close, after which nothing is sent.
    Close(Close),
}

/// The slot. A Close stays in it.
pub(super) struct PendingReply(watch::Sender<Option<Reply>>);

impl PendingReply {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(super) fn pong(&self, payload: Bytes) {
        self.0.send_if_modified(|slot| {
            let open = !matches!(slot, Some(Reply::Close(_)));
            if open {
                *slot = Some(Reply::Pong(payload));
            }
            open
        });
    }

    pub(super) fn close(&self, close: Close) {
        self.0.send_replace(Some(Reply::Close(close)));
    }

    /// What is owed already is due to it at once.
    pub(super) fn replies(&self) -> ReplyReceiver {
        let mut slot = self.0.subscribe();
        slot.mark_changed();
        ReplyReceiver(slot)
    }
}

/// Whoever pays.
pub(super) struct ReplyReceiver(watch::Receiver<Option<Reply>>);

impl ReplyReceiver {
    /// The next reply. Cancelling it loses none.
    pub(super) async fn due(&mut self) -> Reply {
        loop {
            if self.0.changed().await.is_err() {
                return std::future::pending().await;
            }
            if let Some(reply) = self.0.borrow_and_update().clone() {
                return reply;
            }
        }
    }
}
