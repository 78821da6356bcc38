//! `mksgate serve`: the daemon.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::cli::CommandError;
use crate::config::Config;
use crate::gateway::{Gateway, Shutdown};

/// Serves until a signal ends it: the first drains, the second ends at once.
pub(crate) async fn run(config: Config) -> Result<(), CommandError> {
    let gateway = Gateway::bind(config).await?;
    let shutdown = Shutdown::default();
    let watch = watch_signals(shutdown.clone())?;
    let signals = TaskTracker::new();
    signals.spawn(watch);
    for (address, vm) in gateway.ports() {
        println!("{address} {vm}");
    }
    gateway.run(shutdown).await;
    Ok(())
}

/// Translates signals. Registered before it returns, so that none is missed.
pub(super) fn watch_signals(
    shutdown: Shutdown,
) -> Result<impl Future<Output = ()> + Send + 'static, CommandError> {
    let register = |kind| {
        signal(kind)
            .map_err(|error| CommandError::Failed(format!("cannot watch signals ({error})")))
    };
    let mut terminate = register(SignalKind::terminate())?;
    let mut interrupt = register(SignalKind::interrupt())?;
    Ok(async move {
        for (word, token) in [
            ("draining", shutdown.drain),
            ("ending at once", shutdown.now),
        ] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            info!("told to end: {word}");
            token.cancel();
        }
    })
}
