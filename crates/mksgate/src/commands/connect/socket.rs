//! A Unix socket in place of a port, for viewers that take one: who may reach it, the file system says, and so no
//! password is needed.

use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::goal::Goal;
use super::{Used, port};
use crate::commands::CommandError;
use crate::signals::Ends;
use crate::viewer_program::{Endpoint, ViewerProgram, private_folder, restrict};
use gateway::{PrivateLine, listener};

/// Serves this viewer, and whoever else of this user comes, until it ends.
pub(super) async fn open(goal: &Goal, viewer: &ViewerProgram) -> Result<Used, CommandError> {
    let mut ends = Ends::watch()?;
    let socket = Socket::bind(goal)?;
    let last_failure = socket.line.last_failure();
    let endpoint = Endpoint::Socket(socket.folder.path().join(NAME));
    let ended = CancellationToken::new();
    let used = async {
        let used = super::view(viewer, &endpoint, &mut ends, std::future::ready(())).await;
        ended.cancel();
        used
    };
    let (used, ()) = tokio::join!(used, socket.run(&ended, goal));
    Ok((used?, last_failure.beyond_viewer()))
}

/// A socket in a folder that nobody else can look into.
struct Socket {
    folder: TempDir,
    listener: UnixListener,
    line: PrivateLine,
}

impl Socket {
    /// Before the console.
    fn bind(goal: &Goal) -> Result<Self, CommandError> {
        let listen = || {
            let folder = private_folder()?;
            let path = folder.path().join(NAME);
            let listener = UnixListener::bind(&path)?;
            restrict(&path)?;
            Ok((folder, listener))
        };
        let (folder, listener) = listen().map_err(|error: std::io::Error| {
            CommandError::Failed(format!(
                "cannot make a socket ({error}): name another TMPDIR, or another viewer"
            ))
        })?;
        Ok(Self {
            folder,
            listener,
            line: port::without_password(goal),
        })
    }

    /// Serves whoever comes until `ended`; the socket is gone when this returns.
    async fn run(self, ended: &CancellationToken, goal: &Goal) {
        let tasks = TaskTracker::new();
        goal.live(&tasks);
        let next = || listener::accepted(None, || self.listener.accept());
        while let Some((stream, _)) = ended.run_until_cancelled(next()).await {
            let line = self.line.clone();
            let (input, output) = stream.into_split();
            tasks.spawn(line.carry(input, output));
        }
        self.line.end();
        goal.left();
        tasks.close();
        tasks.wait().await;
    }
}

const NAME: &str = "console";
