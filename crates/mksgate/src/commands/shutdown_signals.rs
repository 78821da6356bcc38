//! Maps signals to the gateway's shutdown.

use tracing::info;

use super::CommandError;
use gateway::Shutdown;
use terminal::signals::TerminationSignals;

/// The first signal drains, the second ends at once. Handlers are installed before this returns, so that no signal is missed.
pub(super) fn watch_signals(
    shutdown: Shutdown,
) -> Result<impl Future<Output = ()> + Send + 'static, CommandError> {
    let mut signals = TerminationSignals::for_daemon()?;
    Ok(async move {
        for (word, token) in [
            ("draining", shutdown.drain),
            ("ending at once", shutdown.now),
        ] {
            let signal = signals.next().await;
            info!("{signal}: {word}");
            token.cancel();
        }
    })
}
