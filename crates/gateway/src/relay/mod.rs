//! The relay: two pumps between a viewer and a console, and how a session ends.
//!
//! Each pump writes what it has read before it reads again, so TCP's own windows, from viewer to ESXi, are
//! the whole backpressure. The pumps have one thing to tell each other: what `down` reads, `up` may owe an
//! answer to (a pong, a Close), since it alone writes to ESXi. One slot is enough for that, see [`debt`].
//!
//! | first to end | then |
//! |---|---|
//! | viewer, in order | Close 1000 to ESXi, what ESXi still sends goes to the viewer until its Close comes or [`PARTING`] is over |
//! | ESXi, by taking nothing more | what it sent before goes to the viewer as long as that takes something |
//! | viewer, by reset | Close 1001 to ESXi, no wait |
//! | ESXi, by Close | all that was decoded is written, the Close is echoed, FIN to the viewer |
//! | ESXi, without Close | all that was decoded is written, FIN to the viewer |
//! | ESXi, by a violation | likewise, and a Close that says so |
//! | the gateway | Close 1001 to ESXi, FIN to the viewer |

mod backlog;
mod debt;
mod down;
mod plain;
mod sieve;
#[cfg(test)]
mod tests;
mod turn;
mod up;

use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tokio_util::either::Either;
use ws_proto::{Close, CloseCode};

use crate::error::Failure;
use crate::front_door::roll::Ending;
use crate::front_door::viewer::Connection;
use crate::metrics::Metrics;
use crate::repair::{Habits, HostKind, Repair};
use console::host_link::Wire;
use console::socket::{self, PARTING};
use console::stream::Stream;
use console::transport::Transport;
use debt::Debts;
use plain::Plain;
use sieve::Sieve;
use up::Passage;

/// Bytes of RFB that went each way.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    to_viewer: AtomicU64,
    to_esxi: AtomicU64,
    /// The same for all sessions together.
    total_to_viewer: Counter,
    total_to_esxi: Counter,
}

impl Traffic {
    /// Of one session, as part of the whole.
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

    fn went_to_viewer(&self, count: usize) {
        self.to_viewer.fetch_add(count as u64, Ordering::Relaxed);
        self.total_to_viewer.inc_by(count as u64);
    }

    fn went_to_esxi(&self, count: usize) {
        self.to_esxi.fetch_add(count as u64, Ordering::Relaxed);
        self.total_to_esxi.inc_by(count as u64);
    }
}

/// What a viewer may do once it is in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
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

/// How a relay came to its end.
#[derive(Debug)]
pub(crate) enum End {
    /// The viewer left, in order or not.
    Viewer,
    /// ESXi closed, in these words.
    Esxi(String),
    /// The gateway was told to, for this reason.
    Told(&'static str),
    /// Nobody was at the viewer for too long.
    Idle,
    /// The session lasted for too long.
    TimeUp,
    /// Something went wrong.
    Fault(Failure),
}

/// Relays until either side ends or `ending` says so, and has then closed both connections. `early` is what
/// the viewer has sent already.
pub(crate) fn relay<'a>(
    viewer: Connection,
    early: BytesMut,
    console: Wire,
    rules: Rules,
    traffic: &'a Traffic,
    ending: &'a Ending,
) -> Pin<Box<dyn Future<Output = End> + Send + 'a>> {
    // Apart, so that a session that is still opening does not hold room for this.
    match viewer {
        Either::Left(mut socket) => Box::pin(async move {
            let halves = socket.split();
            between(halves, early, console, rules, traffic, ending).await
        }),
        Either::Right(tls) => {
            #[expect(
                clippy::disallowed_methods,
                reason = "a TLS stream has no owned halves, and nobody else wants the lock"
            )]
            let halves = tokio::io::split(tls);
            Box::pin(between(halves, early, console, rules, traffic, ending))
        }
    }
}

