//! Counts bytes of RFB, for one session and for the metrics of all sessions.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;

use crate::metrics::Metrics;

/// Bytes of RFB by direction.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    to_viewer: AtomicU64,
    to_esxi: AtomicU64,
    /// Those of all sessions.
    total_to_viewer: Counter,
    total_to_esxi: Counter,
}

impl Traffic {
    /// Counters of one session, which also add to the metrics.
    pub(crate) fn counted(metrics: &Metrics) -> Self {
        Self {
            total_to_viewer: metrics.bytes("to_viewer"),
            total_to_esxi: metrics.bytes("to_esxi"),
            ..Self::default()
        }
    }

    /// Bytes that were written to the viewer so far.
    pub(crate) fn to_viewer(&self) -> u64 {
        self.to_viewer.load(Ordering::Relaxed)
    }

    /// Bytes that were written to ESXi so far.
    pub(crate) fn to_esxi(&self) -> u64 {
        self.to_esxi.load(Ordering::Relaxed)
    }

    /// Adds bytes that were written to the viewer.
    pub(crate) fn add_to_viewer(&self, count: usize) {
        self.to_viewer.fetch_add(count as u64, Ordering::Relaxed);
        self.total_to_viewer.inc_by(count as u64);
    }

    /// Adds bytes that were written to ESXi.
    pub(crate) fn add_to_esxi(&self, count: usize) {
        self.to_esxi.fetch_add(count as u64, Ordering::Relaxed);
        self.total_to_esxi.inc_by(count as u64);
    }
}
