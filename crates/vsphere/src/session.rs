//! The one session with the endpoint: opened by whoever comes first, shared by all, renewed once it has ended.

mod login;

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

use crate::{
    Error, Settings,
    call::{Call, Calls},
    find::KeptView,
    service::ServiceContent,
    soap::Reference,
    transport::Patience,
};

use login::{Account, Login};

/// The session, open or not.
pub(crate) struct Session {
    account: Account,
    state: Mutex<State>,
    /// Each login is a task of its own: whoever began it may leave, and what it opened or was refused is known all the same.
    logins: TaskTracker,
    /// Sessions that were held to have ended and are logged out all the same.
    goodbyes: TaskTracker,
}

/// An open session; cheap to clone, and of no use once it has been renewed.
#[derive(Clone)]
pub(crate) struct Open {
    /// Tells this session from the ones before and after it.
    generation: u64,
    pub(crate) cookie: Arc<SecretString>,
    pub(crate) service: Arc<ServiceContent>,
    /// The view of all VMs below the root folder.
    pub(crate) view: Arc<KeptView>,
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
    /// Of the session that was opened last, or is being opened.
    generation: u64,
    phase: Phase,
    refused_at: Option<Instant>,
    /// What the endpoint said of itself; asked again after a login that failed, since another one may stand there now.
    service: Option<Arc<ServiceContent>>,
}

#[derive(Default)]
enum Phase {
    #[default]
    Closed,
    Opening(Login),
    Open(Open),
}

impl Session {
    pub(crate) fn new(settings: &Settings, calls: &Arc<Calls>) -> Arc<Self> {
        Arc::new(Self {
            account: Account::new(settings, Arc::clone(calls)),
            state: Mutex::default(),
            logins: TaskTracker::new(),
            goodbyes: TaskTracker::new(),
        })
    }

    /// Whose session it is.
    pub(crate) fn username(&self) -> &str {
        self.account.username()
    }

    /// The open session, or a new one. However many ask at once, there is one login, and all have its result.
    pub(crate) async fn open(self: &Arc<Self>) -> Result<Open, Error> {
        self.other_than(None).await
    }

    /// A session after `ended`: the one that somebody else has opened since, or a new one.
    pub(crate) async fn renew(self: &Arc<Self>, ended: &Open) -> Result<Open, Error> {
        self.other_than(Some(ended.generation)).await
    }

    /// Takes the session away, for logging out. A login that is under way is waited for until then, and broken off after it.
    pub(crate) async fn take(&self, until: Instant) -> Option<Open> {
        let login = match &self.state().phase {
            Phase::Opening(login) => Some(login.clone()),
            Phase::Closed | Phase::Open(_) => None,
        };
        if let Some(login) = login
            && timeout_at(until, login.outcome()).await.is_err()
        {
            login.break_off();
            // It may yet succeed before it notices.
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
    pub(crate) fn current(&self) -> Option<Open> {
        match &self.state().phase {
            Phase::Open(open) => Some(open.clone()),
            Phase::Closed | Phase::Opening(_) => None,
        }
    }

    /// Forgets this session, since it has ended; a newer one stays.
    pub(crate) fn ended(self: &Arc<Self>, ended: &Open) {
        let mut state = self.state();
        if matches!(&state.phase, Phase::Open(open) if open.generation == ended.generation) {
            self.close(&mut state);
        }
    }

    /// Ends that session at the endpoint, which must have been taken from here.
    pub(crate) async fn log_out(&self, taken: &Open, until: Instant) -> Result<(), Error> {
        self.account.log_out(taken, until).await
    }

    /// Waits until those that have ended are logged out, too.
    pub(crate) async fn all_parted(&self) {
        self.goodbyes.close();
        self.goodbyes.wait().await;
    }

    async fn other_than(self: &Arc<Self>, ended: Option<u64>) -> Result<Open, Error> {
        let login = {
            let mut state = self.state();
            match &state.phase {
                Phase::Open(open) if Some(open.generation) != ended => return Ok(open.clone()),
                Phase::Opening(login) if login.is_under_way() => login.clone(),
                _ => self.begin(&mut state)?,
            }
        };
        // Only an endpoint that does not answer has its login broken off.
        login
            .outcome()
            .await
            .unwrap_or_else(|| Err(self.account.timeout()))
    }

    /// Begins a login, unless the credentials were refused less than [`LOCKOUT`] ago.
    fn begin(self: &Arc<Self>, state: &mut State) -> Result<Login, Error> {
        self.close(state);
        if state.refused_at.is_some_and(|at| at.elapsed() < LOCKOUT) {
            return Err(self.account.invalid_login());
        }
        state.generation += 1;
        let (generation, service) = (state.generation, state.service.clone());
        let session = Arc::clone(self);
        let login = Login::begin(&self.logins, async move {
            let result = session.account.log_in(generation, service).await;
            session.settle(&result);
            result
        });
        state.phase = Phase::Opening(login.clone());
        Ok(login)
    }

    /// Forgets whatever session there is. That the endpoint knows nobody may be said of one call alone, and the session live
    /// on: it is logged out, so that none is left behind.
    fn close(self: &Arc<Self>, state: &mut State) {
        let Phase::Open(open) = mem::take(&mut state.phase) else {
            return;
        };
        let session = Arc::clone(self);
        self.goodbyes.spawn(async move {
            let until = Instant::now() + LOGOUT_PATIENCE;
            if session.account.log_out(&open, until).await.is_ok() {
                tracing::debug!(
                    username = session.username(),
                    "logged out of a session that was held to have ended"
                );
            }
        });
    }

    /// Remembers how the login ended, whether or not anybody waits for it.
    fn settle(&self, result: &Result<Open, Error>) {
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

/// A shutdown must not wait for an endpoint that is not there.
pub(crate) const LOGOUT_PATIENCE: Duration = Duration::from_secs(3);
