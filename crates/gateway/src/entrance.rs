//! A listener with its logins and limits, and the console that may be behind it.

use std::net::SocketAddr;
use std::sync::Arc;

use console::dialer::Dialer;
use console::identity::VmIdentity;
use ipnet::IpNet;
use tokio_util::task::task_tracker::TaskTrackerToken;
use vsphere::Vm;

use crate::registry::ConsoleKey;
use crate::settings::Reconnect;
use crate::settings::auth::Auth;
use crate::settings::limits::Limits;
use crate::shared::Shared;
use dialect::{HostKind, InputSettings};
use logins::pre_login_limit::PreLoginSlot;
use logins::rights::{ConsoleNames, VmNames};
use logins::users::User;

/// A port for viewers.
pub(crate) struct Entrance {
    /// The address that was configured.
    pub(crate) listen: SocketAddr,
    /// The networks that viewers may connect from; empty: any.
    pub(crate) allow: Vec<IpNet>,
    /// How viewers log in.
    pub(crate) auth: Auth,
    /// The user to whom the page has granted the console; `None` where viewers log in.
    pub(crate) granted: Option<User>,
    /// Limits of the whole gateway.
    pub(crate) limits: Arc<Limits>,
    /// State shared with the other entrances.
    pub(crate) shared: Shared,
    /// The console behind it.
    pub(crate) console: Arc<ServedConsole>,
}

/// A console that the gateway serves.
pub(crate) struct ServedConsole {
    /// Its name in the log.
    pub(crate) name: String,
    /// Its name in the configuration and the users file; empty for a VM without a port.
    pub(crate) configured: String,
    /// Identifies the console until its VM is looked up.
    pub(crate) key: ConsoleKey,
    /// How to connect to it.
    pub(crate) dialer: Dialer,
    /// Input events and clipboards of viewers are dropped.
    pub(crate) view_only: bool,
    /// Whether a viewer's ClientInit may disconnect the others (RFC 6143 section 7.3.1).
    pub(crate) exclusive: bool,
    /// How keys and clipboards are treated; `None` where RFB passes unchanged.
    pub(crate) input_settings: Option<InputSettings>,
    /// What happens while its VM has no console.
    pub(crate) reconnect: Reconnect,
}

impl Entrance {
    /// Its console's name, for the log.
    pub(crate) fn name(&self) -> &str {
        &self.console.name
    }

    /// A slot for a viewer that has connected; `None` where its user has logged in at the page.
    pub(crate) fn enter(&self, from: SocketAddr) -> Option<PreLoginSlot> {
        let limit = self.limits.max_unauthenticated;
        let logs_in = self.granted.is_none();
        logs_in.then(|| self.shared.enter(from, limit))
    }

    /// Keeps the gateway logged in to its vSphere for as long as the token exists.
    pub(crate) fn in_use(&self) -> Option<TaskTrackerToken> {
        self.console.dialer.hold()
    }
}

impl ServedConsole {
    /// For a [`LocalEntrance`](crate::LocalEntrance), with default settings.
    pub(crate) fn private(dialer: Dialer) -> Self {
        let name = dialer.backend().to_string();
        Self {
            key: (String::new(), name.clone()),
            configured: name.clone(),
            name,
            view_only: false,
            exclusive: false,
            reconnect: Reconnect::default(),
            input_settings: matches!(dialer, Dialer::Vm(..)).then(InputSettings::default),
            dialer,
        }
    }

    /// The identity of `vm` on this console's vSphere.
    pub(crate) fn identity(&self, vm: &Vm) -> VmIdentity {
        VmIdentity::new(self.vsphere().unwrap_or_default(), vm)
    }

    /// Its known names.
    pub(crate) fn names<'a>(&'a self, vm: Option<&'a Vm>) -> ConsoleNames<'a> {
        ConsoleNames {
            vsphere: self.vsphere(),
            configured: &self.configured,
            vm: vm.map(VmNames::from),
        }
    }

    /// The kind of its host: VMware behind a vSphere, unknown at a URL.
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
