//! A console that a token has granted to a user.

use std::sync::Arc;

use console::dialer::Dialer;
use console::settings::Backend;
use dialect::InputSettings;
use vsphere::VmRef;

use super::console_id::{ConsoleGrant, ConsoleId};
use crate::current::Current;
use crate::entrance::{Entrance, ServedConsole};
use crate::settings::Auth;
use crate::settings::limits::Limits;
use crate::shared::Shared;

/// A console to be opened, without a login. Only the gateway makes one, from a token.
pub struct GrantedConsole(pub(super) Arc<Entrance>);

impl GrantedConsole {
    /// The console of `grant` with its settings as they are now; `None` where it is no longer configured.
    pub(super) fn new(grant: ConsoleGrant, current: &Current, shared: &Shared) -> Option<Self> {
        let (console, allow) = match grant.console {
            ConsoleId::Port(listen) => {
                let mut ports = current.ports.iter().map(|port| &port.entrance);
                let port = ports.find(|port| port.listen == listen)?;
                (Arc::clone(&port.console), port.allow.clone())
            }
            ConsoleId::Vm {
                vsphere,
                moref,
                name,
            } => {
                let upstream = Arc::clone(current.upstreams.get(&vsphere)?);
                let restricted = current.ports.iter().find(|port| {
                    let backend = port.entrance.console.dialer.backend();
                    is_of(&backend, &vsphere, &moref, &name)
                });
                let restricted = restricted.map(|port| &port.entrance);
                let vm = VmRef::Moref(moref);
                let console = ServedConsole {
                    name,
                    configured: String::new(),
                    key: (vsphere, vm.to_string()),
                    dialer: Dialer::Vm(upstream, vm, None),
                    view_only: restricted.is_some_and(|port| port.console.view_only),
                    exclusive: false,
                    input_settings: Some(InputSettings::default()),
                };
                let allow = restricted.map(|port| port.allow.clone());
                (Arc::new(console), allow.unwrap_or_default())
            }
        };
        let mut user = grant.user;
        user.view_only |= grant.view_only;
        Some(Self(Arc::new(Entrance {
            listen: current.web.as_ref()?.listen,
            allow,
            auth: Auth::none(),
            granted: Some(user),
            limits: Arc::new(Limits {
                // The page has read the browser's PROXY header.
                proxy_from: None,
                ..(*current.limits).clone()
            }),
            shared: shared.clone(),
            console,
        })))
    }

    /// The console's name in the log.
    pub fn name(&self) -> &str {
        self.0.name()
    }
}

/// Whether a port is configured for this VM by its id or its name. What restricts that port restricts the VM's console here,
/// too, should the page not have found the port.
fn is_of(backend: &Backend, vsphere: &str, moref: &str, name: &str) -> bool {
    let Backend::Vm {
        vsphere: own, vm, ..
    } = backend
    else {
        return false;
    };
    let is_same = match vm {
        VmRef::Moref(own) => own == moref,
        VmRef::Name(own) => own == name,
        VmRef::Path(_) | VmRef::Uuid(_) | VmRef::InstanceUuid(_) => false,
    };
    own == vsphere && is_same
}
