//! How a session at full speed leaves the thread to the others.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use console::tls_session;
use tokio::task::yield_now;

/// How much may go to one viewer in one turn, before the read that exceeds it: most reads at full speed are a turn, which is
/// a fraction of a millisecond's work.
const TURN: usize = tls_session::READ / 2;

thread_local! {
    /// How many turns have ended on this thread.
    static ENDED: Cell<u64> = const { Cell::new(0) };
}

/// The turn of one session.
#[derive(Default)]
pub(super) struct Turn {
    taken: usize,
    /// How many turns had ended on the thread when the last one of this session had.
    ended: u64,
    /// Whether others had ended turns between the last two of this session: who yields last may well run first.
    had_company: bool,
}

impl Turn {
    /// So much more went to the viewer. Where that is enough, everybody else who is ready runs first.
    ///
    /// Where other sessions have ended turns meanwhile, the thread also asks the kernel who else is ready, once all of them
    /// have had theirs. A session that is alone does not pay for that: the thread asks every so many turns anyway.
    pub(super) async fn took(&mut self, count: usize) {
        self.taken += count;
        if self.taken < TURN {
            return;
        }
        self.taken = 0;
        let before = std::mem::replace(&mut self.ended, ENDED.get().wrapping_add(1));
        ENDED.set(self.ended);
        let has_company = self.ended != before.wrapping_add(1);
        match std::mem::replace(&mut self.had_company, has_company) || has_company {
            true => yield_now().await,
            false => to_the_end_of_the_queue().await,
        }
    }
}

async fn to_the_end_of_the_queue() {
    let mut over = false;
    poll_fn(|context| {
        if std::mem::replace(&mut over, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
