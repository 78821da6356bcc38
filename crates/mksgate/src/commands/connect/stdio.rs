//! A console on standard input and output.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{stdin, stdout};
use tokio_util::task::TaskTracker;

use super::port;
use crate::commands::CommandError;
use crate::commands::which::Chosen;
use crate::private_line;
use crate::signals::Ends;

/// Until either side ends. Who has our pipes is who started us, so nothing is asked.
pub(super) async fn run(chosen: &Chosen, within: Duration) -> Result<ExitCode, CommandError> {
    let port = port::without_password(chosen, within);
    let broken = |error| CommandError::Failed(format!("cannot carry the console ({error})"));
    let mut ends = Ends::watch()?;
    let tasks = TaskTracker::new();
    tasks.spawn(Arc::clone(&chosen.upstream).live());
    let ended = port.door.ended.clone();
    let told = async {
        ends.next().await;
        ended.cancel();
        std::future::pending().await
    };
    let carried = tokio::select! {
        carried = private_line::carry(port, stdin(), stdout()) => carried,
        carried = told => carried,
    };
    chosen.upstream.retire();
    tasks.close();
    tasks.wait().await;
    carried.map_err(broken)?;
    Ok(ExitCode::SUCCESS)
}
