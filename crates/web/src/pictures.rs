//! Pictures of what VMs show, for the list. They never take a console: each comes from the host's `/screen`, else from
//! CreateScreenshot_Task, and is kept for all users.

mod cache;
mod endpoint;
mod take;
mod thumbnail;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway::WebEntrance;
use gateway::settings::Web;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;
use vsphere::Error;

use crate::row::{PowerState, Row};
use cache::Cache;
pub(crate) use cache::{Asked, Picture};
use endpoint::Endpoint;
use take::{Failure, picture};

/// How long pictures that are being taken may delay the end of the program: their files are deleted in this time.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// The pictures of all VMs.
pub(crate) struct Pictures {
    /// Where pictures are taken: not on the threads of sessions.
    runtime: Handle,
    cache: Mutex<Cache>,
    endpoints: Mutex<HashMap<String, Arc<Endpoint>>>,
    tasks: TaskTracker,
    ended: CancellationToken,
}

impl Pictures {
    /// In a runtime, which is to take the pictures.
    pub(crate) fn new() -> Self {
        Self {
            runtime: Handle::current(),
            cache: Mutex::default(),
            endpoints: Mutex::default(),
            tasks: TaskTracker::new(),
            ended: CancellationToken::new(),
        }
    }

    /// Takes no further pictures, and waits for those that are being taken.
    pub(crate) async fn end(&self) {
        self.ended.cancel();
        self.tasks.close();
        // Files of those that take longer stay.
        let _ = timeout(END_TIMEOUT, self.tasks.wait()).await;
    }

    /// The last picture of a VM that is on. A new one is begun where it is time.
    pub(crate) fn ask(
        this: &Arc<Self>,
        entrance: &WebEntrance,
        web: &Arc<Web>,
        row: &Arc<Row>,
    ) -> Asked {
        let vsphere = row.vsphere.as_deref();
        let vsphere = vsphere.filter(|_| !web.thumbnail_every.is_zero());
        let (Some(vsphere), PowerState::On) = (vsphere, row.power) else {
            this.cache(|cache| cache.forget(&row.key));
            return Asked::default();
        };
        let endpoint = this.endpoint(vsphere);
        let may_take = !endpoint.rests() && !this.ended.is_cancelled();
        let asked = this.cache(|cache| cache.ask(&row.key, Instant::now(), may_take));
        if asked.take {
            let (this, web, row) = (Arc::clone(this), Arc::clone(web), Arc::clone(row));
            let job = Arc::clone(&this).take(entrance.clone(), web, row, endpoint);
            this.tasks.spawn_on(job, &this.runtime);
        }
        asked
    }

    /// Takes the picture of a VM when its turn comes. This is never cancelled, so that the file of CreateScreenshot_Task is
    /// deleted.
    async fn take(
        self: Arc<Self>,
        entrance: WebEntrance,
        web: Arc<Web>,
        row: Arc<Row>,
        endpoint: Arc<Endpoint>,
    ) {
        let (key, every) = (&row.key, web.thumbnail_every);
        let _turn = tokio::select! {
            turn = endpoint.turn(&row.host, web.thumbnails_per_host) => turn,
            () = self.ended.cancelled() => return,
        };
        let vspheres = entrance.vspheres();
        let upstream = row.vsphere.as_ref().and_then(|name| vspheres.get(name));
        let (Some(upstream), Some(vm), false) = (upstream, &row.vm, endpoint.rests()) else {
            return self.cache(|cache| cache.put_off(key));
        };
        let Some(by_task) = self.cache(|cache| cache.begin(key, Instant::now(), every)) else {
            return;
        };
        match picture(upstream.client(), vm, by_task, &endpoint).await {
            Ok((picture, by_task)) => {
                endpoint.succeeded();
                self.cache(|cache| cache.succeed(key, picture, Instant::now(), by_task));
            }
            Err(Failure::VSphere(error @ Error::Http { status: 503, .. })) => {
                if let Some(pause) = endpoint.overloaded() {
                    let (vsphere, seconds) = (upstream.client().name(), pause.as_secs());
                    warn!(vsphere, "no pictures of VMs for {seconds} s: {error}");
                }
                self.cache(|cache| cache.put_off(key));
            }
            Err(failure) => {
                let is_first = endpoint.failed();
                failure.log(upstream.client(), vm, is_first);
                self.cache(|cache| cache.fail(key, Instant::now(), every));
            }
        }
    }

    fn cache<T>(&self, work: impl FnOnce(&mut Cache) -> T) -> T {
        work(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn endpoint(&self, vsphere: &str) -> Arc<Endpoint> {
        let mut endpoints = self
            .endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let endpoint = endpoints.entry(vsphere.to_owned()).or_default();
        Arc::clone(endpoint)
    }
}
