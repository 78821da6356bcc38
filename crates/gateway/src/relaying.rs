//! An open session: relays between its viewer and its console, and reconnects where the console is lost.

use std::time::Duration;

use console::host_link::OpenConsole;
use reconnect::{Backoff, WatchedVm};
use tokio::time::Instant;

use crate::entrance::Entrance;
use crate::gap;
use crate::open_session::{EndedConsole, OpenSession};
use crate::registry::SessionInfo;
use crate::relay::relay;
use crate::session_log;

/// How long a console has to be open for the next one to be opened at once where it is lost.
const STABLE: Duration = Duration::from_secs(5);

impl OpenSession {
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
