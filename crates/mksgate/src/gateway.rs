//! The gateway as a whole: every port bound, or none; a new configuration taken over whole, or not at all;
//! and an end that waits for its sessions.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::admin;
use crate::config::{Auth, Behind, Config, Console, Limits, VSphere};
use crate::destination::Destination;
use crate::door::Door;
use crate::error::Failure;
use crate::listener::listen;
use crate::overlap::may_overlap;
use crate::port::Port;
use crate::trouble::Trouble;
use crate::upstream::Upstream;

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
        source: Box<Failure>,
    },
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

type Upstreams = BTreeMap<String, Arc<Upstream>>;

/// A gateway whose ports are bound.
pub struct Gateway {
    ports: Vec<(TcpListener, Arc<Port>)>,
    admin: Option<TcpListener>,
    upstreams: Upstreams,
    limits: Arc<Limits>,
    door: Door,
}

impl Gateway {
    /// Binds every port, and connects to nothing.
    ///
    /// # Errors
    /// [`StartError`] at the first port or vSphere that cannot be had; the ports before it are free again.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let (door, limits) = (Door::new(), Arc::new(config.gateway));
        let upstreams = upstreams(config.vspheres, &Upstreams::new(), &door)?;
        let (mut ports, mut ours) = (Vec::new(), Vec::new());
        for console in config.consoles {
            let listener = bind(console.listen, &console.behind.to_string(), &ours).await?;
            ours.push(console.listen);
            ports.push((listener, port(console, &upstreams, &limits, &door)?));
        }
        let admin = match config.admin {
            Some(listen) => Some(bind(listen, "[admin]", &ours).await?),
            None => None,
        };
        Ok(Self {
            ports,
            admin,
            upstreams,
            limits,
            door,
        })
    }

    /// One port. Where a vSphere is behind it, that has been logged in to already.
    pub(crate) async fn before(
        destination: &Destination,
        listen: SocketAddr,
        auth: Auth,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let (door, limits) = (Door::new(), Arc::new(limits));
        let named = |upstream: &Arc<Upstream>| {
            let name = upstream.client().name().to_owned();
            (name, Arc::clone(upstream))
        };
        let upstreams: Upstreams = destination.upstream().map(named).into_iter().collect();
        let console = Console::leading_to(destination.behind(), listen, auth);
        let listener = bind(console.listen, &console.behind.to_string(), &[]).await?;
        Ok(Self {
            ports: vec![(listener, port(console, &upstreams, &limits, &door)?)],
            admin: None,
            upstreams,
            limits,
            door,
        })
    }

    /// How many sessions there are, from now on.
    pub(crate) fn sessions(&self) -> Gauge {
        self.door.metrics.sessions_active.clone()
    }

    /// What became of the viewer that was here last, from now on.
    pub(crate) fn trouble(&self) -> Trouble {
        self.door.trouble.clone()
    }

    /// Where `/metrics` and `/healthz` are served, where they are.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref()?.local_addr().ok()
    }

    /// Where each console really listens, in the configuration's order, and its VM's name.
    pub fn ports(&self) -> impl Iterator<Item = (SocketAddr, String)> {
        self.ports.iter().map(|(listener, port)| {
            let address = listener.local_addr().unwrap_or(port.console.listen);
            (address, port.console.behind.to_string())
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
                Some(config) = reloads.recv() => match running.reload(config).await {
                    Ok(()) => info!(ports = running.ports.len(), "configuration taken over"),
                    Err(error) => warn!("the configuration is not taken over: {error}"),
                },
            }
        }
        running.end(&shutdown.now).await;
    }
}

/// A gateway that serves.
struct Running {
    ports: Vec<OpenPort>,
    /// Where metrics are served; no new configuration changes that.
    admin: Option<SocketAddr>,
    upstreams: Upstreams,
    limits: Arc<Limits>,
    door: Door,
    sessions: TaskTracker,
    /// Cancelled when no new viewers are taken.
    closing: CancellationToken,
    /// The accept loops and what the vSpheres do in the background.
    tasks: TaskTracker,
}

/// A port that is being listened on.
struct OpenPort {
    listen: SocketAddr,
    port: watch::Sender<Arc<Port>>,
    closing: CancellationToken,
    accepting: JoinHandle<()>,
}

impl OpenPort {
    /// Takes no more viewers. When this returns, the address is free; sessions go on.
    async fn close(self) -> Arc<Port> {
        self.closing.cancel();
        // An accept loop that has panicked has closed its socket likewise.
        let _ = self.accepting.await;
        Arc::clone(&self.port.borrow())
    }
}

