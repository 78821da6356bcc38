//! One connection, as one story.
//!
//! ```text
//! accept      where the viewer comes from: PROXY header, allow list, penalties; its place in the crowd
//! negotiate   RFB version, security, TLS, credentials with the viewer; nothing upstream has happened so far
//! judge       the claim against the configuration; a seat in the house
//! identify    vSphere: which VM it is; its limits, and rights that name it otherwise
//! ticket      vSphere: a fresh one-time ticket, asked for only now, spent once; or a URL
//! dial        TCP → TLS → WebSocket upgrade → RFB security with ESXi, or whoever is at that URL
//! welcome     only now the viewer is told that it is in; any failure above becomes the reason it shows
//! relay       byte for byte, with the small repairs that viewers and ESXi need between them
//! close       one log line: who ended it, at which stage, how long, bytes each way
//! ```

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rfb_proto::{Claim, Pending};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument;
use vsphere::Watch;

use crate::error::{Failure, Stage};
use crate::front_door::crowd::Place;
use crate::front_door::judge::{Admission, judge, refused_on_arrival};
use crate::front_door::port::Port;
use crate::front_door::proxy_header;
use crate::front_door::roll::Seat;
use crate::front_door::source;
use crate::front_door::viewer::Viewer;
use crate::relay::{self, End, Rules, Traffic};
use crate::repair::HostKind;
use crate::settings::Limits;
use crate::visit::Visit;
use console::Step;
use console::host_link::Console;
use console::settings::Behind;
use console::socket::PARTING;

/// How long a viewer that is refused before it is asked who it is may take to read why.
const REFUSAL: Duration = Duration::from_secs(3);

/// One viewer on one port.
pub(crate) struct Session {
    visit: Visit,
    port: Arc<Port>,
    /// Keeps a vSphere from being logged out of.
    _upstream_in_use: Option<TaskTrackerToken>,
}

/// How far a session came, and why no further.
type Stopped = (Stage, Failure);

impl Session {
    /// A viewer has come to `port` from `peer`.
    pub(crate) fn new(port: Arc<Port>, peer: SocketAddr) -> Self {
        let Port {
            console,
            destination,
            door,
            ..
        } = &*port;
        let metrics = Arc::clone(&door.metrics);
        let visit = Visit {
            id: door.number(),
            viewer: peer,
            user: None,
            vm: console.behind.to_string(),
            metrics,
        };
        Self {
            visit,
            _upstream_in_use: destination.enter(),
            port,
        }
    }

    /// The whole story. The connection is closed when it ends, and every log line until then carries its number.
    pub(crate) async fn run(self, socket: TcpStream) {
        let span = self.visit.span();
        self.run_in_span(socket).instrument(span).await;
    }

    async fn run_in_span(mut self, socket: TcpStream) {
        let begun = Instant::now();
        let port = Arc::clone(&self.port);
        let traffic = Traffic::counted(&port.door.metrics);
        let outcome = tokio::select! {
            // What has become of it by itself is what is told.
            biased;
            outcome = self.serve(socket, begun, &traffic) => outcome,
            () = out_of_time(&port) => Ok(End::Told("the gateway ends")),
        };
        self.port.door.last_failure.record(&outcome);
        self.visit.closed(outcome, begun.elapsed(), &traffic);
    }

    async fn serve(
        &mut self,
        socket: TcpStream,
        begun: Instant,
        traffic: &Traffic,
    ) -> Result<End, Stopped> {
        let deadline = begun + self.port.limits.login_timeout;
        let mut place = Some(
            self.port
                .door
                .enter(self.visit.viewer, self.port.limits.max_unauthenticated),
        );
        let mut viewer = self
            .arrive(socket, deadline, &mut place)
            .await
            .map_err(|failure| (Stage::Accept, failure))?;
        // Apart, so that an open session does not hold the room that opening it took.
        let opened = Box::pin(self.open(&mut viewer, &mut place, deadline)).await;
        let (console, rules, seat) = match opened {
            Ok(opened) => opened,
            Err(stopped) => {
                // Until it has gone it is one of the crowd, unless it has been let in.
                let closing = Box::pin(viewer.close());
                match &place {
                    Some(place) => drop(place.pushed_out.run_until_cancelled(closing).await),
                    None => closing.await,
                }
                return Err(stopped);
            }
        };
        self.visit.opened(&console.address);
        let Console {
            wire,
            slot: _until_the_end,
            watch,
            ..
        } = console;
        let (Some(connection), early) = viewer.into_parts() else {
            return Ok(End::Viewer);
        };
        tokio::select! {
            end = relay::relay(connection, early, wire, rules, traffic, &seat.ending) => Ok(end),
            never = self.log_changes(watch) => match never {},
        }
    }

