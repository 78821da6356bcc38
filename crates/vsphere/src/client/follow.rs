//! Updates of watched VMs: one PropertyCollector, one filter for each VM, one pending `WaitForUpdatesEx`.

use std::{collections::HashMap, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{Client, has_ended};
use crate::transport::CALL_TIMEOUT;
use crate::{
    call::CallError,
    error::Error,
    fault::{Fault, FaultKind},
    open_session::OpenSession,
    property::{self, ObjectSet},
    reference::Reference,
    transport::Deadline,
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
        let failure = match self.follow(&open, changes).await {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        if has_ended(&failure) {
            self.session.forget(&open);
        }
        Err(self.calls.explain(failure, self.session.username()))
    }

    async fn follow(
        &self,
        open: &OpenSession,
        changes: &mut watch::Receiver<()>,
    ) -> Result<(), CallError> {
        let collector = self.make_collector(open).await?;
        let result = self.follow_with(open, &collector, changes).await;
        self.destroy_collector(open, &collector).await;
        result
    }

    async fn follow_with(
        &self,
        open: &OpenSession,
        collector: &Reference,
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
            if self
                .set_filters(open, collector, &ids, &mut filters)
                .await?
            {
                version.clear();
            }
            tokio::select! {
                waited = self.wait(open, collector, &version) => match waited {
                    // Some servers cannot continue after a deleted VM: a new collector reports the complete state.
                    Err(CallError::Fault(fault)) if self.report_deleted(&fault, &filters) => return Ok(()),
                    waited => version = waited?.unwrap_or(version),
                },
                _ = changes.changed() => {
                    // Viewers that connect at the same time are handled in one change of the filters.
                    sleep(SETTLE).await;
                    // The result does not matter: the dropped call may be pending at the server, or finished already.
                    let _ = self.destroy(open, "CancelWaitForUpdates", collector).await;
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
        open: &OpenSession,
        collector: &Reference,
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
                // The result does not matter: the server may have destroyed the filter together with its VM.
                let _ = self.destroy(open, "DestroyPropertyFilter", &filter).await;
            }
        }
        let mut added = false;
        for id in ids {
            if !filters.contains_key(id)
                && let Some(filter) = self.add_filter(open, collector, id).await?
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
        open: &OpenSession,
        collector: &Reference,
        id: &str,
    ) -> Result<Option<Reference>, CallError> {
        let vm = [Reference::new("VirtualMachine", id)];
        let made = self
            .create(open, collector, "CreateFilter", |out| {
                out.element("spec", &[], |spec| {
                    property::filter_spec(spec, &ObjectSet::Objects(&vm), &VmState::PROPERTIES);
                });
                out.value("partialUpdates", "false");
            })
            .await;
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
        open: &OpenSession,
        collector: &Reference,
        version: &str,
    ) -> Result<Option<String>, CallError> {
        let deadline = Deadline::LongPoll(Instant::now() + WAIT + WAIT_MARGIN);
        let call = open.call("WaitForUpdatesEx", collector, deadline);
        let waited = self
            .calls
            .call(call, |out| {
                out.value("version", version);
                out.element("options", &[], |options| {
                    options.value("maxWaitSeconds", &WAIT.as_secs().to_string());
                });
            })
            .await;
        self.usage.mark_kept_alive();
        match waited {
            Ok(response) => Ok(response.child("returnval").and_then(|updates| {
                self.watched.apply(updates);
                updates.text_of("version").map(str::to_owned)
            })),
            Err(CallError::Fault(fault)) if starts_over(&fault) => Ok(Some(String::new())),
            Err(failure) => Err(failure),
        }
    }

    /// A separate PropertyCollector, so that updates are not shared with other clients of the session.
    pub(super) async fn make_collector(&self, open: &OpenSession) -> Result<Reference, CallError> {
        let first = &open.service.property_collector;
        let created = self
            .create(open, first, "CreatePropertyCollector", |_| {})
            .await?;
        open.collectors.add(created.clone());
        Ok(created)
    }

    /// Destroys a collector and its filters; both end with their session in any case.
    pub(super) async fn destroy_collector(&self, open: &OpenSession, collector: &Reference) {
        // The result does not matter: it ends with the session at the latest.
        let _ = self
            .destroy(open, "DestroyPropertyCollector", collector)
            .await;
        open.collectors.remove(collector);
    }

    /// A call without a return value that destroys something.
    pub(super) async fn destroy(
        &self,
        open: &OpenSession,
        method: &'static str,
        this: &Reference,
    ) -> Result<(), CallError> {
        let deadline = Deadline::Call(Instant::now() + CALL_TIMEOUT);
        self.calls
            .call(open.call(method, this, deadline), |_| {})
            .await?;
        Ok(())
    }

    /// A call that creates a managed object and returns its reference.
    pub(super) async fn create(
        &self,
        open: &OpenSession,
        this: &Reference,
        method: &'static str,
        arguments: impl FnOnce(&mut crate::xml::Writer),
    ) -> Result<Reference, CallError> {
        let deadline = Deadline::Call(Instant::now() + CALL_TIMEOUT);
        let response = self
            .calls
            .call(open.call(method, this, deadline), arguments)
            .await?;
        let made = response.child("returnval").and_then(Reference::read);
        made.ok_or_else(|| {
            self.calls
                .malformed("it does not name the object that it created")
                .into()
        })
    }
}

/// The filter of each watched VM by its id.
type Filters = HashMap<String, Reference>;

/// Whether the next wait must begin with an empty version: after InvalidCollectorVersion (`docs/webmks.md` 3.4), and after
/// RequestCanceled from our own late CancelWaitForUpdates.
fn starts_over(fault: &Fault) -> bool {
    matches!(&fault.kind, FaultKind::Other(kind) if kind == "InvalidCollectorVersion" || kind == "RequestCanceled")
}

/// `maxWaitSeconds`: shorter than the five minutes after which firewalls drop idle connections.
const WAIT: Duration = Duration::from_secs(120);

/// Additional time for the answer.
const WAIT_MARGIN: Duration = Duration::from_secs(30);

const SETTLE: Duration = Duration::from_millis(100);

const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Updates are not essential for open consoles, so they may resume up to a minute after the endpoint does.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
