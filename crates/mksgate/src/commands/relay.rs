//! `mksgate relay`: one WebSocket behind one TCP port, byte for byte. It takes the options of os-autoinst's
//! dewebsockify as they are.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use clap::{Args, ValueEnum};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, info};

use super::shutting_down::watch_signals;
use super::{CommandError, say};
use crate::error::{Failure, Stage};
use crate::front_door::roll::Ending;
use crate::front_door::viewer::Viewer;
use crate::gateway::Shutdown;
use crate::gateway::listener;
use crate::reach::address::Address;
use crate::reach::console::Wire;
use crate::reach::endpoint::{Endpoint, Origin};
use crate::reach::headers::{COOKIE, Headers};
use crate::reach::tls::Trust;
use crate::reach::url_command::UrlCommand;
use crate::reach::ws_url::WsUrl;
use crate::relay::{self, End, Rules, Traffic};
use crate::socket;
use crate::visit::Visit;

/// Where the URL and the cookie may stand instead of in the arguments, which every user of a machine can read.
const URL_VARIABLE: &str = "MKSGATE_WEBSOCKETURL";
const COOKIE_VARIABLE: &str = "MKSGATE_COOKIE";

/// From a viewer's arrival until the WebSocket is open.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Nothing is judged and nothing is repaired: whoever can connect may do all that the console's host allows.
const RULES: Rules = Rules {
    view_only: false,
    may_be_alone: true,
    habits: None,
    idle_timeout: None,
    max_session_time: None,
};

#[derive(Args)]
pub(crate) struct Options {
    /// Where the console is: wss://HOST/PATH. May stand in the environment as MKSGATE_WEBSOCKETURL
    #[arg(long, value_name = "URL")]
    websocketurl: Option<String>,
    /// Where viewers connect; 0: any free port
    #[arg(long, value_name = "PORT", default_value_t = 5900)]
    listenport: u16,
    /// On which address. (dewebsockify listens on all of them)
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listenaddress: IpAddr,
    /// Is sent with the WebSocket's request. May stand in the environment as MKSGATE_COOKIE
    #[arg(long)]
    cookie: Option<String>,
    /// Take any certificate, and ws:// to other machines: whoever is in between can read and change everything
    #[arg(long)]
    insecure: bool,
    /// Whom to believe to be that host: system, webpki, file:PATH or sha256:HEX
    #[arg(long, default_value = "system", conflicts_with = "insecure")]
    trust: String,
    /// What is logged on stderr
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    loglevel: Level,
    /// A program, with arguments, that prints the URL for each further viewer; split as a shell does, run without one
    #[arg(long, value_name = "COMMAND")]
    reconnect_command: Option<String>,
}

/// The levels that dewebsockify knows.
#[derive(Clone, Copy, ValueEnum)]
enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Options {
    /// What is logged.
    pub(crate) const fn level(&self) -> &'static str {
        match self.loglevel {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error | Level::Fatal => "error",
        }
    }
}

/// Serves one viewer after another, until a signal ends it; or, where the URL holds a ticket and no program
/// prints another, until that is spent.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    let Consoles { first, then, once } = consoles(&options)?;
    let address = SocketAddr::new(options.listenaddress, options.listenport);
    let listener = TcpListener::bind(address).await.map_err(|error| {
        CommandError::Failed(format!(
            "cannot listen on {address} ({error}): choose another --listenport"
        ))
    })?;
    let address = listener.local_addr().unwrap_or(address);
    let (shutdown, signals) = (Shutdown::default(), TaskTracker::new());
    signals.spawn(watch_signals(shutdown.clone())?);
    say(format!("{address} {}\n", first.name))?;
    let told = &shutdown.drain;
    let mut endpoint = &first;
    for id in 1.. {
        let Some((socket, viewer)) = told.run_until_cancelled(accept(&listener)).await else {
            break;
        };
        let visit = Visit {
            id,
            viewer,
            user: None,
            vm: endpoint.name.clone(),
            metrics: Arc::default(),
        };
        let serving = serve(socket, &visit, endpoint, told).instrument(visit.span());
        let served = alone(&listener, serving).await;
        if let (true, Some(how)) = (once, served) {
            return how.map_err(CommandError::Failed);
        }
        endpoint = &then;
    }
    Ok(())
}

/// Where viewers get to, one after another.
struct Consoles {
    first: Endpoint,
    then: Endpoint,
    /// The first is the last.
    once: bool,
}

fn consoles(options: &Options) -> Result<Consoles, CommandError> {
    let fixed = options.url()?;
    let printed = options.command()?;
    let once = printed.is_none() && fixed.as_ref().is_some_and(WsUrl::is_spent_by_use);
    let (fixed, printed) = (fixed.map(Origin::Fixed), printed.map(Origin::Command));
    let (first, then) = match (fixed, printed) {
        (Some(fixed), Some(printed)) => (fixed, printed),
        (Some(same), None) | (None, Some(same)) => (same.clone(), same),
        (None, None) => {
            let sentence = "there is no URL: add --websocketurl URL";
            return Err(CommandError::Usage(sentence.into()));
        }
    };
    Ok(Consoles {
        first: options.endpoint(first)?,
        then: options.endpoint(then)?,
        once,
    })
}

