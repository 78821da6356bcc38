//! One connection, as one story.
//!
//! ```text
//! accept      the viewer's address: PROXY header, allow list, penalties; a slot before the login
//! negotiate   RFB version, security, TLS, credentials with the viewer; nothing upstream has happened so far
//! judge       the claim against the configuration: which console, view-only or not; an entry in the registry
//! identify    vSphere: which VM it is; its limits, and rights that name it otherwise
//! ticket      vSphere: a fresh one-time ticket, asked for only now, spent once; or a URL
//! dial        TCP → TLS → WebSocket upgrade → RFB security with ESXi, or whatever is at that URL
//! welcome     only now the viewer is told that it is in; any failure above becomes the reason it shows
//! relay       byte for byte, with the dialect that viewers and ESXi need between them
//! close       one log line: who ended it, at which stage, how long, bytes each way
//! ```

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use console::Blame;
use console::dialer::TimeLimit;
use console::host_link::OpenConsole;
use console::socket::CLOSE_TIMEOUT;
use rfb_proto::{Claim, Pending};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument;
use vsphere::Watch;

use crate::entrance::Entrance;
use crate::error::{Failure, Stage, Stopped};
use crate::login::judge::{Admission, judge, refused_on_arrival};
use crate::login::pre_login_limit::PreLoginSlot;
use crate::login::{proxy_header, source};
use crate::registry::{SessionInfo, SessionSlot};
use crate::relay::{Outcome, ViewerPolicy, relay};
use crate::session_log;
use crate::traffic::Traffic;
use crate::viewer_link::ViewerLink;
use dialect::Dialogue;

/// How long a viewer that is refused before it is asked who it is may take to read why.
const REFUSAL: Duration = Duration::from_secs(3);

/// One viewer at one entrance.
pub(crate) struct Session {
    info: Arc<SessionInfo>,
    entrance: Arc<Entrance>,
    /// Keeps a vSphere from being logged out of.
    _upstream_in_use: Option<TaskTrackerToken>,
}

/// A session whose viewer is in and whose console is open.
struct Opened {
    console: OpenConsole,
    policy: ViewerPolicy,
    slot: SessionSlot,
}

