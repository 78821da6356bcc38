//! What is said of a session when it opens and when it closes: one log line each, and its share of the metrics.

use std::time::Duration;

use tracing::info;

use crate::address::Address;
use crate::error::{Failure, Stage};
use crate::relay::{End, Traffic};
use crate::session::Session;

/// The console is open.
pub(crate) fn opened(session: &Session, esxi: &Address) {
    info!(
        session = session.id,
        viewer = %session.peer,
        vm = %session.port.console.vm,
        user = session.user,
        %esxi,
        "session opened"
    );
}

/// The session is over, wherever it was.
pub(crate) fn closed(
    session: &Session,
    outcome: Result<End, (Stage, Failure)>,
    lasted: Duration,
    traffic: &Traffic,
) {
    let metrics = &session.port.door.metrics;
    let (ended_by, stage, blame, why) = match &outcome {
        Ok(End::Viewer) => ("viewer", Stage::Relay, None, "the viewer closed".into()),
        Ok(End::Esxi(how)) => ("esxi", Stage::Relay, None, format!("ESXi closed: {how}")),
        Ok(End::Told(why)) => ("gateway", Stage::Relay, None, (*why).to_owned()),
        Ok(End::Idle) => (
            "gateway",
            Stage::Relay,
            None,
            "nothing came from the viewer for idle_timeout".into(),
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
        Err((stage, failure @ Failure::ViewerLeft)) => {
            ("viewer", *stage, None, failure.to_string())
        }
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
    info!(
        session = session.id,
        viewer = %session.peer,
        vm = %session.port.console.vm,
        user = session.user,
        ended_by,
        %stage,
        blame = blame.map(tracing::field::display),
        seconds = lasted.as_secs_f64(),
        to_viewer = traffic.to_viewer(),
        to_esxi = traffic.to_esxi(),
        "session closed: {why}"
    );
}
