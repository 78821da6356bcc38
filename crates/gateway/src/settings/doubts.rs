//! What is allowed and yet hardly meant: `check` prints it, `serve` logs it as warnings.

use std::sync::Arc;

use vsphere::Vm;

use super::Config;
use crate::login::rights::Named;
use crate::login::users::Users;
use console::address::{Address, HTTPS};
use console::settings::Behind;
use console::tls::{ConsoleTrust, Trust};

impl Config {
    /// A sentence each, as far as it can be told without a vSphere.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = self.doubtful_settings();
        doubts.extend(self.doubtful_rights(&[]));
        doubts
    }

    /// What the users files have no part in.
    pub fn doubtful_settings(&self) -> Vec<String> {
        let mut doubts = self.unverified();
        doubts.extend(self.exposed_admin());
        doubts
    }

    /// Every place that believes anybody to be the other end.
    fn unverified(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, vsphere) in &self.vspheres {
            if vsphere.trust == Trust::DangerAcceptAny {
                found.push(format!(
                    "[vsphere.{name}] has trust = \"danger-accept-any\": whoever is in between can read its password and drive its VMs; \
                     set trust to what `mksgate trust {}` prints",
                    Address::of(&vsphere.url).map_or_else(String::new, |address| address.authority(HTTPS))
                ));
            }
            if vsphere.console_trust == ConsoleTrust::Fixed(Trust::DangerAcceptAny) {
                found.push(format!(
                    "[vsphere.{name}] has console_trust = \"danger-accept-any\": whoever is in between can see and drive its consoles; \
                     remove it, so that consoles are verified by their tickets"
                ));
            }
        }
        for console in &self.consoles {
            if let Behind::Url(endpoint) = &console.behind
                && endpoint.trust == Trust::DangerAcceptAny
            {
                found.push(format!(
                    "[[console]] {} has trust = \"danger-accept-any\": whoever is in between can see and drive it; \
                     set trust to \"file:PATH\" or \"sha256:HEX\"",
                    endpoint.name
                ));
            }
        }
        found
    }

    fn exposed_admin(&self) -> Option<String> {
        let listen = self.admin.as_ref()?.listen;
        let is_private = listen.ip().to_canonical().is_loopback();
        (!is_private).then(|| {
            format!(
                "[admin] on {listen} can be reached from other machines, and is not encrypted: whoever reads along has its token; \
                 listen on 127.0.0.1, or allow only the machine that collects metrics in the firewall"
            )
        })
    }

    /// What is doubtful in the users files. `vms` are the VMs of the consoles, in their order, as far as they were looked up.
    pub fn doubtful_rights(&self, vms: &[Option<Vm>]) -> Vec<String> {
        let names: Vec<String> = self
            .consoles
            .iter()
            .map(|console| console.behind.to_string())
            .collect();
        let vms = vms
            .iter()
            .map(Option::as_ref)
            .chain(std::iter::repeat(None));
        let consoles = self.consoles.iter().zip(&names).zip(vms);
        let consoles: Vec<Named<'_>> = consoles
            .map(|((console, name), vm)| console.named(name, vm))
            .collect();
        let mut seen: Vec<&Arc<Users>> = Vec::new();
        for users in self
            .consoles
            .iter()
            .filter_map(|console| console.auth.users.as_ref())
        {
            if !seen.iter().any(|known| Arc::ptr_eq(known, users)) {
                seen.push(users);
            }
        }
        seen.iter()
            .flat_map(|users| users.doubts(&consoles))
            .collect()
    }
}
