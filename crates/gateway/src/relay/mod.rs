//! The relay: two directions between a viewer and a console, and the order in which they end.
//!
//! Each direction writes what it has read before it reads again, so TCP's flow control is the whole backpressure. Only
//! `to_host` writes to ESXi: a Pong or a Close that `to_viewer` finds to be due is passed to it in [`pending_reply`].
//!
//! | first to end | then |
//! |---|---|
//! | viewer, by FIN | Close 1000 to ESXi, what ESXi still sends goes to the viewer until its Close comes or [`CLOSE_TIMEOUT`] is over |
//! | ESXi, by a failed write | what it sent before goes to the viewer as long as the viewer reads |
//! | viewer, by reset | Close 1001 to ESXi; what ESXi still sends is discarded until it has closed, for 3 s at most |
//! | ESXi, by Close | all that was decoded is written, the Close is echoed, FIN to the viewer |
//! | ESXi, without Close | all that was decoded is written, FIN to the viewer |
//! | ESXi, by a violation | likewise, after a Close with the violation's code |
//! | the gateway | Close 1001 to ESXi, FIN to the viewer |

mod backlog;
mod decrypted;
mod frame_writer;
mod host_buffers;
mod input_path;
mod outcome;
mod pending_reply;
mod shared_dialogue;
#[cfg(test)]
mod tests;
mod to_host;
mod to_viewer;
mod turn;
mod view_only_filter;

use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::BytesMut;
use console::host_link::HostLink;
use console::socket::{self, CLOSE_TIMEOUT};
use console::stream::Stream;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::either::Either;
use ws_proto::{Close, CloseCode};

use crate::registry::SessionInfo;
use crate::traffic::Traffic;
use crate::viewer_link::{Clocks, ViewerLink};
use decrypted::Decrypted;
use dialect::{Dialogue, HostKind, InputSettings};
use input_path::InputPath;
pub(crate) use outcome::{HostLost, LostConsole, Outcome};
use pending_reply::PendingReply;
use shared_dialogue::SharedDialogue;

use view_only_filter::ViewOnlyFilter;

/// What a viewer may do once it has logged in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ViewerPolicy {
    /// Its input events and clipboard are dropped.
    pub(crate) view_only: bool,
    /// How its keys and clipboard are treated; `None` where RFB passes unchanged.
    pub(crate) input_settings: Option<InputSettings>,
    /// What is known of the console's host.
    pub(crate) host: HostKind,
    /// It may have the host disconnect its other clients (ClientInit, RFC 6143 section 7.3.1).
    pub(crate) may_be_exclusive: bool,
    /// The longest time without input; `None`: no limit. Where RFB passes unchanged, any message counts as input.
    pub(crate) idle_timeout: Option<Duration>,
    /// The longest session; `None`: no limit.
    pub(crate) max_session_time: Option<Duration>,
}

/// How a relay has ended, and what remains of it.
pub(crate) struct RelayEnd {
    pub(crate) outcome: Outcome,
    /// `None` where it is closed elsewhere.
    pub(crate) host: Option<HostRemainder>,
    /// The viewer's unprocessed input, where its dialogue can be continued without the host: see
    /// [`SharedDialogue::unprocessed`].
    pub(crate) unprocessed: Option<BytesMut>,
}

/// A host's connection after its relay: TLS and TCP remain to be closed.
pub(crate) struct HostRemainder(Stream);

impl HostRemainder {
    /// Sends TLS's close_notify where that is due (RFC 8446 section 6.1) and TCP's FIN, and reads until the host's: a
    /// socket that is closed with unread input sends RST, on which the host may discard the keys that were released last.
    pub(crate) async fn close(mut self) {
        let closing_records = self.0.transport.closing_records();
        let (mut read, mut write) = self.0.socket.split();
        // The host may already be gone.
        let _ = timeout(CLOSE_TIMEOUT, write.write_all(&closing_records)).await;
        socket::finish(&mut read, &mut write).await;
    }
}

