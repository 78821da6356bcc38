//! The accept loop of one port. It does nothing that waits on a peer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::session::{Port, Session};
use crate::socket;

/// How long to wait after a failed accept: the usual cause is that descriptors have run out, and it does
/// not go away faster by asking again at once.
const BACKOFF: Duration = Duration::from_millis(100);

/// What all ports share.
#[derive(Clone)]
pub(crate) struct Hall {
    /// One permit a session, as long as it lasts.
    pub(crate) permits: Arc<Semaphore>,
    /// Every session is on it, so that shutdown ends when they have ended.
    pub(crate) sessions: TaskTracker,
    /// Cancelled when no new viewers are taken.
    pub(crate) closing: CancellationToken,
    /// The number of the next session.
    pub(crate) next: Arc<AtomicU64>,
}

/// Takes viewers in until the hall closes, each as the port is configured at that moment.
pub(crate) async fn listen(listener: TcpListener, current: watch::Receiver<Arc<Port>>, hall: Hall) {
    while let Some(Ok(permit)) = hall
        .closing
        .run_until_cancelled(Arc::clone(&hall.permits).acquire_owned())
        .await
    {
        let Some(accepted) = hall.closing.run_until_cancelled(listener.accept()).await else {
            return;
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(listen = ?listener.local_addr().ok(), "cannot accept a viewer ({error}): trying again");
                tokio::time::sleep(BACKOFF).await;
                continue;
            }
        };
        if let Err(error) = socket::prepare(&socket) {
            debug!(viewer = %peer, "the viewer was gone before it was served ({error})");
            continue;
        }
        let port = Arc::clone(&current.borrow());
        let id = hall.next.fetch_add(1, Ordering::Relaxed);
        let session = Session {
            id,
            peer,
            _upstream_in_use: port.upstream.enter(),
            port,
        };
        hall.sessions.spawn(async move {
            session.run(socket).await;
            drop(permit);
        });
    }
}
