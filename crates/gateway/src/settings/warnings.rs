//! Settings that are valid and probably not intended: `check` prints these warnings, `serve` logs them.

use super::Config;
use console::address::{Address, HTTPS};
use console::settings::Backend;
use console::tls::{ConsoleTrust, Trust};

impl Config {
    /// All warnings that need no lookup at a vSphere, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.settings_warnings();
        warnings.extend(self.ambiguous_rights(&[]));
        warnings
    }

    /// Warnings about settings, without those about users files.
    pub fn settings_warnings(&self) -> Vec<String> {
        let mut warnings = self.unverified();
        warnings.extend(self.exposed_admin());
        warnings
    }

    /// Each setting that disables the verification of a certificate.
    fn unverified(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, vsphere) in &self.vspheres {
            if vsphere.trust == Trust::DangerAcceptAny {
                found.push(format!(
                    "[vsphere.{name}] has trust = \"danger-accept-any\": a machine in the middle can read its password and control its VMs; \
                     set trust to what `mksgate trust {}` prints",
                    Address::of(&vsphere.url).map_or_else(String::new, |address| address.authority(HTTPS))
                ));
            }
            if vsphere.console_trust == ConsoleTrust::Fixed(Trust::DangerAcceptAny) {
                found.push(format!(
                    "[vsphere.{name}] has console_trust = \"danger-accept-any\": a machine in the middle can see and control its consoles; \
                     remove it, so that consoles are verified by their tickets"
                ));
            }
        }
        for console in &self.consoles {
            if let Backend::Url(endpoint) = &console.backend
                && endpoint.trust == Trust::DangerAcceptAny
            {
                found.push(format!(
                    "[[console]] {} has trust = \"danger-accept-any\": a machine in the middle can see and control it; \
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
                "[admin] on {listen} can be reached from other machines and is not encrypted: its token can be read on the network; \
                 listen on 127.0.0.1, or allow only the machine that collects metrics in the firewall"
            )
        })
    }
}
