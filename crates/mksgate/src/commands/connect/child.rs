//! A viewer, or a command in its place, from its start to its end.

use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use tokio::process::Child;
use tokio::time::timeout;

use crate::commands::CommandError;
use crate::signals::Ends;
use crate::viewer_program::Launch;

/// How long a viewer that was told to end may take.
const GRACE: Duration = Duration::from_secs(3);

/// Runs it; when we are told to end, so is it.
pub(super) async fn run(
    launch: &mut Launch,
    what: &str,
    ends: &mut Ends,
) -> Result<ExitCode, CommandError> {
    let broken = |error| {
        CommandError::Failed(format!(
            "{what} cannot be started ({error}): see that it is installed"
        ))
    };
    let mut child = launch.start().await.map_err(broken)?;
    let status = tokio::select! {
        status = child.wait() => status,
        _ = ends.next() => {
            terminate(&mut child);
            match timeout(GRACE, child.wait()).await {
                Ok(status) => status,
                Err(_) => {
                    // Ignored on purpose: it has just gone by itself.
                    let _ = child.start_kill();
                    child.wait().await
                }
            }
        }
    };
    status.map(code).map_err(broken)
}

/// As a shell counts it.
#[cfg(unix)]
fn code(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
        .into()
}

/// Codes above 255 are no different to us than 255.
#[cfg(not(unix))]
fn code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .map(|code| u8::try_from(code).unwrap_or(u8::MAX));
    code.unwrap_or(u8::MAX).into()
}

/// Asks it to end.
#[cfg(unix)]
fn terminate(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    if let Some(pid) = pid {
        // Ignored on purpose: it has just gone by itself.
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// There is no way to ask.
#[cfg(not(unix))]
fn terminate(child: &mut Child) {
    // Ignored on purpose: it has just gone by itself.
    let _ = child.start_kill();
}
