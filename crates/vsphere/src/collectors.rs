//! The PropertyCollectors that a session has at the endpoint, to be destroyed where the session outlives the client.

use std::sync::{Mutex, PoisonError};

use crate::reference::Reference;

/// Created and not destroyed yet.
#[derive(Default)]
pub(crate) struct Collectors(Mutex<Vec<Reference>>);

impl Collectors {
    pub(crate) fn add(&self, created: Reference) {
        self.lock().push(created);
    }

    pub(crate) fn remove(&self, destroyed: &Reference) {
        self.lock().retain(|collector| collector != destroyed);
    }

    pub(crate) fn take(&self) -> Vec<Reference> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Reference>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
