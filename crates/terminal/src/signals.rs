//! Signals that end the program.

use std::fmt;

#[cfg(unix)]
pub use self::unix::TerminationSignals;

#[cfg(not(unix))]
pub use self::windows::TerminationSignals;

/// The signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    /// SIGINT or Ctrl-C.
    Interrupt,
    /// SIGTERM; on Windows Ctrl-Break.
    Terminate,
    /// SIGHUP: the terminal was closed.
    #[cfg(unix)]
    HangUp,
}

impl Termination {
    /// 128 plus the signal's number, as shells report it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            #[cfg(unix)]
            Self::HangUp => 129,
        }
    }
}

impl fmt::Display for Termination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            #[cfg(unix)]
            Self::HangUp => "SIGHUP",
        })
    }
}

/// The operating system refused a signal handler.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch signals ({0})")]
pub struct SignalError(#[from] std::io::Error);

#[cfg(unix)]
mod unix {
    use std::sync::LazyLock;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::{SignalError, Termination};

    /// Handlers of SIGINT, SIGTERM and SIGHUP.
    pub struct TerminationSignals {
        terminate: Signal,
        interrupt: Signal,
        /// `None` for a daemon, and if SIGHUP is ignored, as by `nohup`.
        hang_up: Option<Signal>,
    }

    impl TerminationSignals {
        /// Installs the handlers.
        pub fn watch() -> Result<Self, SignalError> {
            let hang_up = match ignores_sighup() {
                true => None,
                false => Some(signal(SignalKind::hangup())?),
            };
            Ok(Self {
                hang_up,
                ..Self::for_daemon()?
            })
        }

        /// Without SIGHUP, which reloads a daemon's configuration.
        pub fn for_daemon() -> Result<Self, SignalError> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hang_up: None,
            })
        }

        /// Waits for the next signal.
        pub async fn next(&mut self) -> Termination {
            tokio::select! {
                _ = self.terminate.recv() => Termination::Terminate,
                _ = self.interrupt.recv() => Termination::Interrupt,
                () = hung_up(&mut self.hang_up) => Termination::HangUp,
            }
        }
    }

    async fn hung_up(signal: &mut Option<Signal>) {
        match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }

    /// Whether SIGHUP is ignored. Linux only: elsewhere this needs `unsafe`, so SIGHUP keeps its current disposition.
    fn ignores_sighup() -> bool {
        static IGNORES: LazyLock<bool> = LazyLock::new(|| {
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            let ignored = status
                .lines()
                .find_map(|line| line.strip_prefix("SigIgn:"))
                .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            // Bit 0 is signal 1.
            ignored.is_none_or(|mask| mask & 1 << (SignalKind::hangup().as_raw_value() - 1) != 0)
        });
        *IGNORES
    }
}

#[cfg(not(unix))]
mod windows {
    use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};

    use super::{SignalError, Termination};

    /// Handlers of Ctrl-C and Ctrl-Break.
    pub struct TerminationSignals {
        interrupt: CtrlC,
        stop: CtrlBreak,
    }

    impl TerminationSignals {
        /// Installs the handlers.
        pub fn watch() -> Result<Self, SignalError> {
            Ok(Self {
                interrupt: ctrl_c()?,
                stop: ctrl_break()?,
            })
        }

        pub fn for_daemon() -> Result<Self, SignalError> {
            Self::watch()
        }

        /// Waits for the next event.
        pub async fn next(&mut self) -> Termination {
            tokio::select! {
                _ = self.interrupt.recv() => Termination::Interrupt,
                _ = self.stop.recv() => Termination::Terminate,
            }
        }
    }
}
