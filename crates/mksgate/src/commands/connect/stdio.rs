//! The console on stdin and stdout.

use std::process::ExitCode;

use tokio::io::{stdin, stdout};
use tokio_util::task::TaskTracker;

use super::outcome::Outcome;
use super::port;
use super::target::Target;
use crate::commands::CommandError;
use terminal::signals::TerminationSignals;

/// Relays until either side closes. The first signal closes the session cleanly, the second aborts it. Needs no password: the peer
/// started this process.
pub(super) async fn run(target: &Target) -> Result<Outcome, CommandError> {
    let entrance = port::local_entrance(target);
    let last_failure = entrance.last_failure();
    let failed = |error| CommandError::failed(format!("cannot relay the console ({error})"));
    let mut signals = TerminationSignals::watch()?;
    let tasks = TaskTracker::new();
    target.keep_session_alive(&tasks);
    let ending = entrance.clone();
    let terminated = async {
        signals.next().await;
        ending.end();
        signals.next().await
    };
    let relayed = tokio::select! {
        relayed = entrance.serve(stdin(), stdout()) => relayed.map_err(failed),
        by = terminated => Err(CommandError::Signalled(by)),
    };
    target.log_out();
    tasks.close();
    tasks.wait().await;
    relayed?;
    Ok((ExitCode::SUCCESS, last_failure.failure()))
}
