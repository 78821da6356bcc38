//! Updates of the inventory: one PropertyCollector with one filter on one view, and one pending `WaitForUpdatesEx`.

use std::time::Duration;

use tokio::{sync::watch, time::timeout};

use super::Client;
use crate::{
    call::CallError,
    error::Error,
    fault::FaultKind,
    inventory::tree::{PROPERTIES, Tree},
    open_session::OpenSession,
    property::{self, MAX_OBJECTS, ObjectSet},
    property_collector::{FIRST_PAUSE, LONGEST_PAUSE, PropertyCollector, Updates, WAIT},
    transport::CALL_TIMEOUT,
    xml::Element,
};

/// The number of readers of the inventory.
type Readers = watch::Receiver<usize>;

impl Client {
    /// Follows the inventory across sessions while it has readers; never returns.
    pub(super) async fn follow_inventory(&self) {
        let mut readers = self.inventory.readers();
        let mut pause = FIRST_PAUSE;
        loop {
            wait_for(&mut readers, |readers| readers > 0).await;
            let followed = self.list_in_session(&mut readers, &mut pause).await;
            if let Err(error) = followed {
                tracing::debug!(vsphere = %self.name, %error, "not following the inventory");
                self.inventory.fail(error);
                let unread = timeout(pause, wait_for(&mut readers, |readers| readers == 0)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                if unread.is_err() {
                    continue;
                }
            }
            self.inventory.clear();
        }
    }

    /// Returns when nobody reads the inventory any more, or when the session has ended.
    async fn list_in_session(
        &self,
        readers: &mut Readers,
        pause: &mut Duration,
    ) -> Result<(), Error> {
        let open = self.session.open().await?;
        let listed = self.list(&open, readers, pause).await;
        listed.map_err(|failure| self.failed_in(&open, failure))
    }

    async fn list(
        &self,
        open: &OpenSession,
        readers: &mut Readers,
        pause: &mut Duration,
    ) -> Result<(), CallError> {
        let collector = PropertyCollector::create(&self.calls, open).await?;
        let listed = match self.filter_inventory(open, &collector).await {
            Ok(()) => self.list_with(open, &collector, readers, pause).await,
            Err(failure) => Err(failure),
        };
        collector.destroy().await;
        listed
    }

    async fn filter_inventory(
        &self,
        open: &OpenSession,
        collector: &PropertyCollector<'_>,
    ) -> Result<(), CallError> {
        let until = tokio::time::Instant::now() + CALL_TIMEOUT;
        let view = self.finder(open, until).view().await?;
        let source = ObjectSet::View(&view);
        let made = collector.filter(&source, &PROPERTIES).await;
        if let Err(CallError::Fault(fault)) = &made
            && fault.kind == FaultKind::ManagedObjectNotFound
        {
            // Where the view has been destroyed, the next attempt creates another.
            open.view.forget(&view).await;
        }
        made.map(drop)
    }

    async fn list_with(
        &self,
        open: &OpenSession,
        collector: &PropertyCollector<'_>,
        readers: &mut Readers,
        pause: &mut Duration,
    ) -> Result<(), CallError> {
        let mut tree = Tree::new(open.service.root_folder.clone());
        let mut version = String::new();
        // An account that can see nothing gets no first update: the first wait does not wait for one.
        let mut longest = Duration::ZERO;
        loop {
            let most = Some(MAX_UPDATES);
            let waited = tokio::select! {
                waited = collector.wait(&version, longest, most) => waited,
                () = wait_for(readers, |readers| readers == 0) => {
                    collector.cancel().await;
                    return Ok(());
                }
            };
            self.usage.mark_kept_alive();
            match waited? {
                Updates::Set(updates) => {
                    self.apply(&mut tree, &updates)?;
                    version = updates.text_of("version").unwrap_or_default().to_owned();
                    if updates.text_of("truncated") == Some("true") {
                        continue;
                    }
                }
                Updates::Nothing => {}
                // The tree is not reported, so that readers are told of what has changed only.
                Updates::StartOver => {
                    tree = Tree::new(open.service.root_folder.clone());
                    version.clear();
                    tokio::time::sleep(*pause).await;
                    continue;
                }
            }
            self.inventory.report(&mut tree);
            longest = WAIT;
            *pause = FIRST_PAUSE;
        }
    }

    /// Applies an `UpdateSet`. What the endpoint reports is kept, so that it may not be endless.
    fn apply(&self, tree: &mut Tree, updates: &Element) -> Result<(), CallError> {
        let objects = updates
            .children("filterSet")
            .flat_map(|filter| filter.children("objectSet"));
        for object in objects {
            property::check_session(object)?;
            tree.apply(object);
            if tree.len() > MAX_OBJECTS {
                return Err(self
                    .calls
                    .malformed(format!("it lists more than {MAX_OBJECTS} objects"))
                    .into());
            }
        }
        Ok(())
    }
}

async fn wait_for(readers: &mut Readers, wanted: impl Fn(usize) -> bool) {
    // The result does not matter: the client owns the sender, so that this cannot fail.
    let _ = readers.wait_for(|readers| wanted(*readers)).await;
}

/// `maxObjectUpdates`: some 700 kB. A server that ignores it sends 5,000 VMs in 10 MB, which is within the limits of an answer.
const MAX_UPDATES: usize = 500;
