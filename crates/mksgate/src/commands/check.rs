//! `mksgate check`: validates the configuration against the vSpheres it names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use vsphere::{Power, Vm, VmRef};

use super::table::Table;
use super::{CommandError, or_signal, print_async};
use crate::signals::TerminationSignals;
use crate::terminal::Terminal;
use console::Error;
use console::dialer::{Dialer, TimeLimit};
use console::endpoint::Endpoint;
use console::settings::Backend;
use console::slots::Slots;
use console::upstream::Upstream;
use gateway::settings::{Config, Limits};

#[derive(Args)]
pub(crate) struct Options {
    /// Only read the configuration, without connecting to anything
    #[arg(long)]
    offline: bool,
}

/// Clients by vSphere name, or why one could not be set up.
type Upstreams = BTreeMap<String, Result<Upstream, Error>>;

/// Prints one row per console; fails if any is not available. Powered-off VMs are not failures: they can be started later.
pub(crate) async fn run(
    options: Options,
    mut config: Config,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let print_warnings = |warnings: Vec<String>| {
        warnings
            .iter()
            .for_each(|warning| terminal.note(format!("mksgate: {warning}")));
    };
    print_warnings(match options.offline {
        true => config.warnings(),
        false => config.settings_warnings(),
    });
    let vspheres = std::mem::take(&mut config.vspheres);
    let upstreams: Upstreams = vspheres
        .into_iter()
        .map(|(name, vsphere)| {
            let upstream = Upstream::new(&name, vsphere, Slots::default());
            (name, upstream)
        })
        .collect();
    let mut signals = TerminationSignals::watch()?;
    let looked_up = or_signal(&mut signals, async {
        let (mut rows, mut vms, mut failures) = (Vec::new(), Vec::new(), 0);
        let limits = &config.gateway;
        for console in &config.consoles {
            let found = if options.offline {
                Ok(("not checked".to_owned(), None))
            } else {
                look_up(console, &upstreams, limits.handshake_timeout).await
            };
            failures += usize::from(found.is_err());
            let failed = |failure| (format!("FAILED: {failure}"), None);
            let (found, vm) = found.unwrap_or_else(failed);
            rows.push(row(console, limits, found));
            vms.push(vm);
        }
        Ok((rows, vms, failures))
    })
    .await;
    for upstream in upstreams.values().flatten() {
        upstream.client().logout().await;
    }
    let (rows, vms, failures) = looked_up?;
    if !options.offline {
        print_warnings(config.rights_warnings(&vms));
    }
    let heading = ["LISTEN", "VSPHERE", "VM", "AUTH", "REACHED BY", "FOUND"];
    // Errors are in the last column and must not be truncated.
    let table = Table::new(&heading, &rows).aligned(None);
    or_signal(&mut signals, print_async(table)).await?;
    match failures {
        0 => Ok(()),
        _ => Err(CommandError::Failed(format!(
            "{failures} of {} consoles are not available: see the table",
            rows.len()
        ))),
    }
}

fn row(
    console: &gateway::settings::ConsoleSettings,
    limits: &Limits,
    found: String,
) -> Vec<String> {
    vec![
        console.listen.to_string(),
        match &console.backend {
            Backend::Vm { vsphere, .. } => vsphere.clone(),
            Backend::Url(_) => "-".into(),
        },
        console.backend.to_string(),
        console.auth.names().collect::<Vec<_>>().join(", "),
        reached_by(console, limits),
        found,
    ]
}

/// Who may connect, how they authenticate, and whether the connection is encrypted.
fn reached_by(console: &gateway::settings::ConsoleSettings, limits: &Limits) -> String {
    let auth = &console.auth;
    let who = match (
        limits.is_local_only(console.listen),
        auth.needs_no_credentials(),
    ) {
        (true, true) => "anybody on this machine",
        (true, false) => "this machine",
        (false, true) => "ANYBODY who can connect",
        (false, false) => "any machine",
    };
    let mut words = vec![who.to_owned()];
    if !console.allow.is_empty() {
        let networks: Vec<String> = console.allow.iter().map(ToString::to_string).collect();
        words.push(format!("from {}", networks.join(" ")));
    }
    if !auth.needs_no_credentials() {
        words.push(match (auth.password.is_some(), auth.users.is_some()) {
            (_, false) => "with a password".into(),
            (false, true) => "with a user's password".into(),
            (true, true) => "with a password or a user's".into(),
        });
    }
    let encrypted = auth
        .methods
        .iter()
        .filter(|method| method.is_encrypted())
        .count();
    words.push(match encrypted {
        0 => "not encrypted".into(),
        all if all == auth.methods.len() => "encrypted".into(),
        _ => "encrypted if the viewer chooses so".into(),
    });
    words.join(", ")
}

async fn look_up(
    console: &gateway::settings::ConsoleSettings,
    upstreams: &Upstreams,
    within: Duration,
) -> Result<(String, Option<Vm>), String> {
    match &console.backend {
        Backend::Vm { vsphere, vm, .. } => match upstreams.get(vsphere) {
            Some(Ok(upstream)) => {
                let vm = find(upstream, vm).await?;
                Ok((described(&vm), Some(vm)))
            }
            Some(Err(failure)) => Err(failure.to_string()),
            None => Err("its vSphere is not configured".into()),
        },
        Backend::Url(endpoint) => Ok((dial(endpoint, within).await?, None)),
    }
}

/// Connects as a session does, up to the point where its viewer would be relayed.
async fn dial(endpoint: &Arc<Endpoint>, within: Duration) -> Result<String, String> {
    let dialer = Dialer::Url(Arc::clone(endpoint));
    let console = dialer.dial(TimeLimit::of(within), &|_| {}).await;
    match console {
        Ok(console) => Ok(format!("{} accepted the connection", console.link.address)),
        Err(error) => Err(error.to_string()),
    }
}

async fn find(upstream: &Upstream, vm: &VmRef) -> Result<Vm, String> {
    let found = upstream.client().find(vm).await;
    found.map_err(|error| Error::from(error).to_string())
}

fn described(vm: &Vm) -> String {
    let on = vm.host.as_ref().map(|host| format!(" on {host}"));
    let (name, on) = (&vm.name, on.unwrap_or_default());
    match vm.power {
        Power::On => format!("{name}{on}"),
        Power::Off => format!("{name}{on}, powered off: viewers are refused until it runs"),
        Power::Suspended => format!("{name}{on}, suspended: viewers are refused until it runs"),
    }
}
