//! Opens files named on the command line or in the configuration. A named pipe without a writer, or an endless device,
//! must not block the program. An open pipe is read without a time limit: a password manager may be waiting for its user.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The largest such file, in bytes: enough for ten thousand consoles or every public certificate authority.
pub const MAX_SIZE: u64 = 16 << 20;

/// How long opening a pipe waits for its writer, such as a shell's `<(...)`.
const PIPE_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens `path` for reading.
///
/// # Errors
/// As [`File::open`]; or `path` is a directory, a device, a socket, or a pipe that nobody writes to.
pub fn open(path: &Path) -> io::Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a directory",
        ));
    }
    if kind.is_file() {
        return File::open(path);
    }
    if !is_pipe(kind) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    let (opened, waiting) = mpsc::channel();
    let path = path.to_owned();
    // open(2) of a pipe blocks until it has a writer and cannot be cancelled, so a detached thread calls it.
    thread::spawn(move || opened.send(File::open(path)));
    waiting.recv_timeout(PIPE_TIMEOUT).unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "it is a pipe, and nobody writes to it",
        ))
    })
}

#[cfg(unix)]
fn is_pipe(kind: fs::FileType) -> bool {
    use std::os::unix::fs::FileTypeExt;
    kind.is_fifo()
}

/// Windows has no named pipes in the file system.
#[cfg(not(unix))]
fn is_pipe(_: fs::FileType) -> bool {
    false
}
