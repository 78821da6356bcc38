//! A listener with its logins and limits, and the console that may be behind it.

use std::net::SocketAddr;
use std::sync::Arc;

use console::dialer::Dialer;
use console::identity::VmIdentity;
use ipnet::IpNet;
use tokio_util::task::task_tracker::TaskTrackerToken;
use vsphere::Vm;

use crate::login::rights::Named;
use crate::registry::ConsoleKey;
use crate::settings::auth::Auth;
use crate::settings::limits::Limits;
use crate::shared::Shared;
use dialect::{Habits, HostKind};

/// Where viewers connect. Which console they get is known once they are judged.
pub(crate) struct Entrance {
    /// The address that was configured.
    pub(crate) listen: SocketAddr,
    /// From which networks viewers may come; empty where that does not matter.
    pub(crate) allow: Vec<IpNet>,
    /// How they log in.
    pub(crate) auth: Auth,
    /// What bounds the whole gateway.
    pub(crate) limits: Arc<Limits>,
    /// What it shares with the other entrances.
    pub(crate) shared: Shared,
    /// The console behind it.
    pub(crate) console: Arc<ServedConsole>,
}

/// A console on which sessions are opened.
pub(crate) struct ServedConsole {
    /// As the configuration, the log and the users file name it.
    pub(crate) name: String,
    /// What counts as the same console until its VM is looked up.
    pub(crate) key: ConsoleKey,
    /// The way there.
    pub(crate) dialer: Dialer,
    /// Keys, pointer and clipboard go nowhere.
    pub(crate) view_only: bool,
    /// Whether a viewer that asks for the console alone gets it.
    pub(crate) exclusive: bool,
    /// How keys and clipboards are treated; `None` where RFB is to pass as it is.
    pub(crate) habits: Option<Habits>,
}

impl Entrance {
    /// What the log and metrics call it before the viewer is judged.
    pub(crate) fn name(&self) -> &str {
        &self.console.name
    }

    /// Keeps what is behind it from being logged out of, for as long as the result exists.
    pub(crate) fn in_use(&self) -> Option<TaskTrackerToken> {
        self.console.dialer.hold()
    }
}

impl ServedConsole {
    /// For the one user who opened it, with every default.
    pub(crate) fn private(dialer: Dialer) -> Self {
        let name = dialer.behind().to_string();
        Self {
            key: (String::new(), name.clone()),
            name,
            view_only: false,
            exclusive: false,
            habits: matches!(dialer, Dialer::Vm(..)).then(Habits::default),
            dialer,
        }
    }

    /// Which VM of its vSphere `vm` is.
    pub(crate) fn identity(&self, vm: &Vm) -> VmIdentity {
        VmIdentity::new(self.vsphere().unwrap_or_default(), vm)
    }

    /// Its names, as far as they are known.
    pub(crate) fn named<'a>(&'a self, vm: Option<&'a Vm>) -> Named<'a> {
        Named {
            vsphere: self.vsphere(),
            configured: &self.name,
            vm,
        }
    }

    /// What is known of its host: only a vSphere has VMware's.
    pub(crate) const fn host(&self) -> HostKind {
        match self.dialer {
            Dialer::Vm(..) => HostKind::Vmware,
            Dialer::Url(_) => HostKind::Unknown,
        }
    }

    fn vsphere(&self) -> Option<&str> {
        let upstream = self.dialer.upstream()?;
        Some(upstream.client().name())
    }
}
