//! Cooperative scheduling: a session that transfers at full speed yields to the others on its thread.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use console::tls_session;
use tokio::task::yield_now;

/// Bytes per turn: at full speed most reads exceed it, so that a turn is one read, a fraction of a millisecond's work.
const TURN: usize = tls_session::READ / 2;

thread_local! {
    /// Turns that have ended on this thread.
    static ENDED: Cell<u64> = const { Cell::new(0) };
}

/// The turn of one session.
#[derive(Default)]
pub(super) struct Turn {
    bytes: usize,
    /// The thread's count when this session's last turn ended.
    ended: u64,
    /// Whether other sessions ended turns between the last two of this session. Kept for one more turn, since the session
    /// that yields last may run first.
    had_others: bool,
}

impl Turn {
    /// Counts bytes for the viewer, and yields when the turn is over.
    ///
    /// Where other sessions have ended turns meanwhile, tokio's `yield_now` has the thread poll the I/O driver before the
    /// session runs again. A session that is alone only wakes itself, which costs no system call: the runtime polls the
    /// driver every `event_interval` anyway.
    pub(super) async fn add(&mut self, count: usize) {
        self.bytes += count;
        if self.bytes < TURN {
            return;
        }
        self.bytes = 0;
        let before = std::mem::replace(&mut self.ended, ENDED.get().wrapping_add(1));
        ENDED.set(self.ended);
        let has_others = self.ended != before.wrapping_add(1);
        match std::mem::replace(&mut self.had_others, has_others) || has_others {
            true => yield_now().await,
            false => requeue().await,
        }
    }
}

async fn requeue() {
    let mut polled = false;
    poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
