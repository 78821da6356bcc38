//! What is served now, as the page sees it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use console::upstream::Upstream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::entrance::Entrance;
use crate::settings::Web;
use crate::settings::limits::Limits;

/// The vSpheres by their names in the configuration.
pub(crate) type Upstreams = BTreeMap<String, Arc<Upstream>>;

/// What is served now; replaced as a whole by a reload.
#[derive(Default)]
pub(crate) struct Current {
    pub(crate) web: Option<Arc<Web>>,
    pub(crate) ports: Vec<Port>,
    pub(crate) upstreams: Upstreams,
    pub(crate) limits: Arc<Limits>,
}

/// Tells every [`WebEntrance`](crate::WebEntrance) what is served.
#[derive(Default)]
pub(crate) struct Publisher {
    current: watch::Sender<Arc<Current>>,
    /// Cancelled when no new viewers are accepted.
    pub(crate) closing: CancellationToken,
}

impl Publisher {
    pub(crate) fn publish(&self, current: Current) {
        self.current.send_replace(Arc::new(current));
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<Current>> {
        self.current.subscribe()
    }
}

/// A port that is bound.
#[derive(Clone)]
pub(crate) struct Port {
    pub(crate) entrance: Arc<Entrance>,
    /// The bound address.
    pub(crate) address: SocketAddr,
}
