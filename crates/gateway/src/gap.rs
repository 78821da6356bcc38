//! A gap: the time from the loss of a console until the viewer has it again, or the session ends.
//!
//! The viewer stays connected and sees a line over its last picture (crate `reconnect`).

use std::pin::pin;
use std::sync::Arc;

use bytes::BytesMut;
use console::dialer::Dialer;
use console::host_link::OpenConsole;
use console::socket::CLOSE_TIMEOUT;
use reconnect::{GaveUp, HostlessViewer, NewConsole, Reopening, Status, ViewerEnd, WatchedVm};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use vsphere::VmRef;

use crate::entrance::Entrance;
use crate::open_session::{EndedConsole, OpenSession};
use crate::registry::SessionInfo;
use crate::relay::{HostLost, LostConsole, Outcome, RelayEnd, session_end};
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

/// A VM without a console, and what its viewer has been sent.
struct Gap {
    lost: LostConsole,
    vm: Box<WatchedVm>,
    /// The viewer's input that was not processed.
    unprocessed: BytesMut,
    /// The viewer has not been sent ServerInit.
    is_arrival: bool,
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
    if !entrance.console.reconnect.is_on() || open.dialogue.is_none() {
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
    let gap = Gap {
        lost,
        vm,
        unprocessed,
        is_arrival: false,
    };
    gap.run(open, session, entrance).await
}

/// Opens the console for a viewer that has logged in while that was not possible.
///
/// An `Err` is the end of the session.
pub(crate) async fn arrive(
    open: &mut OpenSession,
    error: console::Error,
    session: &SessionInfo,
    entrance: &Entrance,
) -> Result<Box<OpenConsole>, EndedConsole> {
    let identity = session.parties().vm.clone();
    let upstream = entrance.console.dialer.upstream();
    let lost = HostLost::NotOpened(error.into()).unexplained();
    match (upstream.zip(identity), lost) {
        (Some((upstream, identity)), Outcome::ConsoleLost(lost)) => {
            let gap = Gap {
                lost,
                vm: WatchedVm::without_console(upstream, &identity.moref),
                unprocessed: std::mem::take(open.viewer.parts().1),
                is_arrival: true,
            };
            gap.run(open, session, entrance).await
        }
        (_, outcome) => Err(EndedConsole {
            end: RelayEnd {
                outcome,
                host: None,
                unprocessed: None,
            },
            vm: None,
            host_slot: None,
        }),
    }
}

/// Whether a viewer may wait for a console that could not be opened.
pub(crate) fn may_arrive(
    error: &console::Error,
    session: &SessionInfo,
    entrance: &Entrance,
) -> bool {
    let reconnect = &entrance.console.reconnect;
    let is_possible = reconnect.wait && reconnect.is_on() && session.parties().vm.is_some();
    is_possible && reconnect::may_pass(error) && entrance.console.input_settings.is_some()
}

impl Gap {
    async fn run(
        self,
        open: &mut OpenSession,
        session: &SessionInfo,
        entrance: &Entrance,
    ) -> Result<Box<OpenConsole>, EndedConsole> {
        let Self {
            lost,
            vm,
            unprocessed,
            is_arrival,
        } = self;
        let begun = Instant::now();
        let (status, line) = watch::channel(status_of(&lost));
        let reconnect = &entrance.console.reconnect;
        let may_control = reconnect.ask_power_on && !open.policy.view_only;
        let entered = Arc::new(Notify::new());
        let reopening = Reopening {
            dialer: dialer_of(session, entrance),
            vm,
            ramp: entrance.shared.ramp.clone(),
            backoff: open.backoff.clone(),
            handshake_timeout: entrance.limits.handshake_timeout,
            reconnect_for: reconnect.reconnect_for,
            power_on: may_control.then(|| Arc::clone(&entered)),
        };
        let waiting = Waiting {
            unprocessed,
            is_arrival,
            line,
            begun,
            entered: &entered,
        };
        let opened = waiting.until(open, reopening.run(status), session).await;
        let again = match opened {
            Ok(console) => continue_with(open, console, session).await,
            Err(ended) => Err(ended),
        };
        let seconds = begun.elapsed().as_secs_f64();
        let metrics = &entrance.shared.metrics;
        match again {
            Ok(console) => {
                let esxi = &console.link.address;
                session_log::reconnected(session, &lost, esxi, seconds, metrics);
                Ok(console)
            }
            Err(Ended { end, is_whole }) => {
                let outcome = outcome_of(end, lost);
                session_log::gave_up(&outcome, seconds, metrics);
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
}

const fn status_of(lost: &LostConsole) -> Status {
    match &lost.end {
        HostLost::Closed(_) => Status::Closed,
        HostLost::NotOpened(error) => Status::Failed(error.for_viewer()),
        _ => Status::Broken,
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

/// The viewer's side of a gap.
struct Waiting<'a> {
    unprocessed: BytesMut,
    is_arrival: bool,
    line: watch::Receiver<Status>,
    begun: Instant,
    entered: &'a Notify,
}

impl Waiting<'_> {
    /// Keeps the viewer informed until `opening` has a result or the session ends.
    async fn until(
        self,
        open: &mut OpenSession,
        opening: impl Future<Output = Result<NewConsole, GaveUp>>,
        session: &SessionInfo,
    ) -> Result<NewConsole, Ended> {
        let OpenSession {
            viewer,
            dialogue,
            policy,
            ..
        } = open;
        let (connection, input, clocks) = viewer.parts();
        *input = self.unprocessed;
        let (Some(connection), Some(dialogue)) = (connection, dialogue) else {
            return Err(of_viewer(ViewerEnd::Left));
        };
        let end_by = policy.max_session_time.map(|time| clocks.welcomed + time);
        let name = session.parties().console.clone();
        let sent = |count| session.traffic.add_to_viewer(count);
        let viewer = HostlessViewer::new(dialogue, input, connection, &sent);
        let mut viewer = viewer.map_err(of_viewer)?;
        let mut waiting = pin!(async {
            if self.is_arrival {
                viewer.begin(&name).await?;
            }
            reconnect::wait(&mut viewer, &name, self.line, self.begun, self.entered).await
        });
        // Its result drops the sender of `line`, on which `waiting` returns.
        let mut opening = pin!(async {
            tokio::select! {
                opened = opening => opened.map_err(End::GaveUp),
                outcome = session_end(session, end_by) => Err(End::Session(outcome)),
            }
        });
        let console = tokio::select! {
            biased;
            waited = &mut waiting => return match waited {
                Ok(()) => opening.await.map_err(|end| Ended { end, is_whole: true }),
                Err(end) => Err(of_viewer(end)),
            },
            opened = &mut opening => match opened {
                Ok(console) => console,
                Err(end) => {
                    let waited = timeout(CLOSE_TIMEOUT, waiting).await;
                    return Err(Ended { end, is_whole: matches!(waited, Ok(Ok(()))) });
                }
            },
        };
        // The viewer has its last message whole before the console's first.
        let end = tokio::select! {
            waited = waiting => match waited {
                Ok(()) => return Ok(console),
                Err(end) => of_viewer(end),
            },
            outcome = session_end(session, end_by) => Ended {
                end: End::Session(outcome),
                is_whole: false,
            },
        };
        session_threads::spawn_beside(console.console.link.close());
        Err(end)
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
