//! The log: on stderr, for people or for programs.

use std::fmt::Debug;
use std::io::stderr;

use clap::ValueEnum;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use crate::terminal::may_colour;
use console::printable::printable;

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
    let given = std::env::var("MKSGATE_LOG").ok();
    let filter = given.and_then(|given| EnvFilter::try_new(directives(&given)).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new(directives(&format!("mksgate={level}"))));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // A line that cannot be written is lost: the default is a panic, and the disk is full for somebody else.
        .log_internal_errors(false)
        .with_target(false);
    match format {
        LogFormat::Text => log
            .fmt_fields(fields())
            .with_ansi(may_colour(&stderr()))
            .init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    LevelFilter::current() != LevelFilter::OFF
}

/// The crates that `mksgate` in `MKSGATE_LOG` stands for: users know the program, not its parts.
const CRATES: [&str; 5] = ["mksgate", "gateway", "console", "dialect", "vsphere"];

/// `given`, with each directive for `mksgate` as a whole repeated for each of its crates.
fn directives(given: &str) -> String {
    let expanded = given.split(',').flat_map(|directive| {
        let (target, level) = match directive.split_once('=') {
            Some((target, level)) => (target, format!("={level}")),
            None => (directive, String::new()),
        };
        match target.trim() {
            "mksgate" => CRATES.map(|name| format!("{name}{level}")).to_vec(),
            _ => vec![directive.to_owned()],
        }
    });
    expanded.collect::<Vec<String>>().join(",")
}

/// Fields as they are usually written, but for control characters: names of VMs and the words of servers are in them, and
/// none of those may command a terminal or begin another event.
fn fields() -> impl for<'w> FormatFields<'w> + 'static {
    let field = |writer: &mut Writer<'_>, field: &Field, value: &dyn Debug| {
        let value = printable(&format!("{value:?}"));
        match field.name() {
            "message" => writer.write_str(&value),
            name => write!(writer, "{name}={value}"),
        }
    };
    debug_fn(field).delimited(" ")
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            written.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_directive_for_mksgate_is_for_each_of_its_crates() {
        assert_eq!(directives("info"), "info");
        assert_eq!(
            directives("hyper=warn,mksgate=debug"),
            "hyper=warn,mksgate=debug,gateway=debug,console=debug,dialect=debug,vsphere=debug"
        );
    }

    #[test]
    fn a_name_in_an_event_neither_begins_another_nor_commands_a_terminal() {
        let written = Written::default();
        let writer = written.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .fmt_fields(fields())
            .with_writer(move || writer.clone())
            .finish();
        let name = "a\r\nINFO forged \u{1b}[2J\u{9b}2J";
        tracing::subscriber::with_default(log, || {
            tracing::info!(vm = %name, "found {name}");
        });
        let written = written.0.lock().unwrap();
        let text = String::from_utf8(written.clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.trim_end().chars().all(|c| !c.is_control()), "{text:?}");
        assert!(
            text.contains("found aINFO forged [2J2J vm=aINFO"),
            "{text:?}"
        );
    }
}
