//! The gateway as a whole: binds all ports or none, applies a new configuration completely or not at all, and drains its
//! sessions at shutdown.

use std::net::SocketAddr;
use std::sync::Arc;

use console::dialer::Dialer;
use console::upstream::Upstream;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::binding::bind;
use crate::current::{Publisher, Upstreams};
use crate::last_failure::LastFailure;
use crate::running::{Parts, Running};
use crate::session_threads::SessionThreads;
use crate::settings::limits::Limits;
use crate::settings::{Auth, Config, ConsoleSettings};
use crate::shared::Shared;
use crate::start_error::StartError;
use crate::web_entrance::WebEntrance;
use crate::wiring::{entrance, upstreams};

/// Signals that end a running gateway.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Accept no new viewers; end the open sessions after `drain_timeout`.
    pub drain: CancellationToken,
    /// End at once.
    pub now: CancellationToken,
}

/// A gateway whose ports are bound.
pub struct Gateway(Parts);

impl Gateway {
    /// Binds every port, and connects to nothing.
    ///
    /// # Errors
    /// [`StartError`] for the first port that cannot be bound or vSphere that cannot be set up; ports bound before it are
    /// closed.
    pub async fn bind(settings: Config) -> Result<Self, StartError> {
        let (shared, limits) = (Shared::new(), Arc::new(settings.gateway));
        let upstreams = upstreams(settings.vspheres, &Upstreams::new(), &shared)?;
        let (mut ports, mut ours) = (Vec::new(), Vec::new());
        for console in settings.consoles {
            let listener = bind(console.listen, &console.backend.to_string(), &ours).await?;
            ours.push(console.listen);
            ports.push((listener, entrance(console, &upstreams, &limits, &shared)?));
        }
        let admin = match settings.admin {
            Some(admin) => Some((bind(admin.listen, "[admin]", &ours).await?, admin)),
            None => None,
        };
        Ok(Self(
            Parts {
                ports,
                admin,
                upstreams,
                limits,
                shared,
                threads: threads()?,
                web: settings.web.map(Arc::new),
                page: Publisher::default(),
            }
            .publish(),
        ))
    }

    /// Binds one port for one local user. A vSphere behind it is already logged in to.
    pub async fn bind_private(
        dialer: &Dialer,
        listen: SocketAddr,
        auth: Auth,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let (shared, limits) = (Shared::private(), Arc::new(limits));
        let named = |upstream: &Arc<Upstream>| {
            let name = upstream.client().name().to_owned();
            (name, Arc::clone(upstream))
        };
        let upstreams: Upstreams = dialer.upstream().map(named).into_iter().collect();
        let console = ConsoleSettings::with_defaults(dialer.backend(), listen, auth);
        let listener = bind(console.listen, &console.backend.to_string(), &[]).await?;
        Ok(Self(
            Parts {
                ports: vec![(listener, entrance(console, &upstreams, &limits, &shared)?)],
                admin: None,
                upstreams,
                limits,
                shared,
                threads: threads()?,
                web: None,
                page: Publisher::default(),
            }
            .publish(),
        ))
    }

    /// What the page needs of this gateway.
    pub fn web(&self) -> WebEntrance {
        let Parts {
            page,
            shared,
            threads,
            ..
        } = &self.0;
        WebEntrance::new(page, shared.clone(), Arc::clone(threads))
    }

    /// The gauge of open sessions.
    pub fn sessions(&self) -> Gauge {
        self.0.shared.metrics.sessions_active.clone()
    }

    /// The failure of the session that ended last, updated while the gateway runs.
    pub fn last_failure(&self) -> LastFailure {
        self.0.shared.last_failure.clone()
    }

    /// The address of `/metrics` and `/healthz`, if they are served.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.0.admin.as_ref()?.0.local_addr().ok()
    }

    /// The bound address and VM name of each console, in the configuration's order.
    pub fn ports(&self) -> impl Iterator<Item = (SocketAddr, String)> {
        self.0.ports.iter().map(|(listener, port)| {
            let address = listener.local_addr().unwrap_or(port.listen);
            (address, port.name().to_owned())
        })
    }

    /// Serves until `shutdown`, and returns when every session has ended and every vSphere is logged out.
    pub async fn run(self, shutdown: Shutdown) {
        let (_never, reloads) = mpsc::channel(1);
        self.run_reloading(shutdown, reloads).await;
    }

    /// As [`Gateway::run`], and applies each configuration received from `reloads`: ports in both stay open, and open
    /// sessions keep their settings. One that cannot be applied completely is logged and changes nothing.
    pub async fn run_reloading(self, shutdown: Shutdown, mut reloads: mpsc::Receiver<Config>) {
        let mut running = Running::begin(self.0, shutdown.drain.clone());
        loop {
            tokio::select! {
                () = shutdown.drain.cancelled() => break,
                () = shutdown.now.cancelled() => break,
                Some(settings) = reloads.recv() => {
                    if let Err(error) = running.reload(settings).await {
                        warn!("the configuration is not applied: {error}");
                    }
                }
            }
        }
        running.end(&shutdown.now).await;
    }
}

fn threads() -> Result<Arc<SessionThreads>, StartError> {
    SessionThreads::start()
        .map(Arc::new)
        .map_err(StartError::Threads)
}