/// Relays until either side or the session ends, and closes the WebSocket. The caller closes the viewer's connection and
/// what remains of the host's.
///
/// `dialogue` is `None` where RFB passes unchanged.
pub(crate) fn relay<'a>(
    viewer: &'a mut ViewerLink,
    host: HostLink,
    dialogue: Option<&'a mut Dialogue>,
    policy: ViewerPolicy,
    session: &'a SessionInfo,
) -> Pin<Box<dyn Future<Output = RelayEnd> + Send + 'a>> {
    // Boxed: keeps this future out of the one that opens the session.
    let (connection, early, clocks) = viewer.parts();
    let early = std::mem::take(early);
    // Boxed: the futures below would keep room for each place that it passes through.
    let parts = (Box::new(host), dialogue, policy, session);
    match connection {
        Some(Either::Left(Either::Left(socket))) => {
            let halves = socket.split();
            Box::pin(relay_between(halves, early, clocks, parts))
        }
        Some(connection) => {
            #[expect(
                clippy::disallowed_methods,
                reason = "TLS streams and WebSockets have no owned halves, and both are used in one task: the lock is never contended"
            )]
            let halves = tokio::io::split(connection);
            Box::pin(relay_between(halves, early, clocks, parts))
        }
        None => Box::pin(async {
            RelayEnd {
                outcome: Outcome::ViewerLeft,
                host: Some(HostRemainder(parts.0.stream)),
                unprocessed: None,
            }
        }),
    }
}

async fn relay_between(
    (mut viewer_in, mut viewer_out): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    early: BytesMut,
    clocks: &mut Clocks,
    (host, dialogue, policy, session): (
        Box<HostLink>,
        Option<&mut Dialogue>,
        ViewerPolicy,
        &SessionInfo,
    ),
) -> RelayEnd {
    let HostLink {
        mut stream,
        decoder,
        input,
        payload,
        keys,
        ..
    } = unboxed(host);
    let incoming = std::mem::take(&mut stream.input);
    let end_by = policy.max_session_time.map(|time| clocks.welcomed + time);
    let (outcome, unprocessed) = {
        let transport = &stream.transport;
        let (mut console_in, mut console_out) = stream.socket.split();
        let (pending, traffic) = (PendingReply::new(), &session.traffic);
        let dialogue = dialogue.map(SharedDialogue::new);
        let path = input_path(dialogue.as_ref(), policy);
        let writer = to_host::HostWriter::new(
            &mut console_out,
            transport,
            keys,
            traffic,
            policy,
            path,
            clocks,
        );
        let to_host = pin!(writer.pump(&mut viewer_in, early, &pending));
        let reader = to_viewer::HostReader {
            stream: &mut console_in,
            transport,
            decoder,
            decrypted: Decrypted::new(incoming),
            dialogue: dialogue.as_ref(),
        };
        let early = [payload, input];
        let to_viewer = pin!(to_viewer::pump(
            reader,
            early,
            &mut viewer_out,
            &pending,
            traffic
        ));
        let ended = pin!(session_end(session, end_by));
        let outcome = first_to_end(to_host, to_viewer, ended, &pending, traffic).await;
        let unprocessed = dialogue.as_ref().and_then(SharedDialogue::unprocessed);
        (outcome, unprocessed)
    };
    RelayEnd {
        outcome,
        host: Some(HostRemainder(stream)),
        unprocessed,
    }
}

/// Frees the box, which would otherwise live as long as the future that takes its content apart.
fn unboxed(host: Box<HostLink>) -> HostLink {
    *host
}

const fn input_path<'a, 'd>(
    dialogue: Option<&'a SharedDialogue<'d>>,
    policy: ViewerPolicy,
) -> InputPath<'a, 'd> {
    match dialogue {
        Some(dialogue) => InputPath::Dialect(dialogue),
        None if policy.view_only => InputPath::ViewOnly(ViewOnlyFilter::new()),
        None => InputPath::Unchanged,
    }
}

