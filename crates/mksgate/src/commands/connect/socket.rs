//! A Unix socket instead of a port, for viewers that support it. File permissions protect it, so it has no password.

use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::child::view;
use super::outcome::Outcome;
use super::port;
use super::target::Target;
use crate::commands::CommandError;
use gateway::{LocalEntrance, listener};
use terminal::signals::TerminationSignals;
use viewers::{Endpoint, ViewerProgram, private_folder, restrict};

/// Serves the socket until the viewer exits.
pub(super) async fn open(target: &Target, viewer: &ViewerProgram) -> Result<Outcome, CommandError> {
    let mut signals = TerminationSignals::watch()?;
    let socket = Socket::bind(target)?;
    let last_failure = socket.entrance.last_failure();
    let endpoint = Endpoint::Socket(socket.folder.path().join(NAME));
    let done = CancellationToken::new();
    let result = async {
        let result = view(viewer, &endpoint, &mut signals, std::future::ready(())).await;
        done.cancel();
        result
    };
    let (result, ()) = tokio::join!(result, socket.run(&done, target));
    Ok((result?, last_failure.beyond_viewer()))
}

/// A socket in a directory with mode 0700.
struct Socket {
    folder: TempDir,
    listener: UnixListener,
    entrance: LocalEntrance,
}

impl Socket {
    fn bind(target: &Target) -> Result<Self, CommandError> {
        let listen = || {
            let folder = private_folder()?;
            let path = folder.path().join(NAME);
            let listener = UnixListener::bind(&path)?;
            restrict(&path)?;
            Ok((folder, listener))
        };
        let (folder, listener) = listen().map_err(|error: std::io::Error| {
            CommandError::failed(format!(
                "cannot create a Unix socket ({error}): set TMPDIR to another directory, or choose another viewer"
            ))
        })?;
        Ok(Self {
            folder,
            listener,
            entrance: port::local_entrance(target),
        })
    }

    /// Accepts until `done`, then ends all sessions and removes the socket.
    async fn run(self, done: &CancellationToken, target: &Target) {
        let tasks = TaskTracker::new();
        target.keep_session_alive(&tasks);
        let next = || listener::accept(None, || self.listener.accept());
        while let Some((stream, _)) = done.run_until_cancelled(next()).await {
            let entrance = self.entrance.clone();
            let (input, output) = stream.into_split();
            tasks.spawn(entrance.serve(input, output));
        }
        self.entrance.end();
        target.log_out();
        tasks.close();
        tasks.wait().await;
    }
}

const NAME: &str = "console";
