//! Leaves a session that outlives the client.

use tokio::time::{Instant, timeout_at};

use super::Client;
use crate::{
    open_session::OpenSession,
    property_collector::{PropertyCollector, destroy},
};

impl Client {
    /// Destroys what this client has created in the session: it would add up there until the session ends.
    pub(super) async fn release(&self, open: &OpenSession, until: Instant) {
        let released = async {
            for collector in open.collectors.take() {
                PropertyCollector::of(&self.calls, open, collector)
                    .destroy()
                    .await;
            }
            if let Some(view) = open.view.take().await {
                // The session may have ended meanwhile, and its view with it.
                let _ = destroy(&self.calls, open, "DestroyView", &view).await;
            }
        };
        // What is left then ends with the session.
        let _ = timeout_at(until, released).await;
        tracing::info!(vsphere = %self.name, "the session stays open");
    }
}
