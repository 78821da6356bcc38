//! The repetition of held keys, on every desktop that is in the mood for it.

use std::sync::Arc;

use tokio::time::sleep_until;

use crate::host_state::HostState;
use crate::inventory::vm::{Display, Vm};

/// Repeats what is held down on the desktop of `vm` until the state stops.
pub(crate) async fn run(state: Arc<HostState>, vm: Arc<Vm>) {
    let Display::Desktop(desktop) = &vm.display else {
        return;
    };
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
            // The sender lives as long as the desktop.
            _ = changes.changed() => {}
            () = state.stop.cancelled() => return,
        }
    }
}
