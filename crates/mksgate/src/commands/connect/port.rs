//! A port for this user alone: on loopback, with a password that nobody has chosen.

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
use crate::commands::random_password::random_password;
use crate::signals::TerminationSignals;
use crate::viewer_program::PrivatePort;
use gateway::settings::{Auth, Limits};
use gateway::{Gateway, PrivateLine, Shutdown};

/// How long a viewer that was told of the port by another process may take to come.
const ARRIVAL: Duration = Duration::from_secs(10);

/// How often it is looked whether the last viewer has gone.
const LOOK: Duration = Duration::from_millis(200);

/// Where it is unless somebody says otherwise.
const FREE_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Reads where it is to be.
///
/// # Errors
/// A sentence: that is no address with a port, or one that others reach, too.
pub(super) fn on_loopback(text: &str) -> Result<SocketAddr, String> {
    let listen: SocketAddr = text
        .parse()
        .map_err(|_| "write an address and a port, as in 127.0.0.1:5900".to_owned())?;
    // Of ::ffff:127.0.0.1 it is the IPv4 address that counts.
    let address = listen.ip().to_canonical();
    match address.is_loopback() {
        true => Ok(SocketAddr::new(address, listen.port())),
        false => Err(format!(
            "others may reach {address}, and this console is for you alone: listen on 127.0.0.1, or configure a port with an auth of \
             its own for `mksgate serve`"
        )),
    }
}

/// Serves viewers on it for as long as `work` uses it.
pub(super) async fn open(
    target: &Target,
    listen: Option<SocketAddr>,
    work: impl AsyncFnOnce(
        PrivatePort,
        &mut TerminationSignals,
        &InUse,
    ) -> Result<ExitCode, CommandError>,
) -> Result<Outcome, CommandError> {
    let mut signals = TerminationSignals::watch()?;
    let (gateway, port) = bind(target, listen.unwrap_or(FREE_PORT)).await?;
    let (in_use, last_failure) = (InUse(gateway.sessions()), gateway.last_failure());
    let shutdown = Shutdown::default();
    let used = async {
        let used = work(port, &mut signals, &in_use).await;
        shutdown.now.cancel();
        used
    };
    let (used, ()) = tokio::join!(used, gateway.run(shutdown.clone()));
    Ok((used?, last_failure.beyond_viewer()))
}

/// Whether there are viewers.
pub(super) struct InUse(Gauge);

impl InUse {
    /// Ready when the last viewer has gone, or none has come.
    pub(super) async fn until_unused(&self) {
        let arrived = async {
            while self.0.get() == 0 {
                sleep(LOOK).await;
            }
        };
        if timeout(ARRIVAL, arrived).await.is_ok() {
            while self.0.get() > 0 {
                sleep(LOOK).await;
            }
        }
    }
}

/// A gateway of one port before the console, and what a viewer has to know of it.
async fn bind(target: &Target, listen: SocketAddr) -> Result<(Gateway, PrivatePort), CommandError> {
    let password = random_password()?;
    let vnc =
        VncPassword::new(&password).map_err(|error| CommandError::Failed(error.to_string()))?;
    let auth = Auth::vnc_password(vnc);
    let gateway = Gateway::before(&target.dialer, listen, auth, limits(target)).await?;
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

/// A console that is not reached by a port: who reaches it is who it is for, and nothing is asked.
pub(super) fn private_line(target: &Target) -> PrivateLine {
    PrivateLine::new(target.dialer.clone(), limits(target))
}

/// None of the daemon's but the time that a console may take: one user is no crowd.
fn limits(target: &Target) -> Limits {
    Limits {
        handshake_timeout: target.within,
        ..Limits::default()
    }
}