    /// Where the viewer comes from, and whether it may from there. Nothing has been sent so far.
    async fn arrive(
        &mut self,
        mut socket: TcpStream,
        deadline: Instant,
        place: &mut Option<Place>,
    ) -> Result<Viewer, Failure> {
        let mut input = BytesMut::new();
        self.visit.viewer = source::plain(self.visit.viewer);
        if let Some(balancers) = &self.port.limits.proxy_from {
            if !source::is_in(balancers, self.visit.viewer.ip()) {
                return Err(Failure::NotProxied(
                    "none is taken from this address".into(),
                ));
            }
            let header = tokio::select! {
                header = proxy_header::read(&mut socket, &mut input) => header,
                failure = self.interrupted(place, deadline) => return Err(failure),
            };
            let real = header.map_err(|error| match input.is_empty() {
                true => Failure::ViewerSilent,
                false => Failure::NotProxied(error.to_string()),
            })?;
            self.visit.viewer = source::plain(real.unwrap_or(self.visit.viewer));
            place
                .iter()
                .for_each(|place| place.is_from(self.visit.viewer));
        }
        let allow = &self.port.console.allow;
        if !allow.is_empty() && !source::is_in(allow, self.visit.viewer.ip()) {
            return Err(Failure::NotAllowed(self.visit.viewer.ip()));
        }
        Ok(Viewer::new(socket, input))
    }

    /// From the greeting to the welcome. The viewer has until `deadline` to log in; then its `place` is given up.
    async fn open(
        &mut self,
        viewer: &mut Viewer,
        place: &mut Option<Place>,
        deadline: Instant,
    ) -> Result<(Console, Rules, Seat), Stopped> {
        self.check_penalty(viewer, place, deadline)
            .await
            .map_err(|failure| (Stage::Accept, failure))?;
        let begun = Instant::now();
        let negotiation =
            viewer.negotiate(&self.port.console.auth, self.interrupted(place, deadline));
        let (claim, pending) = negotiation
            .await
            .map_err(|failure| (Stage::Negotiate, failure))?;
        self.measure(Stage::Negotiate, begun);
        let admission = match self.judge(claim, place, deadline).await {
            Ok(admission) => admission,
            Err(failure) => {
                viewer.turn_away(pending, &failure).await;
                return Err((Stage::Judge, failure));
            }
        };
        *place = None;
        // From here on nobody waits for a person.
        let deadline = Instant::now() + self.port.limits.handshake_timeout;
        let console = match self.reach(viewer, &admission, deadline).await {
            Ok(console) => console,
            Err((stage, failure)) => {
                viewer.turn_away(pending, &failure).await;
                // As long as it reads why, its seat is taken.
                viewer.close().await;
                return Err((stage, failure));
            }
        };
        let Admission {
            seat, view_only, ..
        } = admission;
        let alone = self.port.console.exclusive && !view_only;
        let welcomed = self
            .welcome(viewer, pending, alone.then_some(&seat), deadline)
            .await;
        welcomed.map_err(|failure| (Stage::Welcome, failure))?;
        let Limits {
            idle_timeout,
            max_session_time,
            ..
        } = *self.port.limits;
        Ok((
            console,
            Rules {
                view_only,
                may_be_alone: alone,
                habits: self.port.console.habits,
                host: match self.port.console.behind {
                    Behind::Vm { .. } => HostKind::Vmware,
                    Behind::Url(_) => HostKind::Unknown,
                },
                idle_timeout,
                max_session_time,
            },
            seat,
        ))
    }

