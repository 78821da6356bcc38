//! What a client does when nobody asks: keep a session that is in use, give back one that is not, follow watched VMs.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Client, has_ended, usage::Due};
use crate::{service, transport::Patience};

impl Client {
    /// The client's work in the background; it never ends, drop it to stop. Without it nothing is kept alive, nothing is
    /// given back before [`Client::logout`], and no [`crate::Watch`] learns anything.
    pub async fn run(&self) {
        tokio::join!(self.keep_session(), self.follow_watched());
    }

    async fn keep_session(&self) {
        loop {
            sleep(LOOK_AFTER).await;
            match self.usage.due() {
                Due::Nothing => {}
                Due::KeepAlive => self.keep_alive().await,
                Due::LogOut => self.logout().await,
            }
        }
    }

    /// One cheap call; a session that has ended is forgotten, so that the next user logs in at once.
    async fn keep_alive(&self) {
        let Some(open) = self.session.current() else {
            return;
        };
        let this = service::service_instance();
        let patience = Patience::Until(Instant::now() + super::PATIENCE);
        match self
            .calls
            .call(open.call("CurrentTime", &this, patience), |_| {})
            .await
        {
            Ok(_) => self.usage.heard(),
            Err(failure) if has_ended(&failure) => self.session.ended(&open),
            Err(failure) => {
                let error = self.calls.explain(failure, self.session.username());
                tracing::debug!(vsphere = %self.name, %error, "not kept alive");
            }
        }
    }
}

/// Fine enough for limits of ten minutes and an hour.
const LOOK_AFTER: Duration = Duration::from_secs(60);
