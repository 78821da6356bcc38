//! A port: the VM behind it, who may see it, and what its sessions have in common.

use std::sync::Arc;

use crate::config::{Console, Limits};
use crate::door::Door;
use crate::upstream::Upstream;

/// What a port's sessions have in common.
pub(crate) struct Port {
    /// The VM behind the port and who may see it.
    pub(crate) console: Console,
    /// Where its tickets come from.
    pub(crate) upstream: Arc<Upstream>,
    /// What bounds the whole gateway.
    pub(crate) limits: Arc<Limits>,
    /// What it shares with the other ports.
    pub(crate) door: Door,
}
