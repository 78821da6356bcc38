//! The gateway as a whole: every port bound, or none; a new configuration taken over whole, or not at all;
//! and an end that waits for its sessions.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::config::{Config, Console, Limits, VSphere};
use crate::error::Failure;
use crate::listener::{Hall, listen};
use crate::session::Port;
use crate::upstream::Upstream;

/// Why the gateway cannot start. Nothing has been served then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be had.
    #[error("cannot listen on {address} for {vm} ({source}): {}", remedy(source))]
    Bind {
        /// Which.
        address: SocketAddr,
        /// For which VM.
        vm: String,
        /// Why.
        source: io::Error,
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
    upstreams: Upstreams,
    limits: Limits,
    ended: CancellationToken,
}

impl Gateway {
    /// Binds every port, and connects to nothing.
    ///
    /// # Errors
    /// [`StartError`] at the first port or vSphere that cannot be had; the ports before it are free again.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let ended = CancellationToken::new();
        let upstreams = upstreams(config.vspheres, &Upstreams::new())?;
        let mut ports = Vec::new();
        for console in config.consoles {
            let listener = bind(&console).await?;
            ports.push((
                listener,
                port(console, &upstreams, &config.gateway, &ended)?,
            ));
        }
        Ok(Self {
            ports,
            upstreams,
            limits: config.gateway,
            ended,
        })
    }

    /// Where each console really listens, in the configuration's order, and its VM's name.
    pub fn ports(&self) -> impl Iterator<Item = (SocketAddr, String)> {
        self.ports.iter().map(|(listener, port)| {
            let address = listener.local_addr().unwrap_or(port.console.listen);
            (address, port.console.vm.to_string())
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
    upstreams: Upstreams,
    limits: Limits,
    ended: CancellationToken,
    hall: Hall,
    /// The accept loops and what the vSpheres do in the background.
    tasks: TaskTracker,
}

/// A port that is being listened on.
struct OpenPort {
    listen: SocketAddr,
    port: watch::Sender<Arc<Port>>,
    closing: CancellationToken,
}

impl Running {
    fn begin(gateway: Gateway, drain: CancellationToken) -> Self {
        let Gateway {
            ports,
            upstreams,
            limits,
            ended,
        } = gateway;
        let hall = Hall {
            permits: Arc::new(Semaphore::new(
                limits.max_sessions.min(Semaphore::MAX_PERMITS),
            )),
            sessions: TaskTracker::new(),
            closing: drain,
            next: Arc::new(AtomicU64::new(1)),
        };
        let mut running = Self {
            ports: Vec::new(),
            upstreams: Upstreams::new(),
            limits,
            ended,
            hall,
            tasks: TaskTracker::new(),
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
        let closing = self.hall.closing.child_token();
        let hall = Hall {
            closing: closing.clone(),
            ..self.hall.clone()
        };
        self.tasks.spawn(listen(listener, current, hall));
        self.ports.push(OpenPort {
            listen: listen_on,
            port,
            closing,
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
        let upstreams = upstreams(config.vspheres, &self.upstreams)?;
        let (mut kept, mut fresh) = (Vec::new(), Vec::new());
        for console in config.consoles {
            let port = port(console, &upstreams, &config.gateway, &self.ended)?;
            match self
                .ports
                .iter()
                .position(|open| open.listen == port.console.listen)
            {
                Some(place) => kept.push((place, port)),
                None => fresh.push((bind(&port.console).await?, port)),
            }
        }
        // From here on nothing can fail.
        if config.gateway.max_sessions != self.limits.max_sessions {
            warn!("max_sessions takes effect when the gateway starts anew");
        }
        self.limits = config.gateway;
        for (place, open) in self.ports.iter().enumerate() {
            match kept.iter().find(|(kept, _)| *kept == place) {
                Some((_, port)) => drop(open.port.send_replace(Arc::clone(port))),
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

    /// No new viewers; the others have until the drain timeout, or until `now`.
    async fn end(mut self, now: &CancellationToken) {
        self.hall.closing.cancel();
        let sessions = self.hall.sessions.clone();
        sessions.close();
        if !sessions.is_empty() {
            info!(
                sessions = sessions.len(),
                seconds = self.limits.drain_timeout.as_secs(),
                "draining"
            );
        }
        let drained = timeout(self.limits.drain_timeout, sessions.wait());
        // Ignored on purpose: drained, out of time or hurried, what is left is ended now.
        let _ = now.run_until_cancelled(drained).await;
        self.ended.cancel();
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
) -> Result<Upstreams, StartError> {
    let mut upstreams = Upstreams::new();
    for (name, vsphere) in vspheres {
        let upstream = match known.get(&name) {
            Some(same) if same.config().is_same(&vsphere) => Arc::clone(same),
            _ => Upstream::new(&name, vsphere)
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
    limits: &Limits,
    ended: &CancellationToken,
) -> Result<Arc<Port>, StartError> {
    let Some(upstream) = upstreams.get(&console.vsphere) else {
        let source = Failure::Setup("it is not configured".into()).into();
        return Err(StartError::Upstream {
            name: console.vsphere,
            source,
        });
    };
    let upstream = Arc::clone(upstream);
    let ended = ended.clone();
    Ok(Arc::new(Port {
        console,
        upstream,
        handshake_timeout: limits.handshake_timeout,
        ended,
    }))
}

async fn bind(console: &Console) -> Result<TcpListener, StartError> {
    let address = console.listen;
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| StartError::Bind {
        address,
        vm: console.vm.to_string(),
        source,
    })
}
