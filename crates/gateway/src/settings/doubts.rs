//! What is allowed and yet hardly meant: `check` prints it, `serve` logs it as warnings.

use std::sync::Arc;

use super::Config;
use crate::front_door::users::Users;
use console::address::{Address, HTTPS};
use console::settings::Behind;
use console::tls::{ConsoleTrust, Trust};

impl Config {
    /// A sentence each.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = self.unverified();
        doubts.extend(self.exposed_admin());
        doubts.extend(self.rights_without_consoles());
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

    fn rights_without_consoles(&self) -> Vec<String> {
        let consoles = self.consoles.iter();
        let names: Vec<String> = consoles.map(|console| console.behind.to_string()).collect();
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
        seen.iter().flat_map(|users| users.doubts(&names)).collect()
    }
}
