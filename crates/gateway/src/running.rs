//! A gateway that serves: its ports, what a new configuration makes of them, and its end.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use crate::admin;
use crate::binding::{bind, bind_all};
use crate::front_door::door::Door;
use crate::front_door::port::Port;
use crate::gateway::{Gateway, StartError, Upstreams, port, upstreams};
use crate::listener::listen;
use crate::overlap::may_overlap;
use crate::session_threads::SessionThreads;
use crate::settings::{Config, Limits};

/// A gateway that serves.
pub(crate) struct Running {
    ports: Vec<OpenPort>,
    /// Where metrics are served; no new configuration changes that.
    admin: Option<SocketAddr>,
    upstreams: Upstreams,
    limits: Arc<Limits>,
    door: Door,
    threads: Arc<SessionThreads>,
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
    pub(crate) fn begin(gateway: Gateway, closing: CancellationToken) -> Self {
        let Gateway {
            ports,
            admin,
            upstreams,
            limits,
            door,
            threads,
        } = gateway;
        let tasks = TaskTracker::new();
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
            threads: Arc::new(threads),
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
            Arc::clone(&self.threads),
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

    /// Takes `config` over whole, or not at all.
    pub(crate) async fn reload(&mut self, settings: Config) -> Result<(), StartError> {
        let limits = Arc::new(settings.gateway);
        let upstreams = upstreams(settings.vspheres, &self.upstreams, &self.door)?;
        let mut ports = Vec::new();
        for console in settings.consoles {
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
        info!(ports = self.ports.len(), "configuration taken over");
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
    pub(crate) async fn end(mut self, now: &CancellationToken) {
        self.closing.cancel();
        let (threads, patience) = (Arc::clone(&self.threads), self.limits.drain_timeout);
        let sessions = threads.sessions();
        if sessions > 0 {
            info!(sessions, seconds = patience.as_secs(), "draining");
        }
        // Ignored on purpose: drained, out of time or hurried, what is left is ended now.
        let _ = now
            .run_until_cancelled(timeout(patience, threads.idle()))
            .await;
        self.door.ended.cancel();
        threads.idle().await;
        self.adopt(Upstreams::new());
        self.tasks.close();
        self.tasks.wait().await;
    }
}
