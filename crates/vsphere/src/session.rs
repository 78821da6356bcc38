//! The one session with the endpoint: opened by whoever comes first, shared by all, renewed once it has ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::{Mutex, OnceCell},
    time::Instant,
};

use crate::{
    Error, Settings,
    call::{Call, Calls, Failure},
    fault,
    service::ServiceContent,
    soap::Reference,
    transport::Patience,
};

/// The session, open or not.
pub(crate) struct Session {
    username: String,
    password: SecretString,
    state: Mutex<State>,
    /// How many logins have failed; read before the lock is taken, see [`Session::settled`].
    failed: AtomicU64,
}

/// An open session; cheap to clone, and of no use once it has been renewed.
#[derive(Clone)]
pub(crate) struct Open {
    /// Tells this session from the ones before and after it.
    generation: u64,
    pub(crate) cookie: Arc<SecretString>,
    pub(crate) service: Arc<ServiceContent>,
    /// The view of all VMs below the root folder; it lives as long as the session on the server's side.
    pub(crate) view: Arc<OnceCell<Reference>>,
}

impl Open {
    /// A call in this session.
    pub(crate) fn call<'a>(
        &'a self,
        method: &'static str,
        this: &'a Reference,
        patience: Patience,
    ) -> Call<'a> {
        Call {
            action: &self.service.action,
            method,
            this,
            cookie: Some(&self.cookie),
            patience,
        }
    }
}

#[derive(Default)]
struct State {
    generation: u64,
    open: Option<Open>,
    last_failure: Option<Error>,
    refused_at: Option<Instant>,
    /// What the endpoint said of itself; asked again after a login that failed, since another one may stand there now.
    service: Option<Arc<ServiceContent>>,
}

impl Session {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            username: settings.username.clone(),
            password: settings.password.clone(),
            state: Mutex::default(),
            failed: AtomicU64::new(0),
        }
    }

    /// Whose session it is.
    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    /// The open session, or a new one. However many ask at once, one logs in and all have its result.
    pub(crate) async fn open(&self, calls: &Calls, until: Instant) -> Result<Open, Error> {
        let failed_before = self.failed.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if let Some(open) = &state.open {
            return Ok(open.clone());
        }
        self.settled(&state, failed_before, calls)?;
        self.log_in(&mut state, calls, until).await
    }

    /// A session after `ended`: the one that somebody else has opened since, or a new one.
    pub(crate) async fn renew(
        &self,
        ended: &Open,
        calls: &Calls,
        until: Instant,
    ) -> Result<Open, Error> {
        let failed_before = self.failed.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        match &state.open {
            Some(open) if open.generation != ended.generation => return Ok(open.clone()),
            _ => state.open = None,
        }
        self.settled(&state, failed_before, calls)?;
        self.log_in(&mut state, calls, until).await
    }

    /// Takes the session away, for logging out.
    pub(crate) async fn take(&self) -> Option<Open> {
        self.state.lock().await.open.take()
    }

    /// The session if it is open; never logs in.
    pub(crate) async fn current(&self) -> Option<Open> {
        self.state.lock().await.open.clone()
    }

    /// Forgets this session, since it has ended; a newer one stays.
    pub(crate) async fn ended(&self, ended: &Open) {
        let mut state = self.state.lock().await;
        if state
            .open
            .as_ref()
            .is_some_and(|open| open.generation == ended.generation)
        {
            state.open = None;
        }
    }

    /// Whether the question has been answered while the caller waited for the lock, or for good: a login that failed in
    /// the meantime has failed for all who waited, and wrong credentials are not sent again for [`LOCKOUT`].
    fn settled(&self, state: &State, failed_before: u64, calls: &Calls) -> Result<(), Error> {
        if state.refused_at.is_some_and(|at| at.elapsed() < LOCKOUT) {
            return Err(self.invalid_login(calls));
        }
        match &state.last_failure {
            Some(error) if self.failed.load(Ordering::Acquire) != failed_before => {
                Err(error.clone())
            }
            _ => Ok(()),
        }
    }

    async fn log_in(
        &self,
        state: &mut State,
        calls: &Calls,
        until: Instant,
    ) -> Result<Open, Error> {
        match self.try_log_in(state, calls, until).await {
            Ok(open) => {
                state.generation = open.generation;
                state.open = Some(open.clone());
                state.refused_at = None;
                tracing::info!(address = calls.address(), username = %self.username, "logged in");
                Ok(open)
            }
            Err(error) => {
                if matches!(error, Error::InvalidLogin { .. }) {
                    state.refused_at = Some(Instant::now());
                }
                state.last_failure = Some(error.clone());
                state.service = None;
                self.failed.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }

    async fn try_log_in(
        &self,
        state: &mut State,
        calls: &Calls,
        until: Instant,
    ) -> Result<Open, Error> {
        let service = match &state.service {
            Some(service) => Arc::clone(service),
            None => Arc::new(calls.discover(until).await?),
        };
        state.service = Some(Arc::clone(&service));
        let logged_in = calls
            .log_in(
                &service,
                &self.username,
                self.password.expose_secret(),
                Patience::Until(until),
            )
            .await;
        let cookie = match logged_in {
            Ok(cookie) => cookie,
            Err(Failure::Fault(fault)) if fault.kind == fault::Kind::InvalidLogin => {
                return Err(self.invalid_login(calls));
            }
            Err(failure) => return Err(calls.explain(failure, &self.username)),
        };
        Ok(Open {
            generation: state.generation + 1,
            cookie: Arc::new(cookie),
            service,
            view: Arc::default(),
        })
    }

    fn invalid_login(&self, calls: &Calls) -> Error {
        Error::InvalidLogin {
            username: self.username.clone(),
            address: calls.address().to_owned(),
        }
    }
}

/// vCenter locks an account for five minutes after five failures by default, ESXi for fifteen: one attempt in ten minutes
/// keeps below both.
const LOCKOUT: Duration = Duration::from_secs(600);
