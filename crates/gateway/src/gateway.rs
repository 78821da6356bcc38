//! The gateway as a whole: every port bound, or none; a new configuration taken over whole, or not at all;
//! and an end that waits for its sessions.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::binding::bind;
use crate::entrance::Entrance;
use crate::last_failure::LastFailure;
use crate::running::Running;
use crate::session_threads::SessionThreads;
use crate::settings::{Admin, Auth, Config, Console, Limits};
use crate::shared::Shared;
use console::dialer::Dialer;
use console::settings::{Behind, VSphere};
use console::upstream::Upstream;

/// Why the gateway cannot start. Nothing has been served then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be had.
    #[error("cannot listen on {address} for {what} ({source}): {}", remedy(source))]
    Bind {
        /// Which.
        address: SocketAddr,
        /// For which VM, or `[admin]`.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// A port cannot be had beside another one that is our own.
    #[error(
        "cannot listen on {address} for {what}: this gateway itself listens on {beside}; choose another port"
    )]
    Twice {
        /// Which.
        address: SocketAddr,
        /// For which VM, or `[admin]`.
        what: String,
        /// Which other one.
        beside: SocketAddr,
    },
    /// A vSphere cannot be set up.
    #[error("[vsphere.{name}]: {source}")]
    Upstream {
        /// Which.
        name: String,
        /// Why.
        source: Box<console::Error>,
    },
    /// A thread for sessions cannot be had.
    #[error(
        "cannot start a thread for sessions ({0}): raise the limit of processes and open files"
    )]
    Threads(io::Error),
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program has it; end that one, or choose another port",
        io::ErrorKind::AddrNotAvailable => "no interface of this machine has that address",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; choose a higher one",
        _ => "choose another address or port",
    }
}

/// How a running gateway is told to end.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take no new viewers; let the others go on for the drain timeout.
    pub drain: CancellationToken,
    /// End at once.
    pub now: CancellationToken,
}

pub(crate) type Upstreams = BTreeMap<String, Arc<Upstream>>;

/// A gateway whose ports are bound.
pub struct Gateway {
    pub(crate) ports: Vec<(TcpListener, Arc<Entrance>)>,
    pub(crate) admin: Option<(TcpListener, Admin)>,
    pub(crate) upstreams: Upstreams,
    pub(crate) limits: Arc<Limits>,
    pub(crate) shared: Shared,
    pub(crate) threads: SessionThreads,
}

impl Gateway {
    /// Binds every port, and connects to nothing.
    ///
    /// # Errors
    /// [`StartError`] at the first port or vSphere that cannot be had; the ports before it are free again.
    pub async fn bind(settings: Config) -> Result<Self, StartError> {
        let (shared, limits) = (Shared::new(), Arc::new(settings.gateway));
        let upstreams = upstreams(settings.vspheres, &Upstreams::new(), &shared)?;
        let (mut ports, mut ours) = (Vec::new(), Vec::new());
        for console in settings.consoles {
            let listener = bind(console.listen, &console.behind.to_string(), &ours).await?;
            ours.push(console.listen);
            ports.push((listener, port(console, &upstreams, &limits, &shared)?));
        }
        let admin = match settings.admin {
            Some(admin) => Some((bind(admin.listen, "[admin]", &ours).await?, admin)),
            None => None,
        };
        Ok(Self {
            ports,
            admin,
            upstreams,
            limits,
            shared,
            threads: SessionThreads::start().map_err(StartError::Threads)?,
        })
    }

    /// One port, for one user of this machine. Where a vSphere is behind it, that has been logged in to already.
    pub async fn before(
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
        let console = Console::leading_to(dialer.behind(), listen, auth);
        let listener = bind(console.listen, &console.behind.to_string(), &[]).await?;
        Ok(Self {
            ports: vec![(listener, port(console, &upstreams, &limits, &shared)?)],
            admin: None,
            upstreams,
            limits,
            shared,
            threads: SessionThreads::start().map_err(StartError::Threads)?,
        })
    }

    /// How many sessions there are, from now on.
    pub fn sessions(&self) -> Gauge {
        self.shared.metrics.sessions_active.clone()
    }

    /// Why the last viewer did not get its console, from now on.
    pub fn last_failure(&self) -> LastFailure {
        self.shared.last_failure.clone()
    }

    /// Where `/metrics` and `/healthz` are served, where they are.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref()?.0.local_addr().ok()
    }

    /// Where each console really listens, in the configuration's order, and its VM's name.
    pub fn ports(&self) -> impl Iterator<Item = (SocketAddr, String)> {
        self.ports.iter().map(|(listener, port)| {
            let address = listener.local_addr().unwrap_or(port.listen);
            (address, port.name().to_owned())
        })
    }

    /// Serves until told to end, and returns when every session has ended and every vSphere is logged out.
    pub async fn run(self, shutdown: Shutdown) {
        let (_never, reloads) = mpsc::channel(1);
        self.run_reloading(shutdown, reloads).await;
    }

    /// As [`Gateway::run`], and takes over each configuration that comes out of `reloads`: ports that are
    /// in both stay open, sessions go on as they began. One that cannot be taken over whole is logged and
    /// changes nothing.
    pub async fn run_reloading(self, shutdown: Shutdown, mut reloads: mpsc::Receiver<Config>) {
        let mut running = Running::begin(self, shutdown.drain.clone());
        loop {
            tokio::select! {
                () = shutdown.drain.cancelled() => break,
                () = shutdown.now.cancelled() => break,
                Some(settings) = reloads.recv() => {
                    if let Err(error) = running.reload(settings).await {
                        warn!("the configuration is not taken over: {error}");
                    }
                }
            }
        }
        running.end(&shutdown.now).await;
    }
}

/// One for each configured vSphere; those that `known` has with the very same configuration stay.
pub(crate) fn upstreams(
    vspheres: BTreeMap<String, VSphere>,
    known: &Upstreams,
    shared: &Shared,
) -> Result<Upstreams, StartError> {
    let mut upstreams = Upstreams::new();
    for (name, vsphere) in vspheres {
        let upstream = match known.get(&name) {
            Some(same) if same.config().is_same(&vsphere) => Arc::clone(same),
            _ => Upstream::new(&name, vsphere, shared.slots.clone())
                .map(Arc::new)
                .map_err(|source| StartError::Upstream {
                    name: name.clone(),
                    source: source.into(),
                })?,
        };
        upstreams.insert(name, upstream);
    }
    Ok(upstreams)
}

pub(crate) fn port(
    console: Console,
    upstreams: &Upstreams,
    limits: &Arc<Limits>,
    shared: &Shared,
) -> Result<Arc<Entrance>, StartError> {
    let dialer = match &console.behind {
        Behind::Vm {
            vsphere,
            vm,
            password,
        } => {
            let upstream = upstreams.get(vsphere).ok_or_else(|| StartError::Upstream {
                name: vsphere.clone(),
                source: console::Error::Setup("it is not configured".into()).into(),
            })?;
            Dialer::Vm(Arc::clone(upstream), vm.clone(), password.clone())
        }
        Behind::Url(endpoint) => Dialer::Url(Arc::clone(endpoint)),
    };
    if !limits.keep_private(console.listen) && console.auth.asks_nothing() {
        warn!(listen = %console.listen, vm = %console.behind, "anybody who can connect is at the keyboard of this VM");
    }
    let (limits, shared) = (Arc::clone(limits), shared.clone());
    Ok(Arc::new(Entrance::new(console, dialer, limits, shared)))
}
