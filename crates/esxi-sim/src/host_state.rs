//! What all tasks of a running host share.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

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
use crate::misbehaviour::MisbehaviourQueue;
use crate::screenshots::Screenshots;
use crate::sessions::Sessions;
use crate::settings::{Kind, TicketShape};
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
    /// The status with which `/sdk` refuses requests, and how many more.
    pub(crate) sdk_refusal: Mutex<(u16, u32)>,
    pub(crate) ticket_shape: Mutex<TicketShape>,
    pub(crate) datastore: Datastore,
    pub(crate) api_tasks: ApiTasks,
    pub(crate) screenshots: Mutex<Screenshots>,
    /// The status with which `/screen` is refused, where it is.
    pub(crate) screen_refusal: Mutex<Option<u16>>,
    /// Where consoles are served, and with which certificate.
    pub(crate) console_address: SocketAddr,
    pub(crate) console_identity: Arc<Identity>,
    /// The seed of the next console's cutter.
    pub(crate) next_seed: AtomicU64,
    /// Ticks whenever something has changed that a property collector may be waiting for.
    pub(crate) changes: watch::Sender<()>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl HostState {
    /// The status with which this request to `/sdk` is refused, if it is.
    pub(crate) fn take_sdk_refusal(&self) -> Option<u16> {
        let mut refusal = self
            .sdk_refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (status, times) = &mut *refusal;
        *times = times.checked_sub(1)?;
        Some(*status)
    }

    /// The status with which `/screen` is refused, if it is.
    pub(crate) fn screen_refusal(&self) -> Option<u16> {
        *self
            .screen_refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn screenshots(&self) -> Screenshots {
        self.screenshots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
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
