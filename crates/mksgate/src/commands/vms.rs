//! `mksgate vms`: which virtual machines there are.

use clap::Args;
use serde::Serialize;
use vsphere::{Vm, VmRef};

use super::table::aligned;
use super::{CommandError, say};
use crate::config::{Behind, Config, Console};
use crate::error::Failure;
use crate::slots::Slots;
use crate::upstream::Upstream;

#[derive(Args)]
pub(crate) struct Options {
    /// Only those of this vSphere
    #[arg(long, value_name = "NAME")]
    vsphere: Option<String>,
    /// One array of objects, for programs
    #[arg(long)]
    json: bool,
}

/// One VM, as `--json` prints it. The names are a contract.
#[derive(Serialize)]
struct Row {
    name: String,
    power: String,
    host: Option<String>,
    path: Option<String>,
    uuid: Option<String>,
    instance_uuid: Option<String>,
    moref: String,
    vsphere: String,
    port: Option<u16>,
}

/// Lists them all.
pub(crate) async fn run(options: Options, config: Config) -> Result<(), CommandError> {
    let Config {
        vspheres, consoles, ..
    } = config;
    if let Some(name) = options
        .vsphere
        .as_ref()
        .filter(|name| !vspheres.contains_key(*name))
    {
        let known: Vec<&str> = vspheres.keys().map(String::as_str).collect();
        return Err(CommandError::Usage(format!(
            "there is no vSphere {name}: name one of {}",
            known.join(", ")
        )));
    }
    let mut rows = Vec::new();
    for (name, vsphere) in vspheres {
        if options
            .vsphere
            .as_ref()
            .is_none_or(|wanted| *wanted == name)
        {
            let upstream = Upstream::new(&name, vsphere, Slots::default())?;
            let found = upstream.client().vms().await;
            upstream.client().logout().await;
            let found = found.map_err(Failure::from)?;
            rows.extend(found.into_iter().map(|vm| row(vm, &name, &consoles)));
        }
    }
    if options.json {
        let text = serde_json::to_string_pretty(&rows)
            .map_err(|error| CommandError::Failed(error.to_string()))?;
        say(format!("{text}\n"))
    } else {
        say(table(&rows))
    }
}

fn row(vm: Vm, vsphere: &str, consoles: &[Console]) -> Row {
    let port = consoles
        .iter()
        .find(|console| leads_to(&console.behind, vsphere, &vm));
    Row {
        power: vm.power.to_string(),
        uuid: vm.uuid.map(|uuid| uuid.to_string()),
        instance_uuid: vm.instance_uuid.map(|uuid| uuid.to_string()),
        name: vm.name,
        host: vm.host,
        path: vm.path,
        moref: vm.moref,
        vsphere: vsphere.to_owned(),
        port: port.map(|console| console.listen.port()),
    }
}

fn leads_to(behind: &Behind, name: &str, found: &Vm) -> bool {
    match behind {
        Behind::Vm { vsphere, vm } => vsphere == name && means(vm, found),
        Behind::Url(_) => false,
    }
}

/// Whether a console's `vm` is this one.
fn means(wanted: &VmRef, vm: &Vm) -> bool {
    match wanted {
        VmRef::Name(name) => *name == vm.name,
        VmRef::Path(path) => Some(path) == vm.path.as_ref(),
        VmRef::Uuid(uuid) => Some(*uuid) == vm.uuid,
        VmRef::InstanceUuid(uuid) => Some(*uuid) == vm.instance_uuid,
        VmRef::Moref(moref) => *moref == vm.moref,
    }
}

fn table(rows: &[Row]) -> String {
    let cells = |row: &Row| {
        vec![
            row.name.clone(),
            row.power.clone(),
            row.port.map(|port| port.to_string()).unwrap_or_default(),
            row.vsphere.clone(),
            row.host.clone().unwrap_or_default(),
            row.path.clone().unwrap_or_default(),
            row.moref.clone(),
            row.uuid.clone().unwrap_or_default(),
            row.instance_uuid.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    aligned(
        &[
            "NAME",
            "POWER",
            "PORT",
            "VSPHERE",
            "HOST",
            "PATH",
            "MOREF",
            "UUID",
            "INSTANCE UUID",
        ],
        &rows,
    )
}
