//! The API session: opened by the first caller, shared by all, renewed where it has ended.

mod login;

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

use crate::{
    call::Calls, error::Error, open_session::OpenSession, service::ServiceContent,
    settings::Settings,
};

use login::{Account, Login};

/// The session's state and its pending logins.
pub(crate) struct Session {
    account: Account,
    state: Mutex<State>,
    /// Logins are tasks, so that a caller which is dropped neither cancels a login nor loses its result.
    logins: TaskTracker,
    /// Logs out of sessions that an endpoint reported as ended.
    logouts: TaskTracker,
}

#[derive(Default)]
struct State {
    /// Of the latest session, open or being opened.
    generation: u64,
    phase: Phase,
    refused_at: Option<Instant>,
    /// The endpoint's ServiceContent. Read again after a failed login, since the endpoint may have been replaced.
    service: Option<Arc<ServiceContent>>,
}

#[derive(Default)]
enum Phase {
    #[default]
    Closed,
    Opening(Login),
    Open(OpenSession),
}

impl Session {
    pub(crate) fn new(settings: &Settings, calls: &Arc<Calls>) -> Arc<Self> {
        Arc::new(Self {
            account: Account::new(settings, Arc::clone(calls)),
            state: Mutex::default(),
            logins: TaskTracker::new(),
            logouts: TaskTracker::new(),
        })
    }

    /// The account's name.
    pub(crate) fn username(&self) -> &str {
        self.account.username()
    }

    /// The open session, or a new one. Concurrent callers share one login and its result.
    pub(crate) async fn open(self: &Arc<Self>) -> Result<OpenSession, Error> {
        self.other_than(None).await
    }

    /// A newer session than `ended`: one that another caller has opened since, or a new one.
    pub(crate) async fn renew(self: &Arc<Self>, ended: &OpenSession) -> Result<OpenSession, Error> {
        self.other_than(Some(ended.generation)).await
    }

    /// Takes the session, for logging out. A pending login is waited for until `until`, and cancelled then.
    pub(crate) async fn take(&self, until: Instant) -> Option<OpenSession> {
        let login = match &self.state().phase {
            Phase::Opening(login) => Some(login.clone()),
            Phase::Closed | Phase::Open(_) => None,
        };
        if let Some(login) = login
            && timeout_at(until, login.outcome()).await.is_err()
        {
            login.cancel();
            // The login may succeed before the task is cancelled.
            let _ = login.outcome().await;
        }
        let mut state = self.state();
        match mem::take(&mut state.phase) {
            Phase::Open(open) => Some(open),
            other => {
                state.phase = other;
                None
            }
        }
    }

    /// The session if it is open; never logs in.
    pub(crate) fn current(&self) -> Option<OpenSession> {
        match &self.state().phase {
            Phase::Open(open) => Some(open.clone()),
            Phase::Closed | Phase::Opening(_) => None,
        }
    }

    /// Forgets `ended`, since it has ended; a newer session is kept.
    pub(crate) fn forget(self: &Arc<Self>, ended: &OpenSession) {
        let mut state = self.state();
        if matches!(&state.phase, Phase::Open(open) if open.generation == ended.generation) {
            self.close(&mut state);
        }
    }

    /// Logs out of a session that [`take`](Self::take) returned.
    pub(crate) async fn log_out(&self, taken: &OpenSession, until: Instant) -> Result<(), Error> {
        self.account.log_out(taken, until).await
    }

    /// Waits for all pending logouts.
    pub(crate) async fn all_logged_out(&self) {
        self.logouts.close();
        self.logouts.wait().await;
    }

    async fn other_than(self: &Arc<Self>, ended: Option<u64>) -> Result<OpenSession, Error> {
        let login = {
            let mut state = self.state();
            match &state.phase {
                Phase::Open(open) if Some(open.generation) != ended => return Ok(open.clone()),
                Phase::Opening(login) if login.is_under_way() => login.clone(),
                _ => self.begin(&mut state)?,
            }
        };
        // There is no outcome only where `take` has cancelled the login of an endpoint that did not answer.
        login
            .outcome()
            .await
            .unwrap_or_else(|| Err(self.account.timeout()))
    }

    /// Begins a login, unless the credentials were refused less than [`LOCKOUT`] ago.
    fn begin(self: &Arc<Self>, state: &mut State) -> Result<Login, Error> {
        self.close(state);
        if state.refused_at.is_some_and(|at| at.elapsed() < LOCKOUT) {
            return Err(self.account.refused_before());
        }
        state.generation += 1;
        let (generation, service) = (state.generation, state.service.clone());
        let session = Arc::clone(self);
        let login = Login::begin(&self.logins, async move {
            let result = session.account.log_in(generation, service).await;
            session.store(&result);
            result
        });
        state.phase = Phase::Opening(login.clone());
        Ok(login)
    }

    /// Forgets the session and logs out of it: an endpoint may answer NotAuthenticated to a single call while the session still
    /// exists, which would then be leaked.
    fn close(self: &Arc<Self>, state: &mut State) {
        let Phase::Open(open) = mem::take(&mut state.phase) else {
            return;
        };
        if open.is_stored {
            // Other programs may be using it; the next login finds out whether it has ended.
            return;
        }
        let session = Arc::clone(self);
        self.logouts.spawn(async move {
            let until = Instant::now() + LOGOUT_TIMEOUT;
            if session.account.log_out(&open, until).await.is_ok() {
                tracing::debug!(
                    username = session.username(),
                    "logged out of a session that the endpoint reported as ended"
                );
            }
        });
    }

    /// Stores the result of a login.
    fn store(&self, result: &Result<OpenSession, Error>) {
        let mut state = self.state();
        match result {
            Ok(open) => {
                state.service = Some(Arc::clone(&open.service));
                state.phase = Phase::Open(open.clone());
                state.refused_at = None;
            }
            Err(error) => {
                if matches!(error, Error::InvalidLogin { .. }) {
                    state.refused_at = Some(Instant::now());
                }
                state.service = None;
                state.phase = Phase::Closed;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// vCenter locks an account for five minutes after five failures by default, ESXi for fifteen: one attempt in ten minutes
/// keeps below both.
const LOCKOUT: Duration = Duration::from_secs(600);

/// A shutdown must not wait for an endpoint that does not answer.
pub(crate) const LOGOUT_TIMEOUT: Duration = Duration::from_secs(3);
