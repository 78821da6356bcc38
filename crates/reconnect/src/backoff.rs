//! The time between two attempts.

use std::time::Duration;

/// Before the second attempt.
const SECOND: Duration = Duration::from_millis(250);

/// The longest time before the first attempt.
const LOST_SOON: Duration = Duration::from_secs(1);

/// The longest time.
const LONGEST: Duration = Duration::from_secs(10);

/// No time before the first attempt, and twice as long before each after the second. Each is shortened at random by up to a half, so that sessions that lost their
/// consoles together do not try again together.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    next: Duration,
}

impl Backoff {
    /// For a console that was opened after this time, and lost again soon.
    pub fn lost_soon(&self) -> Self {
        Self {
            next: (self.next * 2).clamp(SECOND, LOST_SOON),
        }
    }

    /// How long to wait before the next attempt; each value of `random` is equally likely.
    pub(crate) fn delay(&mut self, random: u32) -> Duration {
        let longest = self.next;
        self.next = (longest * 2).clamp(SECOND, LONGEST);
        longest.mul_f64(1.0 - f64::from(random) / f64::from(u32::MAX) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_ten_seconds_and_are_shortened_by_half_at_most() {
        let delays = |random| {
            let mut backoff = Backoff::default();
            [(); 9].map(|()| backoff.delay(random).as_millis())
        };
        assert_eq!(
            delays(0),
            [0, 250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]
        );
        assert_eq!(
            delays(u32::MAX),
            [0, 125, 250, 500, 1000, 2000, 4000, 5000, 5000]
        );
    }
}
