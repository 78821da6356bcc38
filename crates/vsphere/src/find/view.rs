//! The view of all VMs below the root folder: made once in a session, and once more where it is gone.

use tokio::sync::Mutex;

use crate::{call::Failure, soap::Reference};

/// The view, if it is made; at the endpoint it lives as long as the session at most.
#[derive(Default)]
pub(crate) struct KeptView(Mutex<Option<Reference>>);

impl KeptView {
    /// The view; however many ask at once, it is made once.
    pub(super) async fn get_or_make<F>(
        &self,
        make: impl FnOnce() -> F,
    ) -> Result<Reference, Failure>
    where
        F: Future<Output = Result<Reference, Failure>>,
    {
        let mut view = self.0.lock().await;
        match &*view {
            Some(view) => Ok(view.clone()),
            None => Ok(view.insert(make().await?).clone()),
        }
    }

    /// That view is no more; one that somebody has made since stays.
    pub(super) async fn forget(&self, gone: &Reference) {
        self.0.lock().await.take_if(|view| view == gone);
    }
}
