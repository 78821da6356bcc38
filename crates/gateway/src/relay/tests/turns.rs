//! Turns of sessions on one thread: their cost where no other session is ready, and that each session gets them. Tested by
//! counts, not by times: the hosts always have data to read.

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

/// A stream of updates that fills every read, until it ends after [`READS`] reads.
struct AlwaysReady<F> {
    frames: Vec<u8>,
    at: usize,
    reads: usize,
    /// Called with the number of each read, from 1.
    on_read: F,
}

impl<F: FnMut(usize)> AlwaysReady<F> {
    fn new(on_read: F) -> Self {
        Self {
            frames: frame(&update(60_000)),
            at: 0,
            reads: 0,
            on_read,
        }
    }
}

impl<F: FnMut(usize) + Unpin> AsyncRead for AlwaysReady<F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reads == READS {
            return Poll::Ready(Ok(()));
        }
        self.reads += 1;
        let reads = self.reads;
        (self.on_read)(reads);
        while buffer.remaining() > 0 {
            let rest = &self.frames[self.at..];
            let count = rest.len().min(buffer.remaining());
            buffer.put_slice(&rest[..count]);
            self.at = (self.at + count) % self.frames.len();
        }
        Poll::Ready(Ok(()))
    }
}

/// A session at full speed, until its host ends it.
async fn at_full_speed(on_read: impl FnMut(usize) + Unpin) {
    let dialogue = dialogue();
    let mut stream = AlwaysReady::new(on_read);
    let reader = HostReader {
        stream: &mut stream,
        transport: &Transport::Plain,
        decoder: Decoder::new(Role::Client),
        decrypted: Decrypted::default(),
        dialogue: Some(&dialogue),
    };
    let early = [BytesMut::new(), BytesMut::new()];
    let traffic = Traffic::default();
    to_viewer::pump(reader, early, &mut sink(), &PendingReply::new(), &traffic).await;
    assert!(traffic.to_viewer() > (READS * tls_session::READ / 2) as u64);
}

/// In a process of its own: writes of other tests to their eventfds would be counted too.
#[test]
fn a_session_that_is_alone_seldom_polls_the_driver_and_wakes_no_thread() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "relay::tests::turns::polls_and_wakes_are_counted",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn polls_and_wakes_are_counted() {
    let runtime = runtime().unwrap();
    let polls = Arc::new(AtomicUsize::new(0));
    let (counter, tasks) = (Arc::clone(&polls), TaskTracker::new());
    runtime.block_on(async {
        let session = tasks.spawn(at_full_speed(|_| ()));
        // This task runs again each time that the thread has polled the I/O driver, and only then.
        tasks.spawn(async move {
            loop {
                yield_now().await;
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        session.await.unwrap();
    });
    let polls = polls.load(Ordering::Relaxed);
    assert!(
        (1..=READS / 20).contains(&polls),
        "the driver was polled {polls} times in {READS} reads"
    );
    #[cfg(target_os = "linux")]
    assert_eq!(written_to_eventfds(), Some(0));
}

/// The sum of the counters of this process's eventfds. A runtime wakes a thread by writing to one, and never reads it.
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
    // Without the first and last ten reads, in which one session may run alone.
    for pair in turns[10..2 * READS - 10].windows(3) {
        assert_ne!(pair, [pair[0]; 3], "a session had three reads in a row");
    }
}

#[cfg(unix)]
#[test]
fn another_socket_is_read_while_sessions_run_at_full_speed() {
    use crate::session_threads::TURNS;

    // With one session: at the next regular poll of the driver (`TURNS`). With more: after a turn of each, and the read after
    // which a session notices that others have run.
    for (sessions, most) in [(1, TURNS as usize + 1), (2, 2), (3, 2)] {
        let read = read_when_received(sessions);
        assert!(
            (WRITTEN_AT..=WRITTEN_AT + most).contains(&read),
            "{sessions} sessions: read {read}"
        );
    }
}

/// The read of the first session during which a byte is written to another socket.
#[cfg(unix)]
const WRITTEN_AT: usize = 1000;

/// The read of the first session at which that byte is received.
#[cfg(unix)]
fn read_when_received(sessions: usize) -> usize {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    runtime().unwrap().block_on(async {
        let tasks = TaskTracker::new();
        let (mut near, far) = UnixStream::pair().unwrap();
        let far = far.into_std().unwrap();
        let reads = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&reads);
        let receiver = tasks.spawn(async move {
            near.write_all(b"!").await.unwrap();
            near.read_u8().await.unwrap();
            reads.load(Ordering::Relaxed)
        });
        let first = tasks.spawn(at_full_speed(move |read| {
            counter.store(read, Ordering::Relaxed);
            if read == WRITTEN_AT {
                io::Write::write_all(&mut &far, b"?").unwrap();
            }
        }));
        for _ in 1..sessions {
            tasks.spawn(at_full_speed(|_| ()));
        }
        let read = receiver.await.unwrap();
        first.await.unwrap();
        read
    })
}
