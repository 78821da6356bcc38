//! The metrics, in OpenMetrics. The names are a contract with users' dashboards.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Buckets from a local handshake to the default handshake timeout.
const STAGE_SECONDS: [f64; 10] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Buckets from a local handshake to the restart of a host.
const GAP_SECONDS: [f64; 10] = [0.05, 0.2, 0.5, 1.0, 5.0, 15.0, 60.0, 180.0, 300.0, 600.0];

/// All metrics.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) sessions_active: Gauge,
    sessions: Family<ByResult, Counter>,
    bytes: Family<ByDirection, Counter>,
    stage_seconds: Family<ByStage, Histogram>,
    pub(crate) auth_failures: Counter,
    refused: Family<ByLimit, Counter>,
    reconnects: Family<ByResult, Counter>,
    gap_seconds: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByResult {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByDirection {
    direction: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStage {
    stage: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByLimit {
    limit: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("mksgate"),
            sessions_active: Gauge::default(),
            sessions: Family::default(),
            bytes: Family::default(),
            stage_seconds: Family::new_with_constructor(|| Histogram::new(STAGE_SECONDS)),
            auth_failures: Counter::default(),
            refused: Family::default(),
            reconnects: Family::default(),
            gap_seconds: Histogram::new(GAP_SECONDS),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// prometheus-client adds the prefix and `_total`.
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "sessions_active",
            "Sessions that have been let in",
            self.sessions_active.clone(),
        );
        registry.register(
            "sessions",
            "Connections that have ended",
            self.sessions.clone(),
        );
        registry.register("bytes", "Bytes of RFB relayed", self.bytes.clone());
        registry.register(
            "stage_seconds",
            "How long a stage took",
            self.stage_seconds.clone(),
        );
        registry.register(
            "auth_failures",
            "Wrong passwords",
            self.auth_failures.clone(),
        );
        registry.register(
            "refused",
            "Connections that a limit kept out or ended",
            self.refused.clone(),
        );
        registry.register(
            "reconnects",
            "Consoles that were lost and waited for",
            self.reconnects.clone(),
        );
        registry.register(
            "gap_seconds",
            "How long a viewer was without its console",
            self.gap_seconds.clone(),
        );
        registry.register(
            "build",
            "What is running",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
    }

    /// Counts the end of a connection; `result` is the log's `ended_by`.
    pub(crate) fn ended(&self, result: &'static str) {
        self.sessions.get_or_create(&ByResult { result }).inc();
    }

    /// The counter of bytes in one direction: `to_viewer` or `to_esxi`.
    pub(crate) fn bytes(&self, direction: &'static str) -> Counter {
        self.bytes.get_or_create_owned(&ByDirection { direction })
    }

    /// Records the duration of a stage.
    pub(crate) fn stage(&self, stage: impl std::fmt::Display, seconds: f64) {
        self.stage_seconds
            .get_or_create(&ByStage {
                stage: stage.to_string(),
            })
            .observe(seconds);
    }

    /// Counts a connection that this limit refused, or a session that it ended.
    pub(crate) fn refused(&self, limit: &'static str) {
        self.refused.get_or_create(&ByLimit { limit }).inc();
    }

    /// Counts a lost console that was waited for, and for how long.
    pub(crate) fn gap(&self, result: &'static str, seconds: f64) {
        self.reconnects.get_or_create(&ByResult { result }).inc();
        self.gap_seconds.observe(seconds);
    }

    /// The text of `/metrics`.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_match_the_contract() {
        let metrics = Metrics::default();
        metrics.ended("viewer");
        metrics.bytes("to_viewer").inc_by(5);
        metrics.stage("dial", 0.01);
        metrics.auth_failures.inc();
        metrics.refused("max_sessions");
        metrics.gap("back", 0.1);
        metrics.sessions_active.inc();
        let text = metrics.text();
        for line in [
            "mksgate_sessions_active 1",
            "mksgate_sessions_total{result=\"viewer\"} 1",
            "mksgate_bytes_total{direction=\"to_viewer\"} 5",
            "mksgate_stage_seconds_count{stage=\"dial\"} 1",
            "mksgate_auth_failures_total 1",
            "mksgate_refused_total{limit=\"max_sessions\"} 1",
            "mksgate_reconnects_total{result=\"back\"} 1",
            "mksgate_gap_seconds_count 1",
            concat!(
                "mksgate_build_info{version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"} 1"
            ),
            "# EOF",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is missing in\n{text}"
            );
        }
    }
}
