//! Tests on an open console: two updates always; for a report also encodings, unsolicited messages, acks, ClientCaps and ping.

use std::time::Duration;

use rfb_proto::Encoding;
use rfb_proto::vmware::{Command, ServerCaps};
use tokio::time::timeout;

use super::describe;
use console::Error;
use console::client::{Acks, ConsoleClient};
use console::dialer::{Dialer, TimeLimit};
use console::update_stats::UpdateStats;

/// Timeout of a requested update.
const PATIENCE: Duration = Duration::from_secs(10);
/// Extra time for ServerCaps after the first update. That ServerCaps comes first is a guess.
const CAPS_PATIENCE: Duration = Duration::from_millis(500);
/// How long to wait for further updates to one request.
const TRAILING_UPDATES: Duration = Duration::from_millis(200);
/// How long to watch for unsolicited messages.
const SILENCE: Duration = Duration::from_secs(10);
/// Timeout of a pong and of reactions to ClientCaps.
const ANSWER: Duration = Duration::from_secs(3);
/// Number of further updates that a test requests.
const FURTHER: usize = 4;

/// As sent by VMware's own client (`docs/webmks.md` 1.5).
const CLIENT_CAPS: u32 = 0x5100;

/// Encodings of a viewer that supports only Raw.
const PLAIN: [Encoding; 4] = [
    Encoding::RAW,
    Encoding::LAST_RECT,
    Encoding::DESKTOP_SIZE,
    Encoding::VMWARE_SERVER_CAPS,
];

/// JPEG quality 5 of 9: some servers send TightPNG only with a quality level.
const QUALITY: Encoding = Encoding(-27);

/// Encodings that are tested one by one.
const ENCODINGS: [&[Encoding]; 6] = [
    &[Encoding::RAW],
    &[Encoding::COPY_RECT],
    &[Encoding::HEXTILE],
    &[Encoding::ZRLE],
    &[Encoding::TIGHT, QUALITY],
    &[Encoding::TIGHT_PNG, QUALITY],
];

/// A section of the report.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) lines: Vec<String>,
}

/// Requests an update, waits for ServerCaps, and requests a second update.
pub(super) async fn two_updates(viewer: &mut ConsoleClient) -> Result<UpdateStats, Error> {
    let mut seen = UpdateStats::default();
    begin(viewer, &mut seen, Acks::AsAnnounced).await?;
    match viewer
        .request_screen(&mut seen, Acks::AsAnnounced, PATIENCE)
        .await?
    {
        true => Ok(seen),
        false => Err(Error::NoUpdate {
            which: "second",
            within: PATIENCE,
        }),
    }
}

/// Requests the first update and waits for ServerCaps.
async fn begin(
    viewer: &mut ConsoleClient,
    seen: &mut UpdateStats,
    acks: Acks,
) -> Result<(), Error> {
    viewer.set_encodings(PLAIN).await?;
    if !viewer.request_screen(seen, Acks::Never, PATIENCE).await? {
        return Err(Error::NoUpdate {
            which: "first",
            within: PATIENCE,
        });
    }
    if seen.caps.is_none() {
        let caps = |seen: &UpdateStats| seen.caps.is_some();
        viewer.watch(seen, CAPS_PATIENCE, caps).await?;
    }
    match acks {
        Acks::AsAnnounced => viewer.ack(seen).await,
        Acks::Never => Ok(()),
    }
}

/// Tests on the connection that is already open.
pub(super) async fn on_open_console(
    viewer: &mut ConsoleClient,
    first: &UpdateStats,
) -> Vec<Section> {
    let ids: Vec<String> = first.ids.iter().map(ToString::to_string).collect();
    let updates = Section {
        title: "Updates",
        lines: vec![
            format!("ServerCaps: {}", describe::caps(first.caps)),
            format!("update ids: {}", ids.join(", ")),
            "a second update came after ServerCaps: yes".into(),
        ],
    };
    let mut encodings = Section {
        title: "Each encoding, asked for by itself",
        lines: Vec::new(),
    };
    let mut is_open = true;
    for listed in ENCODINGS {
        let name = listed.first().map_or_else(String::new, describe::encoding);
        let (line, ended) = match is_open {
            true => line_and_ended(asked_for(viewer, listed, first.caps).await),
            false => ("not asked for: the connection had ended".into(), true),
        };
        is_open &= !ended;
        encodings.lines.push(format!("{name}: {line}"));
    }
    let silence = match is_open {
        true => {
            let mut seen = UpdateStats::default();
            let watched = viewer.watch(&mut seen, SILENCE, |_| false).await;
            let came = describe::traffic(&seen);
            match watched {
                Ok(_) => came,
                Err(failure) => format!("{came}; {}", ended(&failure)),
            }
        }
        false => "not watched: the connection had ended".into(),
    };
    let silence = Section {
        title: "Nothing asked for, for 10 s",
        lines: vec![silence],
    };
    vec![updates, encodings, silence]
}

