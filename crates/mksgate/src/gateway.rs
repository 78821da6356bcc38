//! The gateway as a whole: every port bound, or none; and an end that waits for its sessions.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures::future::join_all;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::config::{Config, Limits};
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
        source: Failure,
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

/// A gateway whose ports are bound.
pub struct Gateway {
    ports: Vec<(TcpListener, Arc<Port>)>,
    upstreams: Vec<Arc<Upstream>>,
    limits: Limits,
    ended: CancellationToken,
}

/// How a running gateway is told to end.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take no new viewers; let the others go on for the drain timeout.
    pub drain: CancellationToken,
    /// End at once.
    pub now: CancellationToken,
}

impl Gateway {
    /// Binds every port, and connects to nothing.
    ///
    /// # Errors
    /// [`StartError`] at the first port or vSphere that cannot be had; the ports before it are free again.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        let ended = CancellationToken::new();
        let mut upstreams = BTreeMap::new();
        for (name, vsphere) in config.vspheres {
            let upstream =
                Upstream::new(&name, vsphere).map_err(|source| StartError::Upstream {
                    name: name.clone(),
                    source,
                })?;
            upstreams.insert(name, Arc::new(upstream));
        }
        let mut ports = Vec::new();
        for console in config.consoles {
            let Some(upstream) = upstreams.get(&console.vsphere) else {
                let source = Failure::Setup("it is not configured".into());
                return Err(StartError::Upstream {
                    name: console.vsphere,
                    source,
                });
            };
            let address = console.listen;
            let listener = TcpListener::bind(address)
                .await
                .map_err(|source| StartError::Bind {
                    address,
                    vm: console.vm.to_string(),
                    source,
                })?;
            let port = Port {
                console,
                upstream: Arc::clone(upstream),
                handshake_timeout: config.gateway.handshake_timeout,
                ended: ended.clone(),
            };
            ports.push((listener, Arc::new(port)));
        }
        Ok(Self {
            ports,
            upstreams: upstreams.into_values().collect(),
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
        let Self {
            ports,
            upstreams,
            limits,
            ended,
        } = self;
        let sessions = TaskTracker::new();
        let hall = Hall {
            permits: Arc::new(Semaphore::new(
                limits.max_sessions.min(Semaphore::MAX_PERMITS),
            )),
            sessions: sessions.clone(),
            closing: shutdown.drain.clone(),
            next: Arc::new(AtomicU64::new(1)),
        };
        let stop = shutdown.now.clone();
        let listening = join_all(
            ports
                .into_iter()
                .map(|(listener, port)| listen(listener, port, hall.clone())),
        );
        // The ports are closed as soon as this is done.
        stop.run_until_cancelled(listening).await;
        sessions.close();
        if !sessions.is_empty() {
            info!(
                sessions = sessions.len(),
                seconds = limits.drain_timeout.as_secs(),
                "draining"
            );
        }
        let drained = timeout(limits.drain_timeout, sessions.wait());
        // Ignored on purpose: drained, out of time or hurried, what is left is ended now.
        let _ = shutdown.now.run_until_cancelled(drained).await;
        ended.cancel();
        sessions.wait().await;
        join_all(upstreams.iter().map(|upstream| upstream.logout())).await;
    }
}
