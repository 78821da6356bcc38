//! Login and logout calls, and the login task whose result many callers may await.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::watch, task::AbortHandle, time::Instant};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::open::Open;
use crate::{
    call::Calls,
    error::Error,
    service::ServiceContent,
    settings::Settings,
    transport::{PATIENCE, Patience},
};

/// The account, and the endpoint to log in at.
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

    /// Opens a session within [`PATIENCE`], not a caller's deadline, since many callers share a login. Retrieves ServiceContent
    /// where it is not known yet.
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

/// A login, pending or done. Cheap to clone; dropping it does not cancel the task.
#[derive(Clone)]
pub(super) struct Login {
    outcome: watch::Receiver<Option<Result<Open, Error>>>,
    task: AbortHandle,
}

impl Login {
    /// Spawns the login as a task on `tracker`.
    pub(super) fn begin(
        tracker: &TaskTracker,
        login: impl Future<Output = Result<Open, Error>> + Send + 'static,
    ) -> Self {
        let (sender, outcome) = watch::channel(None);
        // Log lines of the task belong to the first caller's span.
        let login = login.in_current_span();
        let task = tracker.spawn(async move {
            let result = login.await;
            // Ignored on purpose: all callers may have been dropped.
            let _ = sender.send(Some(result));
        });
        Self {
            outcome,
            task: task.abort_handle(),
        }
    }

    /// Whether the task is still running, or has an outcome that this receiver has not seen.
    pub(super) fn is_under_way(&self) -> bool {
        self.outcome.has_changed().is_ok()
    }

    /// Waits for the outcome without a time limit; `None` where the login was cancelled.
    pub(super) async fn outcome(&self) -> Option<Result<Open, Error>> {
        let mut outcome = self.outcome.clone();
        let outcome = outcome.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }

    /// Cancels the task at its next await.
    pub(super) fn cancel(&self) {
        self.task.abort();
    }
}
