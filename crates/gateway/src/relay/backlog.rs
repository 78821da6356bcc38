//! What a viewer has sent and the host is not to hear yet: from the first key for which it is not known how the host takes
//! keys, until all that waited has gone, at the pace at which it came.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How long a viewer's first key may wait for ESXi to say how it takes keys. Most viewers ask for a picture before anybody
/// types, and its first part ends the wait.
const UNSURE: Duration = Duration::from_millis(500);

/// Reads less apart than this go as one, which bounds how many are remembered.
const TICK: Duration = Duration::from_millis(5);

/// Which bytes of a buffer wait, and when each of them came. A session that waits for nothing holds no room for it.
#[derive(Debug, Default)]
pub(super) struct Backlog(Option<Box<Waiting>>);

#[derive(Debug)]
struct Waiting {
    reads: VecDeque<Read>,
    /// When the first of them is to go, whatever the host says until then.
    due: Instant,
    /// When what waited was let go. What has come since then goes at twice its pace, until nothing waits any more.
    released: Option<Instant>,
}

#[derive(Debug)]
struct Read {
    /// How far the buffer was filled by it.
    end: usize,
    came: Instant,
}

impl Backlog {
    /// Whether anything waits.
    pub(super) const fn waits(&self) -> bool {
        self.0.is_some()
    }

    /// The buffer is filled up to `end` since `now`, and that waits.
    pub(super) fn push(&mut self, end: usize, now: Instant) {
        let waiting = self.0.get_or_insert_with(|| {
            Box::new(Waiting {
                reads: VecDeque::new(),
                due: now + UNSURE,
                released: None,
            })
        });
        match waiting.reads.back_mut() {
            Some(last) if now.saturating_duration_since(last.came) < TICK => last.end = end,
            _ => waiting.reads.push_back(Read { end, came: now }),
        }
    }

    /// When the first of what waits is to go; `None` where nothing waits.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.as_ref().map(|waiting| waiting.due)
    }

    /// What waits may go from `now` on.
    pub(super) fn release(&mut self, now: Instant) {
        if let Some(waiting) = &mut self.0
            && waiting.released.is_none()
        {
            waiting.due = now;
            waiting.released = Some(now);
        }
    }

    /// Takes out the first of what waits: how far the buffer is filled by it.
    pub(super) fn pop(&mut self, now: Instant) -> Option<usize> {
        self.release(now);
        let waiting = self.0.as_mut()?;
        let first = waiting.reads.pop_front()?;
        match waiting.reads.front() {
            None => self.0 = None,
            Some(next) => {
                let gap = next.came.saturating_duration_since(first.came);
                let is_late = waiting.released.is_some_and(|at| next.came > at);
                waiting.due = now + if is_late { gap / 2 } else { gap };
            }
        }
        Some(first.end)
    }

    /// The first `count` bytes of the buffer have gone.
    pub(super) fn went(&mut self, count: usize) {
        for read in self.0.iter_mut().flat_map(|waiting| &mut waiting.reads) {
            read.end = read.end.saturating_sub(count);
        }
    }
}
