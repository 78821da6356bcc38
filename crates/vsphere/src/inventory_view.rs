//! The ContainerView of all VMs below the root folder, with their folders and hosts, created once in a session, and again
//! where it no longer exists.

use tokio::sync::Mutex;

use crate::reference::Reference;

/// The view, once it is created; the endpoint destroys it with the session.
#[derive(Default)]
pub(crate) struct ContainerView(Mutex<Option<Reference>>);

impl ContainerView {
    /// The view; concurrent callers share one creation.
    pub(crate) async fn get_or_make<F, E>(&self, make: impl FnOnce() -> F) -> Result<Reference, E>
    where
        F: Future<Output = Result<Reference, E>>,
    {
        let mut view = self.0.lock().await;
        match &*view {
            Some(view) => Ok(view.clone()),
            None => Ok(view.insert(make().await?).clone()),
        }
    }

    /// Takes the view, to destroy it.
    pub(super) async fn take(&self) -> Option<Reference> {
        self.0.lock().await.take()
    }

    /// Forgets `view`, which no longer exists; a newer one is kept.
    pub(crate) async fn forget(&self, gone: &Reference) {
        self.0.lock().await.take_if(|view| view == gone);
    }
}
