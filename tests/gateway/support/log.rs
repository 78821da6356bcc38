//! The sentences with which sessions end in the gateway's log. Viewers are shown less.

use std::collections::HashMap;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::OnceLock;

use tokio::sync::watch;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The closing lines of all sessions in this process, by their viewers' addresses.
type Lines = HashMap<String, Line>;

/// The fields of one closing line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    pub(crate) level: String,
    pub(crate) sentence: String,
    pub(crate) ended_by: String,
    pub(crate) cause: String,
    pub(crate) blame: String,
    pub(crate) user: String,
    viewer: String,
}

/// Collects the line of a viewer that connects from this address, in place of one before it from the same port.
pub(crate) fn expect(viewer: SocketAddr) {
    start().send_modify(|lines| drop(lines.remove(&viewer.to_string())));
}

fn start() -> &'static watch::Sender<Lines> {
    static LINES: OnceLock<watch::Sender<Lines>> = OnceLock::new();
    LINES.get_or_init(|| {
        let lines = watch::Sender::new(Lines::new());
        let is_session = |event: &Metadata<'_>| event.target() == "gateway::session_log";
        let collector = Collector(lines.clone()).with_filter(filter_fn(is_session));
        let subscriber = tracing_subscriber::registry().with(collector);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        lines
    })
}

/// Waits for the closing line of the session with the viewer at this address.
pub(crate) async fn closing_line(viewer: SocketAddr) -> Line {
    let viewer = viewer.to_string();
    let mut lines = start().subscribe();
    let found = lines.wait_for(|lines| lines.contains_key(&viewer)).await;
    found.unwrap()[&viewer].clone()
}

struct Collector(watch::Sender<Lines>);

impl<S: Subscriber> Layer<S> for Collector {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line {
            level: event.metadata().level().to_string(),
            ..Line::default()
        };
        event.record(&mut line);
        if let Some(sentence) = line.sentence.strip_prefix("session closed: ") {
            line.sentence = sentence.to_owned();
            self.0
                .send_modify(|lines| drop(lines.insert(line.viewer.clone(), line)));
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.sentence = value,
            "viewer" => self.viewer = value,
            "ended_by" => self.ended_by = value,
            "cause" => self.cause = value,
            "blame" => self.blame = value,
            "user" => self.user = value,
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
