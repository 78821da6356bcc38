//! The clock that desktops show.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::desktop::Desktop;

/// Updates the time of day (UTC) on those of `desktops` that have a clock, each second, until `stop`.
pub(crate) async fn run(desktops: Vec<Arc<Desktop>>, stop: CancellationToken) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = seconds.tick() => show(&desktops),
            () = stop.cancelled() => return,
        }
    }
}

fn show(desktops: &[Arc<Desktop>]) {
    let time = time_of_day(SystemTime::now());
    for desktop in desktops.iter().filter(|desktop| desktop.has_clock) {
        desktop.show_clock(&time);
    }
}

fn time_of_day(moment: SystemTime) -> String {
    let second = moment
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
        % 86_400;
    format!(
        "{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_is_written_with_two_digits_each() {
        let moment = UNIX_EPOCH + Duration::from_secs(3 * 86_400 + 23 * 3600 + 5 * 60 + 9);
        assert_eq!(time_of_day(moment), "23:05:09");
    }
}
