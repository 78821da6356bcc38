//! The log: on stderr, for people or for programs.

use std::io::stderr;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::terminal::may_colour;

/// How a log line is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// Starts the log, from `level` on unless `MKSGATE_LOG` says otherwise: what this house says, not what its
/// libraries have to say about it. Called once. Returns whether there is anything that would be logged.
pub(crate) fn start(format: LogFormat, level: &str) -> bool {
    let default = format!("mksgate={level},vsphere={level}");
    let filter = EnvFilter::try_from_env("MKSGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // A line that cannot be written is lost: the default is a panic, and the disk is full for somebody else.
        .log_internal_errors(false)
        .with_target(false);
    match format {
        LogFormat::Text => log.with_ansi(may_colour(&stderr())).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    LevelFilter::current() != LevelFilter::OFF
}
