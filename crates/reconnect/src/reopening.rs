//! Opens a lost console again.

use std::sync::Arc;
use std::time::Duration;

use console::dialer::{Dialer, TimeLimit};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{debug, info, warn};
use vsphere::{ConnectionState, Power, PowerAction, VmState};

use crate::backoff::Backoff;
use crate::gave_up::GaveUp;
use crate::new_console::NewConsole;
use crate::ramp::Ramp;
use crate::status::Status;
use crate::vm_change::{VmChange, WatchedVm};

/// The longest attempt: shorter than for a new session, since the next one may find the host back.
const ATTEMPT: Duration = Duration::from_secs(10);

/// What is needed to open a lost console again.
pub struct Reopening {
    /// Names the VM by its managed object id: another VM that has its name by now is not meant.
    pub dialer: Dialer,
    /// The VM whose console was lost.
    pub vm: Box<WatchedVm>,
    /// Shared by all sessions.
    pub ramp: Ramp,
    /// The time before the next attempt.
    pub backoff: Backoff,
    /// How long vSphere and the host may take for a new session.
    pub handshake_timeout: Duration,
    /// How long the console is waited for.
    pub reconnect_for: Duration,
    /// Notified where the viewer wants the VM powered on; `None` where it may not.
    pub power_on: Option<Arc<Notify>>,
}

impl Reopening {
    /// Waits for the VM and opens its console. What is waited for goes to `status`, which is dropped at the end. May be
    /// dropped at any time.
    ///
    /// # Errors
    /// [`GaveUp`]: the console will not come back, or not in time.
    pub async fn run(mut self, status: watch::Sender<Status>) -> Result<NewConsole, GaveUp> {
        let within = self.reconnect_for;
        let until = Instant::now() + within;
        let mut last = None;
        let opened = timeout_at(until, self.open(&status, &mut last)).await;
        opened.unwrap_or(Err(GaveUp::TooLong { within, last }))
    }

    async fn open(
        &mut self,
        status: &watch::Sender<Status>,
        last: &mut Option<&'static str>,
    ) -> Result<NewConsole, GaveUp> {
        loop {
            let delay = self.backoff.delay(getrandom::u32().unwrap_or_default());
            tokio::select! {
                () = sleep(delay) => {}
                _ = self.vm.changed() => {}
            }
            self.wait_until_on(status).await?;
            let error = match self.attempt().await {
                Ok(console) => return Ok(console),
                Err(error) => error,
            };
            debug!(%error, "the console cannot be opened again");
            let error = match GaveUp::refused(error) {
                Ok(refused) => return Err(refused),
                Err(error) => error,
            };
            // What became of the VM explains more than that it has no console.
            let change = self
                .vm
                .change()
                .await
                .filter(|change| *change != VmChange::None);
            *last = Some(error.for_viewer());
            show(
                status,
                change.map_or_else(|| Status::Failed(error.for_viewer()), Status::Vm),
            );
        }
    }

    /// Returns where the VM is on and its host connected, as far as its vSphere has said; waits for a change otherwise.
    async fn wait_until_on(&mut self, status: &watch::Sender<Status>) -> Result<(), GaveUp> {
        loop {
            let state = self.vm.state();
            if state.gone {
                return Err(GaveUp::Deleted);
            }
            if may_have_console(&state) {
                return Ok(());
            }
            if state.connection.is_none_or(is_connected) && self.may_power_on().await {
                self.offer_power_on(status).await;
            } else {
                show(status, Status::Vm(self.vm.change_so_far()));
                self.vm.changed().await;
            }
        }
    }

    /// Whether the viewer may power the VM on and the account has the privilege.
    async fn may_power_on(&mut self) -> bool {
        if self.power_on.is_none() {
            return false;
        }
        let privilege = [PowerAction::On.privilege()];
        let may = self.vm.client().may(self.vm.moref(), &privilege).await;
        // Where there is no such check, the attempt tells.
        may.map_or(true, |may| may.iter().all(|may| *may))
    }

    /// Waits for Enter, or for a change of the VM; powers it on.
    async fn offer_power_on(&mut self, status: &watch::Sender<Status>) {
        let Some(entered) = self.power_on.clone() else {
            return;
        };
        show(status, Status::PressEnter);
        tokio::select! {
            () = entered.notified() => {}
            _ = self.vm.changed() => return,
        }
        show(status, Status::PoweringOn);
        info!("the viewer powers the VM on");
        match self
            .vm
            .client()
            .power(self.vm.moref(), PowerAction::On)
            .await
        {
            Ok(()) => {
                let until = Instant::now() + ATTEMPT;
                let _ = self.vm.client().refresh(self.vm.moref(), until).await;
            }
            Err(error) => {
                warn!(%error, "the VM cannot be powered on");
                // Not offered again: it would fail again.
                self.power_on = None;
            }
        }
    }

    async fn attempt(&self) -> Result<NewConsole, console::Error> {
        let vsphere = self
            .dialer
            .upstream()
            .map(|upstream| upstream.client().name());
        let host = self.vm.state().host_moref;
        let _place = self
            .ramp
            .enter(vsphere.unwrap_or_default(), host.as_deref())
            .await;
        let limit = TimeLimit::of(self.handshake_timeout.min(ATTEMPT));
        let console = self.dialer.dial(limit, &|_| {}).await?;
        let entered = timeout_at(limit.deadline(), NewConsole::enter(console)).await;
        entered.unwrap_or_else(|_| Err(self.dialer.host_timeout(limit)))
    }
}

/// Whether the VM may have a console, as far as is known.
fn may_have_console(state: &VmState) -> bool {
    let is_on = state.power.is_none_or(|power| power == Power::On);
    is_on && state.connection.is_none_or(is_connected)
}

fn is_connected(connection: ConnectionState) -> bool {
    connection == ConnectionState::Connected
}

fn show(to: &watch::Sender<Status>, status: Status) {
    to.send_if_modified(|shown| std::mem::replace(shown, status) != status);
}
