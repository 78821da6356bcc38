//! Typematic repeat of held keys, on desktops that have it ([`Quirks::key_repeat`](crate::Quirks::key_repeat)).

use std::sync::Arc;

use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::desktop::Desktop;

/// Repeats the key that is held on `desktop`, until `stop`.
pub(crate) async fn run(desktop: Arc<Desktop>, stop: CancellationToken) {
    let mut changes = desktop.watch();
    loop {
        changes.mark_unchanged();
        let due = desktop.repeat_due();
        let repeat = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = repeat => desktop.repeat(),
            // Cannot fail: `desktop` owns the sender.
            _ = changes.changed() => {}
            () = stop.cancelled() => return,
        }
    }
}
