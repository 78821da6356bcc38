//! What tells a running program to end.

#[cfg(unix)]
pub(crate) use self::unix::TerminationSignals;

#[cfg(not(unix))]
pub(crate) use self::windows::TerminationSignals;

/// Which of them it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Termination {
    /// SIGINT, as by Ctrl-C.
    Interrupt,
    /// SIGTERM; elsewhere Ctrl-Break.
    Terminate,
    /// SIGHUP: the terminal has gone, or the line to it.
    #[cfg(unix)]
    HangUp,
}

impl Termination {
    /// The program's exit code, as shells count it: 128 and the signal's number.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            #[cfg(unix)]
            Self::HangUp => 129,
        }
    }
}

/// The system does not tell of signals.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch signals ({0})")]
pub(crate) struct SignalError(#[from] std::io::Error);

#[cfg(unix)]
mod unix {
    use std::sync::LazyLock;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::{SignalError, Termination};

    /// SIGINT, SIGTERM and SIGHUP, none of which is missed from here on.
    pub(crate) struct TerminationSignals {
        terminate: Signal,
        interrupt: Signal,
        /// `None` for a daemon, and where whoever started us wants it ignored, as `nohup` does.
        hang_up: Option<Signal>,
    }

    impl TerminationSignals {
        /// Begins to watch.
        pub(crate) fn watch() -> Result<Self, SignalError> {
            let hang_up = match ignores_sighup() {
                true => None,
                false => Some(signal(SignalKind::hangup())?),
            };
            Ok(Self {
                hang_up,
                ..Self::for_daemon()?
            })
        }

        /// Likewise, but for SIGHUP, which does not tell a daemon to end.
        pub(crate) fn for_daemon() -> Result<Self, SignalError> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hang_up: None,
            })
        }

        /// The next one.
        pub(crate) async fn next(&mut self) -> Termination {
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

    /// Whether SIGHUP is ignored already. Only Linux tells without `unsafe`; where it is not known, the signal is left to do
    /// what it does by itself.
    fn ignores_sighup() -> bool {
        static IGNORES: LazyLock<bool> = LazyLock::new(|| {
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            let ignored = status
                .lines()
                .find_map(|line| line.strip_prefix("SigIgn:"))
                .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            // One bit for each signal, from number 1 on.
            ignored.is_none_or(|mask| mask & 1 << (SignalKind::hangup().as_raw_value() - 1) != 0)
        });
        *IGNORES
    }
}

#[cfg(not(unix))]
mod windows {
    use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};

    use super::{SignalError, Termination};

    /// Ctrl-C and Ctrl-Break, none of which is missed from here on.
    pub(crate) struct TerminationSignals {
        interrupt: CtrlC,
        stop: CtrlBreak,
    }

    impl TerminationSignals {
        /// Begins to watch.
        pub(crate) fn watch() -> Result<Self, SignalError> {
            Ok(Self {
                interrupt: ctrl_c()?,
                stop: ctrl_break()?,
            })
        }

        /// Likewise.
        pub(crate) fn for_daemon() -> Result<Self, SignalError> {
            Self::watch()
        }

        /// The next one.
        pub(crate) async fn next(&mut self) -> Termination {
            tokio::select! {
                _ = self.interrupt.recv() => Termination::Interrupt,
                _ = self.stop.recv() => Termination::Terminate,
            }
        }
    }
}