impl Session {
    /// A viewer has come to `entrance` from `peer`.
    pub(crate) fn new(entrance: Arc<Entrance>, peer: SocketAddr) -> Self {
        let shared = &entrance.shared;
        let traffic = Traffic::counted(&shared.metrics);
        let info = SessionInfo::new(
            shared.number(),
            source::plain(peer),
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

    /// The whole story. The connection is closed when it ends, and every log line until then carries its number.
    pub(crate) async fn run(self, socket: TcpStream) {
        let span = session_log::span(&self.info);
        self.run_in_span(socket).instrument(span).await;
    }

    async fn run_in_span(self, socket: TcpStream) {
        let outcome = tokio::select! {
            // A result that is ready wins over shutdown.
            biased;
            outcome = self.serve(socket) => outcome,
            () = self.out_of_time() => Ok(Outcome::Ended("the gateway ends")),
        };
        let shared = &self.entrance.shared;
        if let Some(fault) = fault(&outcome) {
            shared.last_failure.record(fault);
        }
        session_log::closed(&self.info, outcome, &shared.metrics);
    }

    async fn serve(&self, socket: TcpStream) -> Result<Outcome, Stopped> {
        let limits = &self.entrance.limits;
        let deadline = self.info.since + limits.login_timeout;
        let peer = self.info.parties().viewer;
        let shared = &self.entrance.shared;
        let mut slot = Some(shared.enter(peer, limits.max_unauthenticated));
        let mut viewer = self
            .arrive(socket, deadline, &mut slot)
            .await
            .map_err(|failure| (Stage::Accept, failure))?;
        // Boxed: keeps this future out of the open session's.
        let opened = Box::pin(self.open(&mut viewer, &mut slot, deadline)).await;
        let Opened {
            console,
            policy,
            slot: _until_the_end,
        } = match opened {
            Ok(opened) => opened,
            Err(stopped) => {
                // Until it has gone it takes a slot before the login, unless it has been let in.
                let closing = Box::pin(viewer.close());
                match &slot {
                    Some(slot) => drop(slot.pushed_out.run_until_cancelled(closing).await),
                    None => closing.await,
                }
                return Err(stopped);
            }
        };
        session_log::opened(&self.info, &console.link.address);
        let OpenConsole {
            link,
            slot: _on_its_host,
            watch,
        } = console;
        let mut dialogue = policy
            .habits
            .map(|habits| Dialogue::new(habits, policy.view_only, policy.host));
        let relaying = relay(&mut viewer, link, dialogue.as_mut(), policy, &self.info);
        let (outcome, remainder) = tokio::select! {
            ended = relaying => ended,
            never = self.log_changes(watch) => match never {},
        };
        tokio::join!(remainder.close(), viewer.close());
        Ok(outcome)
    }

    /// The viewer's address, and whether it may come from there. Nothing has been sent so far.
    async fn arrive(
        &self,
        mut socket: TcpStream,
        deadline: Instant,
        slot: &mut Option<PreLoginSlot>,
    ) -> Result<ViewerLink, Failure> {
        let mut input = BytesMut::new();
        let mut from = self.info.parties().viewer;
        if let Some(balancers) = &self.entrance.limits.proxy_from {
            if !source::is_in(balancers, from.ip()) {
                return Err(Failure::NotProxied(
                    "none is taken from this address".into(),
                ));
            }
            let header = tokio::select! {
                header = proxy_header::read(&mut socket, &mut input) => header,
                failure = self.interrupted(slot, deadline) => return Err(failure),
            };
            let real = header.map_err(|error| match input.is_empty() {
                true => Failure::ViewerSilent,
                false => Failure::NotProxied(error.to_string()),
            })?;
            from = source::plain(real.unwrap_or(from));
            self.info.parties().viewer = from;
            slot.iter().for_each(|slot| slot.is_from(from));
        }
        let allow = &self.entrance.allow;
        if !allow.is_empty() && !source::is_in(allow, from.ip()) {
            return Err(Failure::NotAllowed(from.ip()));
        }
        Ok(ViewerLink::new(socket, input))
    }

    /// From the greeting to the welcome. The viewer has until `deadline` to log in; then its `slot` is given up.
    async fn open(
        &self,
        viewer: &mut ViewerLink,
        slot: &mut Option<PreLoginSlot>,
        deadline: Instant,
    ) -> Result<Opened, Stopped> {
        self.check_penalty(viewer, slot, deadline)
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
        // From here on nobody waits for a person.
        let limit = TimeLimit::of(self.entrance.limits.handshake_timeout);
        let console = match self.reach(viewer, &admission, limit).await {
            Ok(console) => console,
            Err((stage, failure)) => {
                viewer.turn_away(pending, &failure).await;
                // As long as it reads why, its entry in the registry stays.
                viewer.close().await;
                return Err((stage, failure));
            }
        };
        let policy = self.policy(&admission);
        let may_be_exclusive = policy.may_be_exclusive.then_some(&admission.slot);
        self.welcome(viewer, pending, may_be_exclusive, limit)
            .await
            .map_err(|failure| (Stage::Welcome, failure))?;
        Ok(Opened {
            console,
            policy,
            slot: admission.slot,
        })
    }

    /// Ready when the viewer must make room for others or has taken too long, or the gateway ends.
    async fn interrupted(&self, slot: &Option<PreLoginSlot>, deadline: Instant) -> Failure {
        let pushed_out = async {
            match slot {
                Some(slot) => slot.pushed_out.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pushed_out => Failure::Crowded,
            () = sleep_until(deadline) => Failure::ViewerSlow(self.entrance.limits.login_timeout),
            () = self.entrance.shared.ended.cancelled() => Failure::GatewayEnds,
        }
    }

    async fn check_penalty(
        &self,
        viewer: &mut ViewerLink,
        slot: &Option<PreLoginSlot>,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let from = self.info.parties().viewer.ip();
        let Some(failure) = refused_on_arrival(&self.entrance, from) else {
            return Ok(());
        };
        tokio::select! {
            // Whether it has read it or not, it is not let in.
            _ = timeout(REFUSAL, viewer.refuse(&failure)) => {}
            _ = self.interrupted(slot, deadline) => {}
        }
        Err(failure)
    }

    /// While its password waits to be hashed, the viewer still takes a slot before the login.
    async fn judge(
        &self,
        claim: Claim,
        slot: &Option<PreLoginSlot>,
        deadline: Instant,
    ) -> Result<Admission, Failure> {
        let slow = Failure::CheckSlow(self.entrance.limits.login_timeout);
        let judgement = timeout_at(deadline, judge(&self.entrance, &self.info, claim));
        let pushed_out = slot
            .as_ref()
            .map(|slot| slot.pushed_out.clone())
            .unwrap_or_default();
        tokio::select! {
            judged = judgement => judged.unwrap_or(Err(slow)),
            () = pushed_out.cancelled() => Err(Failure::Crowded),
            () = self.entrance.shared.ended.cancelled() => Err(Failure::GatewayEnds),
        }
    }

    /// A console that is ready, unless the viewer leaves or the gateway ends before.
    async fn reach(
        &self,
        viewer: &ViewerLink,
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

    /// What the viewer may do once it is in.
    fn policy(&self, admission: &Admission) -> ViewerPolicy {
        let Admission {
            console, view_only, ..
        } = admission;
        let limits = &self.entrance.limits;
        ViewerPolicy {
            view_only: *view_only,
            may_be_exclusive: console.exclusive && !view_only,
            habits: console.habits,
            host: console.host(),
            idle_timeout: limits.idle_timeout,
            max_session_time: limits.max_session_time,
        }
    }

    /// Only now the viewer is told. Where it wants the console for itself and may have it, the others end.
    async fn welcome(
        &self,
        viewer: &mut ViewerLink,
        pending: Pending,
        may_be_exclusive: Option<&SessionSlot>,
        limit: TimeLimit,
    ) -> Result<(), Failure> {
        let welcome = async {
            viewer.welcome(pending).await?;
            if let Some(slot) = may_be_exclusive
                && !viewer.shares().await?
            {
                slot.end_others("another viewer has asked for the console alone");
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

    /// Logs the VM's state as it changes while its console is open.
    async fn log_changes(&self, watch: Option<Watch>) -> Infallible {
        let Some(mut watch) = watch else {
            return std::future::pending().await;
        };
        loop {
            session_log::vm_changed(&self.info, watch.changed().await);
        }
    }

    /// The gateway ends, and both sides have had their time to part in order.
    async fn out_of_time(&self) {
        self.entrance.shared.ended.cancelled().await;
        sleep(CLOSE_TIMEOUT).await;
    }
}

/// What [`LastFailure`](crate::last_failure::LastFailure) records of a session: a viewer that leaves is no failure.
/// `None` where the gateway ended before the session had a result: no viewer waited for that any more.
fn fault(outcome: &Result<Outcome, Stopped>) -> Option<Option<(Blame, String)>> {
    match outcome {
        Err((_, Failure::GatewayEnds)) => None,
        Err((_, Failure::ViewerLeft | Failure::ViewerSilent | Failure::ViewerBroke(_))) => {
            Some(None)
        }
        Err((_, failure)) => Some(Some((failure.blame(), failure.to_string()))),
        Ok(outcome) => Some(outcome.fault()),
    }
}