/// Ready when the gateway or `max_session_time` ends the session.
pub(crate) async fn session_end(session: &SessionInfo, end_by: Option<Instant>) -> Outcome {
    tokio::select! {
        () = session.ending.cancelled.cancelled() => Outcome::Ended(session.ending.reason()),
        () = at(end_by) => Outcome::TimeUp,
    }
}

/// Runs both directions until one of them or the session ends, then ends the others as the table at the top of this file
/// says.
async fn first_to_end(
    mut to_host: Pin<&mut impl Future<Output = to_host::ToHostEnd>>,
    mut to_viewer: Pin<&mut impl Future<Output = to_viewer::ToViewerEnd>>,
    ended: Pin<&mut impl Future<Output = Outcome>>,
    pending: &PendingReply,
    traffic: &Traffic,
) -> Outcome {
    tokio::select! {
        end = &mut to_host => match end {
            to_host::ToHostEnd::ViewerReset => Outcome::ViewerLeft,
            end @ to_host::ToHostEnd::EsxiBroke(_) => {
                // What it sent before is still delivered, however slow the viewer is.
                let other = while_progressing(&mut to_viewer, traffic).await;
                after_to_host(end, other)
            }
            end => {
                let other = timeout(CLOSE_TIMEOUT, to_viewer).await.ok();
                after_to_host(end, other)
            }
        },
        end = &mut to_viewer => {
            pending.close(end.answer());
            // Its result is dropped: it only sends the Close, and `end` has the cause.
            let _ = timeout(CLOSE_TIMEOUT, to_host).await;
            end.into()
        }
        outcome = ended => {
            pending.close(Close::new(CloseCode::GOING_AWAY));
            // Whichever has not ended by then is dropped.
            let _ = timeout(CLOSE_TIMEOUT, async { tokio::join!(to_host, to_viewer) }).await;
            outcome
        }
    }
}

/// Waits for `to_viewer` as long as the viewer reads.
async fn while_progressing(
    mut to_viewer: impl Future<Output = to_viewer::ToViewerEnd> + Unpin,
    traffic: &Traffic,
) -> Option<to_viewer::ToViewerEnd> {
    loop {
        let before = traffic.to_viewer();
        match timeout(CLOSE_TIMEOUT, &mut to_viewer).await {
            Ok(end) => return Some(end),
            Err(_) if traffic.to_viewer() == before => return None,
            Err(_) => {}
        }
    }
}

/// Ready at `moment`; never where that is `None`.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The result where `to_host` ended first. Where writing to ESXi failed, a Close or violation that ESXi sent before is the
/// better cause.
fn after_to_host(
    to_host: to_host::ToHostEnd,
    to_viewer: Option<to_viewer::ToViewerEnd>,
) -> Outcome {
    match (to_host, to_viewer) {
        (to_host::ToHostEnd::ViewerLeft | to_host::ToHostEnd::ViewerReset, _) => {
            Outcome::ViewerLeft
        }
        (to_host::ToHostEnd::Idle, _) => Outcome::Idle,
        (to_host::ToHostEnd::Violation(violation), _) => Outcome::Violation(violation),
        (to_host::ToHostEnd::CloseSent, None) => Outcome::Ended("ESXi did not answer a Close"),
        (
            to_host::ToHostEnd::EsxiBroke(_),
            Some(to_viewer::ToViewerEnd::HostLost(
                lost @ (HostLost::Closed(_) | HostLost::Framing(_)),
            )),
        ) => lost.unexplained(),
        (to_host::ToHostEnd::EsxiBroke(error), _) => HostLost::Broke(error).unexplained(),
        (to_host::ToHostEnd::CloseSent, Some(end)) => end.into(),
    }
}
