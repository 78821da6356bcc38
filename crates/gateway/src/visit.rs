//! Who has come, and what is said of it: one log line when its console opens and one when it ends, and its share
//! of the metrics.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::{Span, debug, error_span, info};
use vsphere::VmState;

use crate::error::{Failure, Stage};
use crate::metrics::Metrics;
use crate::relay::{End, Traffic};
use console::address::Address;

/// One viewer's visit to one port.
pub(crate) struct Visit {
    /// A number that no other visit to this process has.
    pub(crate) id: u64,
    /// Where the viewer is, as far as is known.
    pub(crate) viewer: SocketAddr,
    /// Who it is, where it gave a name.
    pub(crate) user: Option<String>,
    /// What it wants to see, as the configuration names it.
    pub(crate) vm: String,
    /// Where it counts.
    pub(crate) metrics: Arc<Metrics>,
}

impl Visit {
    /// What every log line of this visit is in: it holds its number. Of the highest level, so that no line is without it.
    pub(crate) fn span(&self) -> Span {
        error_span!("session", session = self.id)
    }

    /// The console is open.
    pub(crate) fn opened(&self, esxi: &Address) {
        let Self {
            viewer, user, vm, ..
        } = self;
        info!(%viewer, %vm, user, %esxi, "session opened");
    }

    /// Something became of the VM while its console is open.
    pub(crate) fn vm_changed(&self, state: VmState) {
        let VmState {
            power,
            connection,
            host_moref,
            gone,
        } = state;
        info!(
            vm = %self.vm,
            power = power.map(tracing::field::display),
            connection = connection.map(tracing::field::display),
            host = host_moref,
            gone,
            "the VM's state"
        );
    }

    /// It is over, wherever it was.
    pub(crate) fn closed(
        &self,
        outcome: Result<End, (Stage, Failure)>,
        lasted: Duration,
        traffic: &Traffic,
    ) {
        let Self {
            viewer,
            user,
            vm,
            metrics,
            ..
        } = self;
        let (ended_by, stage, blame, why) = match &outcome {
            Ok(End::Viewer) => ("viewer", Stage::Relay, None, "the viewer closed".into()),
            Ok(End::Esxi(how)) => (
                "esxi",
                Stage::Relay,
                None,
                format!("the console's host closed: {how}"),
            ),
            Ok(End::Told(why)) => ("gateway", Stage::Relay, None, (*why).to_owned()),
            Ok(End::Idle) => (
                "gateway",
                Stage::Relay,
                None,
                "nobody was at the viewer for idle_timeout".into(),
            ),
            Ok(End::TimeUp) => (
                "gateway",
                Stage::Relay,
                None,
                "max_session_time is over".into(),
            ),
            Ok(End::Fault(failure)) => (
                "fault",
                Stage::Relay,
                Some(failure.blame()),
                failure.to_string(),
            ),
            Err((stage, failure @ Failure::GatewayEnds)) => {
                ("gateway", *stage, None, failure.to_string())
            }
            Err((
                stage,
                failure @ (Failure::ViewerLeft | Failure::ViewerSilent | Failure::ViewerBroke(_)),
            )) => ("viewer", *stage, None, failure.to_string()),
            Err((stage, failure)) => ("fault", *stage, Some(failure.blame()), failure.to_string()),
        };
        let limit = match &outcome {
            Ok(End::Idle) => Some("idle_timeout"),
            Ok(End::TimeUp) => Some("max_session_time"),
            Ok(_) => None,
            Err((_, failure)) => failure.limit(),
        };
        limit.into_iter().for_each(|limit| metrics.refused(limit));
        metrics.ended(ended_by);
        macro_rules! log {
            ($level:ident) => {
                $level!(
                    %viewer,
                    %vm,
                    user,
                    ended_by,
                    %stage,
                    blame = blame.map(tracing::field::display),
                    seconds = lasted.as_secs_f64(),
                    to_viewer = traffic.to_viewer(),
                    to_esxi = traffic.to_esxi(),
                    "session closed: {why}"
                )
            };
        }
        match outcome {
            // A port scan, or a load balancer's health check: many of them, and none means anything.
            Err((_, Failure::ViewerSilent)) => log!(debug),
            _ => log!(info),
        }
    }
}
