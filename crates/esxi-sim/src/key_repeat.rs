//! Typematic repeat of held keys, on desktops that have it ([`Quirks::key_repeat`](crate::Quirks::key_repeat)).

use std::sync::Arc;

use tokio::time::sleep_until;

use crate::host_state::HostState;
use crate::inventory::vm::{Display, Vm};

/// Repeats the key that is held on the desktop of `vm`, until the host stops.
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
            // Cannot fail: `vm` owns the sender.
            _ = changes.changed() => {}
            () = state.stop.cancelled() => return,
        }
    }
}
