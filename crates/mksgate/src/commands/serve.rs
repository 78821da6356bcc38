//! `mksgate serve`: the daemon.

use std::path::PathBuf;
use std::time::SystemTime;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::check::certificates;
use super::shutdown_signals::watch_signals;
use super::{CommandError, print};
use gateway::settings::Config;

use gateway::{Gateway, Shutdown};

/// Serves until a signal: SIGHUP reloads the configuration, the first SIGTERM drains, the second ends at once.
pub(crate) async fn run(config: Config, path: PathBuf) -> Result<(), CommandError> {
    raise_descriptor_limit();
    log_warnings(&config);
    let gateway = Gateway::bind(config).await?;
    let page = web::Page::bind(gateway.web()).await?;
    let shutdown = Shutdown::default();
    let (reload, reloads) = mpsc::channel(1);
    let signals = TaskTracker::new();
    signals.spawn(watch_signals(shutdown.clone())?);
    signals.spawn(reload_on_hangup(
        register(SignalKind::hangup())?,
        path,
        reload,
    ));
    for (address, vm) in gateway.ports() {
        print(format!("{address} {vm}\n"))?;
    }
    if let Some(url) = page.url() {
        print(format!("{url} [web]\n"))?;
    }
    let page = signals.spawn(page.run());
    gateway.run_reloading(shutdown.clone(), reloads).await;
    // It deletes the pictures that it had taken on datastores.
    tokio::select! {
        _ = page => {}
        () = shutdown.now.cancelled() => {}
    }
    Ok(())
}

fn log_warnings(config: &Config) {
    let certificates = certificates::problems(config, SystemTime::now());
    let certificates = certificates.iter().map(|problem| &problem.message);
    for warning in config.warnings().iter().chain(certificates) {
        warn!("{warning}");
    }
}

/// Raises RLIMIT_NOFILE to its hard limit: a session takes two descriptors, and the usual soft limit is 1024.
fn raise_descriptor_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => debug!(limit, "descriptors"),
        Err(error) => warn!("cannot raise the limit of file descriptors ({error})"),
    }
}

/// Returns when the gateway has ended and has dropped the receiver.
async fn reload_on_hangup(mut hangup: Signal, path: PathBuf, reload: mpsc::Sender<Config>) {
    while hangup.recv().await.is_some() {
        match config::load_listing_errors(&path) {
            Ok(config) => {
                log_warnings(&config);
                if reload.send(config).await.is_err() {
                    return;
                }
            }
            Err(errors) => {
                for error in errors.iter() {
                    warn!(
                        "cannot reload the configuration, so the previous one stays in effect: {error}"
                    );
                }
            }
        }
    }
}

fn register(kind: SignalKind) -> Result<Signal, CommandError> {
    signal(kind).map_err(|error| CommandError::failed(format!("cannot watch signals ({error})")))
}
