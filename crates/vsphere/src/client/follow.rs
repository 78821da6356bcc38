//! Following the watched VMs: one collector, one filter for each VM, one call that waits (`WaitForUpdatesEx`).

use std::{collections::HashMap, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{Client, PATIENCE, has_ended};
use crate::{
    Error,
    call::Failure,
    fault::{Fault, Kind},
    property::{self, Source, Wanted},
    session::Open,
    soap::Reference,
    transport::Patience,
};

impl Client {
    /// Follows for as long as anybody watches, from one session to the next; never ends.
    pub(super) async fn follow_watched(&self) {
        let mut news = self.watched.news();
        let mut pause = FIRST_PAUSE;
        loop {
            while self.watched.ids().is_empty() {
                // The sender is ours: it cannot be gone.
                let _ = news.changed().await;
            }
            match self.follow_in_session(&mut news).await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::debug!(vsphere = %self.name, %error, "not watching");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Returns when nobody watches any more, or when the session has ended.
    async fn follow_in_session(&self, news: &mut watch::Receiver<()>) -> Result<(), Error> {
        let open = self.session.open().await?;
        let failure = match self.follow(&open, news).await {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        if has_ended(&failure) {
            self.session.ended(&open);
        }
        Err(self.calls.explain(failure, self.session.username()))
    }

    async fn follow(&self, open: &Open, news: &mut watch::Receiver<()>) -> Result<(), Failure> {
        let collector = self.make_collector(open).await?;
        let result = self.follow_with(open, &collector, news).await;
        self.destroy_collector(open, &collector).await;
        result
    }

    async fn follow_with(
        &self,
        open: &Open,
        collector: &Reference,
        news: &mut watch::Receiver<()>,
    ) -> Result<(), Failure> {
        let mut filters = Filters::new();
        // Empty means: tell everything from the start.
        let mut version = String::new();
        loop {
            news.mark_unchanged();
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
                    // Not every server can go on from there: a new collector tells everything again.
                    Err(Failure::Fault(fault)) if self.is_lost(&fault, &filters) => return Ok(()),
                    waited => version = waited?.unwrap_or(version),
                },
                _ = news.changed() => {
                    // A hundred viewers who come at once are one change.
                    sleep(SETTLE).await;
                    // The wait that was dropped goes on over there; where it does not, that is fine.
                    let _ = self.destroy(open, "CancelWaitForUpdates", collector).await;
                }
            }
        }
    }

    /// Whether the fault is that a watched VM is gone; then that is told.
    fn is_lost(&self, fault: &Fault, filters: &Filters) -> bool {
        let missing = fault.missing.as_deref().unwrap_or_default();
        let lost = fault.kind == Kind::ManagedObjectNotFound && filters.contains_key(missing);
        if lost {
            self.watched.tell(missing, |state| state.gone = true);
        }
        lost
    }

    /// Makes the filters those of `ids`; tells whether any was added.
    async fn set_filters(
        &self,
        open: &Open,
        collector: &Reference,
        ids: &[String],
        filters: &mut Filters,
    ) -> Result<bool, Failure> {
        let unwatched: Vec<String> = filters
            .keys()
            .filter(|id| !ids.contains(id))
            .cloned()
            .collect();
        for id in unwatched {
            if let Some(filter) = filters.remove(&id) {
                // The filter of a VM that is gone may have gone with it.
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

    /// `None` where there is no such VM any more; that is told to who watches it.
    async fn add_filter(
        &self,
        open: &Open,
        collector: &Reference,
        id: &str,
    ) -> Result<Option<Reference>, Failure> {
        let vm = [Reference::new("VirtualMachine", id)];
        let made = self
            .make(open, collector, "CreateFilter", |out| {
                out.element("spec", &[], |spec| {
                    property::filter_spec(spec, &Source::Objects(&vm), &STATE);
                });
                out.value("partialUpdates", "false");
            })
            .await;
        match made {
            Err(Failure::Fault(fault)) if fault.kind == Kind::ManagedObjectNotFound => {
                self.watched.tell(id, |state| state.gone = true);
                Ok(None)
            }
            made => made.map(Some),
        }
    }

    /// Waits for something to happen and tells it; gives the version to go on from, `None` for the same again.
    async fn wait(
        &self,
        open: &Open,
        collector: &Reference,
        version: &str,
    ) -> Result<Option<String>, Failure> {
        let patience = Patience::Long(Instant::now() + WAIT + WAIT_MARGIN);
        let call = open.call("WaitForUpdatesEx", collector, patience);
        let waited = self
            .calls
            .call(call, |out| {
                out.value("version", version);
                out.element("options", &[], |options| {
                    options.value("maxWaitSeconds", &WAIT.as_secs().to_string());
                });
            })
            .await;
        self.usage.heard();
        match waited {
            Ok(response) => Ok(response.child("returnval").and_then(|updates| {
                self.watched.apply(updates);
                updates.text_of("version").map(str::to_owned)
            })),
            Err(Failure::Fault(fault)) if starts_over(&fault) => Ok(Some(String::new())),
            Err(failure) => Err(failure),
        }
    }

    /// A PropertyCollector of one's own: what is waited for with it nobody else hears.
    pub(super) async fn make_collector(&self, open: &Open) -> Result<Reference, Failure> {
        let first = &open.service.property_collector;
        self.make(open, first, "CreatePropertyCollector", |_| {})
            .await
    }

    /// Its filters go with it. A session that has ended has taken both along.
    pub(super) async fn destroy_collector(&self, open: &Open, collector: &Reference) {
        // Ignored on purpose: it goes with the session at the latest.
        let _ = self
            .destroy(open, "DestroyPropertyCollector", collector)
            .await;
    }

    /// A call that takes something away and gives nothing back.
    pub(super) async fn destroy(
        &self,
        open: &Open,
        method: &'static str,
        this: &Reference,
    ) -> Result<(), Failure> {
        let patience = Patience::Until(Instant::now() + PATIENCE);
        self.calls
            .call(open.call(method, this, patience), |_| {})
            .await?;
        Ok(())
    }

    /// A call that makes a managed object.
    pub(super) async fn make(
        &self,
        open: &Open,
        this: &Reference,
        method: &'static str,
        arguments: impl FnOnce(&mut crate::xml::Writer),
    ) -> Result<Reference, Failure> {
        let patience = Patience::Until(Instant::now() + PATIENCE);
        let response = self
            .calls
            .call(open.call(method, this, patience), arguments)
            .await?;
        let made = response.child("returnval").and_then(Reference::read);
        made.ok_or_else(|| {
            self.calls
                .malformed("it names nothing that was made")
                .into()
        })
    }
}

/// The filter of each watched VM by its id.
type Filters = HashMap<String, Reference>;

/// "InvalidCollectorVersion → start over" (`docs/webmks.md` 3.4); a cancelled wait is one of our own, come late.
fn starts_over(fault: &Fault) -> bool {
    matches!(&fault.kind, Kind::Other(kind) if kind == "InvalidCollectorVersion" || kind == "RequestCanceled")
}

const STATE: [Wanted; 1] = [Wanted {
    kind: "VirtualMachine",
    properties: &[
        "runtime.powerState",
        "runtime.connectionState",
        "runtime.host",
    ],
}];

/// The server answers after that even if nothing happened: shorter than the five minutes after which firewalls forget a
/// silent connection.
const WAIT: Duration = Duration::from_secs(120);

/// For the answer to come back.
const WAIT_MARGIN: Duration = Duration::from_secs(30);

const SETTLE: Duration = Duration::from_millis(100);

const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Watching is a help for sessions that are open; it may come back a minute after the endpoint has.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
