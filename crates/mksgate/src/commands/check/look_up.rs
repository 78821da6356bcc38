//! Logs in to every vSphere once, and looks up the VM of every console.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use futures::{StreamExt, stream};
use tokio::sync::OnceCell;
use vsphere::{ConnectionState, Power, Vm, VmRef};

use super::problem::{Kind, Problem};
use crate::commands::failure::Failure;
use crate::commands::no_such_vm;
use console::Error;
use console::settings::{Backend, VSphere};
use console::slots::Slots;
use console::upstream::Upstream;
use gateway::settings::ConsoleSettings;

/// Look-ups at once.
const AT_ONCE: usize = 4;

/// What was found behind a console.
pub(super) enum Outcome {
    /// Nothing was asked.
    NotChecked,
    /// A VM, whose console was not dialled.
    Found(Vm),
    /// The VM is off or suspended: it has a console once it runs.
    NotRunning(Vm),
    /// A VM whose ticket and host are in order.
    Ready(Vm),
    /// A server at a URL that was dialled: its address.
    Answers(String),
    /// The console is not available; the VM if it was found.
    Failed(Failure, Option<Vm>),
}

impl Outcome {
    pub(super) const fn vm(&self) -> Option<&Vm> {
        match self {
            Self::Found(vm) | Self::NotRunning(vm) | Self::Ready(vm) => Some(vm),
            Self::Failed(_, vm) => vm.as_ref(),
            Self::NotChecked | Self::Answers(_) => None,
        }
    }
}

/// The vSpheres of the configuration, by name.
pub(super) struct VSpheres(BTreeMap<String, Asked>);

struct Asked {
    /// The client, or why there can be none.
    upstream: Result<Arc<Upstream>, Failure>,
    /// Why it cannot be asked, once a login was tried.
    refused: OnceCell<Option<Failure>>,
    /// All VMs, for suggestions.
    vms: OnceCell<Vec<Vm>>,
}

impl VSpheres {
    pub(super) fn new(settings: &BTreeMap<String, VSphere>) -> Self {
        let asked = settings.iter().map(|(name, settings)| {
            let upstream = Upstream::new(name, settings.clone(), Slots::default());
            let asked = Asked {
                upstream: upstream.map(Arc::new).map_err(|error| (&error).into()),
                refused: OnceCell::new(),
                vms: OnceCell::new(),
            };
            (name.clone(), asked)
        });
        Self(asked.collect())
    }

    /// Logs in to each once, so that one that is down is not waited for at each of its consoles.
    pub(super) async fn log_in(&self) -> Vec<Problem> {
        let logins = self.0.iter().map(|(name, asked)| async move {
            let refused = asked
                .refused
                .get_or_init(|| asked.refused())
                .await
                .as_ref()?;
            let message = format!("vSphere {name}: {}", refused.message);
            let failure = Failure {
                message,
                ..refused.clone()
            };
            Some(Problem::new(Kind::VSphere, name, failure))
        });
        join_all(logins).await.into_iter().flatten().collect()
    }

    pub(super) async fn log_out(&self) {
        let upstreams = self
            .0
            .values()
            .filter_map(|asked| asked.upstream.as_ref().ok());
        join_all(upstreams.map(|upstream| upstream.client().logout())).await;
    }

    /// The client; `None` if it cannot be asked.
    pub(super) fn upstream(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.0.get(name)?.upstream.as_ref().ok()
    }

    /// What is behind each console, in their order.
    pub(super) async fn look_up(&self, consoles: &[ConsoleSettings]) -> Vec<Outcome> {
        let outcomes = stream::iter(consoles).map(|console| async {
            match &console.backend {
                Backend::Vm { vsphere, vm, .. } => match self.find(vsphere, vm).await {
                    Ok(found) => judged(found),
                    Err(why) => Outcome::Failed(why, None),
                },
                Backend::Url(_) => Outcome::NotChecked,
            }
        });
        outcomes.buffered(AT_ONCE).collect().await
    }

    async fn find(&self, vsphere: &str, vm: &VmRef) -> Result<Vm, Failure> {
        let asked = self.0.get(vsphere);
        let asked = asked
            .ok_or_else(|| Failure::local("configuration", "its vSphere is not configured"))?;
        let upstream = asked.upstream.as_ref().map_err(Clone::clone)?;
        if let Some(Some(refused)) = asked.refused.get() {
            return Err(refused.clone());
        }
        match upstream.client().find(vm).await {
            Ok(found) => Ok(found),
            Err(vsphere::Error::NoSuchVm { .. }) => {
                // Without a list there are no suggestions.
                let all = async || upstream.client().vms().await.unwrap_or_default();
                let sentence = no_such_vm::sentence(vm, asked.vms.get_or_init(all).await);
                Err(Failure::local("no-such-vm", sentence))
            }
            Err(error) => Err((&Error::from(error)).into()),
        }
    }
}

impl Asked {
    async fn refused(&self) -> Option<Failure> {
        match &self.upstream {
            Ok(upstream) => {
                let error = upstream.client().login().await.err()?;
                Some((&Error::from(error)).into())
            }
            Err(why) => Some(why.clone()),
        }
    }
}

/// A VM that is off is no failure: it has a console once it runs. One that its host cannot run is.
fn judged(vm: Vm) -> Outcome {
    let (code, remedy) = match vm.connection {
        ConnectionState::Connected if vm.power == Power::On => return Outcome::Found(vm),
        ConnectionState::Connected => return Outcome::NotRunning(vm),
        ConnectionState::Disconnected => ("host-disconnected", "connect its host in vCenter again"),
        ConnectionState::Orphaned => (
            "vm-invalid-state",
            "register it again, or remove this console",
        ),
        ConnectionState::Inaccessible | ConnectionState::Invalid => {
            ("vm-invalid-state", "see to its datastore")
        }
    };
    let why = format!(
        "{} has no console, since it is {}: {remedy}",
        vm.name, vm.connection
    );
    Outcome::Failed(Failure::local(code, why), Some(vm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vm_that_is_off_is_no_failure_and_one_without_host_is() {
        let vm = |power, connection| Vm {
            moref: "1".into(),
            name: "web01".into(),
            power,
            connection,
            host: None,
            host_moref: None,
            path: None,
            uuid: None,
            instance_uuid: None,
        };
        let connected = ConnectionState::Connected;
        assert!(matches!(
            judged(vm(Power::On, connected)),
            Outcome::Found(_)
        ));
        for power in [Power::Off, Power::Suspended] {
            assert!(matches!(
                judged(vm(power, connected)),
                Outcome::NotRunning(_)
            ));
        }
        for connection in [
            ConnectionState::Disconnected,
            ConnectionState::Orphaned,
            ConnectionState::Inaccessible,
            ConnectionState::Invalid,
        ] {
            for power in [Power::On, Power::Off] {
                let Outcome::Failed(why, Some(_)) = judged(vm(power, connection)) else {
                    unreachable!("{connection} is a failure");
                };
                assert!(
                    why.message
                        .starts_with(&format!("web01 has no console, since it is {connection}: "))
                );
            }
        }
    }
}
