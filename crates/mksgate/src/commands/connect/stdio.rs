//! A console on standard input and output.

use std::process::ExitCode;

use tokio::io::{stdin, stdout};
use tokio_util::task::TaskTracker;

use super::goal::Goal;
use super::{Used, port};
use crate::commands::CommandError;
use crate::signals::Ends;

/// Until either side ends, or we are told to end: once in order, and twice at once. Who has our pipes is who started us,
/// so nothing is asked.
pub(super) async fn run(goal: &Goal) -> Result<Used, CommandError> {
    let line = port::without_password(goal);
    let last_failure = line.last_failure();
    let broken = |error| CommandError::Failed(format!("cannot carry the console ({error})"));
    let mut ends = Ends::watch()?;
    let tasks = TaskTracker::new();
    goal.live(&tasks);
    let ended = line.clone();
    let told = async {
        ends.next().await;
        ended.end();
        ends.next().await
    };
    let carried = tokio::select! {
        carried = line.carry(stdin(), stdout()) => carried.map_err(broken),
        by = told => Err(CommandError::Ended(by)),
    };
    goal.left();
    tasks.close();
    tasks.wait().await;
    carried?;
    Ok((ExitCode::SUCCESS, last_failure.sentence()))
}
