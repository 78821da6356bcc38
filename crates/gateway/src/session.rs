//! One viewer's connection, from accept to close.
//!
//! ```text
//! accept      a pre-login slot, PROXY header, allow list, penalties
//! negotiate   RFB version, security type, TLS and credentials with the viewer; nothing is sent upstream before
//! judge       credentials against the configuration: which console, view-only or not; a slot in the registry
//! identify    vSphere: the VM; its limit, and rights by its other names
//! ticket      vSphere: a one-time ticket, acquired as late as possible; none for a URL
//! dial        TCP, TLS, WebSocket upgrade and RFB security with ESXi or the host at the URL
//! welcome     SecurityResult: OK, or the failure of a stage above as its reason
//! relay       both directions, translated where the dialect is on; a lost console is opened again, where that is
//!             configured, and so is one whose ticket or dial has failed
//! close       what became of the VM of a lost console, the log line, the reason for the viewer
//! ```

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use console::dialer::TimeLimit;
use console::host_link::OpenConsole;
use console::socket::CLOSE_TIMEOUT;
use rfb_proto::{Claim, Pending};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument;

use crate::closing::Closing;
use crate::connection::Connection;
use crate::entrance::Entrance;
use crate::error::{Failure, Stage, Stopped};
use crate::gap;
use crate::judge::{Admission, judge, refusal_on_arrival};
use crate::open_session::OpenSession;
use crate::registry::{SessionInfo, SessionSlot};
use crate::relay::{Outcome, ViewerPolicy};
use crate::session_log;
use crate::traffic::Traffic;
use crate::viewer_link::ViewerLink;
use logins::pre_login_limit::PreLoginSlot;
use logins::{proxy_header, source};

/// How long a viewer that is refused before authentication may take to read the reason.
const REFUSE_TIMEOUT: Duration = Duration::from_secs(3);

/// One viewer at one entrance.
pub(crate) struct Session {
    info: Arc<SessionInfo>,
    entrance: Arc<Entrance>,
    /// Keeps the gateway logged in to the vSphere.
    _upstream_in_use: Option<TaskTrackerToken>,
}

/// A session with its console open and its viewer logged in.
struct Opened {
    /// Boxed: it is passed on, and this future keeps room for each place where it was. An `Err` where the viewer waits for it.
    console: Result<Box<OpenConsole>, console::Error>,
    policy: ViewerPolicy,
    slot: SessionSlot,
}

impl Session {
    /// For a viewer that has connected to `entrance` from `peer`.
    pub(crate) fn new(entrance: Arc<Entrance>, peer: SocketAddr) -> Self {
        let shared = &entrance.shared;
        let traffic = Traffic::counted(&shared.metrics);
        let info = SessionInfo::new(
            shared.number(),
            source::canonical(peer),
            entrance.name(),
            traffic,
            &shared.ended,
        );
        Self {
            info: Arc::new(info),
            _upstream_in_use: entrance.in_use(),
            entrance,
        }
    }

    /// Runs the session to its end and closes the connection. All its log lines carry its number.
    pub(crate) async fn run(self, connection: Connection) {
        let span = session_log::span(&self.info);
        self.run_in_span(connection).instrument(span).await;
    }

    async fn run_in_span(self, connection: Connection) {
        let mut shutdown = pin!(self.shutdown_timeout());
        let served = tokio::select! {
            // A result that is ready wins over shutdown.
            biased;
            served = self.serve(connection) => served,
            () = &mut shutdown => {
                return self.record(Ok(Outcome::Ended("the gateway is shutting down")));
            }
        };
        match served {
            Err(stopped) => self.record(Err(stopped)),
            Ok(closing) => {
                let record = |outcome| self.record(Ok(outcome));
                // Boxed: needed only at the end of a session.
                let closing =
                    Box::pin(closing.run(&self.info, &self.entrance.shared.ended, record));
                tokio::select! {
                    // Its first poll after the shutdown still records the outcome.
                    biased;
                    () = closing => {}
                    () = shutdown => {}
                }
            }
        }
    }

    /// Logs and counts how the session ended.
    fn record(&self, outcome: Result<Outcome, Stopped>) {
        let shared = &self.entrance.shared;
        if let Some(failure) = session_log::failure(&outcome) {
            shared
                .last_failure
                .record(failure, session_log::had_logged_in(&outcome));
        }
        session_log::closed(&self.info, outcome, &shared.metrics);
    }

