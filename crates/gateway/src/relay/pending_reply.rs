//! The reply to ESXi that is pending, a Pong or a Close: one slot, the newest wins.

use bytes::Bytes;
use tokio::sync::watch;
use ws_proto::Close;

/// Found to be due by `to_viewer`, sent by `to_host`.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Only the latest ping must be answered (RFC 6455 section 5.5.3).
    Pong(Bytes),
    /// Nothing is sent after it (RFC 6455 section 5.5.1).
    Close(Close),
}

/// The slot. A Close in it is not replaced by a Pong.
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

    /// A receiver that also gets a reply that was pending before.
    pub(super) fn replies(&self) -> ReplyReceiver {
        let mut slot = self.0.subscribe();
        slot.mark_changed();
        ReplyReceiver(slot)
    }
}

/// The sending direction's end of the slot.
pub(super) struct ReplyReceiver(watch::Receiver<Option<Reply>>);

impl ReplyReceiver {
    /// The next reply. Cancel safe.
    pub(super) async fn next(&mut self) -> Reply {
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