impl Options {
    fn url(&self) -> Result<Option<WsUrl>, CommandError> {
        let Some(text) = given(self.websocketurl.as_ref(), URL_VARIABLE) else {
            return Ok(None);
        };
        match WsUrl::parse(&text) {
            Ok(url) if url.is_exposed && !self.insecure => Err(CommandError::Usage(
                "ws:// to another machine can be read and changed on the way: write wss://, or add --insecure".into(),
            )),
            parsed => parsed.map(Some).map_err(|error| CommandError::Usage(error.into())),
        }
    }

    fn command(&self) -> Result<Option<UrlCommand>, CommandError> {
        let Some(text) = &self.reconnect_command else {
            return Ok(None);
        };
        UrlCommand::split(text).map(Some).ok_or_else(|| CommandError::Usage(
            "--reconnect-command is no command: write \"PROGRAM ARGUMENT\", with each quote closed".into(),
        ))
    }

    fn endpoint(&self, origin: Origin) -> Result<Endpoint, CommandError> {
        let trust = match self.insecure {
            true => Trust::DangerAcceptAny,
            false => Trust::parse(&self.trust, Path::to_path_buf).map_err(CommandError::Usage)?,
        };
        let mut headers = Headers::default();
        if let Some(cookie) = given(self.cookie.as_ref(), COOKIE_VARIABLE) {
            headers
                .add(COOKIE, cookie.into())
                .map_err(CommandError::Usage)?;
        }
        Ok(Endpoint {
            trust,
            headers,
            allow_plain: self.insecure,
            ..Endpoint::new(origin)
        })
    }
}

/// An argument, or else what the environment says.
fn given(argument: Option<&String>, variable: &str) -> Option<String> {
    let set = || std::env::var(variable).ok();
    argument
        .cloned()
        .or_else(set)
        .filter(|text| !text.is_empty())
}

/// The next viewer.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let listen = listener.local_addr().ok();
    listener::accepted(listen, || listener.accept()).await
}

/// Whoever comes meanwhile is turned away.
async fn alone<T>(listener: &TcpListener, visit: impl Future<Output = T>) -> T {
    let mut visit = pin!(visit);
    loop {
        tokio::select! {
            done = &mut visit => return done,
            (_, viewer) = accept(listener) => info!(%viewer, "turned away: another viewer is connected"),
        }
    }
}

/// How it went, unless the viewer left before it could be known whether the console can be had.
async fn serve(
    socket: TcpStream,
    visit: &Visit,
    endpoint: &Endpoint,
    told: &CancellationToken,
) -> Option<Result<(), String>> {
    let (begun, traffic) = (Instant::now(), Traffic::default());
    let outcome = relayed(socket, visit, endpoint, told, &traffic).await;
    let how = match &outcome {
        Err((_, Failure::ViewerLeft | Failure::ViewerSilent)) => None,
        Err((_, failure)) | Ok(End::Fault(failure)) => Some(Err(failure.to_string())),
        Ok(_) => Some(Ok(())),
    };
    visit.closed(outcome, begun.elapsed(), &traffic);
    how
}

async fn relayed(
    socket: TcpStream,
    visit: &Visit,
    endpoint: &Endpoint,
    told: &CancellationToken,
    traffic: &Traffic,
) -> Result<End, (Stage, Failure)> {
    let ending = Ending::with(told);
    let prepared = socket::prepare(&socket).map_err(Failure::ViewerBroke);
    prepared.map_err(|failure| (Stage::Accept, failure))?;
    let mut viewer = Viewer::new(socket, BytesMut::new());
    let opened = tokio::select! {
        opened = timeout(HANDSHAKE, open(endpoint)) => opened.unwrap_or_else(|_| Err(slow(endpoint))),
        gone = viewer.gone() => Err(gone),
        () = told.cancelled() => return Ok(End::Told(ending.why())),
    };
    let (address, wire) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            viewer.close().await;
            return Err((Stage::Dial, failure));
        }
    };
    visit.opened(&address);
    let (Some(connection), early) = viewer.into_parts() else {
        return Ok(End::Viewer);
    };
    Ok(relay::relay(connection, early, wire, RULES, traffic, &ending).await)
}

async fn open(endpoint: &Endpoint) -> Result<(Address, Wire), Failure> {
    let target = endpoint.target(endpoint.place().await?).await?;
    let wire = Wire::open(&target).await?;
    Ok((target.address, wire))
}

fn slow(endpoint: &Endpoint) -> Failure {
    Failure::Slow {
        what: endpoint.name.clone(),
        stage: Stage::Dial,
        within: HANDSHAKE,
    }
}
