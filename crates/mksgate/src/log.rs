//! The log: on stderr, for people or for programs.

use std::io::{IsTerminal, stderr};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// What is logged unless `MKSGATE_LOG` says otherwise, in the same words: what this house says, not what its
/// libraries have to say about it.
const DEFAULT: &str = "mksgate=info,vsphere=info";

/// Likewise, for a command that answers on stdout and tells its failure in one line.
const DEFAULT_OF_ONE_ANSWER: &str = "off";

/// How a log line is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// Starts the log. Called once.
pub(crate) fn start(format: LogFormat, serves: bool) {
    let default = if serves {
        DEFAULT
    } else {
        DEFAULT_OF_ONE_ANSWER
    };
    let filter = EnvFilter::try_from_env("MKSGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_target(false);
    match format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
