//! One login: who logs in and out, and the task that many may wait for and any of them may leave.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::watch, task::AbortHandle, time::Instant};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::Open;
use crate::{Error, PATIENCE, Settings, call::Calls, service::ServiceContent, transport::Patience};

/// Who logs in, and where.
pub(super) struct Account {
    username: String,
    password: SecretString,
    calls: Arc<Calls>,
}

impl Account {
    pub(super) fn new(settings: &Settings, calls: Arc<Calls>) -> Self {
        Self {
            username: settings.username.clone(),
            password: settings.password.clone(),
            calls,
        }
    }

    pub(super) fn username(&self) -> &str {
        &self.username
    }

    /// Opens a session, within [`PATIENCE`]: a login serves many, and none of their deadlines is its own. What the endpoint
    /// is gets asked where that is not known.
    pub(super) async fn log_in(
        &self,
        generation: u64,
        service: Option<Arc<ServiceContent>>,
    ) -> Result<Open, Error> {
        let until = Instant::now() + PATIENCE;
        let service = match service {
            Some(service) => service,
            None => Arc::new(self.calls.discover(until).await?),
        };
        let cookie = self.cookie(&service, until).await?;
        tracing::info!(address = self.calls.address(), username = %self.username, "logged in");
        Ok(Open {
            generation,
            cookie: Arc::new(cookie),
            service,
            view: Arc::default(),
        })
    }

    /// Ends the session at the endpoint.
    pub(super) async fn log_out(&self, open: &Open, until: Instant) -> Result<(), Error> {
        let patience = Patience::Until(until);
        let call = open.call("Logout", &open.service.session_manager, patience);
        let done = self.calls.call(call, |_| {}).await;
        done.map(drop)
            .map_err(|failure| self.calls.explain(failure, &self.username))
    }

    pub(super) fn invalid_login(&self) -> Error {
        Error::InvalidLogin {
            username: self.username.clone(),
            address: self.calls.address().to_owned(),
        }
    }

    pub(super) fn timeout(&self) -> Error {
        Error::Timeout {
            address: self.calls.address().to_owned(),
        }
    }

    async fn cookie(
        &self,
        service: &ServiceContent,
        until: Instant,
    ) -> Result<SecretString, Error> {
        let password = self.password.expose_secret();
        let patience = Patience::Until(until);
        let logged_in = self
            .calls
            .log_in(service, &self.username, password, patience)
            .await;
        logged_in.map_err(|failure| self.calls.explain(failure, &self.username))
    }
}

/// A login that is under way or has ended; cheap to clone. Dropping it ends nothing.
#[derive(Clone)]
pub(super) struct Login {
    outcome: watch::Receiver<Option<Result<Open, Error>>>,
    task: AbortHandle,
}

impl Login {
    /// Begins it, in a task that `tracker` knows.
    pub(super) fn begin(
        tracker: &TaskTracker,
        login: impl Future<Output = Result<Open, Error>> + Send + 'static,
    ) -> Self {
        let (sender, outcome) = watch::channel(None);
        // What is logged belongs to whoever asked for it first.
        let login = login.in_current_span();
        let task = tracker.spawn(async move {
            let result = login.await;
            // Everybody may have left.
            let _ = sender.send(Some(result));
        });
        Self {
            outcome,
            task: task.abort_handle(),
        }
    }

    /// Whether an outcome can still come, or has come just now.
    pub(super) fn is_under_way(&self) -> bool {
        self.outcome.has_changed().is_ok()
    }

    /// Waits for the outcome, for as long as it takes; there is none where the login was broken off.
    pub(super) async fn outcome(&self) -> Option<Result<Open, Error>> {
        let mut outcome = self.outcome.clone();
        let outcome = outcome.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }

    /// Ends it as soon as it waits for anything.
    pub(super) fn break_off(&self) {
        self.task.abort();
    }
}
