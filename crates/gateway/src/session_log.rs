//! A session's log lines, when its console opens and when it ends, and its metrics.

use console::address::Address;
use tracing::{Span, debug, error_span, info, warn};
use vsphere::VmState;

use crate::error::{Failure, Stage, Stopped};
use crate::last_failure::SessionFailure;
use crate::metrics::Metrics;
use crate::registry::{Parties, SessionInfo};
use crate::relay::{LostConsole, Outcome};

/// The span with the session's number, around all its log lines. Level error, so that no filter removes it.
pub(crate) fn span(session: &SessionInfo) -> Span {
    error_span!("session", session = session.id)
}

/// Logs that the console is open.
pub(crate) fn opened(session: &SessionInfo, esxi: &Address) {
    let Parties {
        viewer,
        user,
        console: vm,
        ..
    } = &*session.parties();
    info!(user, %vm, %viewer, %esxi, "session opened");
}

/// Logs that the viewer waits for a console that cannot be opened yet.
pub(crate) fn waits(session: &SessionInfo, error: &console::Error) {
    let Parties {
        viewer,
        user,
        console: vm,
        ..
    } = &*session.parties();
    info!(user, %vm, %viewer, cause = error.code(), "the viewer waits for the console: {error}");
}

/// Logs a change of the VM's state.
pub(crate) fn vm_changed(session: &SessionInfo, state: VmState) {
    let VmState {
        power,
        connection,
        host_moref,
        gone,
    } = state;
    info!(
        vm = %session.parties().console,
        power = power.map(tracing::field::display),
        connection = connection.map(tracing::field::display),
        host = host_moref,
        gone,
        "the VM's state"
    );
}

/// Logs and counts a gap after which the viewer has its console again.
pub(crate) fn reconnected(
    session: &SessionInfo,
    lost: &LostConsole,
    esxi: &Address,
    seconds: f64,
    metrics: &Metrics,
) {
    metrics.gap("back", seconds);
    let Parties {
        viewer,
        user,
        console: vm,
        ..
    } = &*session.parties();
    info!(user, %vm, %viewer, seconds, %esxi, cause = lost.code(), "console back: {}", lost.end);
}

/// Counts a gap that ended with the session, whose end is logged.
pub(crate) fn gave_up(outcome: &Outcome, seconds: f64, metrics: &Metrics) {
    let result = match outcome {
        Outcome::ViewerLeft | Outcome::Violation(_) => "viewer",
        Outcome::ConsoleLost(_) => "gave_up",
        Outcome::Ended(_) | Outcome::Idle | Outcome::TimeUp => "gateway",
    };
    metrics.gap(result, seconds);
}

/// Logs and counts the end of a session, at any stage.
pub(crate) fn closed(session: &SessionInfo, outcome: Result<Outcome, Stopped>, metrics: &Metrics) {
    let Parties {
        viewer,
        user,
        console: vm,
        ..
    } = &*session.parties();
    let traffic = &session.traffic;
    let Closing {
        ended_by,
        stage,
        cause,
        blame,
        why,
        limit,
    } = Closing::of(&outcome);
    limit.into_iter().for_each(|limit| metrics.refused(limit));
    metrics.ended(ended_by);
    macro_rules! log {
        ($level:ident) => {
            $level!(
                user,
                %vm,
                seconds = session.since.elapsed().as_secs_f64(),
                %viewer,
                ended_by,
                %stage,
                cause,
                blame = blame.map(tracing::field::display),
                to_viewer = traffic.to_viewer(),
                to_esxi = traffic.to_esxi(),
                "session closed: {why}"
            )
        };
    }
    match outcome {
        // Port scans and load balancers' health checks would fill the log.
        Err((_, Failure::ViewerSilent)) => log!(debug),
        // A user has switched the VM off or suspended it.
        Ok(Outcome::ConsoleLost(lost)) if lost.is_power_off() => log!(info),
        Ok(Outcome::ConsoleLost(_)) => log!(warn),
        // Failed logins, refusals and faults.
        _ if ended_by == "fault" => log!(warn),
        _ => log!(info),
    }
}

/// Whether the viewer of a session that has ended had logged in.
pub(crate) const fn had_logged_in(outcome: &Result<Outcome, Stopped>) -> bool {
    !matches!(
        outcome,
        Err((Stage::Accept | Stage::Negotiate | Stage::Judge, _))
    )
}

/// What [`LastFailure`](crate::last_failure::LastFailure) records of a session: a viewer that leaves is no failure. `None`
/// (nothing is recorded) where the gateway ended before the session had a result.
pub(crate) fn failure(outcome: &Result<Outcome, Stopped>) -> Option<Option<SessionFailure>> {
    match outcome {
        Err((_, Failure::GatewayEnds)) => None,
        Err((_, Failure::ViewerLeft | Failure::ViewerSilent | Failure::ViewerBroke(_))) => {
            Some(None)
        }
        Err((stage, failure)) => Some(Some(failure.at(*stage))),
        Ok(outcome) => Some(outcome.failure()),
    }
}

/// The fields of the `session closed` line.
struct Closing {
    ended_by: &'static str,
    stage: Stage,
    /// The code of what failed.
    cause: Option<&'static str>,
    blame: Option<console::Blame>,
    why: String,
    limit: Option<&'static str>,
}

impl Closing {
    fn of(outcome: &Result<Outcome, Stopped>) -> Self {
        match outcome {
            Ok(outcome) => Self::of_relay(outcome),
            Err((stage, failure)) => {
                let (ended_by, fault) = match failure {
                    Failure::GatewayEnds => ("gateway", None),
                    Failure::ViewerLeft | Failure::ViewerSilent | Failure::ViewerBroke(_) => {
                        ("viewer", None)
                    }
                    failure => ("fault", Some(failure)),
                };
                Self {
                    ended_by,
                    stage: *stage,
                    cause: fault.map(Failure::code),
                    blame: fault.map(Failure::blame),
                    why: failure.to_string(),
                    limit: failure.limit(),
                }
            }
        }
    }

    fn of_relay(outcome: &Outcome) -> Self {
        let by_gateway = |why: &str, limit| ("gateway", None, why.to_owned(), limit);
        let (ended_by, blame, why, limit) = match outcome {
            Outcome::ViewerLeft => ("viewer", None, "viewer left".into(), None),
            Outcome::ConsoleLost(lost) if lost.is_orderly() => {
                ("esxi", None, lost.to_string(), None)
            }
            Outcome::Ended(why) => by_gateway(why, None),
            Outcome::Idle => {
                let why = "no input for idle_timeout";
                by_gateway(why, Some("idle_timeout"))
            }
            Outcome::TimeUp => by_gateway("max_session_time has passed", Some("max_session_time")),
            fault @ (Outcome::ConsoleLost(_) | Outcome::Violation(_)) => {
                let (blame, why) = fault
                    .failure()
                    .map(|failure| (failure.blame, failure.sentence))
                    .unzip();
                ("fault", blame, why.unwrap_or_default(), None)
            }
        };
        Self {
            ended_by,
            stage: Stage::Relay,
            cause: outcome.failure().map(|failure| failure.code),
            blame,
            why,
            limit,
        }
    }
}
