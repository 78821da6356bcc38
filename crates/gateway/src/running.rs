//! A gateway that serves: its ports, what a new configuration makes of them, and its end.

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
use crate::entrance::Entrance;
use crate::listener::accepted;
use crate::overlap::may_overlap;
use crate::session::Session;
use crate::session_threads::SessionThreads;
use crate::settings::{Admin, Config, Limits};
use crate::shared::Shared;
use crate::start_error::StartError;
use crate::wiring::{Upstreams, entrance, upstreams};

/// What a gateway consists of before it serves: bound listeners, and what their sessions will use.
pub(crate) struct Parts {
    pub(crate) ports: Vec<(TcpListener, Arc<Entrance>)>,
    pub(crate) admin: Option<(TcpListener, Admin)>,
    pub(crate) upstreams: Upstreams,
    pub(crate) limits: Arc<Limits>,
    pub(crate) shared: Shared,
    pub(crate) threads: SessionThreads,
}

/// A gateway that serves.
pub(crate) struct Running {
    ports: Vec<OpenPort>,
    /// Where metrics are served, where they are.
    admin: Option<OpenAdmin>,
    upstreams: Upstreams,
    limits: Arc<Limits>,
    shared: Shared,
    threads: Arc<SessionThreads>,
    /// Cancelled when no new viewers are taken.
    closing: CancellationToken,
    /// The accept loops and what the vSpheres do in the background.
    tasks: TaskTracker,
}

/// A port that is being listened on.
struct OpenPort {
    listen: SocketAddr,
    port: watch::Sender<Arc<Entrance>>,
    closing: CancellationToken,
    accepting: JoinHandle<()>,
}

impl OpenPort {
    /// Takes no more viewers. When this returns, the address is free; sessions go on.
    async fn close(self) -> Arc<Entrance> {
        self.closing.cancel();
        // An accept loop that has panicked has closed its socket likewise.
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
        } = parts;
        let tasks = TaskTracker::new();
        let mut running = Self {
            ports: Vec::new(),
            admin: None,
            upstreams: Upstreams::new(),
            limits,
            shared,
            threads: Arc::new(threads),
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

    /// It stays up while the gateway drains: that is when somebody looks.
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

    /// Those that are new begin; those that are gone end when their last session does.
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

    /// Takes `config` over whole, or not at all.
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
        // From here on nothing can fail.
        self.limits = limits;
        for open in &self.ports {
            let listens_there = |port: &&Arc<Entrance>| port.listen == open.listen;
            match kept.iter().find(listens_there) {
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
        self.take_over_admin(settings.admin, fresh).await;
        info!(ports = self.ports.len(), "configuration taken over");
        Ok(())
    }

    /// Goes on, with the token of now; moves to its new listener, which is in `fresh`; or ends.
    async fn take_over_admin(&mut self, admin: Option<Admin>, mut fresh: Bound) {
        match (admin, &self.admin) {
            (Some(admin), Some(open)) if open.listen == admin.listen => open.ask_for(admin.token),
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

    /// Binds what is new: all of it, or nothing. Listeners that are neither kept nor leave room for a new one, as
    /// 127.0.0.1:5901 where 0.0.0.0:5901 is to come, are closed first; where it comes to nothing they are opened again, and
    /// only viewers of that moment were turned away.
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
        let leaving = ours
            .iter()
            .filter(|listen| !stays.contains(listen))
            .copied();
        let in_the_way: Vec<SocketAddr> = leaving
            .filter(|leaving| wanted.iter().any(|new| may_overlap(leaving, &new.listen)))
            .collect();
        let (crossed, clear): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|new| {
            in_the_way
                .iter()
                .any(|other| may_overlap(other, &new.listen))
        });
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
                self.open_again(closed).await;
                Err(error)
            }
        }
    }

    /// Listens there no more. When this returns, the addresses are free.
    async fn close(&mut self, addresses: &[SocketAddr]) -> (Vec<Arc<Entrance>>, Option<Admin>) {
        let going = self
            .ports
            .extract_if(.., |open| addresses.contains(&open.listen));
        let mut closed = Vec::new();
        for open in going.collect::<Vec<_>>() {
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

    /// Where somebody else was quicker, a later configuration may have it again.
    async fn open_again(&mut self, (ports, admin): (Vec<Arc<Entrance>>, Option<Admin>)) {
        let lost = |error| error!("a port that was open is lost: {error}");
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
        self.shared.ended.cancel();
        threads.idle().await;
        self.adopt(Upstreams::new());
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Takes viewers in until `closing`, when the socket is closed before this ends; each as the port is configured at that moment. Sessions run
/// on `threads`.
async fn listen(
    listener: TcpListener,
    current: watch::Receiver<Arc<Entrance>>,
    threads: Arc<SessionThreads>,
    closing: CancellationToken,
) {
    let listen = listener.local_addr().ok();
    let next = || accepted(listen, || listener.accept());
    while let Some((socket, peer)) = closing.run_until_cancelled(next()).await {
        let port = Arc::clone(&current.borrow());
        let served = socket::prepare(&socket)
            .and_then(|()| threads.serve(socket, |socket| Session::new(port, peer).run(socket)));
        if let Err(error) = served {
            debug!(viewer = %peer, "the viewer was gone before it was served ({error})");
        }
    }
}
