//! The state that all tasks of a running host share.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api_tasks::ApiTasks;
use crate::certificate::Identity;
use crate::counts::Counters;
use crate::datastore::Datastore;
use crate::inventory::Inventory;
use crate::inventory::vm::Vm;
use crate::kind::Kind;
use crate::misbehaviour::MisbehaviourQueue;
use crate::power::Power;
use crate::screenshots::Screenshots;
use crate::sessions::Sessions;
use crate::ticket_shape::TicketShape;
use crate::tickets::Tickets;

/// The state of a host.
pub(crate) struct HostState {
    pub(crate) username: String,
    pub(crate) password: SecretString,
    pub(crate) inventory: Inventory,
    pub(crate) sessions: Sessions,
    pub(crate) tickets: Tickets<Arc<Vm>>,
    pub(crate) counters: Counters,
    pub(crate) misbehaviours: MisbehaviourQueue,
    /// The status of the next refusals by `/sdk`, and how many are left.
    pub(crate) sdk_refusal: Mutex<(u16, u32)>,
    pub(crate) ticket_shape: Mutex<TicketShape>,
    pub(crate) datastore: Datastore,
    pub(crate) api_tasks: ApiTasks,
    pub(crate) screenshots: Mutex<Screenshots>,
    /// The status with which `/screen` refuses requests.
    pub(crate) screen_refusal: Mutex<Option<u16>>,
    /// How long `/screen` takes.
    pub(crate) screen_delay: Mutex<Duration>,
    /// The address and certificate that tickets name.
    pub(crate) console_address: SocketAddr,
    pub(crate) console_identity: Arc<Identity>,
    /// The seed of the next console's message splitter.
    pub(crate) next_seed: AtomicU64,
    /// Notified when something changed that a property collector may be waiting for.
    pub(crate) changes: watch::Sender<()>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl HostState {
    /// Takes one refusal by `/sdk`, if any is left: its status.
    pub(crate) fn take_sdk_refusal(&self) -> Option<u16> {
        let mut refusal = self
            .sdk_refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (status, times) = &mut *refusal;
        *times = times.checked_sub(1)?;
        Some(*status)
    }

    /// The status with which `/screen` refuses requests, if it does.
    pub(crate) fn screen_refusal(&self) -> Option<u16> {
        *self
            .screen_refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn screen_delay(&self) -> Duration {
        *self
            .screen_delay
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn screenshots(&self) -> Screenshots {
        self.screenshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Any state but on closes the consoles with code 1001, which is a guess (`docs/webmks.md` 2.6).
    pub(crate) fn set_power(&self, vm: &Vm, power: Power) {
        vm.power.send_replace(power);
        if power != Power::On {
            vm.connections.drop_all();
        }
        self.changes.send_replace(());
    }

    pub(crate) fn is_esxi(&self) -> bool {
        self.inventory.kind == Kind::Esxi
    }

    pub(crate) fn ticket_shape(&self) -> TicketShape {
        self.ticket_shape
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
