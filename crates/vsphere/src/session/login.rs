//! Login and logout calls, and the login task whose result many callers may await.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::watch, task::AbortHandle, time::Instant};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::{
    call::{Call, CallError, Calls},
    error::Error,
    open_session::OpenSession,
    service::{self, ServiceContent},
    session_store::{SessionCookie, SessionStore},
    settings::Settings,
    transport::{CALL_TIMEOUT, Deadline},
};

/// The account, and the endpoint to log in at.
pub(super) struct Account {
    username: String,
    password: Option<SecretString>,
    store: Option<Arc<dyn SessionStore>>,
    calls: Arc<Calls>,
}

impl Account {
    pub(super) fn new(settings: &Settings, calls: Arc<Calls>) -> Self {
        Self {
            username: settings.username.clone(),
            password: settings.password.clone(),
            store: settings.sessions.clone(),
            calls,
        }
    }

    pub(super) fn username(&self) -> &str {
        &self.username
    }

    /// Opens a session within [`CALL_TIMEOUT`], not a caller's deadline, since many callers share a login: the stored session, else
    /// a new one. Retrieves ServiceContent where it is not known yet.
    pub(super) async fn log_in(
        &self,
        generation: u64,
        service: Option<Arc<ServiceContent>>,
    ) -> Result<OpenSession, Error> {
        let until = Instant::now() + CALL_TIMEOUT;
        let service = match service {
            Some(service) => service,
            None => Arc::new(self.calls.discover(until).await?),
        };
        let stored = self.stored(&service, until).await?;
        let is_new = stored.is_none();
        let cookie = match stored {
            Some(cookie) => cookie,
            None => self.cookie(&service, until).await?,
        };
        let event = if is_new {
            "logged in"
        } else {
            "using the stored session"
        };
        tracing::info!(address = self.calls.address(), username = %self.username, "{event}");
        let is_stored = !is_new || self.store.as_ref().is_some_and(|store| store.save(&cookie));
        Ok(OpenSession {
            generation,
            cookie,
            is_stored,
            service,
            view: Arc::default(),
            collectors: Arc::default(),
        })
    }

    /// The stored session, if the endpoint still knows it. A fault of any kind means that it does not: only a login helps then.
    async fn stored(
        &self,
        service: &ServiceContent,
        until: Instant,
    ) -> Result<Option<SessionCookie>, Error> {
        let Some(store) = &self.store else {
            return Ok(None);
        };
        let Some(cookie) = store.load() else {
            return Ok(None);
        };
        let call = Call {
            action: &service.action,
            method: "CurrentTime",
            this: &service::service_instance(),
            cookie: Some(&cookie),
            deadline: Deadline::Call(until),
        };
        match self.calls.call(call, |_| {}).await {
            Ok(_) => Ok(Some(cookie)),
            Err(CallError::Fault(_)) => {
                store.remove(&cookie);
                Ok(None)
            }
            Err(CallError::Error(error)) => Err(error),
        }
    }

    /// Ends the session at the endpoint.
    pub(super) async fn log_out(&self, open: &OpenSession, until: Instant) -> Result<(), Error> {
        let deadline = Deadline::Call(until);
        let call = open.call("Logout", &open.service.session_manager, deadline);
        let done = self.calls.call(call, |_| {}).await;
        done.map(drop)
            .map_err(|failure| self.calls.explain(failure, &self.username))
    }

    pub(super) fn refused_before(&self) -> Error {
        Error::RefusedBefore {
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
    ) -> Result<SessionCookie, Error> {
        let Some(password) = &self.password else {
            return Err(Error::PasswordNeeded {
                username: self.username.clone(),
                address: self.calls.address().to_owned(),
            });
        };
        let deadline = Deadline::Call(until);
        let logged_in = self
            .calls
            .log_in(service, &self.username, password.expose_secret(), deadline)
            .await;
        logged_in.map_err(|failure| self.calls.explain(failure, &self.username))
    }
}

/// A login, pending or done. Cheap to clone; dropping it does not cancel the task.
#[derive(Clone)]
pub(super) struct Login {
    outcome: watch::Receiver<Option<Result<OpenSession, Error>>>,
    task: AbortHandle,
}

impl Login {
    /// Spawns the login as a task on `tracker`.
    pub(super) fn begin(
        tracker: &TaskTracker,
        login: impl Future<Output = Result<OpenSession, Error>> + Send + 'static,
    ) -> Self {
        let (sender, outcome) = watch::channel(None);
        // Log lines of the task belong to the first caller's span.
        let login = login.in_current_span();
        let task = tracker.spawn(async move {
            let result = login.await;
            // The result does not matter: all callers may have been dropped.
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
    pub(super) async fn outcome(&self) -> Option<Result<OpenSession, Error>> {
        let mut outcome = self.outcome.clone();
        let outcome = outcome.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }

    /// Cancels the task at its next await.
    pub(super) fn cancel(&self) {
        self.task.abort();
    }
}
