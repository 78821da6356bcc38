//! What became of a VM whose console was lost, as its vSphere says.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use console::dialer::Dialer;
use console::identity::VmIdentity;
use console::upstream::Upstream;
use tokio::time::{Instant, sleep_until};
use tracing::debug;
use vsphere::{Client, ConnectionState, Power, VmState, Watch};

/// How long vSphere may take to report a change. Consoles are assumed to end before the API has the VM's new state; neither
/// order was observed on a real host.
const REPORT_TIMEOUT: Duration = Duration::from_secs(2);

/// The difference between a VM with a console and the same VM after its console was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VmChange {
    /// It was powered off.
    PoweredOff,
    /// It was suspended.
    Suspended,
    /// It runs on another host than when its console was opened.
    Moved,
    /// It was deleted or unregistered.
    Deleted,
    /// vCenter has lost its host.
    HostDisconnected,
    /// The host has lost the VM, or cannot read its files.
    Inaccessible(ConnectionState),
    /// It is on, on the same host.
    None,
}

impl VmChange {
    /// The change from a VM that was on, on `host`, to `state`.
    fn to(state: &VmState, host: Option<&str>) -> Self {
        let hosts = host.zip(state.host_moref.as_deref());
        let is_elsewhere = hosts.is_some_and(|(before, now)| before != now);
        match (state.connection, state.power) {
            _ if state.gone => Self::Deleted,
            (Some(ConnectionState::Disconnected), _) => Self::HostDisconnected,
            (Some(other), _) if other != ConnectionState::Connected => Self::Inaccessible(other),
            (_, Some(Power::Off)) => Self::PoweredOff,
            (_, Some(Power::Suspended)) => Self::Suspended,
            _ if is_elsewhere => Self::Moved,
            _ => Self::None,
        }
    }
}

/// A VM while its console is open.
pub struct WatchedVm {
    upstream: Arc<Upstream>,
    moref: String,
    watch: Watch,
    /// The managed object id of its host when the console was opened, once that is known.
    host: Option<String>,
}

impl WatchedVm {
    /// The VM behind a console that has just been opened; `None` at a URL. Boxed: keeps the open session small.
    pub fn new(
        dialer: &Dialer,
        identity: Option<VmIdentity>,
        watch: Option<Watch>,
    ) -> Option<Box<Self>> {
        Some(Box::new(Self {
            upstream: Arc::clone(dialer.upstream()?),
            moref: identity?.moref,
            watch: watch?,
            host: None,
        }))
    }

    /// Calls `report` with each state that vSphere reports. Never returns, and may be dropped at any time.
    pub async fn each_change(vm: &mut Option<Box<Self>>, report: impl Fn(VmState)) -> Infallible {
        let Some(vm) = vm else {
            return std::future::pending().await;
        };
        loop {
            let state = vm.watch.changed().await;
            if vm.host.is_none() {
                vm.host.clone_from(&state.host_moref);
            }
            report(state);
        }
    }

    /// A VM whose console is not open.
    pub fn without_console(upstream: &Arc<Upstream>, moref: &str) -> Box<Self> {
        Box::new(Self {
            watch: upstream.client().watch(moref),
            upstream: Arc::clone(upstream),
            moref: moref.to_owned(),
            host: None,
        })
    }

    /// The API of its vSphere.
    pub(crate) fn client(&self) -> &Client {
        self.upstream.client()
    }

    /// Its managed object id.
    pub(crate) fn moref(&self) -> &str {
        &self.moref
    }

    /// The last state that vSphere has reported.
    pub fn state(&self) -> VmState {
        self.watch.state()
    }

    /// Waits for a state that was not waited for yet. Cancel safe.
    pub async fn changed(&mut self) -> VmState {
        self.watch.changed().await
    }

    /// The change since the console was opened, as far as vSphere has reported it.
    pub fn change_so_far(&self) -> VmChange {
        VmChange::to(&self.watch.state(), self.host.as_deref())
    }

    /// What became of the VM; `None` where vSphere does not say. Takes two seconds at most: reads the VM's state once,
    /// and waits for an update as long as nothing has changed.
    pub async fn change(&mut self) -> Option<VmChange> {
        let until = Instant::now() + REPORT_TIMEOUT;
        let Self {
            upstream,
            moref,
            watch,
            host,
        } = self;
        let mut refresh = pin!(upstream.client().refresh(moref, until));
        let mut is_current = false;
        loop {
            match VmChange::to(&watch.state(), host.as_deref()) {
                VmChange::None => {}
                change => return Some(change),
            }
            tokio::select! {
                refreshed = &mut refresh, if !is_current => match refreshed {
                    Ok(()) => is_current = true,
                    Err(error) => {
                        debug!(%error, "the VM's state cannot be read");
                        return None;
                    }
                },
                _ = watch.changed() => {}
                () = sleep_until(until) => return is_current.then_some(VmChange::None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_is_the_difference_that_explains_the_end_best() {
        let state = |power, connection, host: &str| VmState {
            power: Some(power),
            connection: Some(connection),
            host_moref: Some(host.into()),
            gone: false,
        };
        use ConnectionState::{Connected, Disconnected, Orphaned};
        for (now, change) in [
            (state(Power::On, Connected, "a"), VmChange::None),
            (state(Power::On, Connected, "b"), VmChange::Moved),
            (state(Power::Off, Connected, "b"), VmChange::PoweredOff),
            (state(Power::Suspended, Connected, "a"), VmChange::Suspended),
            // vCenter keeps the last power state of a host that it has lost.
            (
                state(Power::On, Disconnected, "a"),
                VmChange::HostDisconnected,
            ),
            (
                state(Power::Off, Orphaned, "a"),
                VmChange::Inaccessible(Orphaned),
            ),
            (VmState::default(), VmChange::None),
        ] {
            assert_eq!(VmChange::to(&now, Some("a")), change, "{now:?}");
        }
        let gone = VmState {
            gone: true,
            ..state(Power::On, Connected, "a")
        };
        assert_eq!(VmChange::to(&gone, Some("a")), VmChange::Deleted);
        // Where the VM was before is unknown, so another host is not a change.
        let elsewhere = state(Power::On, Connected, "b");
        assert_eq!(VmChange::to(&elsewhere, None), VmChange::None);
        assert_eq!(VmChange::to(&VmState::default(), None), VmChange::None);
    }
}
