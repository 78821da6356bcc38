//! How a gateway that runs in the foreground or as a daemon is told to end.

use tracing::info;

use super::CommandError;
use crate::signals::TerminationSignals;
use gateway::Shutdown;

/// The first signal drains, the next one ends at once. They are watched from before this returns, so that none is
/// missed.
pub(super) fn watch_signals(
    shutdown: Shutdown,
) -> Result<impl Future<Output = ()> + Send + 'static, CommandError> {
    let mut signals = TerminationSignals::for_daemon()?;
    Ok(async move {
        for (word, token) in [
            ("draining", shutdown.drain),
            ("ending at once", shutdown.now),
        ] {
            signals.next().await;
            info!("told to end: {word}");
            token.cancel();
        }
    })
}
