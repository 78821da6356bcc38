//! A loopback port for one user, with a random password.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use rfb_proto::VncPassword;
use secrecy::SecretString;
use tokio::time::{sleep, timeout};

use super::outcome::Outcome;
use super::target::Target;
use crate::commands::CommandError;
use crate::commands::failure::Failure;
use crate::commands::random_password::random_password;
use gateway::settings::{Auth, Limits};
use gateway::{Gateway, LastFailure, LocalEntrance, Shutdown};
use terminal::signals::TerminationSignals;
use viewers::PrivatePort;

/// How long to wait for a viewer that another process was asked to start.
const FIRST_VIEWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Polling interval of the session count.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Default listen address.
const FREE_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Parses `--listen`.
///
/// # Errors
/// Not ADDR:PORT, or not a loopback address.
pub(super) fn parse_loopback(text: &str) -> Result<SocketAddr, String> {
    let listen: SocketAddr = text
        .parse()
        .map_err(|_| "write an address and a port, as in 127.0.0.1:5900".to_owned())?;
    // IPv4-mapped: ::ffff:127.0.0.1 is loopback.
    let address = listen.ip().to_canonical();
    match address.is_loopback() {
        true => Ok(SocketAddr::new(address, listen.port())),
        false => Err(format!(
            "{address} can be reached from other machines, and this port is for one user: listen on 127.0.0.1, or configure a \
             port with its own auth for `mksgate serve`"
        )),
    }
}

/// Serves the port while `work` runs.
pub(super) async fn open(
    target: &Target,
    listen: Option<SocketAddr>,
    once: bool,
    work: impl AsyncFnOnce(
        PrivatePort,
        &mut TerminationSignals,
        &InUse,
    ) -> Result<ExitCode, CommandError>,
) -> Result<Outcome, CommandError> {
    let mut signals = TerminationSignals::watch()?;
    let (gateway, port) = bind(target, listen.unwrap_or(FREE_PORT), once).await?;
    let last_failure = gateway.last_failure();
    let in_use = InUse(gateway.sessions(), last_failure.clone());
    let shutdown = Shutdown::default();
    let result = async {
        let result = work(port, &mut signals, &in_use).await;
        shutdown.now.cancel();
        result
    };
    let (result, ()) = tokio::join!(result, gateway.run(shutdown.clone()));
    Ok((result?, last_failure.beyond_viewer()))
}

/// The sessions on the port: their number, and how the last one ended.
pub(super) struct InUse(Gauge, LastFailure);

impl InUse {
    /// Completes when a viewer that had logged in is gone.
    pub(super) async fn until_served(&self) {
        self.1.logged_in_and_ended().await;
    }

    /// Prints why sessions fail, except through the viewer's fault. Never completes.
    pub(super) async fn print_failures(&self) {
        let print = |failure| Failure::from(failure).print();
        match self.1.report_beyond_viewer(print).await {}
    }

    /// Completes when the last viewer has disconnected, or if none connects within [`FIRST_VIEWER_TIMEOUT`].
    pub(super) async fn until_unused(&self) {
        let arrived = async {
            while self.0.get() == 0 {
                sleep(POLL_INTERVAL).await;
            }
        };
        if timeout(FIRST_VIEWER_TIMEOUT, arrived).await.is_ok() {
            while self.0.get() > 0 {
                sleep(POLL_INTERVAL).await;
            }
        }
    }
}

/// Binds a gateway of one port.
async fn bind(
    target: &Target,
    listen: SocketAddr,
    once: bool,
) -> Result<(Gateway, PrivatePort), CommandError> {
    let password = random_password()?;
    let vnc =
        VncPassword::new(&password).map_err(|error| CommandError::failed(error.to_string()))?;
    let auth = Auth::vnc_password(vnc);
    let mut limits = limits(target);
    if once {
        limits.max_sessions = 1;
    }
    let gateway = Gateway::bind_private(&target.dialer, listen, auth, limits).await?;
    let address = gateway
        .ports()
        .next()
        .map_or(listen, |(address, _)| address);
    let port = PrivatePort {
        address,
        password: SecretString::from(password),
        title: target.title.clone(),
    };
    Ok((gateway, port))
}

/// A console on a pipe or socket that only this user can reach, so it has no password.
pub(super) fn local_entrance(target: &Target) -> LocalEntrance {
    LocalEntrance::new(target.dialer.clone(), limits(target))
}

/// Defaults, but the target's handshake timeout: there is one user only.
fn limits(target: &Target) -> Limits {
    Limits {
        handshake_timeout: target.handshake_timeout,
        ..Limits::default()
    }
}
