//! What belongs to an open session and to its console.

use console::slots::Slot;
use dialect::Dialogue;
use reconnect::{Backoff, WatchedVm};

use crate::registry::SessionSlot;
use crate::relay::{RelayEnd, ViewerPolicy};
use crate::viewer_link::ViewerLink;

/// What of a session outlives its console.
pub(crate) struct OpenSession {
    pub(crate) viewer: ViewerLink,
    /// `None` where RFB is relayed unparsed.
    pub(crate) dialogue: Option<Dialogue>,
    pub(crate) policy: ViewerPolicy,
    pub(crate) slot: SessionSlot,
    /// Grows where the console is lost again soon.
    pub(crate) backoff: Backoff,
}

/// What remains of a console whose relay has ended.
pub(crate) struct EndedConsole {
    pub(crate) end: RelayEnd,
    /// `None` at a URL.
    pub(crate) vm: Option<Box<WatchedVm>>,
    /// Kept until the host's connection is closed: the host counts that one.
    pub(crate) host_slot: Option<Slot>,
}

impl OpenSession {
    /// For a viewer that has logged in. `reconnects`: where its console is lost, it may be opened again.
    pub(crate) fn new(
        viewer: ViewerLink,
        policy: ViewerPolicy,
        slot: SessionSlot,
        reconnects: bool,
    ) -> Self {
        let dialogue = policy.input_settings.map(|input_settings| {
            let mut dialogue = Dialogue::new(input_settings, policy.view_only, policy.host);
            if reconnects {
                dialogue.hold_rectangles();
            }
            dialogue
        });
        Self {
            viewer,
            dialogue,
            policy,
            slot,
            backoff: Backoff::default(),
        }
    }
}
