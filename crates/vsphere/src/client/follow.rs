//! Updates of watched VMs: one PropertyCollector, one filter for each VM, one pending `WaitForUpdatesEx`.

use std::{collections::HashMap, time::Duration};

use tokio::{sync::watch, time::sleep};

use super::Client;
use crate::{
    call::CallError,
    error::Error,
    fault::{Fault, FaultKind},
    open_session::OpenSession,
    property::ObjectSet,
    property_collector::{FIRST_PAUSE, LONGEST_PAUSE, PropertyCollector, Updates, WAIT},
    reference::Reference,
    watch::VmState,
};

impl Client {
    /// Follows the watched VMs across sessions; never returns.
    pub(super) async fn follow_watched(&self) {
        let mut changes = self.watched.changes();
        let mut pause = FIRST_PAUSE;
        loop {
            while self.watched.ids().is_empty() {
                // The result does not matter: `self` owns the sender, so this cannot fail.
                let _ = changes.changed().await;
            }
            match self.follow_in_session(&mut changes).await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::debug!(vsphere = %self.name, %error, "not watching");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Returns when no VM is watched any more, or when the session has ended.
    async fn follow_in_session(&self, changes: &mut watch::Receiver<()>) -> Result<(), Error> {
        let open = self.session.open().await?;
        let followed = self.follow(&open, changes).await;
        followed.map_err(|failure| self.failed_in(&open, failure))
    }

    async fn follow(
        &self,
        open: &OpenSession,
        changes: &mut watch::Receiver<()>,
    ) -> Result<(), CallError> {
        let collector = PropertyCollector::create(&self.calls, open).await?;
        let result = self.follow_with(&collector, changes).await;
        collector.destroy().await;
        result
    }

    async fn follow_with(
        &self,
        collector: &PropertyCollector<'_>,
        changes: &mut watch::Receiver<()>,
    ) -> Result<(), CallError> {
        let mut filters = Filters::new();
        // An empty version requests the complete state.
        let mut version = String::new();
        loop {
            changes.mark_unchanged();
            let ids = self.watched.ids();
            if ids.is_empty() {
                return Ok(());
            }
            if self.set_filters(collector, &ids, &mut filters).await? {
                version.clear();
            }
            tokio::select! {
                waited = self.wait(collector, &version) => match waited {
                    // Some servers cannot continue after a deleted VM: a new collector reports the complete state.
                    Err(CallError::Fault(fault)) if self.report_deleted(&fault, &filters) => return Ok(()),
                    waited => version = waited?.unwrap_or(version),
                },
                _ = changes.changed() => {
                    // Viewers that connect at the same time are handled in one change of the filters.
                    sleep(SETTLE).await;
                    collector.cancel().await;
                }
            }
        }
    }

    /// Whether the fault means that a watched VM was deleted, which is then reported to its watches.
    fn report_deleted(&self, fault: &Fault, filters: &Filters) -> bool {
        let missing = fault.missing.as_deref().unwrap_or_default();
        let lost = fault.kind == FaultKind::ManagedObjectNotFound && filters.contains_key(missing);
        if lost {
            self.watched.update(missing, |state| state.gone = true);
        }
        lost
    }

    /// Creates and destroys filters to match `ids`, and returns whether any was created.
    async fn set_filters(
        &self,
        collector: &PropertyCollector<'_>,
        ids: &[String],
        filters: &mut Filters,
    ) -> Result<bool, CallError> {
        let unwatched: Vec<String> = filters
            .keys()
            .filter(|id| !ids.contains(id))
            .cloned()
            .collect();
        for id in unwatched {
            if let Some(filter) = filters.remove(&id) {
                collector.remove(&filter).await;
            }
        }
        let mut added = false;
        for id in ids {
            if !filters.contains_key(id)
                && let Some(filter) = self.add_filter(collector, id).await?
            {
                filters.insert(id.clone(), filter);
                added = true;
            }
        }
        Ok(added)
    }

    /// Creates the filter of one VM; `None` where the VM was deleted, which is reported to its watches.
    async fn add_filter(
        &self,
        collector: &PropertyCollector<'_>,
        id: &str,
    ) -> Result<Option<Reference>, CallError> {
        let vm = [Reference::new("VirtualMachine", id)];
        let source = ObjectSet::Objects(&vm);
        let made = collector.filter(&source, &VmState::PROPERTIES).await;
        match made {
            Err(CallError::Fault(fault)) if fault.kind == FaultKind::ManagedObjectNotFound => {
                self.watched.update(id, |state| state.gone = true);
                Ok(None)
            }
            made => made.map(Some),
        }
    }

    /// Waits for updates and applies them. Returns the next version, or `None` where it stays the same.
    async fn wait(
        &self,
        collector: &PropertyCollector<'_>,
        version: &str,
    ) -> Result<Option<String>, CallError> {
        let waited = collector.wait(version, WAIT, None).await;
        self.usage.mark_kept_alive();
        Ok(match waited? {
            Updates::Set(updates) => {
                self.watched.apply(&updates);
                updates.text_of("version").map(str::to_owned)
            }
            Updates::Nothing => None,
            Updates::StartOver => Some(String::new()),
        })
    }
}

/// The filter of each watched VM by its id.
type Filters = HashMap<String, Reference>;

const SETTLE: Duration = Duration::from_millis(100);
