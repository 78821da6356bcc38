//! Acquires a ticket for each running VM, and dials each host once.
//!
//! Guesses, since no real ESXi was tried: that a ticket which is not used does no harm, and that a host which opens one VM's
//! console opens those of its other VMs. A host whose VMs are all off is connected to at its name in the inventory, up to TLS.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use vsphere::{Power, Vm, VmRef};

use super::look_up::{Outcome, VSpheres};
use crate::commands::failure::Failure;
use console::dialer::{Dialer, TimeLimit};
use console::settings::Backend;
use console::{Blame, Error};
use gateway::settings::{Config, ConsoleSettings};

/// Hosts at once.
const AT_ONCE: usize = 8;

/// A console to dial.
struct Candidate {
    /// Its position in the configuration.
    index: usize,
    dialer: Dialer,
    vm: Option<Vm>,
}

/// A vSphere and a host of it. One console is dialled for all consoles with the same key.
type HostKey = (String, String);

/// Replaces the outcomes of VMs and of URLs.
pub(super) async fn each_host_once(
    config: &Config,
    vspheres: &VSpheres,
    outcomes: &mut [Outcome],
    within: Duration,
) {
    let mut hosts: BTreeMap<HostKey, Vec<Candidate>> = BTreeMap::new();
    for (index, (console, outcome)) in config.consoles.iter().zip(outcomes.iter()).enumerate() {
        if let Some((key, candidate)) = candidate(index, console, outcome, vspheres) {
            hosts.entry(key).or_default().push(candidate);
        }
    }
    let dialled = stream::iter(hosts.into_values()).map(|consoles| one_host(consoles, within));
    let dialled: Vec<Vec<(usize, Outcome)>> = dialled.buffer_unordered(AT_ONCE).collect().await;
    for (index, outcome) in dialled.into_iter().flatten() {
        if let Some(place) = outcomes.get_mut(index) {
            *place = outcome;
        }
    }
}

fn candidate(
    index: usize,
    console: &ConsoleSettings,
    outcome: &Outcome,
    vspheres: &VSpheres,
) -> Option<(HostKey, Candidate)> {
    match (&console.backend, outcome) {
        (
            Backend::Vm {
                vsphere, password, ..
            },
            Outcome::Found(vm) | Outcome::NotRunning(vm),
        ) => {
            let upstream = Arc::clone(vspheres.upstream(vsphere)?);
            let moref = VmRef::Moref(vm.moref.clone());
            let host = vm.host_moref.as_ref().unwrap_or(&vm.moref);
            let candidate = Candidate {
                index,
                dialer: Dialer::Vm(upstream, moref, password.clone()),
                vm: Some(vm.clone()),
            };
            Some(((vsphere.clone(), host.clone()), candidate))
        }
        (Backend::Url(endpoint), _) => {
            let candidate = Candidate {
                index,
                dialer: Dialer::Url(Arc::clone(endpoint)),
                vm: None,
            };
            // Unique: the name of a vSphere is not empty.
            Some(((String::new(), index.to_string()), candidate))
        }
        _ => None,
    }
}

/// Acquires a ticket for each console, and opens the first for which there is one. If the host cannot be reached, all its
/// consoles get that error.
async fn one_host(consoles: Vec<Candidate>, within: Duration) -> Vec<(usize, Outcome)> {
    let mut outcomes = Vec::new();
    let (mut is_dialled, mut unreachable) = (false, None);
    let is_running = |candidate: &Candidate| {
        let vm = candidate.vm.as_ref();
        vm.is_none_or(|vm| vm.power == Power::On)
    };
    let (running, off): (Vec<_>, Vec<_>) = consoles.into_iter().partition(is_running);
    for Candidate { index, dialer, vm } in running {
        let failure = match &unreachable {
            Some(why) => Some(Failure::clone(why)),
            None => match one_console(&dialer, &mut is_dialled, within).await {
                Ok(None) => None,
                Ok(Some(address)) if vm.is_none() => {
                    outcomes.push((index, Outcome::Answers(address)));
                    continue;
                }
                Ok(Some(_)) => None,
                Err(error) => {
                    let why = Failure::from(&error);
                    if is_about_host(&error) {
                        unreachable = Some(why.clone());
                    }
                    Some(why)
                }
            },
        };
        let outcome = match (failure, vm) {
            (Some(why), vm) => Outcome::Failed(why, vm),
            (None, Some(vm)) => Outcome::Ready(vm),
            (None, None) => Outcome::NotChecked,
        };
        outcomes.push((index, outcome));
    }
    for Candidate { index, dialer, vm } in off {
        let Some(vm) = vm else { continue };
        if let (false, Some(host)) = (is_dialled, &vm.host) {
            is_dialled = true;
            let reached = dialer.reach_host(host, TimeLimit::of(within)).await;
            unreachable = unreachable.or_else(|| Some(Failure::from(&reached.err()?)));
        }
        let outcome = match &unreachable {
            Some(why) => Outcome::Failed(why.clone(), Some(vm)),
            None => Outcome::NotRunning(vm),
        };
        outcomes.push((index, outcome));
    }
    outcomes
}

/// The address that was dialled; `None` where only a ticket was acquired.
async fn one_console(
    dialer: &Dialer,
    is_dialled: &mut bool,
    within: Duration,
) -> Result<Option<String>, Error> {
    let limit = TimeLimit::of(within);
    let grant = dialer.grant(limit).await?;
    if *is_dialled {
        return Ok(None);
    }
    *is_dialled = true;
    let console = grant.dial(limit, &|_| {}).await?;
    let address = console.link.address.to_string();
    console.link.close().await;
    Ok(Some(address))
}

/// Whether the error holds for every console on the host.
const fn is_about_host(error: &Error) -> bool {
    matches!(
        error,
        Error::Unreachable { .. }
            | Error::Unresolvable { .. }
            | Error::Certificate { .. }
            | Error::Tls { .. }
            | Error::Slow {
                blame: Blame::Esxi,
                ..
            }
    )
}
