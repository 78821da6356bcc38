//! One connection, as one story.
//!
//! ```text
//! negotiate   RFB version, security, credentials with the viewer; nothing upstream has happened so far
//! judge       the claim against the configuration
//! ticket      vSphere: a fresh one-time ticket, asked for only now, spent once
//! dial        TCP → TLS → WebSocket upgrade → RFB security with ESXi
//! welcome     only now the viewer is told that it is in; any failure above becomes the reason it shows
//! relay       byte for byte
//! close       one log line: who ended it, at which stage, how long, bytes each way
//! ```

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rfb_proto::{Claim, Pending};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::info;
use vsphere::Watch;

use crate::config::{Auth, Console as ConsoleConfig};
use crate::console::Console;
use crate::error::{Blame, Failure, Stage};
use crate::relay::{self, End, Traffic};
use crate::upstream::Upstream;
use crate::viewer::Viewer;

/// What a port's sessions have in common.
pub(crate) struct Port {
    /// The VM behind the port and who may see it.
    pub(crate) console: ConsoleConfig,
    /// Where its tickets come from.
    pub(crate) upstream: Arc<Upstream>,
    /// From a viewer's first byte to its welcome.
    pub(crate) handshake_timeout: Duration,
    /// Cancelled when open sessions must end.
    pub(crate) ended: CancellationToken,
}

/// One viewer on one port.
pub(crate) struct Session {
    /// A number that no other session of this process has.
    pub(crate) id: u64,
    /// Where the viewer is.
    pub(crate) peer: SocketAddr,
    /// What it connected to.
    pub(crate) port: Arc<Port>,
    /// Keeps the vSphere from being logged out of.
    pub(crate) _upstream_in_use: TaskTrackerToken,
}

/// How far a session came, and why no further.
type Stopped = (Stage, Failure);

impl Session {
    /// The whole story. The connection is closed when it ends.
    pub(crate) async fn run(self, socket: TcpStream) {
        let begun = Instant::now();
        let traffic = Traffic::default();
        let outcome = tokio::select! {
            outcome = self.serve(socket, begun, &traffic) => outcome,
            () = self.out_of_time() => Ok(End::Gateway),
        };
        self.log_end(outcome, begun.elapsed(), &traffic);
    }

    async fn serve(
        &self,
        socket: TcpStream,
        begun: Instant,
        traffic: &Traffic,
    ) -> Result<End, Stopped> {
        let deadline = begun + self.port.handshake_timeout;
        let mut viewer = Viewer::new(socket);
        let opened = tokio::select! {
            opened = self.open(&mut viewer, deadline) => opened,
            () = self.port.ended.cancelled() => return Ok(End::Gateway),
        };
        let console = match opened {
            Ok(console) => console,
            Err(stopped) => {
                viewer.close().await;
                return Err(stopped);
            }
        };
        info!(session = self.id, viewer = %self.peer, vm = %self.port.console.vm, esxi = %console.address, "session opened");
        let Console {
            wire,
            slot: _until_the_end,
            watch,
            ..
        } = console;
        let (socket, early) = viewer.into_parts();
        tokio::select! {
            end = relay::relay(socket, early, wire, traffic, &self.port.ended) => Ok(end),
            never = self.log_changes(watch) => match never {},
        }
    }

    /// What becomes of the VM while its console is open, for whoever reads the log.
    async fn log_changes(&self, mut watch: Watch) -> Infallible {
        loop {
            let vsphere::VmState {
                power,
                connection,
                host_moref,
                gone,
            } = watch.changed().await;
            info!(
                session = self.id,
                vm = %self.port.console.vm,
                power = power.map(tracing::field::display),
                connection = connection.map(tracing::field::display),
                host = host_moref,
                gone,
                "the VM's state"
            );
        }
    }

    /// From the greeting to the welcome.
    async fn open(&self, viewer: &mut Viewer, deadline: Instant) -> Result<Console, Stopped> {
        let (claim, pending) = self
            .negotiate(viewer, deadline)
            .await
            .map_err(|f| (Stage::Negotiate, f))?;
        let reached = match judge(&self.port.console.auth, &claim) {
            Ok(()) => self.reach(viewer, deadline).await,
            Err(failure) => Err((Stage::Judge, failure)),
        };
        match reached {
            Ok(console) => {
                self.welcome(viewer, pending, deadline)
                    .await
                    .map_err(|f| (Stage::Welcome, f))?;
                Ok(console)
            }
            Err((stage, failure)) => {
                viewer.turn_away(pending, &failure).await;
                Err((stage, failure))
            }
        }
    }

