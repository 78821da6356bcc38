//! The viewer's side of a gap: a line over the last picture that says what is waited for.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::hostless_viewer::{HostlessViewer, ViewerEnd};
use crate::status::Status;

/// Draws the line and keeps it current until the sender of `status` is dropped. Drop this earlier only if nothing more is
/// sent to the viewer: a message may have been sent in part.
///
/// `vm` is the console's name, and `begun` when it was lost.
///
/// # Errors
/// The viewer has left, has sent invalid RFB, or has received a part of something that cannot be completed.
pub async fn wait<V: AsyncRead + AsyncWrite + Unpin>(
    viewer: &mut HostlessViewer<'_, V>,
    vm: &str,
    mut status: watch::Receiver<Status>,
    begun: Instant,
) -> Result<(), ViewerEnd> {
    viewer.complete().await?;
    let mut shown = String::new();
    loop {
        let since = begun.elapsed();
        let line = status.borrow_and_update().line(vm, since);
        if line != shown && viewer.show(&line).await? {
            shown = line;
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
