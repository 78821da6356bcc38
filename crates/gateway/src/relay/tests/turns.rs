//! Turns on a thread of sessions: what they cost where nobody else is ready, and that everybody has one. Counted, not
//! timed: what a host sends is there at once, without end.

use std::io;
use std::pin::Pin;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, ReadBuf, sink};
use tokio::task::yield_now;
use tokio_util::task::TaskTracker;
use ws_proto::{Decoder, Role};

use super::super::Traffic;
use super::super::decrypted::Decrypted;
use super::super::pending_reply::PendingReply;
use super::super::to_viewer::{self, HostReader};
use super::stage::{dialogue, frame, update};
use crate::session_threads::runtime;
use console::tls_session;
use console::transport::Transport;

/// How many reads a session has before its host ends the connection.
const READS: usize = 2000;

/// Updates that are there whenever they are read: as much as there is room for.
struct Endless<F> {
    frames: Vec<u8>,
    at: usize,
    reads: usize,
    /// Told the number of each read.
    on_read: F,
}

impl<F: FnMut(usize)> Endless<F> {
    fn new(on_read: F) -> Self {
        Self {
            frames: frame(&update(60_000)),
            at: 0,
            reads: 0,
            on_read,
        }
    }
}

impl<F: FnMut(usize) + Unpin> AsyncRead for Endless<F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reads == READS {
            return Poll::Ready(Ok(()));
        }
        self.reads += 1;
        let reads = self.reads;
        (self.on_read)(reads);
        while room.remaining() > 0 {
            let rest = &self.frames[self.at..];
            let count = rest.len().min(room.remaining());
            room.put_slice(&rest[..count]);
            self.at = (self.at + count) % self.frames.len();
        }
        Poll::Ready(Ok(()))
    }
}

/// A session at full speed, until its host ends it.
async fn at_full_speed(on_read: impl FnMut(usize) + Unpin) {
    let dialogue = dialogue();
    let mut stream = Endless::new(on_read);
    let source = HostReader {
        stream: &mut stream,
        transport: &Transport::Plain,
        decoder: Decoder::new(Role::Client),
        decrypted: Decrypted::default(),
        dialogue: Some(&dialogue),
    };
    let early = [BytesMut::new(), BytesMut::new()];
    let traffic = Traffic::default();
    to_viewer::pump(source, early, &mut sink(), &PendingReply::new(), &traffic).await;
    assert!(traffic.to_viewer() > (READS * tls_session::READ / 2) as u64);
}

/// In a process of its own: what the tests beside it write to their eventfds would be counted too.
#[test]
fn a_session_that_is_alone_hardly_asks_the_kernel_and_wakes_nobody() {
    let alone = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "relay::tests::turns::counted"])
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&alone.stdout);
    assert!(alone.status.success(), "{output}");
    assert!(output.contains("1 passed"), "{output}");
}

#[test]
#[ignore = "run by the test before it, in a process of its own"]
fn counted() {
    let runtime = runtime().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let (counter, tasks) = (Arc::clone(&asked), TaskTracker::new());
    runtime.block_on(async {
        let session = tasks.spawn(at_full_speed(|_| ()));
        // It is woken each time that the thread has asked the kernel who else is ready, and else never.
        tasks.spawn(async move {
            loop {
                yield_now().await;
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        session.await.unwrap();
    });
    let asked = asked.load(Ordering::Relaxed);
    assert!(
        (1..=READS / 20).contains(&asked),
        "asked {asked} times in {READS} reads"
    );
    #[cfg(target_os = "linux")]
    assert_eq!(written_to_eventfds(), Some(0));
}

/// What has been written to the eventfds of this process, by which a runtime wakes a thread: it never reads them.
/// `None` where there is none.
#[cfg(target_os = "linux")]
fn written_to_eventfds() -> Option<u64> {
    let descriptors = std::fs::read_dir("/proc/self/fdinfo").unwrap();
    let counts = descriptors.flatten().filter_map(|descriptor| {
        let info = std::fs::read_to_string(descriptor.path()).ok()?;
        let count = info
            .lines()
            .find_map(|line| line.strip_prefix("eventfd-count:"))?;
        u64::from_str_radix(count.trim(), 16).ok()
    });
    counts.reduce(u64::saturating_add)
}

#[test]
fn sessions_at_full_speed_take_turns() {
    let turns = Arc::new(Mutex::new(Vec::new()));
    let session = |name: usize| {
        let turns = Arc::clone(&turns);
        at_full_speed(move |_| turns.lock().unwrap().push(name))
    };
    let (one, other, tasks) = (session(1), session(2), TaskTracker::new());
    runtime().unwrap().block_on(async {
        let (one, other) = (tasks.spawn(one), tasks.spawn(other));
        one.await.unwrap();
        other.await.unwrap();
    });
    let turns = turns.lock().unwrap();
    // Ten reads at either end are for who is first to begin or last to end.
    for pair in turns[10..2 * READS - 10].windows(3) {
        assert_ne!(pair, [pair[0]; 3], "one had three reads in a row");
    }
}

#[cfg(unix)]
#[test]
fn what_comes_on_another_socket_is_noticed_beside_sessions_at_full_speed() {
    use crate::session_threads::TURNS;

    // Beside one: when the thread has a look anyway. Beside more: when each has had a turn, and the read with which it noticed
    // the others.
    for (sessions, soon) in [(1, TURNS as usize + 1), (2, 2), (3, 2)] {
        let noticed = noticed_beside(sessions);
        assert!(
            (COMES..=COMES + soon).contains(&noticed),
            "{sessions} sessions: noticed at read {noticed}"
        );
    }
}

/// At which read of the first session something comes on another socket.
#[cfg(unix)]
const COMES: usize = 1000;

/// At which one that is noticed.
#[cfg(unix)]
fn noticed_beside(sessions: usize) -> usize {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    runtime().unwrap().block_on(async {
        let tasks = TaskTracker::new();
        let (mut near, far) = UnixStream::pair().unwrap();
        let far = far.into_std().unwrap();
        let reads = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&reads);
        let typing = tasks.spawn(async move {
            near.write_all(b"!").await.unwrap();
            near.read_u8().await.unwrap();
            reads.load(Ordering::Relaxed)
        });
        let first = tasks.spawn(at_full_speed(move |read| {
            counter.store(read, Ordering::Relaxed);
            if read == COMES {
                io::Write::write_all(&mut &far, b"?").unwrap();
            }
        }));
        for _ in 1..sessions {
            tasks.spawn(at_full_speed(|_| ()));
        }
        let noticed = typing.await.unwrap();
        first.await.unwrap();
        noticed
    })
}
