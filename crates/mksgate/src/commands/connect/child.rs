//! Runs a viewer, or the command that replaces it.

use std::io;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::process::Child;
use tokio::time::timeout;

use crate::commands::CommandError;
use crate::commands::failure::{Failure, NO_SUCH_PROGRAM};
use terminal::print_stderr;
use terminal::signals::TerminationSignals;
use viewers::{Endpoint, Launch, ViewerProgram};

/// Time between SIGTERM and SIGKILL.
const TERMINATION_TIMEOUT: Duration = Duration::from_secs(3);

/// Runs the program and terminates it when we receive a signal.
pub(super) async fn run(
    launch: &mut Launch,
    what: &str,
    signals: &mut TerminationSignals,
) -> Result<ExitCode, CommandError> {
    let cannot_start = |error: io::Error| {
        let code = match error.kind() {
            io::ErrorKind::NotFound => NO_SUCH_PROGRAM,
            _ => "program-not-started",
        };
        let message = format!("{what} cannot be started ({error}): check that it is installed");
        CommandError::failed(Failure::local(code, message))
    };
    let mut child = launch.start().await.map_err(cannot_start)?;
    let status = tokio::select! {
        status = child.wait() => status,
        _ = signals.next() => {
            terminate(&mut child);
            match timeout(TERMINATION_TIMEOUT, child.wait()).await {
                Ok(status) => status,
                Err(_) => {
                    // The process may have exited already.
                    let _ = child.start_kill();
                    child.wait().await
                }
            }
        }
    };
    status.map(code).map_err(cannot_start)
}

/// Runs the viewer on the endpoint. A viewer that delegates to a running instance exits early: then waits for `unused`.
pub(super) async fn view(
    viewer: &ViewerProgram,
    endpoint: &Endpoint,
    signals: &mut TerminationSignals,
    unused: impl Future<Output = ()>,
) -> Result<ExitCode, CommandError> {
    let program = viewer.program.display().to_string();
    let mut launch = viewer.launch(endpoint).await.map_err(|error| {
        CommandError::failed(format!("cannot prepare the connection file for {program} ({error}): check that TMPDIR is writable"))
    })?;
    if let Some(password) = &launch.password_to_type {
        let password = password.expose_secret();
        print_stderr(format!("enter this password in the viewer: {password}"));
    }
    let code = run(&mut launch, &program, signals).await?;
    if viewer.kind.delegates_to_running_instance() && code == ExitCode::SUCCESS {
        tokio::select! {
            () = unused => {}
            _ = signals.next() => {}
        }
    }
    Ok(code)
}

/// As a shell reports it: 128 plus the signal's number.
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

/// Larger codes are clamped: ours is one byte.
#[cfg(not(unix))]
fn code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .map(|code| u8::try_from(code).unwrap_or(u8::MAX));
    code.unwrap_or(u8::MAX).into()
}

#[cfg(unix)]
fn terminate(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    if let Some(pid) = pid {
        // The process may have exited already.
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// Windows has no SIGTERM.
#[cfg(not(unix))]
fn terminate(child: &mut Child) {
    // The process may have exited already.
    let _ = child.start_kill();
}
