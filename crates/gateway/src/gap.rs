//! A gap: the time from the loss of a console until the viewer has it again, or the session ends.
//!
//! The viewer stays connected and sees a line over its last picture (crate `reconnect`).

use std::pin::pin;

use bytes::BytesMut;
use console::dialer::Dialer;
use console::host_link::OpenConsole;
use console::socket::CLOSE_TIMEOUT;
use reconnect::{GaveUp, HostlessViewer, NewConsole, Reopening, Status, ViewerEnd};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use vsphere::VmRef;

use crate::entrance::Entrance;
use crate::registry::SessionInfo;
use crate::relay::{HostLost, LostConsole, Outcome, RelayEnd, session_end};
use crate::relaying::{EndedConsole, OpenSession};
use crate::session_log;
use crate::session_threads;

/// Why a gap ended without a console.
enum End {
    /// The console is not waited for any longer.
    GaveUp(GaveUp),
    /// The viewer or the session ended.
    Session(Outcome),
    /// The viewer must not be sent anything more: see [`ViewerEnd::PictureCut`].
    PictureCut,
}

/// The viewer's end of a gap without a console.
struct Ended {
    end: End,
    /// Whether the viewer has received whole messages only.
    is_whole: bool,
}

/// Opens the console again, where it was lost and may come back.
///
/// An `Err` is the end of the session.
pub(crate) async fn reconnect(
    open: &mut OpenSession,
    ended: EndedConsole,
    session: &SessionInfo,
    entrance: &Entrance,
) -> Result<Box<OpenConsole>, EndedConsole> {
    let reconnect_for = entrance.limits.reconnect_for;
    if reconnect_for.is_zero() || open.dialogue.is_none() {
        return Err(ended);
    }
    let (lost, host, unprocessed, vm, host_slot) = match ended {
        EndedConsole {
            end:
                RelayEnd {
                    outcome: Outcome::ConsoleLost(lost),
                    host: Some(host),
                    unprocessed: Some(unprocessed),
                },
            vm: Some(vm),
            host_slot,
        } if lost.may_have_vm_change() => (lost, host, unprocessed, vm, host_slot),
        ended => return Err(ended),
    };
    session_threads::spawn_beside(async move {
        host.close().await;
        drop(host_slot);
    });
    let begun = Instant::now();
    let status = match lost.end {
        HostLost::Closed(_) => Status::Closed,
        _ => Status::Broken,
    };
    let (status, line) = watch::channel(status);
    let reopening = Reopening {
        dialer: dialer_of(session, entrance),
        vm,
        ramp: entrance.shared.ramp.clone(),
        backoff: open.backoff.clone(),
        handshake_timeout: entrance.limits.handshake_timeout,
        reconnect_for,
    };
    let opened = wait(
        open,
        unprocessed,
        reopening.run(status),
        line,
        begun,
        session,
    )
    .await;
    let again = match opened {
        Ok(console) => continue_with(open, console, session).await,
        Err(ended) => Err(ended),
    };
    let seconds = begun.elapsed().as_secs_f64();
    match again {
        Ok(console) => {
            let esxi = &console.link.address;
            session_log::reconnected(session, &lost, esxi, seconds, &entrance.shared.metrics);
            Ok(console)
        }
        Err(Ended { end, is_whole }) => {
            let outcome = outcome_of(end, lost);
            session_log::gave_up(&outcome, seconds, &entrance.shared.metrics);
            let input = std::mem::take(open.viewer.parts().1);
            Err(EndedConsole {
                end: RelayEnd {
                    outcome,
                    host: None,
                    unprocessed: is_whole.then_some(input),
                },
                vm: None,
                host_slot: None,
            })
        }
    }
}

/// Names the VM by its managed object id: another VM that has its name by now is not meant.
fn dialer_of(session: &SessionInfo, entrance: &Entrance) -> Dialer {
    let identity = session.parties().vm.clone();
    match (&entrance.console.dialer, identity) {
        (Dialer::Vm(upstream, _, password), Some(identity)) => Dialer::Vm(
            upstream.clone(),
            VmRef::Moref(identity.moref),
            password.clone(),
        ),
        (dialer, _) => dialer.clone(),
    }
}

