//! Tests on an open console: two updates always; for a report also encodings, unsolicited messages, acks, ClientCaps and ping.

use std::time::Duration;

use rfb_proto::Encoding;
use rfb_proto::vmware::{Command, ServerCaps};
use tokio::time::timeout;

use crate::describe;
use console::Error;
use console::client::{Acks, ConsoleClient};
use console::dialer::{Dialer, TimeLimit};
use console::update_stats::UpdateStats;

/// Timeout of a requested update.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(10);
/// Extra time for ServerCaps after the first update. That ServerCaps comes first is a guess.
const CAPS_TIMEOUT: Duration = Duration::from_millis(500);
/// How long to wait for further updates to one request.
const TRAILING_UPDATE_TIME: Duration = Duration::from_millis(200);
/// How long to watch for unsolicited messages.
const UNSOLICITED_TIME: Duration = Duration::from_secs(10);
/// Timeout of a pong and of reactions to ClientCaps.
const REPLY_TIMEOUT: Duration = Duration::from_secs(3);
/// Number of further updates that a test requests.
const FURTHER_UPDATES: usize = 4;

/// As sent by VMware's own client (`docs/webmks.md` 1.5).
const CLIENT_CAPS: u32 = 0x5100;

/// Encodings of a viewer that supports only Raw.
const RAW_ONLY: [Encoding; 4] = [
    Encoding::RAW,
    Encoding::LAST_RECT,
    Encoding::DESKTOP_SIZE,
    Encoding::VMWARE_SERVER_CAPS,
];

/// JPEG quality 5 of 9: some servers send TightPNG only with a quality level.
const JPEG_QUALITY_5: Encoding = Encoding(-27);

/// Encodings that are tested one by one.
const ENCODINGS: [&[Encoding]; 6] = [
    &[Encoding::RAW],
    &[Encoding::COPY_RECT],
    &[Encoding::HEXTILE],
    &[Encoding::ZRLE],
    &[Encoding::TIGHT, JPEG_QUALITY_5],
    &[Encoding::TIGHT_PNG, JPEG_QUALITY_5],
];

/// A section of the report.
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// What was found, one fact a line.
    pub lines: Vec<String>,
}

/// Requests an update, waits for ServerCaps, and requests a second update.
pub async fn two_updates(viewer: &mut ConsoleClient) -> Result<UpdateStats, Error> {
    let mut stats = UpdateStats::default();
    first_update(viewer, &mut stats, Acks::AsAnnounced).await?;
    match viewer
        .request_screen(&mut stats, Acks::AsAnnounced, UPDATE_TIMEOUT)
        .await?
    {
        true => Ok(stats),
        false => Err(Error::NoUpdate {
            which: "second",
            within: UPDATE_TIMEOUT,
        }),
    }
}

/// Requests the first update and waits for ServerCaps.
async fn first_update(
    viewer: &mut ConsoleClient,
    stats: &mut UpdateStats,
    acks: Acks,
) -> Result<(), Error> {
    viewer.set_encodings(RAW_ONLY).await?;
    if !viewer
        .request_screen(stats, Acks::Never, UPDATE_TIMEOUT)
        .await?
    {
        return Err(Error::NoUpdate {
            which: "first",
            within: UPDATE_TIMEOUT,
        });
    }
    if stats.caps.is_none() {
        let caps = |stats: &UpdateStats| stats.caps.is_some();
        viewer.watch(stats, CAPS_TIMEOUT, caps).await?;
    }
    match acks {
        Acks::AsAnnounced => viewer.ack(stats).await,
        Acks::Never => Ok(()),
    }
}

/// Tests on the connection that is already open.
pub async fn on_open_console(viewer: &mut ConsoleClient, first: &UpdateStats) -> Vec<Section> {
    let ids: Vec<String> = first.ids.iter().map(ToString::to_string).collect();
    let updates = Section {
        title: "Updates",
        lines: vec![
            format!("ServerCaps: {}", describe::caps(first.caps)),
            format!("update ids: {}", ids.join(", ")),
            "second update received after ServerCaps: yes".into(),
        ],
    };
    let mut encodings = Section {
        title: "Each encoding, requested alone",
        lines: Vec::new(),
    };
    let mut is_open = true;
    for listed in ENCODINGS {
        let name = listed.first().map_or_else(String::new, describe::encoding);
        let (line, connection_ended) = match is_open {
            true => line_and_ended(request_encoding(viewer, listed, first.caps).await),
            false => ("not requested: the connection had ended".into(), true),
        };
        is_open &= !connection_ended;
        encodings.lines.push(format!("{name}: {line}"));
    }
    let unsolicited = match is_open {
        true => {
            let mut stats = UpdateStats::default();
            let result = viewer.watch(&mut stats, UNSOLICITED_TIME, |_| false).await;
            let received = describe::message_counts(&stats);
            match result {
                Ok(_) => received,
                Err(failure) => format!("{received}; {}", connection_ended(&failure)),
            }
        }
        false => "not tested: the connection had ended".into(),
    };
    let unsolicited = Section {
        title: "Messages received in 10 s without a request",
        lines: vec![unsolicited],
    };
    vec![updates, encodings, unsolicited]
}

