//! How connections are accepted.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;
use tracing::warn;

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