    /// Returns when the relay has ended, or the session has failed before it.
    async fn serve(&self, connection: Connection) -> Result<Box<Closing>, Stopped> {
        let deadline = self.info.since + self.entrance.limits.login_timeout;
        let peer = self.info.parties().viewer;
        let mut slot = self.entrance.enter(peer);
        // Boxed: keeps these futures out of the open session's.
        let mut viewer = Box::pin(self.accept(connection, deadline, &mut slot))
            .await
            .map_err(|failure| (Stage::Accept, failure))?;
        let opened = Box::pin(self.open(&mut viewer, &mut slot, deadline)).await;
        let Opened {
            console,
            policy,
            slot: registered,
        } = match opened {
            Ok(opened) => opened,
            Err(stopped) => {
                // A viewer that has not logged in keeps its pre-login slot until it is closed.
                let closing = Box::pin(viewer.close());
                match &slot {
                    Some(slot) => drop(slot.dropped.run_until_cancelled(closing).await),
                    None => closing.await,
                }
                return Err(stopped);
            }
        };
        let reconnects = self.entrance.console.reconnect.is_on();
        let mut open = OpenSession::new(viewer, policy, registered, reconnects);
        let ended = open.relay(console, &self.info, &self.entrance).await;
        Ok(Box::new(Closing { open, ended }))
    }

    /// Reads the PROXY header. Nothing has been sent to the viewer yet.
    async fn accept(
        &self,
        mut connection: Connection,
        deadline: Instant,
        slot: &mut Option<PreLoginSlot>,
    ) -> Result<ViewerLink, Failure> {
        let mut input = BytesMut::new();
        let mut from = self.info.parties().viewer;
        if let Some(balancers) = &self.entrance.limits.proxy_from {
            if !source::is_in(balancers, from.ip()) {
                return Err(Failure::NotProxied(
                    "the address is not in proxy_from".into(),
                ));
            }
            let header = tokio::select! {
                header = proxy_header::read(&mut connection, &mut input) => header,
                failure = self.interrupted(slot, deadline) => return Err(failure),
            };
            let real = header.map_err(|error| match input.is_empty() {
                true => Failure::ViewerSilent,
                false => Failure::NotProxied(error.to_string()),
            })?;
            from = source::canonical(real.unwrap_or(from));
            self.info.parties().viewer = from;
            slot.iter().for_each(|slot| slot.set_source(from));
        }
        Ok(ViewerLink::new(connection, input, self.info.id))
    }

    /// From ProtocolVersion to ClientInit. The viewer has until `deadline` to log in, which frees its `slot`.
    async fn open(
        &self,
        viewer: &mut ViewerLink,
        slot: &mut Option<PreLoginSlot>,
        deadline: Instant,
    ) -> Result<Opened, Stopped> {
        self.check_source(viewer, slot, deadline)
            .await
            .map_err(|failure| (Stage::Accept, failure))?;
        let begun = Instant::now();
        let auth = &self.entrance.auth;
        let negotiation = viewer.negotiate(
            &auth.methods,
            auth.tls.as_ref(),
            self.interrupted(slot, deadline),
        );
        let (claim, pending) = negotiation
            .await
            .map_err(|failure| (Stage::Negotiate, failure))?;
        self.measure(Stage::Negotiate, begun);
        let admission = match self.judge(claim, slot, deadline).await {
            Ok(admission) => admission,
            Err(failure) => {
                viewer.turn_away(pending, &failure).await;
                return Err((Stage::Judge, failure));
            }
        };
        *slot = None;
        // No user input is waited for from here on: `handshake_timeout` applies.
        let limit = TimeLimit::of(self.entrance.limits.handshake_timeout);
        let console = match self.open_console(viewer, &admission, limit).await {
            Ok(console) => Ok(Box::new(console)),
            Err((_, Failure::Console(error)))
                if gap::may_arrive(&error, &self.info, &self.entrance) =>
            {
                Err(error)
            }
            Err((stage, failure)) => {
                viewer.turn_away(pending, &failure).await;
                // Keeps its registry slot until the viewer has read the reason.
                viewer.close().await;
                return Err((stage, failure));
            }
        };
        let policy = admission.policy(&self.entrance.limits);
        let exclusive = policy.may_be_exclusive.then_some(&admission.slot);
        self.welcome(viewer, pending, exclusive, limit)
            .await
            .map_err(|failure| (Stage::Welcome, failure))?;
        Ok(Opened {
            console,
            policy,
            slot: admission.slot,
        })
    }

