//! What a report tries on a console: two updates in any case; each encoding by itself, silence, acks, ClientCaps and a
//! ping where a report asks for it.

use std::time::Duration;

use rfb_proto::Encoding;
use rfb_proto::vmware::{Command, ServerCaps};
use tokio::time::timeout;

use super::describe;
use console::Error;
use console::client::{Acks, ConsoleClient};
use console::dialer::{Dialer, TimeLimit};
use console::update_stats::UpdateStats;

/// How long an update may take to come once it is asked for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much longer than the first update ServerCaps is waited for: that it comes before is a guess.
const CAPS_PATIENCE: Duration = Duration::from_millis(500);
/// How long further updates in answer to one request are waited for.
const TRAILING_UPDATES: Duration = Duration::from_millis(200);
/// How long it is watched what comes unasked.
const SILENCE: Duration = Duration::from_secs(10);
/// How long a pong, and what follows ClientCaps, is waited for.
const ANSWER: Duration = Duration::from_secs(3);
/// How many further updates a trial asks for.
const FURTHER: usize = 4;

/// VMware's own client sends these (`docs/webmks.md` 1.5).
const CLIENT_CAPS: u32 = 0x5100;

/// What a viewer lists that has no encoding but Raw.
const PLAIN: [Encoding; 4] = [
    Encoding::RAW,
    Encoding::LAST_RECT,
    Encoding::DESKTOP_SIZE,
    Encoding::VMWARE_SERVER_CAPS,
];

/// JPEG's middle quality, without which some servers send no TightPNG.
const QUALITY: Encoding = Encoding(-27);

/// Each encoding that is asked for by itself.
const ENCODINGS: [&[Encoding]; 6] = [
    &[Encoding::RAW],
    &[Encoding::COPY_RECT],
    &[Encoding::HEXTILE],
    &[Encoding::ZRLE],
    &[Encoding::TIGHT, QUALITY],
    &[Encoding::TIGHT_PNG, QUALITY],
];

/// A part of a report.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) lines: Vec<String>,
}

/// Asks for an update, waits for ServerCaps, and asks for a second one.
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

/// Up to the first update and ServerCaps.
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

/// What is tried on the console that is open already.
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

/// What is tried on a connection of its own.
#[derive(Clone, Copy)]
enum Trial {
    NoAcks,
    ClientCaps,
    Ping,
}

/// Each trial, on a connection of its own.
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

/// A line for what has come of it, and whether the connection has ended.
fn line_and_ended(tried: Result<String, Error>) -> (String, bool) {
    match tried {
        Ok(line) => (line, false),
        Err(failure) => (ended(&failure), true),
    }
}

/// Without a host's own words, addresses and names: those are not for everybody.
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
