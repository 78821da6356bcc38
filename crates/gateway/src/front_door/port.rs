//! A port: the console behind it, who may see it, and what its sessions have in common.

use std::sync::Arc;

use vsphere::Vm;

use super::door::Door;
use crate::settings::{Console, Limits};
use console::destination::Destination;
use console::identity::VmIdentity;

/// What a port's sessions have in common.
pub(crate) struct Port {
    /// The console behind the port and who may see it.
    pub(crate) console: Console,
    /// How to get there.
    pub(crate) destination: Destination,
    /// What bounds the whole gateway.
    pub(crate) limits: Arc<Limits>,
    /// What it shares with the other ports.
    pub(crate) door: Door,
}

impl Port {
    /// Which VM of its vSphere that is.
    pub(crate) fn identity(&self, vm: &Vm) -> VmIdentity {
        let vsphere = self.destination.upstream();
        VmIdentity::new(vsphere.map_or("", |upstream| upstream.client().name()), vm)
    }
}
