//! An open session: relays between its viewer and its console, and reconnects where the console is lost.

use std::time::Duration;

use console::host_link::OpenConsole;
use console::slots::Slot;
use dialect::Dialogue;
use reconnect::{Backoff, WatchedVm};
use tokio::time::Instant;

use crate::entrance::Entrance;
use crate::gap;
use crate::registry::{SessionInfo, SessionSlot};
use crate::relay::{RelayEnd, ViewerPolicy, relay};
use crate::session_log;
use crate::viewer_link::ViewerLink;

/// How long a console has to be open for the next one to be opened at once where it is lost.
const STABLE: Duration = Duration::from_secs(5);

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

    /// Relays until the session ends, or its console is lost and not opened again. An `Err` is a console that is not open yet.
    pub(crate) async fn relay(
        &mut self,
        console: Result<Box<OpenConsole>, console::Error>,
        session: &SessionInfo,
        entrance: &Entrance,
    ) -> EndedConsole {
        let mut console = match console {
            Ok(console) => {
                session_log::opened(session, &console.link.address);
                console
            }
            Err(error) => {
                session_log::waits(session, &error);
                match Box::pin(gap::arrive(self, error, session, entrance)).await {
                    Ok(console) => console,
                    Err(ended) => return ended,
                }
            }
        };
        loop {
            let begun = Instant::now();
            let ended = self.relay_to(console, session, entrance).await;
            // A console that is lost again at once is opened again later each time.
            self.backoff = match begun.elapsed() < STABLE {
                true => self.backoff.lost_soon(),
                false => Backoff::default(),
            };
            // Boxed: needed only where a console is lost.
            match Box::pin(gap::reconnect(self, ended, session, entrance)).await {
                Ok(again) => console = again,
                Err(ended) => return ended,
            }
        }
    }

    async fn relay_to(
        &mut self,
        console: Box<OpenConsole>,
        session: &SessionInfo,
        entrance: &Entrance,
    ) -> EndedConsole {
        let OpenConsole {
            link,
            slot: host_slot,
            watch,
        } = *console;
        let identity = session.parties().vm.clone();
        let mut vm = WatchedVm::new(&entrance.console.dialer, identity, watch);
        let Self {
            viewer,
            dialogue,
            policy,
            ..
        } = self;
        let relaying = relay(viewer, link, dialogue.as_mut(), *policy, session);
        let log_change = |state| session_log::vm_changed(session, state);
        let changes = Box::pin(WatchedVm::each_change(&mut vm, log_change));
        let end = tokio::select! {
            ended = relaying => ended,
            never = changes => match never {},
        };
        EndedConsole { end, vm, host_slot }
    }
}
