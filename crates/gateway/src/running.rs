//! A serving gateway: its accept loops, the reload of its configuration, its shutdown.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, info};

use console::socket;

use crate::admin::OpenAdmin;
use crate::binding::{Bound, Wanted, bind, bind_all};
use crate::connection;
use crate::current::{Current, Port, Publisher, Upstreams};
use crate::entrance::Entrance;
use crate::listener::accept;
use crate::overlap::may_overlap;
use crate::session::Session;
use crate::session_threads::SessionThreads;
use crate::settings::{Admin, Config, Limits, Web};
use crate::shared::Shared;
use crate::start_error::StartError;
use crate::wiring::{entrance, upstreams};

/// A gateway before it serves: bound listeners, and what their sessions use.
pub(crate) struct Parts {
    pub(crate) ports: Vec<(TcpListener, Arc<Entrance>)>,
    pub(crate) admin: Option<(TcpListener, Admin)>,
    pub(crate) upstreams: Upstreams,
    pub(crate) limits: Arc<Limits>,
    pub(crate) shared: Shared,
    pub(crate) threads: Arc<SessionThreads>,
    pub(crate) web: Option<Arc<Web>>,
    pub(crate) page: Publisher,
}

impl Parts {
    /// What the page sees until the gateway serves.
    pub(crate) fn publish(self) -> Self {
        let ports = self.ports.iter().map(|(listener, entrance)| Port {
            entrance: Arc::clone(entrance),
            address: listener.local_addr().unwrap_or(entrance.listen),
        });
        self.page.publish(Current {
            web: self.web.clone(),
            ports: ports.collect(),
            upstreams: self.upstreams.clone(),
            limits: Arc::clone(&self.limits),
        });
        self
    }
}

/// A gateway that serves.
pub(crate) struct Running {
    ports: Vec<OpenPort>,
    admin: Option<OpenAdmin>,
    upstreams: Upstreams,
    limits: Arc<Limits>,
    shared: Shared,
    threads: Arc<SessionThreads>,
    web: Option<Arc<Web>>,
    page: Publisher,
    /// Cancelled when no new viewers are accepted.
    closing: CancellationToken,
    /// The accept loops and the background tasks of the vSpheres.
    tasks: TaskTracker,
}

/// A port with its accept loop.
struct OpenPort {
    listen: SocketAddr,
    /// The bound address.
    address: SocketAddr,
    port: watch::Sender<Arc<Entrance>>,
    closing: CancellationToken,
    accepting: JoinHandle<()>,
}

impl OpenPort {
    /// Stops accepting. When this returns, the address is free; open sessions continue.
    async fn close(self) -> Arc<Entrance> {
        self.closing.cancel();
        // A panic of the accept loop has closed its socket too.
        let _ = self.accepting.await;
        Arc::clone(&self.port.borrow())
    }
}

impl Running {
    pub(crate) fn begin(parts: Parts, closing: CancellationToken) -> Self {
        let Parts {
            ports,
            admin,
            upstreams,
            limits,
            shared,
            threads,
            web,
            page,
        } = parts;
        let tasks = TaskTracker::new();
        let mut running = Self {
            ports: Vec::new(),
            admin: None,
            upstreams: Upstreams::new(),
            limits,
            shared,
            threads,
            web,
            page,
            closing,
            tasks,
        };
        running.adopt(upstreams);
        if let Some((listener, admin)) = admin {
            running.open_admin(listener, admin);
        }
        for (listener, port) in ports {
            running.open(listener, port);
        }
        running
    }

