//! `mksgate relay`: serves one WebSocket on a TCP port as a byte stream, with the options of os-autoinst's dewebsockify.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;
use tracing::info;

use super::shutdown_signals::watch_signals;
use super::{CommandError, print};
use console::endpoint::{Endpoint, Origin};
use console::headers::{COOKIE, Headers};
use console::tls::Trust;
use console::url_command::UrlCommand;
use console::ws_url::WsUrl;
use gateway::{Shutdown, listener, relay_bytes};

/// Alternatives to the arguments, which other users can read in the process list.
const URL_VARIABLE: &str = "MKSGATE_WEBSOCKETURL";
const COOKIE_VARIABLE: &str = "MKSGATE_COOKIE";

#[derive(Args)]
pub(crate) struct Options {
    /// URL of the console: wss://HOST/PATH. Alternatively set MKSGATE_WEBSOCKETURL
    #[arg(long, value_name = "URL")]
    websocketurl: Option<String>,
    /// TCP port for viewers; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 5900)]
    listenport: u16,
    /// Address to listen on (dewebsockify listens on all)
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listenaddress: IpAddr,
    /// Cookie of the WebSocket request. Alternatively set MKSGATE_COOKIE
    #[arg(long)]
    cookie: Option<String>,
    /// Accept any certificate, and ws:// to other machines: attackers on the network can read and change everything
    #[arg(long)]
    insecure: bool,
    /// How the host's certificate is verified: system, webpki, file:PATH or sha256:HEX
    #[arg(long, default_value = "system", conflicts_with = "insecure")]
    trust: String,
    /// Log level
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    loglevel: Level,
    /// Command that prints the URL for each further viewer; split into arguments as by a shell, but run without one
    #[arg(long, value_name = "COMMAND")]
    reconnect_command: Option<String>,
}

/// The levels of dewebsockify.
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
    /// The log level.
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

/// Serves one viewer at a time until a signal; a URL with a one-time ticket, without a command for more, serves one viewer only.
pub(crate) async fn run(options: Options) -> Result<(), CommandError> {
    let Consoles { first, later, once } = consoles(&options)?;
    let address = SocketAddr::new(options.listenaddress, options.listenport);
    let listener = TcpListener::bind(address).await.map_err(|error| {
        CommandError::failed(format!(
            "cannot listen on {address} ({error}): choose another --listenport"
        ))
    })?;
    let address = listener.local_addr().unwrap_or(address);
    let (shutdown, signals) = (Shutdown::default(), TaskTracker::new());
    signals.spawn(watch_signals(shutdown.clone())?);
    print(format!("{address} {}\n", first.name))?;
    let drain = &shutdown.drain;
    let mut endpoint = &first;
    for id in 1.. {
        let Some(accepted) = drain.run_until_cancelled(accept(&listener)).await else {
            break;
        };
        let relayed = relay_bytes(id, accepted, endpoint, drain);
        let served = reject_others_during(&listener, relayed).await;
        if let (true, Some(result)) = (once, served) {
            return result.map_err(CommandError::failed);
        }
        endpoint = &later;
    }
    Ok(())
}

/// Endpoints of the first viewer and of the later ones.
struct Consoles {
    first: Arc<Endpoint>,
    later: Arc<Endpoint>,
    /// The first viewer is the only one: its ticket is valid once.
    once: bool,
}

fn consoles(options: &Options) -> Result<Consoles, CommandError> {
    let fixed = options.url()?;
    let printed = options.command()?;
    let once = printed.is_none() && fixed.as_ref().is_some_and(WsUrl::is_one_time);
    let (fixed, printed) = (fixed.map(Origin::Fixed), printed.map(Origin::Command));
    let (first, later) = match (fixed, printed) {
        (Some(fixed), Some(printed)) => (fixed, printed),
        (Some(same), None) | (None, Some(same)) => (same.clone(), same),
        (None, None) => {
            let sentence = "there is no URL: add --websocketurl URL";
            return Err(CommandError::Usage(sentence.into()));
        }
    };
    Ok(Consoles {
        first: options.endpoint(first)?.into(),
        later: options.endpoint(later)?.into(),
        once,
    })
}

impl Options {
    fn url(&self) -> Result<Option<WsUrl>, CommandError> {
        let Some(text) = argument_or_variable(self.websocketurl.as_ref(), URL_VARIABLE) else {
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
            "--reconnect-command is not a command: write \"PROGRAM ARGUMENT\", with each quote closed".into(),
        ))
    }

    fn endpoint(&self, origin: Origin) -> Result<Endpoint, CommandError> {
        let trust = match self.insecure {
            true => Trust::DangerAcceptAny,
            false => Trust::parse(&self.trust, Path::to_path_buf).map_err(CommandError::Usage)?,
        };
        let mut headers = Headers::default();
        if let Some(cookie) = argument_or_variable(self.cookie.as_ref(), COOKIE_VARIABLE) {
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

/// The argument, else the environment variable.
fn argument_or_variable(argument: Option<&String>, variable: &str) -> Option<String> {
    let set = || std::env::var(variable).ok();
    argument
        .cloned()
        .or_else(set)
        .filter(|text| !text.is_empty())
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let listen = listener.local_addr().ok();
    listener::accept(listen, || listener.accept()).await
}

/// Rejects other viewers while a session runs.
async fn reject_others_during<T>(listener: &TcpListener, session: impl Future<Output = T>) -> T {
    let mut session = pin!(session);
    loop {
        tokio::select! {
            done = &mut session => return done,
            (_, viewer) = accept(listener) => info!(%viewer, "rejected: another viewer is connected"),
        }
    }
}
