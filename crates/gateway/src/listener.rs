//! Accepts connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;
use tracing::warn;

/// The wait after a failed accept: the usual cause, running out of file descriptors, would fail again at once.
const BACKOFF: Duration = Duration::from_millis(100);

/// Accepts the next connection; retries after errors. `listen` is the address for the log.
pub async fn accept<T, F: Future<Output = io::Result<T>>>(
    listen: Option<SocketAddr>,
    mut next: impl FnMut() -> F,
) -> T {
    loop {
        match next().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                let listen = listen.map(tracing::field::display);
                warn!(listen, "accept failed ({error}): trying again");
                sleep(BACKOFF).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failed_accept_is_retried_after_a_pause() {
        let (begun, mut tries) = (Instant::now(), 0);
        let third = accept(None, || {
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
