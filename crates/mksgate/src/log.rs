//! The log on stderr.

use std::fmt::{self, Debug};
use std::io::stderr;

use clap::ValueEnum;
use term::Style;
use tracing::field::Field;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{Format, Json, Writer, debug_fn};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use console::printable::printable;
use terminal::may_colour;

/// How a log line is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object per line
    Json,
}

/// Starts the log at `level`, unless `MKSGATE_LOG` overrides it; dependencies do not log by default. Returns whether anything is
/// logged.
pub(crate) fn start(format: LogFormat, level: &str) -> bool {
    let given = std::env::var("MKSGATE_LOG").ok();
    let filter = given.and_then(|given| EnvFilter::try_new(directives(&given)).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new(directives(&format!("mksgate={level}"))));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // Drop lines that cannot be written, for example on a full disk, instead of panicking.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => log
            .with_ansi(may_colour(&stderr()))
            .event_format(TextLine)
            .fmt_fields(fields())
            .init(),
        LogFormat::Json => log.json().event_format(JsonLine::new()).init(),
    }
    LevelFilter::current() != LevelFilter::OFF
}

/// The crates that a directive for `mksgate` applies to.
const CRATES: [&str; 6] = [
    "mksgate", "config", "gateway", "console", "dialect", "vsphere",
];

/// Repeats each directive for `mksgate` for all of [`CRATES`].
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

/// Time, level, message, fields of the event and fields of its spans.
struct TextLine;

impl<S, N> FormatEvent<S, N> for TextLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let plain = Style::new().force_styling(writer.has_ansi_escapes());
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let level = event.metadata().level();
        let colour = match *level {
            Level::ERROR => plain.clone().red(),
            Level::WARN => plain.clone().yellow(),
            Level::INFO => plain.clone().green(),
            Level::DEBUG => plain.clone().blue(),
            Level::TRACE => plain.clone().magenta(),
        };
        write!(
            writer,
            "{} {} ",
            plain.dim().apply_to(time),
            colour.apply_to(format_args!("{level:>5}"))
        )?;
        context.format_fields(writer.by_ref(), event)?;
        for fields in fields_of_spans(context) {
            write!(writer, " {fields}")?;
        }
        writeln!(writer)
    }
}

/// One flat JSON object: fields of the event and of its spans.
struct JsonLine(Format<Json>);

impl JsonLine {
    fn new() -> Self {
        let format = Format::default().with_target(false).json();
        Self(
            format
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false),
        )
    }
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        // Both are JSON objects, and span and event fields never share a name.
        let inner = |object: &str| {
            let object = object.trim_end().strip_prefix('{')?.strip_suffix('}')?;
            (!object.is_empty()).then(|| object.to_owned())
        };
        let objects = std::iter::once(line).chain(fields_of_spans(context));
        let members: Vec<String> = objects.filter_map(|object| inner(&object)).collect();
        writeln!(writer, "{{{}}}", members.join(","))
    }
}

/// The formatted fields of the event's spans, outermost first.
fn fields_of_spans<S, N>(context: &FmtContext<'_, S, N>) -> Vec<String>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let mut spans = Vec::new();
    for span in context.event_scope().into_iter().flatten() {
        if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
            spans.push(fields.fields.clone());
        }
    }
    spans.reverse();
    spans
}

/// Default formatting without control characters: VM names and server messages must not control a terminal or start a new line.
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
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use tracing::subscriber::with_default;

    use super::*;

    /// Captures log output.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            written.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn text(log: impl FnOnce()) -> String {
            let (written, writer) = Self::pair();
            let subscriber = tracing_subscriber::fmt()
                .with_ansi(false)
                .event_format(TextLine)
                .fmt_fields(fields())
                .with_writer(move || writer.clone());
            with_default(subscriber.finish(), log);
            written.read()
        }

        fn json(log: impl FnOnce()) -> String {
            let (written, writer) = Self::pair();
            let subscriber = tracing_subscriber::fmt()
                .json()
                .event_format(JsonLine::new())
                .with_writer(move || writer.clone());
            with_default(subscriber.finish(), log);
            written.read()
        }

        fn pair() -> (Self, Self) {
            let written = Self::default();
            (written.clone(), written)
        }

        fn read(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    /// One event outside of spans, and one in a session's span.
    fn outside_and_inside() {
        tracing::info!(ports = 2, "outside");
        let span = tracing::error_span!("session", session = 7);
        span.in_scope(|| tracing::info!(vm = "vm08", "inside"));
    }

    #[test]
    fn mksgate_directive_applies_to_all_crates() {
        assert_eq!(directives("info"), "info");
        assert_eq!(
            directives("hyper=warn,mksgate=debug"),
            "hyper=warn,mksgate=debug,config=debug,gateway=debug,console=debug,dialect=debug,vsphere=debug"
        );
    }

    #[test]
    fn control_characters_in_fields_are_removed() {
        let name = "a\r\nINFO forged \u{1b}[2J\u{9b}2J";
        let text = Written::text(|| tracing::info!(vm = %name, "found {name}"));
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.trim_end().chars().all(|c| !c.is_control()), "{text:?}");
        assert!(
            text.contains("found aINFO forged [2J2J vm=aINFO"),
            "{text:?}"
        );
    }

    #[test]
    fn text_line_has_fields_of_its_span() {
        let text = Written::text(outside_and_inside);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("  INFO outside ports=2"), "{text}");
        assert!(
            lines[1].ends_with("  INFO inside vm=\"vm08\" session=7"),
            "{text}"
        );
    }

    #[test]
    fn json_line_has_fields_of_its_span_at_top_level() {
        let text = Written::json(outside_and_inside);
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0]["message"], "outside");
        assert_eq!(lines[0].get("session"), None);
        assert_eq!(lines[1]["message"], "inside");
        assert_eq!(lines[1]["vm"], "vm08");
        assert_eq!(lines[1]["level"], "INFO");
        assert_eq!(lines[1]["session"], 7);
    }
}
