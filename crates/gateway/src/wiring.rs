//! Creates what sessions use from the settings: a client for each vSphere, an entrance for each console.

use std::collections::BTreeMap;
use std::sync::Arc;

use console::dialer::Dialer;
use console::settings::{Backend, VSphere};
use console::upstream::Upstream;
use tracing::warn;

use crate::current::Upstreams;
use crate::entrance::{Entrance, ServedConsole};
use crate::settings::ConsoleSettings;
use crate::settings::limits::Limits;
use crate::shared::Shared;
use crate::start_error::StartError;

/// An upstream for each configured vSphere. Those in `known` with identical settings are reused, with their sessions.
pub(crate) fn upstreams(
    vspheres: BTreeMap<String, VSphere>,
    known: &Upstreams,
    shared: &Shared,
) -> Result<Upstreams, StartError> {
    let mut upstreams = Upstreams::new();
    for (name, vsphere) in vspheres {
        let upstream = match known.get(&name) {
            Some(same) if same.config().is_same(&vsphere) => Arc::clone(same),
            _ => Upstream::new(&name, vsphere, shared.slots.clone())
                .map(Arc::new)
                .map_err(|source| StartError::Upstream {
                    name: name.clone(),
                    source: source.into(),
                })?,
        };
        upstreams.insert(name, upstream);
    }
    Ok(upstreams)
}

/// The entrance of a configured console.
pub(crate) fn entrance(
    console: ConsoleSettings,
    upstreams: &Upstreams,
    limits: &Arc<Limits>,
    shared: &Shared,
) -> Result<Arc<Entrance>, StartError> {
    let dialer = match &console.backend {
        Backend::Vm {
            vsphere,
            vm,
            password,
        } => {
            let upstream = upstreams.get(vsphere).ok_or_else(|| StartError::Upstream {
                name: vsphere.clone(),
                source: console::Error::Setup("there is no such section".into()).into(),
            })?;
            Dialer::Vm(Arc::clone(upstream), vm.clone(), password.clone())
        }
        Backend::Url(endpoint) => Dialer::Url(Arc::clone(endpoint)),
    };
    if !limits.is_local_only(console.listen) && console.auth.needs_no_credentials() {
        warn!(listen = %console.listen, vm = %console.backend, "no authentication: anybody who can connect controls this VM");
    }
    let served = ServedConsole {
        name: console.backend.to_string(),
        configured: console.backend.to_string(),
        key: console.key(),
        dialer,
        view_only: console.view_only,
        exclusive: console.exclusive,
        input_settings: console.input_settings,
        reconnect: console.reconnect.unwrap_or(limits.reconnect),
    };
    Ok(Arc::new(Entrance {
        listen: console.listen,
        allow: console.allow,
        auth: console.auth,
        granted: None,
        limits: Arc::clone(limits),
        shared: shared.clone(),
        console: Arc::new(served),
    }))
}
