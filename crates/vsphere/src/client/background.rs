//! Background work: keep-alive calls for a session in use, logout of an unused one, updates of watched VMs and of the
//! inventory.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Client, has_ended};
use crate::usage::Due;
use crate::{service, transport::Deadline};

impl Client {
    /// The client's background work. Never returns; drop the future to stop it. Without it no session is kept alive or logged out
    /// before [`Client::logout`], and no [`crate::Watch`] or
    /// [`crate::Inventory`] is updated.
    pub async fn run(&self) {
        tokio::join!(
            self.keep_session(),
            self.follow_watched(),
            self.follow_inventory()
        );
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

    /// Makes a small call. A session that has ended is forgotten, so that the next caller logs in at once.
    async fn keep_alive(&self) {
        let Some(open) = self.session.current() else {
            return;
        };
        let this = service::service_instance();
        let deadline = Deadline::Call(Instant::now() + crate::transport::CALL_TIMEOUT);
        match self
            .calls
            .call(open.call("CurrentTime", &this, deadline), |_| {})
            .await
        {
            Ok(_) => self.usage.mark_kept_alive(),
            Err(failure) if has_ended(&failure) => self.session.forget(&open),
            Err(failure) => {
                let error = self.calls.explain(failure, self.session.username());
                tracing::debug!(vsphere = %self.name, %error, "not kept alive");
            }
        }
    }
}

/// How often the limits of ten minutes and one hour are checked.
const LOOK_AFTER: Duration = Duration::from_secs(60);
