//! The log: on stderr, for people or for programs.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;

/// What is logged unless `MKSGATE_LOG` says otherwise, in the same words.
const DEFAULT: &str = "info";

/// Starts the log. Called once.
pub(crate) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("MKSGATE_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_target(false);
    match format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
