//! The console on stdin and stdout.

use std::process::ExitCode;

use tokio::io::{stdin, stdout};
use tokio_util::task::TaskTracker;

use super::outcome::Outcome;
use super::port;
use super::target::Target;
use crate::commands::CommandError;
use crate::signals::TerminationSignals;

/// Relays until either side closes. The first signal ends the session in order, the second at once. Needs no password: the peer
/// started us.
pub(super) async fn run(target: &Target) -> Result<Outcome, CommandError> {
    let entrance = port::local_entrance(target);
    let last_failure = entrance.last_failure();
    let broken = |error| CommandError::Failed(format!("cannot carry the console ({error})"));
    let mut signals = TerminationSignals::watch()?;
    let tasks = TaskTracker::new();
    target.keep_session_alive(&tasks);
    let ended = entrance.clone();
    let terminated = async {
        signals.next().await;
        ended.end();
        signals.next().await
    };
    let carried = tokio::select! {
        carried = entrance.serve(stdin(), stdout()) => carried.map_err(broken),
        by = terminated => Err(CommandError::Signalled(by)),
    };
    target.retire();
    tasks.close();
    tasks.wait().await;
    carried?;
    Ok((ExitCode::SUCCESS, last_failure.sentence()))
}
