//! The relay: two pumps between a viewer and a console, and how a session ends.
//!
//! Each pump writes what it has read before it reads again, so TCP's own windows, from viewer to ESXi, are
//! the whole backpressure. The pumps have one thing to tell each other: what `down` reads, `up` may owe an
//! answer to (a pong, a Close), since it alone writes to ESXi. One slot is enough for that, see [`debt`].
//!
//! | first to end | then |
//! |---|---|
//! | viewer, in order | Close 1000 to ESXi, what ESXi still sends goes to the viewer until its Close comes or [`PARTING`] is over |
//! | viewer, by reset | Close 1001 to ESXi, no wait |
//! | ESXi, by Close | all that was decoded is written, the Close is echoed, FIN to the viewer |
//! | ESXi, without Close | all that was decoded is written, FIN to the viewer |
//! | ESXi, by a violation | likewise, and a Close that says so |
//! | the gateway | Close 1001 to ESXi, FIN to the viewer |

mod debt;
mod down;
mod up;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use ws_proto::{Close, CloseCode};

use crate::console::Wire;
use crate::error::Failure;
use crate::socket;
use debt::Debts;

/// How long one side may take to end after the other has. A host that lives answers a Close within a round
/// trip; one that does not must not hold the session.
pub(crate) const PARTING: Duration = Duration::from_secs(3);

/// Bytes of RFB that went each way.
#[derive(Debug, Default)]
pub struct Traffic {
    to_viewer: AtomicU64,
    to_esxi: AtomicU64,
}

impl Traffic {
    /// Bytes that were written to the viewer so far.
    pub fn to_viewer(&self) -> u64 {
        self.to_viewer.load(Ordering::Relaxed)
    }

    /// Bytes that were written to ESXi so far.
    pub fn to_esxi(&self) -> u64 {
        self.to_esxi.load(Ordering::Relaxed)
    }
}

/// How a relay came to its end.
#[derive(Debug)]
pub(crate) enum End {
    /// The viewer left, in order or not.
    Viewer,
    /// ESXi closed, in these words.
    Esxi(String),
    /// The gateway was told to.
    Gateway,
    /// Something went wrong.
    Fault(Failure),
}

/// Relays until either side ends or `ended` is cancelled, and has then closed both connections.
/// `early` is what the viewer has sent already.
pub(crate) async fn relay(
    viewer: TcpStream,
    early: BytesMut,
    console: Wire,
    traffic: &Traffic,
    ended: &CancellationToken,
) -> End {
    let (mut viewer_in, mut viewer_out) = viewer.into_split();
    #[expect(
        clippy::disallowed_methods,
        reason = "a TLS stream has no owned halves, and nobody else wants the lock"
    )]
    let (mut console_in, mut console_out) = tokio::io::split(console.stream);
    let Wire {
        decoder,
        input,
        payload,
        keys,
        ..
    } = console;
    let debts = Debts::new();
    let end = {
        let mut up = pin!(up::pump(
            &mut viewer_in,
            early,
            &mut console_out,
            keys,
            &debts,
            traffic
        ));
        let source = down::Source {
            stream: &mut console_in,
            decoder,
            input,
        };
        let mut down = pin!(down::pump(
            source,
            payload,
            &mut viewer_out,
            &debts,
            traffic
        ));
        tokio::select! {
            end = &mut up => match end {
                up::End::ViewerReset => End::Viewer,
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
            () = ended.cancelled() => {
                debts.close(Close::new(CloseCode::GOING_AWAY));
                // Ignored on purpose: both have had their time.
                let _ = timeout(PARTING, async { tokio::join!(up, down) }).await;
                End::Gateway
            }
        }
    };
    // Ignored on purpose: a host that has gone cannot be told.
    let (_, ()) = tokio::join!(
        timeout(PARTING, console_out.shutdown()),
        socket::finish(&mut viewer_in, &mut viewer_out),
    );
    end
}

/// The viewer's pump ended first. Where that was because ESXi does not take any more, what ESXi last said
/// is the better reason.
fn after_viewer(up: up::End, down: Option<down::End>) -> End {
    match (up, down) {
        (up::End::ViewerLeft | up::End::ViewerReset, _) => End::Viewer,
        (up::End::Told, None) => End::Gateway,
        (up::End::EsxiBroke(_), Some(down @ (down::End::Close(_) | down::End::Violation(_)))) => {
            down.into()
        }
        (up::End::EsxiBroke(error), _) => End::Fault(Failure::EsxiBroke(error)),
        (up::End::Told, Some(down)) => down.into(),
    }
}
