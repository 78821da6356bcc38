//! The log on stderr.

mod directives;
mod json_line;
mod text_line;

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::may_colour;
use directives::directives;
use json_line::JsonLine;
use text_line::{Clock, TextFields, TextLine};

/// How a log line is written.
#[derive(Debug, Clone, Copy)]
pub enum Format {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts the log at `level`, unless `MKSGATE_LOG` overrides it; dependencies do not log by default. Returns whether anything is
/// logged.
pub fn start(format: Format, level: &str) -> bool {
    let given = std::env::var("MKSGATE_LOG").ok();
    let filter = given.and_then(|given| EnvFilter::try_new(directives(&given)).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new(directives(&format!("mksgate={level}"))));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // Drop lines that cannot be written, for example on a full disk, instead of panicking.
        .log_internal_errors(false);
    match format {
        Format::Text => log
            .with_ansi(may_colour(&stderr()))
            .event_format(TextLine(match stderr().is_terminal() {
                true => Clock::Time,
                false => Clock::Date,
            }))
            .fmt_fields(TextFields)
            .init(),
        Format::Json => log.json().event_format(JsonLine::new()).init(),
    }
    LevelFilter::current() != LevelFilter::OFF
}
