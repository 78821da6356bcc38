//! What tells a running program to end.

#[cfg(unix)]
pub(crate) use self::unix::Ends;

#[cfg(not(unix))]
pub(crate) use self::windows::Ends;

/// Which of them it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// SIGINT, as by Ctrl-C.
    Interrupt,
    /// SIGTERM; elsewhere Ctrl-Break.
    Terminate,
}

/// The system does not tell of signals.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch signals ({0})")]
pub(crate) struct Unwatched(#[from] std::io::Error);

#[cfg(unix)]
mod unix {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::{EndedBy, Unwatched};

    /// SIGINT and SIGTERM, none of which is missed from here on.
    pub(crate) struct Ends {
        terminate: Signal,
        interrupt: Signal,
    }

    impl Ends {
        /// Begins to watch.
        pub(crate) fn watch() -> Result<Self, Unwatched> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }

        /// The next one.
        pub(crate) async fn next(&mut self) -> EndedBy {
            tokio::select! {
                _ = self.terminate.recv() => EndedBy::Terminate,
                _ = self.interrupt.recv() => EndedBy::Interrupt,
            }
        }
    }
}

#[cfg(not(unix))]
mod windows {
    use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};

    use super::{EndedBy, Unwatched};

    /// Ctrl-C and Ctrl-Break, none of which is missed from here on.
    pub(crate) struct Ends {
        interrupt: CtrlC,
        stop: CtrlBreak,
    }

    impl Ends {
        /// Begins to watch.
        pub(crate) fn watch() -> Result<Self, Unwatched> {
            Ok(Self {
                interrupt: ctrl_c()?,
                stop: ctrl_break()?,
            })
        }

        /// The next one.
        pub(crate) async fn next(&mut self) -> EndedBy {
            tokio::select! {
                _ = self.interrupt.recv() => EndedBy::Interrupt,
                _ = self.stop.recv() => EndedBy::Terminate,
            }
        }
    }
}
