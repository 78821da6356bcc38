//! Delays a viewer's input from its first key until the host has said whether it takes QEMU key events, then releases it
//! with the original time between the reads.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The longest such delay. Most viewers request an update before the user types, and its first rectangle ends the delay.
const MAX_DELAY: Duration = Duration::from_millis(500);

/// Reads closer together than this are merged, which bounds the queue.
const MERGE_WITHIN: Duration = Duration::from_millis(5);

/// Which bytes of the read buffer are delayed, and when each of them was received. Boxed: most sessions delay nothing.
#[derive(Debug, Default)]
pub(super) struct Backlog(Option<Box<Waiting>>);

#[derive(Debug)]
struct Waiting {
    reads: VecDeque<Read>,
    /// When the first of them is sent at the latest.
    due: Instant,
    /// When the host answered. Reads received since then go with half the time between them, so that the queue empties.
    released: Option<Instant>,
}

#[derive(Debug)]
struct Read {
    /// Where it ends in the buffer.
    end: usize,
    received: Instant,
}

impl Backlog {
    pub(super) const fn is_waiting(&self) -> bool {
        self.0.is_some()
    }

    /// Delays the buffer up to `end`, whose last part was received at `now`.
    pub(super) fn push(&mut self, end: usize, now: Instant) {
        let waiting = self.0.get_or_insert_with(|| {
            Box::new(Waiting {
                reads: VecDeque::new(),
                due: now + MAX_DELAY,
                released: None,
            })
        });
        match waiting.reads.back_mut() {
            Some(last) if now.saturating_duration_since(last.received) < MERGE_WITHIN => {
                last.end = end
            }
            _ => waiting.reads.push_back(Read { end, received: now }),
        }
    }

    /// When the first read is sent; `None` where there is none.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.as_ref().map(|waiting| waiting.due)
    }

    /// Lets the delayed reads go from `now` on.
    pub(super) fn release(&mut self, now: Instant) {
        if let Some(waiting) = &mut self.0
            && waiting.released.is_none()
        {
            waiting.due = now;
            waiting.released = Some(now);
        }
    }

    /// Removes the first read, and returns where it ends in the buffer.
    pub(super) fn pop(&mut self, now: Instant) -> Option<usize> {
        self.release(now);
        let waiting = self.0.as_mut()?;
        let first = waiting.reads.pop_front()?;
        match waiting.reads.front() {
            None => self.0 = None,
            Some(next) => {
                let gap = next.received.saturating_duration_since(first.received);
                let is_late = waiting.released.is_some_and(|at| next.received > at);
                waiting.due = now + if is_late { gap / 2 } else { gap };
            }
        }
        Some(first.end)
    }

    /// Moves the positions: the first `count` bytes of the buffer were consumed.
    pub(super) fn consume(&mut self, count: usize) {
        for read in self.0.iter_mut().flat_map(|waiting| &mut waiting.reads) {
            read.end = read.end.saturating_sub(count);
        }
    }
}