async fn between(
    (mut viewer_in, mut viewer_out): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    early: BytesMut,
    console: Wire,
    rules: Rules,
    traffic: &Traffic,
    ending: &Ending,
) -> End {
    let Wire {
        stream:
            Stream {
                mut socket,
                transport,
                input: incoming,
            },
        decoder,
        input,
        payload,
        keys,
    } = console;
    let (mut console_in, mut console_out) = socket.split();
    let debts = Debts::new();
    let repair = rules
        .habits
        .map(|habits| Repair::new(habits, rules.view_only, rules.host));
    let end = {
        let passage = match &repair {
            Some(repair) => Passage::Repair(repair),
            None if rules.view_only => Passage::Sieve(Sieve::new()),
            None => Passage::Open,
        };
        let wire = up::Wire::new(&mut console_out, &transport, keys, traffic, rules, passage);
        let mut up = pin!(wire.pump(&mut viewer_in, early, &debts));
        let source = down::Source {
            stream: &mut console_in,
            transport: &transport,
            decoder,
            plain: Plain::new(incoming),
            repair: repair.as_ref(),
        };
        let mut down = pin!(down::pump(
            source,
            [payload, input],
            &mut viewer_out,
            &debts,
            traffic
        ));
        let told = async {
            tokio::select! {
                () = ending.told.cancelled() => End::Told(ending.why()),
                () = after(rules.max_session_time) => End::TimeUp,
            }
        };
        tokio::select! {
            end = &mut up => match end {
                up::End::ViewerReset => End::Viewer,
                end @ up::End::EsxiBroke(_) => {
                    // What it sent before is still to be delivered, however slow the viewer is.
                    let other = while_it_progresses(&mut down, traffic).await;
                    after_viewer(end, other)
                }
                end => {
                    let other = timeout(PARTING, down).await.ok();
                    after_viewer(end, other)
                }
            },
            end = &mut down => {
                debts.close(end.answer());
                // Ignored on purpose: it has been asked to end, and nothing of the viewer's can be delivered.
                let _ = timeout(PARTING, up).await;
                end.into()
            }
            end = told => {
                debts.close(Close::new(CloseCode::GOING_AWAY));
                // Ignored on purpose: both have had their time.
                let _ = timeout(PARTING, async { tokio::join!(up, down) }).await;
                end
            }
        }
    };
    // Ignored on purpose: a host that has gone cannot be told.
    let (_, ()) = tokio::join!(
        timeout(PARTING, part(&transport, &mut console_out)),
        socket::finish(&mut viewer_in, &mut viewer_out),
    );
    end
}

/// Waits for `down` as long as the viewer takes something of it.
async fn while_it_progresses(
    mut down: impl Future<Output = down::End> + Unpin,
    traffic: &Traffic,
) -> Option<down::End> {
    loop {
        let before = traffic.to_viewer();
        match timeout(PARTING, &mut down).await {
            Ok(end) => return Some(end),
            Err(_) if traffic.to_viewer() == before => return None,
            Err(_) => {}
        }
    }
}

async fn part(transport: &Transport, esxi: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    esxi.write_all(&transport.last_words()).await?;
    esxi.shutdown().await
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}

/// The viewer's pump ended first. Where that was because ESXi does not take any more, what ESXi last said
/// is the better reason.
fn after_viewer(up: up::End, down: Option<down::End>) -> End {
    match (up, down) {
        (up::End::ViewerLeft | up::End::ViewerReset, _) => End::Viewer,
        (up::End::Idle, _) => End::Idle,
        (up::End::Violation(violation), _) => End::Fault(Failure::NotAViewer(violation)),
        (up::End::Told, None) => End::Told("ESXi did not answer a Close"),
        (up::End::EsxiBroke(_), Some(down @ (down::End::Close(_) | down::End::Violation(_)))) => {
            down.into()
        }
        (up::End::EsxiBroke(error), _) => End::Fault(console::Error::EsxiBroke(error).into()),
        (up::End::Told, Some(down)) => down.into(),
    }
}
