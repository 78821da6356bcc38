//! A row of the list.

use serde::Serialize;
use vsphere::Vm;

use crate::commands::configured_console::serves_vm;

use gateway::settings::ConsoleSettings;

/// Headings of [`Row::cells`].
pub(super) const COLUMNS: [&str; 9] = [
    "NAME",
    "POWER",
    "PORT",
    "VSPHERE",
    "HOST",
    "PATH",
    "MOREF",
    "UUID",
    "INSTANCE UUID",
];

/// As `--json` prints it; the keys are a contract.
#[derive(Serialize, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) power: String,
    pub(super) host: Option<String>,
    pub(super) path: Option<String>,
    uuid: Option<String>,
    instance_uuid: Option<String>,
    moref: String,
    pub(super) vsphere: String,
    pub(super) port: Option<u16>,
}

impl Row {
    /// `port` is set if one of `consoles` leads to the VM.
    pub(super) fn new(vm: Vm, vsphere: &str, consoles: &[ConsoleSettings]) -> Self {
        let port = consoles
            .iter()
            .find(|console| serves_vm(&console.backend, vsphere, &vm));
        Self {
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

    /// In the order of [`COLUMNS`].
    pub(super) fn cells(&self) -> Vec<String> {
        let text = |cell: &Option<String>| cell.clone().unwrap_or_default();
        vec![
            self.name.clone(),
            self.power.clone(),
            text(&self.port.map(|port| port.to_string())),
            self.vsphere.clone(),
            text(&self.host),
            text(&self.path),
            self.moref.clone(),
            text(&self.uuid),
            text(&self.instance_uuid),
        ]
    }
}
