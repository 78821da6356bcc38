//! The threads on which sessions run: several for each core, each with a current-thread runtime.
//!
//! A session and its sockets stay on one thread, where yielding takes no system call. In tokio's multi-thread runtime a
//! yield wakes another worker, which then steals the session. There are more threads than cores, because the kernel lets a
//! thread that has slept run before one that has been busy: a session that has a thread to itself, or shares it with other
//! quiet ones, does not wait for those at full speed. Both are measured in docs/speed.md.

use std::cell::OnceCell;
use std::io;
use std::num::NonZero;
use std::thread::{self, available_parallelism};

use console::socket;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// tokio's `event_interval`: after how many polls of tasks a busy thread polls its I/O driver. At full speed these take some
/// four milliseconds. An idle thread waits in the driver.
pub(crate) const TURNS: u32 = 32;

/// Threads for each core: of a few sessions at full speed and one that is quiet, each has a thread of its own.
const PER_CORE: usize = 4;

/// [`PER_CORE`] threads for each core. Dropping it ends the threads and their sessions.
pub(crate) struct SessionThreads(Vec<SessionThread>);

struct SessionThread {
    runtime: Handle,
    sessions: TaskTracker,
    /// Connections to the page.
    page: TaskTracker,
    end: CancellationToken,
}

thread_local! {
    /// The sessions of this thread.
    static OWN: OnceCell<TaskTracker> = const { OnceCell::new() };
}

/// Counts a session that a connection to the page has become among those of its thread, until the token is dropped; `None` on
/// any other thread.
pub(crate) fn count_session() -> Option<TaskTrackerToken> {
    OWN.with(|own| own.get().map(TaskTracker::token))
}

/// Spawns what is left of a session's console on the current thread, which waits for it at its end as for a session.
pub(crate) fn spawn_beside(task: impl Future<Output = ()> + Send + 'static) {
    let tracker = OWN.with(|own| own.get().cloned());
    tracker.unwrap_or_default().spawn(task);
}

impl SessionThreads {
    pub(crate) fn start() -> io::Result<Self> {
        let cores = available_parallelism().map_or(1, NonZero::get);
        (0..cores * PER_CORE)
            .map(|_| SessionThread::start())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Runs `session` with a viewer's connection on the thread with the fewest sessions.
    pub(crate) fn serve<S: Future<Output = ()> + Send + 'static>(
        &self,
        viewer: TcpStream,
        session: impl FnOnce(TcpStream) -> S,
    ) -> io::Result<()> {
        let thread = self.least_busy()?;
        let session = session(thread.adopt(viewer)?);
        thread.sessions.spawn_on(session, &thread.runtime);
        Ok(())
    }

    /// Likewise, for a connection to the page, which is no session.
    pub(crate) fn serve_page<C: Future<Output = ()> + Send + 'static>(
        &self,
        browser: TcpStream,
        connection: impl FnOnce(TcpStream) -> C,
    ) -> io::Result<()> {
        socket::prepare(&browser)?;
        let thread = self.least_busy()?;
        let connection = connection(thread.adopt(browser)?);
        thread.page.spawn_on(connection, &thread.runtime);
        Ok(())
    }

    fn least_busy(&self) -> io::Result<&SessionThread> {
        let busy = |thread: &&SessionThread| thread.sessions.len() + thread.page.len();
        let least = self.0.iter().min_by_key(busy);
        least.ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// The number of sessions.
    pub(crate) fn sessions(&self) -> usize {
        self.0.iter().map(|thread| thread.sessions.len()).sum()
    }

    /// Waits until there is no session.
    pub(crate) async fn idle(&self) {
        while let Some(thread) = self.0.iter().find(|thread| !thread.sessions.is_empty()) {
            thread.sessions.close();
            thread.sessions.wait().await;
        }
    }
}

impl SessionThread {
    fn start() -> io::Result<Self> {
        let runtime = runtime()?;
        let this = Self {
            runtime: runtime.handle().clone(),
            sessions: TaskTracker::new(),
            page: TaskTracker::new(),
            end: CancellationToken::new(),
        };
        let (end, sessions) = (this.end.clone(), this.sessions.clone());
        thread::Builder::new()
            .name("sessions".into())
            .spawn(move || {
                // A thread that has just started has none.
                let _ = OWN.with(|own| own.set(sessions));
                runtime.block_on(end.cancelled());
                // Does not wait for a password that is being hashed.
                runtime.shutdown_background();
            })?;
        Ok(this)
    }

    /// Registers a socket with this thread's I/O driver, instead of the accepting thread's.
    fn adopt(&self, socket: TcpStream) -> io::Result<TcpStream> {
        let socket = socket.into_std()?;
        let _context = self.runtime.enter();
        TcpStream::from_std(socket)
    }
}

impl Drop for SessionThread {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// The runtime of a session thread.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .event_interval(TURNS)
        .global_queue_interval(TURNS)
        .build()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;

    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let far = TcpStream::connect(listener.local_addr().unwrap());
        let (far, near) = tokio::join!(far, listener.accept());
        (far.unwrap(), near.unwrap().0)
    }

    #[tokio::test]
    async fn sessions_are_spread_over_the_threads_and_end_with_them() {
        let threads = SessionThreads::start().unwrap();
        let count = threads.0.len();
        let (served, mut on) = mpsc::channel(1 + 2 * count);
        let mut viewers = Vec::new();
        for _ in 0..2 * count {
            let (far, near) = connection().await;
            viewers.push(far);
            let served = served.clone();
            let session = |viewer: TcpStream| async move {
                viewer.writable().await.unwrap();
                served.try_send(thread::current().id()).unwrap();
                std::future::pending().await
            };
            threads.serve(near, session).unwrap();
        }
        drop(served);
        let mut on_threads = Vec::new();
        for _ in 0..2 * count {
            on_threads.push(on.recv().await.unwrap());
        }
        for thread in &on_threads {
            let together = on_threads.iter().filter(|other| *other == thread).count();
            assert_eq!(together, 2);
        }
        assert_eq!(threads.sessions(), 2 * count);
        drop(threads);
        assert!(on.recv().await.is_none());
    }

    #[tokio::test]
    async fn small_writes_to_a_browser_are_not_delayed() {
        let threads = SessionThreads::start().unwrap();
        let (_far, near) = connection().await;
        let (served, mut is_prepared) = mpsc::channel(1);
        let connection = |browser: TcpStream| async move {
            served.try_send(browser.nodelay().unwrap()).unwrap();
        };
        threads.serve_page(near, connection).unwrap();
        assert_eq!(is_prepared.recv().await, Some(true));
    }

    #[tokio::test]
    async fn idle_waits_for_all_sessions() {
        let threads = SessionThreads::start().unwrap();
        let (_far, near) = connection().await;
        let end = CancellationToken::new();
        let ended = end.clone();
        threads
            .serve(near, |_| async move { ended.cancelled().await })
            .unwrap();
        let mut idle = Box::pin(threads.idle());
        assert!(futures::poll!(&mut idle).is_pending());
        end.cancel();
        idle.await;
        assert_eq!(threads.sessions(), 0);
    }
}