impl Running {
    fn begin(gateway: Gateway, closing: CancellationToken) -> Self {
        let Gateway {
            ports,
            admin,
            upstreams,
            limits,
            door,
        } = gateway;
        let (sessions, tasks) = (TaskTracker::new(), TaskTracker::new());
        let admin_address = admin.as_ref().and_then(|admin| admin.local_addr().ok());
        if let Some(listener) = admin {
            // It stays up while the gateway drains: that is when somebody looks.
            tasks.spawn(admin::serve(
                listener,
                Arc::clone(&door.metrics),
                door.ended.clone(),
            ));
        }
        let mut running = Self {
            ports: Vec::new(),
            admin: admin_address,
            upstreams: Upstreams::new(),
            limits,
            door,
            sessions,
            closing,
            tasks,
        };
        running.adopt(upstreams);
        for (listener, port) in ports {
            running.open(listener, port);
        }
        running
    }

    fn open(&mut self, listener: TcpListener, port: Arc<Port>) {
        let listen_on = port.console.listen;
        let (port, current) = watch::channel(port);
        let closing = self.closing.child_token();
        let accepting = self.tasks.spawn(listen(
            listener,
            current,
            self.sessions.clone(),
            closing.clone(),
        ));
        self.ports.push(OpenPort {
            listen: listen_on,
            port,
            closing,
            accepting,
        });
    }

    /// Those that are new begin; those that are gone end when their last session does.
    fn adopt(&mut self, upstreams: Upstreams) {
        for (name, upstream) in &upstreams {
            if !self
                .upstreams
                .get(name)
                .is_some_and(|known| Arc::ptr_eq(known, upstream))
            {
                self.tasks.spawn(Arc::clone(upstream).live());
            }
        }
        let before = std::mem::replace(&mut self.upstreams, upstreams);
        for (name, upstream) in before {
            if !self
                .upstreams
                .get(&name)
                .is_some_and(|kept| Arc::ptr_eq(kept, &upstream))
            {
                upstream.retire();
            }
        }
    }

    async fn reload(&mut self, config: Config) -> Result<(), StartError> {
        let limits = Arc::new(config.gateway);
        let upstreams = upstreams(config.vspheres, &self.upstreams, &self.door)?;
        let mut ports = Vec::new();
        for console in config.consoles {
            ports.push(port(console, &upstreams, &limits, &self.door)?);
        }
        let is_open = |port: &Arc<Port>| {
            let listen = port.console.listen;
            self.ports.iter().any(|open| open.listen == listen)
        };
        let (kept, new): (Vec<_>, Vec<_>) = ports.into_iter().partition(is_open);
        let fresh = self.bind_new(new, &kept).await?;
        // From here on nothing can fail.
        self.limits = limits;
        for open in &self.ports {
            let listens_there = |port: &&Arc<Port>| port.console.listen == open.listen;
            match kept.iter().find(listens_there) {
                Some(port) => drop(open.port.send_replace(Arc::clone(port))),
                None => open.closing.cancel(),
            }
        }
        self.ports.retain(|open| !open.closing.is_cancelled());
        self.adopt(upstreams);
        for (listener, port) in fresh {
            self.open(listener, port);
        }
        Ok(())
    }

    /// Binds those that are new: all of them, or none. Ports that are neither `kept` nor leave room for a new one, as
    /// 127.0.0.1:5901 where 0.0.0.0:5901 is to come, are closed first; where it comes to nothing they are opened again, and
    /// only viewers of that moment were turned away.
    async fn bind_new(
        &mut self,
        new: Vec<Arc<Port>>,
        kept: &[Arc<Port>],
    ) -> Result<Vec<(TcpListener, Arc<Port>)>, StartError> {
        let stays = |open: &&OpenPort| {
            let listen = open.listen;
            kept.iter().any(|port| port.console.listen == listen)
        };
        let leaving = self.ports.iter().filter(|open| !stays(open));
        let in_the_way: Vec<SocketAddr> = leaving
            .map(|open| open.listen)
            .filter(|listen| {
                new.iter()
                    .any(|port| may_overlap(listen, &port.console.listen))
            })
            .collect();
        let (crossed, clear): (Vec<_>, Vec<_>) = new.into_iter().partition(|port| {
            in_the_way
                .iter()
                .any(|other| may_overlap(other, &port.console.listen))
        });
        let mut ours: Vec<SocketAddr> = self.ports.iter().map(|open| open.listen).collect();
        ours.extend(self.admin);
        // First those for which nothing need be closed.
        let mut fresh = bind_all(clear, &mut ours).await?;
        let closed = self.close(&in_the_way).await;
        ours.retain(|address| !in_the_way.contains(address));
        match bind_all(crossed, &mut ours).await {
            Ok(bound) => {
                fresh.extend(bound);
                Ok(fresh)
            }
            Err(error) => {
                for port in closed {
                    self.open_again(port).await;
                }
                Err(error)
            }
        }
    }