    /// Ready when the viewer is pushed out of the crowd or has taken too long, or the gateway ends.
    async fn interrupted(&self, place: &Option<Place>, deadline: Instant) -> Failure {
        let pushed_out = async {
            match place {
                Some(place) => place.pushed_out.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pushed_out => Failure::Crowded,
            () = sleep_until(deadline) => self.viewer_slow(),
            () = self.port.door.ended.cancelled() => Failure::GatewayEnds,
        }
    }

    async fn check_penalty(
        &self,
        viewer: &mut Viewer,
        place: &Option<Place>,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let Some(failure) = refused_on_arrival(&self.port, self.visit.viewer.ip()) else {
            return Ok(());
        };
        tokio::select! {
            // Ignored on purpose: whether it has read it or not, it is not let in.
            _ = timeout(REFUSAL, viewer.refuse(&failure)) => {}
            _ = self.interrupted(place, deadline) => {}
        }
        Err(failure)
    }

    /// It may take its turn among those whose passwords are hashed: until then it is one of the crowd.
    async fn judge(
        &mut self,
        claim: Claim,
        place: &Option<Place>,
        deadline: Instant,
    ) -> Result<Admission, Failure> {
        let slow = Failure::CheckSlow(self.port.limits.login_timeout);
        let judgement = timeout_at(deadline, judge(&self.port, &mut self.visit, claim));
        let pushed_out = place
            .as_ref()
            .map(|place| place.pushed_out.clone())
            .unwrap_or_default();
        tokio::select! {
            judged = judgement => judged.unwrap_or(Err(slow)),
            () = pushed_out.cancelled() => Err(Failure::Crowded),
            () = self.port.door.ended.cancelled() => Err(Failure::GatewayEnds),
        }
    }

    /// A console that is ready, unless the viewer leaves or the gateway ends before.
    async fn reach(
        &self,
        viewer: &Viewer,
        admission: &Admission,
        deadline: Instant,
    ) -> Result<Console, Stopped> {
        tokio::select! {
            console = self.ticket_and_dial(admission, deadline) => console,
            gone = viewer.gone() => Err((Stage::Dial, gone)),
            () = self.port.door.ended.cancelled() => Err((Stage::Dial, Failure::GatewayEnds)),
        }
    }

    async fn ticket_and_dial(
        &self,
        admission: &Admission,
        deadline: Instant,
    ) -> Result<Console, Stopped> {
        let within = self.port.limits.handshake_timeout;
        let dialer = &self.port.destination;
        let failed = |step: Step, error: console::Error| (step.into(), error.into());
        let begun = Instant::now();
        let pass = async {
            admission.identify(&self.port, deadline).await?;
            let pass = dialer.pass(deadline).await?;
            if let Some(vm) = pass.vm() {
                admission.confirm(&self.port, vm).await?;
            }
            Ok(pass)
        };
        let pass = timeout_at(deadline, pass)
            .await
            .unwrap_or_else(|_| Err(dialer.slow(Step::Ticket, within).into()))
            .map_err(|failure: Failure| (failure.before_dial(), failure))?;
        self.measure(Stage::Ticket, begun);
        let begun = Instant::now();
        let dial = async { Console::dial(pass.target().await?).await };
        let console = timeout_at(deadline, dial)
            .await
            .unwrap_or_else(|_| Err(dialer.slow(Step::Dial, within)));
        self.measure(Stage::Dial, begun);
        console.map_err(|error| failed(Step::Dial, error))
    }

    /// Only now the viewer is told. Where it wants the console for itself and may have it, the others end.
    async fn welcome(
        &self,
        viewer: &mut Viewer,
        pending: Pending,
        may_be_alone: Option<&Seat>,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let welcome = async {
            viewer.welcome(pending).await?;
            if let Some(seat) = may_be_alone
                && !viewer.shares().await?
            {
                seat.end_others("another viewer has asked for the console alone");
            }
            Ok(())
        };
        tokio::select! {
            welcomed = timeout_at(deadline, welcome) => {
                welcomed.unwrap_or(Err(Failure::ViewerUnfinished(self.port.limits.handshake_timeout)))
            }
            () = self.port.door.ended.cancelled() => Err(Failure::GatewayEnds),
        }
    }

    fn viewer_slow(&self) -> Failure {
        Failure::ViewerSlow(self.port.limits.login_timeout)
    }

    fn measure(&self, stage: Stage, begun: Instant) {
        self.port
            .door
            .metrics
            .stage(stage, begun.elapsed().as_secs_f64());
    }

    /// What becomes of the VM while its console is open, for whoever reads the log.
    async fn log_changes(&self, watch: Option<Watch>) -> Infallible {
        let Some(mut watch) = watch else {
            return std::future::pending().await;
        };
        loop {
            self.visit.vm_changed(watch.changed().await);
        }
    }
}

/// The gateway ends, and both sides have had their time to part in order.
async fn out_of_time(port: &Port) {
    port.door.ended.cancelled().await;
    sleep(PARTING).await;
}
