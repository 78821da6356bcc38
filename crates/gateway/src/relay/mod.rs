//! The relay: two pumps between a viewer and a console, and how a session ends.
//!
//! Each pump writes what it has read before it reads again, so TCP's own windows, from viewer to ESXi, are
//! the whole backpressure. The pumps have one thing to tell each other: what `down` reads, `up` may owe an
//! answer to (a pong, a Close), since it alone writes to ESXi. One slot is enough for that, see [`reply`].
//!
//! | first to end | then |
//! |---|---|
//! | viewer, in order | Close 1000 to ESXi, what ESXi still sends goes to the viewer until its Close comes or [`CLOSE_TIMEOUT`] is over |
//! | ESXi, by taking nothing more | what it sent before goes to the viewer as long as that takes something |
//! | viewer, by reset | Close 1001 to ESXi, no wait |
//! | ESXi, by Close | all that was decoded is written, the Close is echoed, FIN to the viewer |
//! | ESXi, without Close | all that was decoded is written, FIN to the viewer |
//! | ESXi, by a violation | likewise, and a Close that says so |
//! | the gateway | Close 1001 to ESXi, FIN to the viewer |

mod backlog;
mod down;
mod outcome;
mod pending_reply;
mod plain;
mod shared_dialogue;
#[cfg(test)]
mod tests;
mod turn;
mod up;
mod view_only_filter;

use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::BytesMut;
use console::host_link::HostLink;
use console::socket::CLOSE_TIMEOUT;
use console::stream::Stream;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::either::Either;
use ws_proto::{Close, CloseCode};

use crate::registry::SessionInfo;
use crate::traffic::Traffic;
use crate::viewer_link::{Clocks, ViewerLink};
use dialect::{Dialogue, Habits, HostKind};
pub(crate) use outcome::{HostLost, Outcome};
use pending_reply::PendingReply;
use plain::Plain;
use shared_dialogue::SharedDialogue;
use up::InputPath;
use view_only_filter::ViewOnlyFilter;

/// What a viewer may do once it is in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ViewerPolicy {
    /// Only look.
    pub(crate) view_only: bool,
    /// How its keys and clipboard are treated; `None` where RFB is to pass as it is.
    pub(crate) habits: Option<Habits>,
    /// What is known of the console's host.
    pub(crate) host: HostKind,
    /// Have the console's host end its other viewers, if it wants to be alone.
    pub(crate) may_be_alone: bool,
    /// Press no key and move no pointer for so long; `None`: for ever. Where RFB passes as it is: send nothing.
    pub(crate) idle_timeout: Option<Duration>,
    /// Stay for so long; `None`: for ever.
    pub(crate) max_session_time: Option<Duration>,
}

/// What is left of a [`HostLink`] when its relay has ended: TLS and TCP are to be closed in order.
pub(crate) struct HostRemainder(Stream);

impl HostRemainder {
    /// Sends TLS' close_notify where that is due, and TCP's FIN.
    pub(crate) async fn close(mut self) {
        let closing = async {
            let closing_records = self.0.transport.closing_records();
            self.0.socket.write_all(&closing_records).await?;
            self.0.socket.shutdown().await
        };
        // The host may already be gone.
        let _: Result<io::Result<()>, _> = timeout(CLOSE_TIMEOUT, closing).await;
    }
}

/// Relays until either side ends or the session is to end. The WebSocket is closed then; what is left of the host's
/// connection, and the viewer's, is the caller's to close.
///
/// `dialogue` is what both sides have said so far; `None` where RFB passes as it is.
pub(crate) fn relay<'a>(
    viewer: &'a mut ViewerLink,
    host: HostLink,
    dialogue: Option<&'a mut Dialogue>,
    policy: ViewerPolicy,
    session: &'a SessionInfo,
) -> Pin<Box<dyn Future<Output = (Outcome, HostRemainder)> + Send + 'a>> {
    // Boxed: keeps this future out of the one that opens the session.
    let (connection, early, clocks) = viewer.parts();
    let early = std::mem::take(early);
    let parts = (host, dialogue, policy, session);
    match connection {
        Some(Either::Left(socket)) => {
            let halves = socket.split();
            Box::pin(between(halves, early, clocks, parts))
        }
        Some(Either::Right(tls)) => {
            #[expect(
                clippy::disallowed_methods,
                reason = "a TLS stream has no owned halves, and nobody else wants the lock"
            )]
            let halves = tokio::io::split(&mut **tls);
            Box::pin(between(halves, early, clocks, parts))
        }
        None => Box::pin(async { (Outcome::ViewerLeft, HostRemainder(parts.0.stream)) }),
    }
}