/// Keeps the viewer informed until `opening` has a result or the session ends.
async fn wait(
    open: &mut OpenSession,
    unprocessed: BytesMut,
    opening: impl Future<Output = Result<NewConsole, GaveUp>>,
    line: watch::Receiver<Status>,
    begun: Instant,
    session: &SessionInfo,
) -> Result<NewConsole, Ended> {
    let OpenSession {
        viewer,
        dialogue,
        policy,
        ..
    } = open;
    let (connection, input, clocks) = viewer.parts();
    *input = unprocessed;
    let (Some(connection), Some(dialogue)) = (connection, dialogue) else {
        return Err(of_viewer(ViewerEnd::Left));
    };
    let end_by = policy.max_session_time.map(|time| clocks.welcomed + time);
    let name = session.parties().console.clone();
    let sent = |count| session.traffic.add_to_viewer(count);
    let mut viewer = HostlessViewer::new(dialogue, input, connection, &sent).map_err(of_viewer)?;
    let mut waiting = pin!(reconnect::wait(&mut viewer, &name, line, begun));
    // Its result drops the sender of `line`, on which `waiting` returns.
    let mut opening = pin!(async {
        tokio::select! {
            opened = opening => opened.map_err(End::GaveUp),
            outcome = session_end(session, end_by) => Err(End::Session(outcome)),
        }
    });
    tokio::select! {
        biased;
        waited = &mut waiting => match waited {
            Ok(()) => opening.await.map_err(|end| Ended { end, is_whole: true }),
            Err(end) => Err(of_viewer(end)),
        },
        opened = &mut opening => match opened {
            Ok(console) => tokio::select! {
                waited = waiting => waited.map(|()| console).map_err(of_viewer),
                outcome = session_end(session, end_by) => {
                    Err(Ended { end: End::Session(outcome), is_whole: false })
                }
            },
            Err(end) => {
                let waited = timeout(CLOSE_TIMEOUT, waiting).await;
                Err(Ended { end, is_whole: matches!(waited, Ok(Ok(()))) })
            }
        },
    }
}

/// Has the dialogue continue with the new console.
async fn continue_with(
    open: &mut OpenSession,
    NewConsole {
        mut console,
        size,
        format,
    }: NewConsole,
    session: &SessionInfo,
) -> Result<Box<OpenConsole>, Ended> {
    let Some(dialogue) = &mut open.dialogue else {
        return Err(of_viewer(ViewerEnd::Left));
    };
    match dialogue.host_back(size, format) {
        Ok(first) => {
            // Where this fails, the relay ends at once, and the next gap begins.
            if console.link.send(&first).await.is_ok() {
                session.traffic.add_to_esxi(first.len());
            }
            Ok(console)
        }
        Err(cannot) => {
            session_threads::spawn_beside(console.link.close());
            Err(Ended {
                end: End::GaveUp(GaveUp::Viewer(cannot)),
                is_whole: true,
            })
        }
    }
}

fn of_viewer(end: ViewerEnd) -> Ended {
    let end = match end {
        ViewerEnd::Left => End::Session(Outcome::ViewerLeft),
        ViewerEnd::Violation(violation) => End::Session(Outcome::Violation(violation)),
        ViewerEnd::CannotContinue(cannot) => End::GaveUp(GaveUp::Viewer(cannot)),
        ViewerEnd::PictureCut => End::PictureCut,
    };
    Ended {
        end,
        is_whole: false,
    }
}

fn outcome_of(end: End, lost: LostConsole) -> Outcome {
    match end {
        End::Session(outcome) => outcome,
        End::GaveUp(gave_up) => Outcome::ConsoleLost(lost.gave_up(gave_up)),
        End::PictureCut => Outcome::ConsoleLost(lost),
    }
}
