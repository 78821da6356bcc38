//! Files that a person has named, rightly or not: a pipe that nobody opens to write, or what has no end, must hold nobody up.
//! A pipe that is open and silent is waited for: a password manager may be asking its owner something.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The most that any such file may hold, in bytes: some ten thousand consoles, or all authorities that there are.
pub const MOST: u64 = 16 << 20;

/// How long a pipe may wait for its writer, as a shell's `<(...)` makes it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens it for reading.
///
/// # Errors
/// As [`File::open`]; and it is a directory, a device, a socket, or a pipe that nobody writes to.
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
            "it is no regular file",
        ));
    }
    let (opened, waiting) = mpsc::channel();
    let path = path.to_owned();
    // Opening a pipe waits for its other end and cannot be broken off: a thread that nobody waits for does it.
    thread::spawn(move || opened.send(File::open(path)));
    waiting.recv_timeout(PATIENCE).unwrap_or_else(|_| {
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

/// Elsewhere pipes have no names among the files.
#[cfg(not(unix))]
fn is_pipe(_: fs::FileType) -> bool {
    false
}