async fn between(
    (mut viewer_in, mut viewer_out): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    early: BytesMut,
    clocks: &mut Clocks,
    (host, dialogue, policy, session): (
        HostLink,
        Option<&mut Dialogue>,
        ViewerPolicy,
        &SessionInfo,
    ),
) -> (Outcome, HostRemainder) {
    let HostLink {
        mut stream,
        decoder,
        input,
        payload,
        keys,
        ..
    } = host;
    let incoming = std::mem::take(&mut stream.input);
    let end_by = policy.max_session_time.map(|time| clocks.welcomed + time);
    let outcome = {
        let Stream {
            socket, transport, ..
        } = &mut stream;
        let transport = &*transport;
        let (mut console_in, mut console_out) = socket.split();
        let (pending, traffic) = (PendingReply::new(), &session.traffic);
        let dialogue = dialogue.map(SharedDialogue::new);
        let path = match &dialogue {
            Some(dialogue) => InputPath::Dialect(dialogue),
            None if policy.view_only => InputPath::ViewOnly(ViewOnlyFilter::new()),
            None => InputPath::Unchanged,
        };
        let writer = up::HostWriter::new(
            &mut console_out,
            transport,
            keys,
            traffic,
            policy,
            path,
            clocks,
        );
        let up = pin!(writer.pump(&mut viewer_in, early, &pending));
        let reader = down::HostReader {
            stream: &mut console_in,
            transport,
            decoder,
            plain: Plain::new(incoming),
            dialogue: dialogue.as_ref(),
        };
        let early = [payload, input];
        let down = pin!(down::pump(
            reader,
            early,
            &mut viewer_out,
            &pending,
            traffic
        ));
        let told = pin!(async {
            tokio::select! {
                () = session.ending.told.cancelled() => Outcome::Ended(session.ending.why()),
                () = at(end_by) => Outcome::TimeUp,
            }
        });
        first_to_end(up, down, told, &pending, traffic).await
    };
    (outcome, HostRemainder(stream))
}

/// Runs both directions until one of them ends, or the session is `told` to; then lets the others finish, as the table
/// at the top of this file says.
async fn first_to_end(
    mut up: Pin<&mut impl Future<Output = up::End>>,
    mut down: Pin<&mut impl Future<Output = down::End>>,
    told: Pin<&mut impl Future<Output = Outcome>>,
    pending: &PendingReply,
    traffic: &Traffic,
) -> Outcome {
    tokio::select! {
        end = &mut up => match end {
            up::End::ViewerReset => Outcome::ViewerLeft,
            end @ up::End::EsxiBroke(_) => {
                // What it sent before is still to be delivered, however slow the viewer is.
                let other = while_it_progresses(&mut down, traffic).await;
                after_viewer(end, other)
            }
            end => {
                let other = timeout(CLOSE_TIMEOUT, down).await.ok();
                after_viewer(end, other)
            }
        },
        end = &mut down => {
            pending.close(end.answer());
            // It has been asked to end, and nothing of the viewer's can be delivered any more.
            let _ = timeout(CLOSE_TIMEOUT, up).await;
            end.into()
        }
        end = told => {
            pending.close(Close::new(CloseCode::GOING_AWAY));
            // Both have had their time.
            let _ = timeout(CLOSE_TIMEOUT, async { tokio::join!(up, down) }).await;
            end
        }
    }
}

/// Waits for `down` as long as the viewer takes something of it.
async fn while_it_progresses(
    mut down: impl Future<Output = down::End> + Unpin,
    traffic: &Traffic,
) -> Option<down::End> {
    loop {
        let before = traffic.to_viewer();
        match timeout(CLOSE_TIMEOUT, &mut down).await {
            Ok(end) => return Some(end),
            Err(_) if traffic.to_viewer() == before => return None,
            Err(_) => {}
        }
    }
}

/// Ready at that moment, if ever.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The viewer's direction ended first. Where that was because ESXi does not take any more, what ESXi last said
/// is the better reason.
fn after_viewer(up: up::End, down: Option<down::End>) -> Outcome {
    match (up, down) {
        (up::End::ViewerLeft | up::End::ViewerReset, _) => Outcome::ViewerLeft,
        (up::End::Idle, _) => Outcome::Idle,
        (up::End::Violation(violation), _) => Outcome::Violation(violation),
        (up::End::Told, None) => Outcome::Ended("ESXi did not answer a Close"),
        (
            up::End::EsxiBroke(_),
            Some(down::End::HostLost(lost @ (HostLost::Closed(_) | HostLost::Framing(_)))),
        ) => Outcome::HostLost(lost),
        (up::End::EsxiBroke(error), _) => Outcome::HostLost(HostLost::Broke(error)),
        (up::End::Told, Some(down)) => down.into(),
    }
}
