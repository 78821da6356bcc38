//! How viewers are accepted, and the loop of one port. It does nothing that waits on a peer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::entrance::Entrance;
use crate::session::Session;
use crate::session_threads::SessionThreads;
use console::socket;

/// How long to wait after a failed accept: the usual cause is that descriptors have run out, and it does
/// not go away faster by asking again at once.
const BACKOFF: Duration = Duration::from_millis(100);

/// What `accept` brings next, however often it fails before. `listen` is where, for the log.
pub async fn accepted<T, F: Future<Output = io::Result<T>>>(
    listen: Option<SocketAddr>,
    mut accept: impl FnMut() -> F,
) -> T {
    loop {
        match accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                let listen = listen.map(tracing::field::display);
                warn!(listen, "cannot accept a viewer ({error}): trying again");
                sleep(BACKOFF).await;
            }
        }
    }
}

/// Takes viewers in until `closing`, when the socket is closed before this ends; each as the port is configured at that moment. Sessions run
/// on `threads`.
pub(crate) async fn listen(
    listener: TcpListener,
    current: watch::Receiver<Arc<Entrance>>,
    threads: Arc<SessionThreads>,
    closing: CancellationToken,
) {
    let listen = listener.local_addr().ok();
    let next = || accepted(listen, || listener.accept());
    while let Some((socket, peer)) = closing.run_until_cancelled(next()).await {
        let port = Arc::clone(&current.borrow());
        let served = socket::prepare(&socket)
            .and_then(|()| threads.serve(socket, |socket| Session::new(port, peer).run(socket)));
        if let Err(error) = served {
            debug!(viewer = %peer, "the viewer was gone before it was served ({error})");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_failed_accept_there_is_a_pause_before_the_next_one() {
        let (begun, mut tries) = (Instant::now(), 0);
        let third = accepted(None, || {
            tries += 1;
            ready(match tries {
                3 => Ok("a viewer"),
                _ => Err(io::Error::other("no descriptors")),
            })
        });
        assert_eq!(third.await, "a viewer");
        assert_eq!(begun.elapsed(), 2 * BACKOFF);
    }
}