    fn open(&mut self, listener: TcpListener, port: Arc<Entrance>) {
        let listen_on = port.listen;
        let address = listener.local_addr().unwrap_or(listen_on);
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
            address,
            port,
            closing,
            accepting,
        });
    }

    /// Serves `[admin]` until the drain ends, so that operators can follow it.
    fn open_admin(&mut self, listener: TcpListener, admin: Admin) {
        let (metrics, ended) = (Arc::clone(&self.shared.metrics), &self.shared.ended);
        self.admin = Some(OpenAdmin::begin(
            listener,
            admin,
            metrics,
            ended,
            &self.tasks,
        ));
    }

    /// Starts the upstreams that are new, and retires those that are gone: they log out after their last session.
    fn adopt(&mut self, upstreams: Upstreams) {
        for (name, upstream) in &upstreams {
            if !self
                .upstreams
                .get(name)
                .is_some_and(|known| Arc::ptr_eq(known, upstream))
            {
                self.tasks.spawn(Arc::clone(upstream).run());
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

    /// Applies `settings` completely or not at all.
    pub(crate) async fn reload(&mut self, settings: Config) -> Result<(), StartError> {
        let limits = Arc::new(settings.gateway);
        let upstreams = upstreams(settings.vspheres, &self.upstreams, &self.shared)?;
        let mut ports = Vec::new();
        for console in settings.consoles {
            ports.push(entrance(console, &upstreams, &limits, &self.shared)?);
        }
        let is_open = |port: &Arc<Entrance>| {
            let listen = port.listen;
            self.ports.iter().any(|open| open.listen == listen)
        };
        let (kept, new): (Vec<_>, Vec<_>) = ports.into_iter().partition(is_open);
        let mut fresh = self.bind_new(&new, &kept, settings.admin.as_ref()).await?;
        // Nothing below can fail.
        self.limits = limits;
        for open in &self.ports {
            let same_address = |port: &&Arc<Entrance>| port.listen == open.listen;
            match kept.iter().find(same_address) {
                Some(port) => drop(open.port.send_replace(Arc::clone(port))),
                None => open.closing.cancel(),
            }
        }
        self.ports.retain(|open| !open.closing.is_cancelled());
        self.adopt(upstreams);
        for port in new {
            if let Some(listener) = fresh.remove(&port.listen) {
                self.open(listener, port);
            }
        }
        self.reload_admin(settings.admin, fresh).await;
        self.web = settings.web.map(Arc::new);
        self.publish();
        info!(ports = self.ports.len(), "configuration applied");
        Ok(())
    }

    /// What the page sees after a reload.
    fn publish(&self) {
        let ports = self.ports.iter().map(|open| Port {
            entrance: Arc::clone(&open.port.borrow()),
            address: open.address,
        });
        self.page.publish(Current {
            web: self.web.clone(),
            ports: ports.collect(),
            upstreams: self.upstreams.clone(),
            limits: Arc::clone(&self.limits),
        });
    }

    /// Updates the token where `[admin]` keeps its address; else closes it and opens its new listener from `fresh`.
    async fn reload_admin(&mut self, admin: Option<Admin>, mut fresh: Bound) {
        match (admin, &self.admin) {
            (Some(admin), Some(open)) if open.listen == admin.listen => open.set_token(admin.token),
            (admin, _) => {
                if let Some(before) = self.admin.take() {
                    before.close().await;
                }
                let new = admin.and_then(|admin| Some((fresh.remove(&admin.listen)?, admin)));
                if let Some((listener, admin)) = new {
                    self.open_admin(listener, admin);
                }
            }
        }
    }

    /// Binds all new addresses or none. A listener that is removed and overlaps a new address, as 127.0.0.1:5901 does with
    /// 0.0.0.0:5901, is closed first and opened again if the bind fails: meanwhile its viewers are refused.
    async fn bind_new(
        &mut self,
        new: &[Arc<Entrance>],
        kept: &[Arc<Entrance>],
        admin: Option<&Admin>,
    ) -> Result<Bound, StartError> {
        let admin_before = self.admin.as_ref().map(|admin| admin.listen);
        let new_admin = admin.filter(|admin| admin_before != Some(admin.listen));
        let mut wanted: Vec<Wanted> = new.iter().map(|port| Wanted::port(port)).collect();
        wanted.extend(new_admin.map(Wanted::admin));
        let mut stays: Vec<SocketAddr> = kept.iter().map(|port| port.listen).collect();
        stays.extend(admin_before.filter(|_| new_admin.is_none() && admin.is_some()));
        let mut ours: Vec<SocketAddr> = self.ports.iter().map(|open| open.listen).collect();
        ours.extend(admin_before);
        let removed = ours
            .iter()
            .filter(|listen| !stays.contains(listen))
            .copied();
        let conflicting: Vec<SocketAddr> = removed
            .filter(|removed| wanted.iter().any(|new| may_overlap(removed, &new.listen)))
            .collect();
        let (blocked, clear): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|new| {
            conflicting
                .iter()
                .any(|other| may_overlap(other, &new.listen))
        });
        // Those without a conflict first: if one of them fails, nothing has been closed.
        let mut fresh = bind_all(clear, &mut ours).await?;
        let closed = self.close(&conflicting).await;
        ours.retain(|address| !conflicting.contains(address));
        match bind_all(blocked, &mut ours).await {
            Ok(bound) => {
                fresh.extend(bound);
                Ok(fresh)
            }
            Err(error) => {
                self.reopen(closed).await;
                Err(error)
            }
        }
    }

    /// Closes the listeners on `addresses`. When this returns, the addresses are free.
    async fn close(&mut self, addresses: &[SocketAddr]) -> (Vec<Arc<Entrance>>, Option<Admin>) {
        let closing = self
            .ports
            .extract_if(.., |open| addresses.contains(&open.listen));
        let mut closed = Vec::new();
        for open in closing.collect::<Vec<_>>() {
            closed.push(open.close().await);
        }
        let admin = match self
            .admin
            .take_if(|admin| addresses.contains(&admin.listen))
        {
            Some(admin) => Some(admin.close().await),
            None => None,
        };
        (closed, admin)
    }

    /// Opens closed listeners again. One whose address another program has taken meanwhile stays closed until a later reload.
    async fn reopen(&mut self, (ports, admin): (Vec<Arc<Entrance>>, Option<Admin>)) {
        let lost = |error| error!("cannot reopen a port: {error}");
        for port in ports {
            let Wanted { listen, what } = Wanted::port(&port);
            match bind(listen, &what, &[]).await {
                Ok(listener) => self.open(listener, port),
                Err(error) => lost(error),
            }
        }
        if let Some(admin) = admin {
            match bind(admin.listen, "[admin]", &[]).await {
                Ok(listener) => self.open_admin(listener, admin),
                Err(error) => lost(error),
            }
        }
    }

    /// Stops accepting, lets sessions continue until `drain_timeout` or `now`, then ends them.
    pub(crate) async fn end(mut self, now: &CancellationToken) {
        self.closing.cancel();
        self.page.closing.cancel();
        let (threads, drain_timeout) = (Arc::clone(&self.threads), self.limits.drain_timeout);
        let sessions = threads.sessions();
        if sessions > 0 {
            info!(sessions, seconds = drain_timeout.as_secs(), "draining");
        }
        // Whether drained, timed out or cancelled: the sessions that are left are ended below.
        let _ = now
            .run_until_cancelled(timeout(drain_timeout, threads.idle()))
            .await;
        self.shared.ended.cancel();
        threads.idle().await;
        self.adopt(Upstreams::new());
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Accepts viewers until `closing`, each with the port's current configuration. Sessions run on `threads`. The socket is
/// closed when this returns.
async fn listen(
    listener: TcpListener,
    current: watch::Receiver<Arc<Entrance>>,
    threads: Arc<SessionThreads>,
    closing: CancellationToken,
) {
    let listen = listener.local_addr().ok();
    let next = || accept(listen, || listener.accept());
    while let Some((socket, peer)) = closing.run_until_cancelled(next()).await {
        let port = Arc::clone(&current.borrow());
        let served = socket::prepare(&socket).and_then(|()| {
            threads.serve(socket, |socket| {
                Session::new(port, peer).run(connection::tcp(socket))
            })
        });
        if let Err(error) = served {
            debug!(viewer = %peer, "the viewer was gone before it was served ({error})");
        }
    }
}
