//! A console that a token has granted to a user.

use std::sync::Arc;

use console::dialer::Dialer;
use dialect::InputSettings;
use logins::rights::VmNames;
use vsphere::{Vm, VmRef};

use super::console_id::{Console, ConsoleGrant, ConsoleId};
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
            ConsoleId::Vm { vsphere, vm } => {
                let upstream = Arc::clone(current.upstreams.get(&vsphere)?);
                // What restricts a port of this VM restricts its console here, too, should the page not have found the port.
                let ports = current.ports.iter().map(Console::of);
                let own = ports.filter(|port| port.may_be_of(&vsphere, VmNames::from(&*vm)));
                let own: Vec<Console> = own.collect();
                let mut allow = own.iter().map(|port| &port.allow);
                let allow = allow.find(|allow| !allow.is_empty()).cloned();
                let Vm { moref, name, .. } = *vm;
                let vm = VmRef::Moref(moref);
                let console = ServedConsole {
                    name,
                    configured: String::new(),
                    key: (vsphere, vm.to_string()),
                    dialer: Dialer::Vm(upstream, vm, None),
                    view_only: own.iter().any(|port| port.view_only),
                    exclusive: false,
                    input_settings: Some(InputSettings::default()),
                    reconnect: current.limits.reconnect,
                };
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