    /// Ready when the viewer lost its pre-login slot, the deadline passed, or the gateway ends.
    async fn interrupted(&self, slot: &Option<PreLoginSlot>, deadline: Instant) -> Failure {
        let dropped = async {
            match slot {
                Some(slot) => slot.dropped.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = dropped => Failure::LoginQueueFull,
            () = sleep_until(deadline) => Failure::ViewerSlow(self.entrance.limits.login_timeout),
            () = self.entrance.shared.ended.cancelled() => Failure::GatewayEnds,
        }
    }

    /// Checks the viewer's address against the allow list and the penalties. A viewer that is refused here and leaves
    /// without having sent a byte is no refusal but a port scan or a health check.
    async fn check_source(
        &self,
        viewer: &mut ViewerLink,
        slot: &Option<PreLoginSlot>,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let from = self.info.parties().viewer.ip();
        let Some(failure) = refusal_on_arrival(&self.entrance, from) else {
            return Ok(());
        };
        // Whoever may not log in must not take the place of one who may.
        if slot.as_ref().is_some_and(|slot| !slot.refuse()) {
            return Err(failure);
        }
        tokio::select! {
            refused = timeout(REFUSE_TIMEOUT, viewer.refuse(&failure)) => match refused {
                Ok(Err(silent @ Failure::ViewerSilent)) => Err(silent),
                // It is refused, whether or not it has read the reason.
                _ => Err(failure),
            },
            _ = self.interrupted(slot, deadline) => Err(failure),
        }
    }

    /// The viewer keeps its pre-login slot while its password is queued for hashing.
    async fn judge(
        &self,
        claim: Claim,
        slot: &Option<PreLoginSlot>,
        deadline: Instant,
    ) -> Result<Admission, Failure> {
        let slow = Failure::CheckSlow(self.entrance.limits.login_timeout);
        let judgement = timeout_at(deadline, judge(&self.entrance, &self.info, claim));
        let dropped = slot
            .as_ref()
            .map(|slot| slot.dropped.clone())
            .unwrap_or_default();
        tokio::select! {
            judged = judgement => judged.unwrap_or(Err(slow)),
            () = dropped.cancelled() => Err(Failure::LoginQueueFull),
            () = self.entrance.shared.ended.cancelled() => Err(Failure::GatewayEnds),
        }
    }

    /// Opens the console, unless the viewer leaves or the gateway ends first.
    async fn open_console(
        &self,
        viewer: &mut ViewerLink,
        admission: &Admission,
        limit: TimeLimit,
    ) -> Result<OpenConsole, Stopped> {
        tokio::select! {
            console = self.ticket_and_dial(admission, limit) => console,
            gone = viewer.gone() => Err((Stage::Dial, gone)),
            () = self.entrance.shared.ended.cancelled() => Err((Stage::Dial, Failure::GatewayEnds)),
        }
    }

    async fn ticket_and_dial(
        &self,
        admission: &Admission,
        limit: TimeLimit,
    ) -> Result<OpenConsole, Stopped> {
        let begun = Instant::now();
        let granted = async {
            admission.identify(limit).await?;
            let grant = admission.console.dialer.grant(limit).await?;
            if let Some(vm) = grant.vm() {
                admission.confirm(vm).await?;
            }
            Ok(grant)
        };
        let grant = granted
            .await
            .map_err(|failure: Failure| (failure.before_dial(), failure))?;
        self.measure(Stage::Ticket, begun);
        let begun = Instant::now();
        let console = grant.dial(limit, &|_| {}).await;
        self.measure(Stage::Dial, begun);
        console.map_err(|error| (Stage::Dial, error.into()))
    }

    /// Sends SecurityResult and reads ClientInit. Where `exclusive` is set and the shared-flag is 0, ends the other sessions
    /// on the VM.
    async fn welcome(
        &self,
        viewer: &mut ViewerLink,
        pending: Pending,
        exclusive: Option<&SessionSlot>,
        limit: TimeLimit,
    ) -> Result<(), Failure> {
        let welcome = async {
            viewer.welcome(pending).await?;
            if let Some(slot) = exclusive
                && !viewer.shared_flag().await?
            {
                slot.end_others("another viewer requested exclusive access");
            }
            Ok(())
        };
        let unfinished = Failure::ViewerUnfinished(self.entrance.limits.handshake_timeout);
        tokio::select! {
            welcomed = timeout_at(limit.deadline(), welcome) => welcomed.unwrap_or(Err(unfinished)),
            () = self.entrance.shared.ended.cancelled() => Err(Failure::GatewayEnds),
        }
    }

    fn measure(&self, stage: Stage, begun: Instant) {
        let seconds = begun.elapsed().as_secs_f64();
        self.entrance.shared.metrics.stage(stage, seconds);
    }

    /// Ready when the gateway has ended and both sides have had the time to close in order: first the relay, then the
    /// connections.
    async fn shutdown_timeout(&self) {
        self.entrance.shared.ended.cancelled().await;
        sleep(2 * CLOSE_TIMEOUT).await;
    }
}