    /// Takes no more viewers there. When this returns, the addresses are free.
    async fn close(&mut self, addresses: &[SocketAddr]) -> Vec<Arc<Port>> {
        let going = self
            .ports
            .extract_if(.., |open| addresses.contains(&open.listen));
        let mut closed = Vec::new();
        for open in going.collect::<Vec<_>>() {
            closed.push(open.close().await);
        }
        closed
    }

    /// Where somebody else was quicker, a later configuration may have it again.
    async fn open_again(&mut self, port: Arc<Port>) {
        let what = port.console.behind.to_string();
        match bind(port.console.listen, &what, &[]).await {
            Ok(listener) => self.open(listener, port),
            Err(error) => error!("a port that was open is lost: {error}"),
        }
    }

    /// No new viewers; the others have until the drain timeout, or until `now`.
    async fn end(mut self, now: &CancellationToken) {
        self.closing.cancel();
        let (sessions, patience) = (self.sessions.clone(), self.limits.drain_timeout);
        sessions.close();
        if !sessions.is_empty() {
            info!(
                sessions = sessions.len(),
                seconds = patience.as_secs(),
                "draining"
            );
        }
        // Ignored on purpose: drained, out of time or hurried, what is left is ended now.
        let _ = now
            .run_until_cancelled(timeout(patience, sessions.wait()))
            .await;
        self.door.ended.cancel();
        sessions.wait().await;
        self.adopt(Upstreams::new());
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// One for each configured vSphere; those that `known` has with the very same configuration stay.
fn upstreams(
    vspheres: BTreeMap<String, VSphere>,
    known: &Upstreams,
    door: &Door,
) -> Result<Upstreams, StartError> {
    let mut upstreams = Upstreams::new();
    for (name, vsphere) in vspheres {
        let upstream = match known.get(&name) {
            Some(same) if same.config().is_same(&vsphere) => Arc::clone(same),
            _ => Upstream::new(&name, vsphere, door.slots.clone())
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

fn port(
    console: Console,
    upstreams: &Upstreams,
    limits: &Arc<Limits>,
    door: &Door,
) -> Result<Arc<Port>, StartError> {
    let destination = match &console.behind {
        Behind::Vm { vsphere, vm } => {
            let upstream = upstreams.get(vsphere).ok_or_else(|| StartError::Upstream {
                name: vsphere.clone(),
                source: Failure::Setup("it is not configured".into()).into(),
            })?;
            Destination::Vm(Arc::clone(upstream), vm.clone())
        }
        Behind::Url(endpoint) => Destination::Url(Arc::clone(endpoint)),
    };
    if !limits.keep_private(console.listen) && console.auth.asks_nothing() {
        warn!(listen = %console.listen, vm = %console.behind, "anybody who can connect is at the keyboard of this VM");
    }
    Ok(Arc::new(Port {
        console,
        destination,
        limits: Arc::clone(limits),
        door: door.clone(),
    }))
}

/// Each of them, and adds it to `ours`; none of them where one cannot be had.
async fn bind_all(
    ports: Vec<Arc<Port>>,
    ours: &mut Vec<SocketAddr>,
) -> Result<Vec<(TcpListener, Arc<Port>)>, StartError> {
    let mut bound = Vec::new();
    for port in ports {
        let listen = port.console.listen;
        bound.push((
            bind(listen, &port.console.behind.to_string(), ours).await?,
            port,
        ));
        ours.push(listen);
    }
    Ok(bound)
}

/// `ours` are those that we listen on already: where one of them is in the way, nobody else is.
async fn bind(
    address: SocketAddr,
    what: &str,
    ours: &[SocketAddr],
) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| {
        let what = what.to_owned();
        let in_the_way = ours.iter().find(|other| may_overlap(&address, other));
        match (source.kind(), in_the_way) {
            (io::ErrorKind::AddrInUse, Some(&beside)) => StartError::Twice {
                address,
                what,
                beside,
            },
            _ => StartError::Bind {
                address,
                what,
                source,
            },
        }
    })
}