async fn asked_for(
    viewer: &mut ConsoleClient,
    listed: &[Encoding],
    caps: Option<ServerCaps>,
) -> Result<String, Error> {
    let mut seen = UpdateStats::of(caps);
    viewer.set_encodings(listed.iter().copied()).await?;
    let came = viewer
        .request_screen(&mut seen, Acks::AsAnnounced, PATIENCE)
        .await?;
    if !came {
        return Ok(format!("no update within {} s", PATIENCE.as_secs()));
    }
    viewer.watch(&mut seen, TRAILING_UPDATES, |_| false).await?;
    Ok(describe::traffic(&seen))
}

/// A test on a new connection.
#[derive(Clone, Copy)]
enum Trial {
    NoAcks,
    ClientCaps,
    Ping,
}

/// Runs each test on a new connection.
pub(super) async fn thorough(dialer: &Dialer, within: Duration) -> Section {
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
        title: "Whether updates go on, each on a connection of its own",
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
    let tried = trial.run(&mut viewer).await;
    viewer.leave().await;
    tried
}

impl Trial {
    async fn run(self, viewer: &mut ConsoleClient) -> Result<String, Error> {
        let acks = match self {
            Self::NoAcks => Acks::Never,
            Self::ClientCaps | Self::Ping => Acks::AsAnnounced,
        };
        let mut seen = UpdateStats::default();
        begin(viewer, &mut seen, acks).await?;
        let has = |caps| seen.caps.is_some_and(|announced| announced.has(caps));
        let before = match self {
            Self::NoAcks if !has(ServerCaps::UPDATE_ACK) => {
                "acks are not announced (0x20); ".into()
            }
            Self::NoAcks => "acks are announced (0x20) and none was sent; ".into(),
            Self::ClientCaps if !has(ServerCaps::CLIENT_CAPS) => {
                return Ok("not tried: the host has not announced that it wants them (0x8)".into());
            }
            Self::ClientCaps => {
                viewer.command(Command::ClientCaps(CLIENT_CAPS)).await?;
                let mut after = UpdateStats::default();
                viewer.watch(&mut after, ANSWER, |_| false).await?;
                format!(
                    "{CLIENT_CAPS:#x} sent, within {} s {}; ",
                    ANSWER.as_secs(),
                    describe::traffic(&after)
                )
            }
            Self::Ping => {
                viewer.ping().await?;
                viewer
                    .watch(&mut UpdateStats::default(), ANSWER, |_| false)
                    .await?;
                match viewer.pongs() {
                    0 => format!("no pong within {} s; ", ANSWER.as_secs()),
                    _ => "a pong came; ".into(),
                }
            }
        };
        let mut came = 0;
        while came < FURTHER && viewer.request_screen(&mut seen, acks, PATIENCE).await? {
            came += 1;
        }
        Ok(format!("{before}{came} of {FURTHER} further updates came"))
    }
}

/// The result as text, and whether the connection has ended.
fn line_and_ended(tried: Result<String, Error>) -> (String, bool) {
    match tried {
        Ok(line) => (line, false),
        Err(failure) => (ended(&failure), true),
    }
}

/// Omits text from the host, which may have addresses and names.
fn ended(error: &Error) -> String {
    match error {
        Error::HostClosed { how, .. } => {
            let how = how.split(',').next().unwrap_or_default();
            match how.starts_with("close code") {
                true => format!("the host ended the connection ({how})"),
                false => "the host ended the connection".into(),
            }
        }
        Error::NoUpdate { .. } | Error::Unreadable(_) | Error::Framing(_) => error.to_string(),
        _ => "the console could not be opened".into(),
    }
}
