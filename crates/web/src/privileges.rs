//! What the account of a vSphere may do with the power of a VM, asked once a minute at most.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::debug;
use vsphere::{Client, Error};

use crate::action::Action;

/// How long an answer holds.
const LIFETIME: Duration = Duration::from_secs(60);

/// How long a page waits for the answer. Without one, its buttons are shown, and the attempt tells.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most answers that are kept.
const MAX: usize = 4096;

/// The privileges that an account lacks on a VM.
pub(crate) type Missing = Arc<BTreeSet<&'static str>>;

/// The answers, by the vSphere's name and the managed object id.
#[derive(Default)]
pub(crate) struct Privileges(Mutex<HashMap<(String, String), Answer>>);

struct Answer {
    missing: Missing,
    at: Instant,
}

impl Privileges {
    /// The privileges that the account of `client` lacks on a VM, as far as it is known.
    pub(crate) async fn missing(&self, client: &Client, vsphere: &str, moref: &str) -> Missing {
        let key = (vsphere.to_owned(), moref.to_owned());
        if let Some(missing) = self.lock().get(&key).and_then(Answer::if_fresh) {
            return missing;
        }
        let privileges = Action::ALL.map(Action::privilege);
        let missing = match timeout(PATIENCE, client.may(moref, &privileges)).await {
            Ok(Ok(may)) => privileges.into_iter().zip(may),
            Ok(Err(Error::NotSupported { .. })) => privileges.into_iter().zip(Vec::new()),
            Ok(Err(error)) => {
                debug!(vsphere, "the privileges on a VM are not known: {error}");
                return Missing::default();
            }
            Err(_) => return Missing::default(),
        };
        let missing = missing.filter(|(_, may)| !may);
        let missing = Missing::new(missing.map(|(privilege, _)| privilege).collect());
        self.keep(key, Arc::clone(&missing));
        missing
    }

    fn keep(&self, key: (String, String), missing: Missing) {
        let mut answers = self.lock();
        if answers.len() >= MAX {
            answers.retain(|_, answer| answer.if_fresh().is_some());
        }
        if answers.len() < MAX {
            let at = Instant::now();
            answers.insert(key, Answer { missing, at });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answer {
    fn if_fresh(&self) -> Option<Missing> {
        let is_fresh = self.at.elapsed() < LIFETIME;
        is_fresh.then(|| Arc::clone(&self.missing))
    }
}
