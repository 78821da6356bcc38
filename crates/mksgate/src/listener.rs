//! The accept loop of one port. It does nothing that waits on a peer.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::port::Port;
use crate::session::Session;
use crate::socket;

/// How long to wait after a failed accept: the usual cause is that descriptors have run out, and it does
/// not go away faster by asking again at once.
pub(crate) const BACKOFF: Duration = Duration::from_millis(100);

/// Takes viewers in until `closing`, when the socket is closed before this ends; each as the port is configured at that moment. Every session is on
/// `sessions`, so that shutdown ends when they have ended.
pub(crate) async fn listen(
    listener: TcpListener,
    current: watch::Receiver<Arc<Port>>,
    sessions: TaskTracker,
    closing: CancellationToken,
) {
    while let Some(accepted) = closing.run_until_cancelled(listener.accept()).await {
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(listen = ?listener.local_addr().ok(), "cannot accept a viewer ({error}): trying again");
                // Ignored on purpose: whoever closes the port need not wait for that.
                let _ = closing
                    .run_until_cancelled(tokio::time::sleep(BACKOFF))
                    .await;
                continue;
            }
        };
        if let Err(error) = socket::prepare(&socket) {
            debug!(viewer = %peer, "the viewer was gone before it was served ({error})");
            continue;
        }
        let port = Arc::clone(&current.borrow());
        sessions.spawn(Session::new(port, peer).run(socket));
    }
}