    async fn negotiate(
        &self,
        viewer: &mut Viewer,
        deadline: Instant,
    ) -> Result<(Claim, Pending), Failure> {
        let negotiation = viewer.negotiate(&self.port.console.auth.methods);
        timeout_at(deadline, negotiation)
            .await
            .unwrap_or_else(|_| Err(self.viewer_slow()))
    }

    /// A console that is ready, unless the viewer leaves before.
    async fn reach(&self, viewer: &Viewer, deadline: Instant) -> Result<Console, Stopped> {
        tokio::select! {
            console = self.ticket_and_dial(deadline) => console,
            () = viewer.gone() => Err((Stage::Dial, Failure::ViewerLeft)),
        }
    }

    async fn ticket_and_dial(&self, deadline: Instant) -> Result<Console, Stopped> {
        let slow = |stage, what: &str| {
            let failure = Failure::Slow {
                what: what.into(),
                stage,
                within: self.port.handshake_timeout,
            };
            (stage, failure)
        };
        let upstream = &self.port.upstream;
        let ticket = timeout_at(deadline, upstream.ticket(&self.port.console.vm, deadline)).await;
        let ticket = ticket
            .map_err(|_| slow(Stage::Ticket, "vSphere"))?
            .map_err(|f| (Stage::Ticket, f))?;
        let dial = async { Console::dial(upstream.target(ticket).await?).await };
        let console = timeout_at(deadline, dial)
            .await
            .map_err(|_| slow(Stage::Dial, "ESXi"))?;
        console.map_err(|f| (Stage::Dial, f))
    }

    async fn welcome(
        &self,
        viewer: &mut Viewer,
        pending: Pending,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let accepted = timeout_at(deadline, viewer.welcome(pending))
            .await
            .unwrap_or_else(|_| Err(self.viewer_slow()));
        accepted.map(drop)
    }

    fn viewer_slow(&self) -> Failure {
        Failure::ViewerSlow(self.port.handshake_timeout)
    }

    /// The gateway ends, and both sides have had their time to part in order.
    async fn out_of_time(&self) {
        self.port.ended.cancelled().await;
        tokio::time::sleep(relay::PARTING).await;
    }

    fn log_end(&self, outcome: Result<End, Stopped>, lasted: Duration, traffic: &Traffic) {
        let (ended_by, stage, blame, why) = match &outcome {
            Ok(End::Viewer) => ("viewer", Stage::Relay, None, "the viewer closed".into()),
            Ok(End::Esxi(how)) => ("esxi", Stage::Relay, None, format!("ESXi closed: {how}")),
            Ok(End::Gateway) => ("gateway", Stage::Relay, None, "the gateway ends".into()),
            Ok(End::Fault(failure)) => (
                "fault",
                Stage::Relay,
                Some(failure.blame()),
                failure.to_string(),
            ),
            Err((stage, failure @ Failure::ViewerLeft)) => {
                ("viewer", *stage, None, failure.to_string())
            }
            Err((stage, failure)) => ("fault", *stage, Some(failure.blame()), failure.to_string()),
        };
        info!(
            session = self.id,
            viewer = %self.peer,
            vm = %self.port.console.vm,
            ended_by,
            %stage,
            blame = blame.as_ref().map(|blame: &Blame| tracing::field::display(blame)),
            seconds = lasted.as_secs_f64(),
            to_viewer = traffic.to_viewer(),
            to_esxi = traffic.to_esxi(),
            "session closed: {why}"
        );
    }
}

/// Whether what the viewer claims lets it in.
fn judge(auth: &Auth, claim: &Claim) -> Result<(), Failure> {
    match (claim, &auth.password) {
        (Claim::Nobody, _) => Ok(()),
        (
            Claim::VncPassword {
                challenge,
                response,
            },
            Some(password),
        ) if password.expose().verify(challenge, response) => Ok(()),
        (Claim::VncPassword { .. } | Claim::Plain { .. }, _) => Err(Failure::WrongPassword),
    }
}
