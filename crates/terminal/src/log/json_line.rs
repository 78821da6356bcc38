//! Log lines for programs.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::text_line::fields_of_spans;

/// One flat JSON object: fields of the event and of its spans.
pub(super) struct JsonLine(Format<Json>);

impl JsonLine {
    pub(super) fn new() -> Self {
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

#[cfg(test)]
mod tests {
    use super::super::text_line::tests::{Written, outside_and_inside};
    use super::*;

    #[test]
    fn line_has_fields_of_its_span_at_top_level() {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .event_format(JsonLine::new())
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(subscriber.finish(), outside_and_inside);
        let text = written.read();
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
