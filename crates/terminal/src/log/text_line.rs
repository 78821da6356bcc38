//! Log lines for people.

use std::fmt::{self, Debug};

use term::Style;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use console::printable::printable;

/// Fields of a session's lines that only programs need: the message says the same in words. They are left out, so that a line
/// fits 100 columns, unless debug lines are logged too.
const DETAILS: [&str; 7] = [
    "blame",
    "cause",
    "ended_by",
    "esxi",
    "stage",
    "to_esxi",
    "to_viewer",
];

/// How the time of a line is written, in UTC.
#[derive(Clone, Copy)]
pub(super) enum Clock {
    /// `12:34:56.789`.
    Time,
    /// RFC 3339, to the second: a file or a pipe is read on another day.
    Date,
}

/// Time, level, message, fields of the event's spans and of the event.
pub(super) struct TextLine(pub(super) Clock);

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
            "{} {}",
            plain.dim().apply_to(self.0.now()?),
            colour.apply_to(format_args!("{level:>5}"))
        )?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(message) = fields.get("message") {
            write!(writer, " {message}")?;
        }
        let spans = fields_of_spans(context);
        for span in &spans {
            write!(writer, " {span}")?;
        }
        if !spans.is_empty() && LevelFilter::current() < LevelFilter::DEBUG {
            fields.leave_out_details();
        }
        writeln!(writer, "{fields}")
    }
}

impl Clock {
    fn now(self) -> Result<String, fmt::Error> {
        let mut now = String::new();
        SystemTime.format_time(&mut Writer::new(&mut now))?;
        // As in 2026-12-01T12:34:56.789012Z.
        Ok(match self {
            Self::Time => now.get(11..23).unwrap_or(&now).to_owned(),
            Self::Date => format!("{}Z", now.get(..19).unwrap_or(&now)),
        })
    }
}

/// The formatted fields of the event's spans, outermost first.
pub(super) fn fields_of_spans<S, N>(context: &FmtContext<'_, S, N>) -> Vec<String>
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

/// Formats the fields of spans.
pub(super) struct TextFields;

impl<'w> FormatFields<'w> for TextFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, record: R) -> fmt::Result {
        let mut fields = Fields::default();
        record.record(&mut fields);
        writer.write_str(fields.to_string().trim_start())
    }
}

/// Names and values, without control characters: VM names and server messages must not control a terminal or start a new line.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn get(&self, wanted: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(name, _)| *name == wanted)?;
        Some(value)
    }

    fn leave_out_details(&mut self) {
        let was_open = self.get("stage") == Some("relay");
        self.0.retain(|(name, _)| match *name {
            // The line of the session's opening has it.
            "viewer" => !was_open,
            name => !DETAILS.contains(&name),
        });
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0
            .push((field.name(), printable(&format!("{value:?}"))));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), printable(value)));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        let decimals = usize::from(value.abs() < 10.0);
        self.0.push((field.name(), format!("{value:.decimals$}")));
    }
}

/// As logfmt: ` name=value` for each field, values in quotation marks where they would end too early without.
impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.0.iter().filter(|(name, _)| *name != "message");
        for (name, value) in fields {
            let must_quote = |c: char| c.is_whitespace() || c == '"' || c == '=';
            match value.is_empty() || value.contains(must_quote) {
                false => write!(f, " {name}={value}")?,
                true => {
                    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
                    write!(f, " {name}=\"{escaped}\"")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use tracing::subscriber::with_default;

    use super::*;

    /// Captures log output.
    #[derive(Clone, Default)]
    pub(in super::super) struct Written(Arc<Mutex<Vec<u8>>>);

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
        pub(in super::super) fn read(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn text(clock: Clock, level: Level, log: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(level)
            .event_format(TextLine(clock))
            .fmt_fields(TextFields)
            .with_writer(move || writer.clone());
        with_default(subscriber.finish(), log);
        written.read()
    }

    /// One event outside of spans, and one in a session's span.
    pub(in super::super) fn outside_and_inside() {
        tracing::info!(ports = 2, "outside");
        let span = tracing::error_span!("session", session = 7);
        span.in_scope(|| tracing::info!(vm = "vm08", "inside"));
    }

    #[test]
    fn control_characters_in_fields_are_removed() {
        let name = "a\r\nINFO forged \u{1b}[2J\u{9b}2J";
        let text = text(Clock::Time, Level::INFO, || {
            tracing::info!(vm = %name, "found {name}");
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.trim_end().chars().all(|c| !c.is_control()), "{text:?}");
        assert!(
            text.contains("found aINFO forged [2J2J vm=\"aINFO forged"),
            "{text:?}"
        );
    }

    #[test]
    fn line_has_fields_of_its_span_first() {
        let text = text(Clock::Time, Level::INFO, outside_and_inside);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("  INFO outside ports=2"), "{text}");
        assert!(
            lines[1].ends_with("  INFO inside session=7 vm=vm08"),
            "{text}"
        );
    }

    #[test]
    fn values_that_are_not_one_word_are_quoted() {
        let text = text(Clock::Date, Level::INFO, || {
            let absent: Option<&str> = None;
            tracing::info!(
                plain = "LAB\\ada",
                absent,
                empty = "",
                vm = %"web 01",
                shown = "a \"b\\c\"",
                assigned = "a=b",
                seconds = 8.25,
                longer = 1800.2,
                "quoted"
            );
        });
        assert!(
            text.ends_with(
                " quoted plain=LAB\\ada empty=\"\" vm=\"web 01\" shown=\"a \\\"b\\\\c\\\"\" assigned=\"a=b\" seconds=8.2 longer=1800\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn time_is_short_on_a_terminal_and_has_its_date_in_a_file() {
        let shape = |clock| {
            let text = text(clock, Level::INFO, || tracing::info!("now"));
            let now = text.split(' ').next().unwrap();
            now.replace(|c: char| c.is_ascii_digit(), "0")
        };
        assert_eq!(shape(Clock::Time), "00:00:00.000");
        assert_eq!(shape(Clock::Date), "0000-00-00T00:00:00Z");
    }
}