async fn request_encoding(
    viewer: &mut ConsoleClient,
    listed: &[Encoding],
    caps: Option<ServerCaps>,
) -> Result<String, Error> {
    let mut stats = UpdateStats::of(caps);
    viewer.set_encodings(listed.iter().copied()).await?;
    let received = viewer
        .request_screen(&mut stats, Acks::AsAnnounced, UPDATE_TIMEOUT)
        .await?;
    if !received {
        return Ok(format!("no update within {} s", UPDATE_TIMEOUT.as_secs()));
    }
    viewer
        .watch(&mut stats, TRAILING_UPDATE_TIME, |_| false)
        .await?;
    Ok(describe::message_counts(&stats))
}

/// A test on a new connection.
#[derive(Clone, Copy)]
enum Trial {
    NoAcks,
    ClientCaps,
    Ping,
}

/// Runs each test on a new connection.
pub async fn thorough(dialer: &Dialer, within: Duration) -> Section {
    let mut lines = Vec::new();
    for (trial, name) in [
        (Trial::NoAcks, "without acks"),
        (Trial::ClientCaps, "with ClientCaps (127/3)"),
        (Trial::Ping, "with a WebSocket ping"),
    ] {
        let (line, _) = line_and_ended(on_own_connection(dialer, within, trial).await);
        lines.push(format!("{name}: {line}"));
    }
    Section {
        title: "Further updates, each test on its own connection",
        lines,
    }
}

async fn on_own_connection(
    dialer: &Dialer,
    within: Duration,
    trial: Trial,
) -> Result<String, Error> {
    let console = dialer.dial(TimeLimit::of(within), &|_| {}).await?;
    let (mut viewer, _) = timeout(within, ConsoleClient::enter(console))
        .await
        .map_err(|_| dialer.host_timeout(TimeLimit::of(within)))??;
    let result = trial.run(&mut viewer).await;
    viewer.leave().await;
    result
}

impl Trial {
    async fn run(self, viewer: &mut ConsoleClient) -> Result<String, Error> {
        let acks = match self {
            Self::NoAcks => Acks::Never,
            Self::ClientCaps | Self::Ping => Acks::AsAnnounced,
        };
        let mut stats = UpdateStats::default();
        first_update(viewer, &mut stats, acks).await?;
        let has = |caps| stats.caps.is_some_and(|announced| announced.has(caps));
        let prefix = match self {
            Self::NoAcks if !has(ServerCaps::UPDATE_ACK) => {
                "acks are not announced (0x20); ".into()
            }
            Self::NoAcks => "acks are announced (0x20) and none was sent; ".into(),
            Self::ClientCaps if !has(ServerCaps::CLIENT_CAPS) => {
                return Ok(
                    "not tested: the host does not announce that it expects them (0x8)".into(),
                );
            }
            Self::ClientCaps => {
                viewer.command(Command::ClientCaps(CLIENT_CAPS)).await?;
                let mut after = UpdateStats::default();
                viewer.watch(&mut after, REPLY_TIMEOUT, |_| false).await?;
                format!(
                    "{CLIENT_CAPS:#x} sent, within {} s {}; ",
                    REPLY_TIMEOUT.as_secs(),
                    describe::message_counts(&after)
                )
            }
            Self::Ping => {
                viewer.ping().await?;
                viewer
                    .watch(&mut UpdateStats::default(), REPLY_TIMEOUT, |_| false)
                    .await?;
                match viewer.pongs() {
                    0 => format!("no pong within {} s; ", REPLY_TIMEOUT.as_secs()),
                    _ => "pong received; ".into(),
                }
            }
        };
        let mut received = 0;
        while received < FURTHER_UPDATES
            && viewer
                .request_screen(&mut stats, acks, UPDATE_TIMEOUT)
                .await?
        {
            received += 1;
        }
        Ok(format!(
            "{prefix}{received} of {FURTHER_UPDATES} further updates received"
        ))
    }
}

/// The result as text, and whether the connection has ended.
fn line_and_ended(result: Result<String, Error>) -> (String, bool) {
    match result {
        Ok(line) => (line, false),
        Err(failure) => (connection_ended(&failure), true),
    }
}

/// Omits text from the host, which may have addresses and names.
fn connection_ended(error: &Error) -> String {
    match error {
        Error::HostClosed { how, .. } => {
            let how = how.split(',').next().unwrap_or_default();
            match how.starts_with("close code") {
                true => format!("the host closed the connection ({how})"),
                false => "the host closed the connection".into(),
            }
        }
        Error::NoUpdate { .. } | Error::Unreadable(_) | Error::Framing(_) => error.to_string(),
        _ => "the console could not be opened".into(),
    }
}
