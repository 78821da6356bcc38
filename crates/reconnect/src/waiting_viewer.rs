//! The viewer's side of a gap: a line over the last picture that says what is waited for.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use crate::hostless_viewer::{Drawn, HostlessViewer, ViewerEnd};
use crate::status::Status;

/// How long a line must have offered something before Enter takes it: what was typed for the guest is not meant.
const OFFERED: Duration = Duration::from_secs(2);

/// Draws the line and keeps it current until the sender of `status` is dropped. Drop this earlier only if nothing more is
/// sent to the viewer: a message may have been sent in part.
///
/// `vm` is the console's name, and `begun` when it was lost. `entered` is notified where the viewer presses Enter after a
/// line that offers it has been there for two seconds.
///
/// # Errors
/// The viewer has left, has sent invalid RFB, or has received a part of something that cannot be completed.
pub async fn wait<V: AsyncRead + AsyncWrite + Unpin>(
    viewer: &mut HostlessViewer<'_, V>,
    vm: &str,
    mut status: watch::Receiver<Status>,
    begun: Instant,
    entered: &Notify,
) -> Result<(), ViewerEnd> {
    viewer.complete().await?;
    let mut shown = String::new();
    let mut offered = None;
    loop {
        let since = begun.elapsed();
        let now = *status.borrow_and_update();
        let line = now.line(vm, since);
        if line != shown && viewer.show(&line).await? == Drawn::Now {
            shown = line;
            offered = now
                .offers_power_on()
                .then(|| offered.unwrap_or_else(Instant::now));
        }
        let has_entered = viewer.take_entered();
        if has_entered && offered.is_some_and(|offered| offered.elapsed() >= OFFERED) {
            // Nothing is kept for an offer that has ended meanwhile.
            entered.notify_waiters();
        }
        let next_second = begun + Duration::from_secs(since.as_secs() + 1);
        tokio::select! {
            received = viewer.receive() => received?,
            changed = status.changed() => match changed {
                Ok(()) => {}
                Err(_) => return Ok(()),
            },
            () = sleep_until(next_second) => {}
        }
    }
}
