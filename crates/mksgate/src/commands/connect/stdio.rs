//! The console on stdin and stdout, or the reason for its failure.

use std::process::ExitCode;
use std::time::Duration;

use rfb_proto::{Server, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt, stdin, stdout};
use tokio::time::timeout;
use tokio_util::bytes::BytesMut;
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

/// How long the viewer may take to send its RFB version.
const REFUSE_TIMEOUT: Duration = Duration::from_secs(3);

/// Sends the viewer the reason why there is no console, in RFB's failed security handshake (RFC 6143 section 7.1.2). It is
/// printed on stderr, too.
pub(super) async fn refuse(error: &CommandError) {
    if let Some(reason) = error.for_viewer() {
        // The peer may have disconnected, or may not be a viewer.
        let _ = timeout(REFUSE_TIMEOUT, send_reason(reason)).await;
    }
}

async fn send_reason(reason: &str) -> std::io::Result<()> {
    let (mut from, mut to) = (stdin(), stdout());
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    let mut server = Server::refusing(reason, &mut output);
    loop {
        let step = server.advance(&mut input, &mut output);
        to.write_all(&output.split()).await?;
        to.flush().await?;
        match step {
            Ok(Step::More) if from.read_buf(&mut input).await? > 0 => {}
            _ => return Ok(()),
        }
    }
}
