//! A PropertyCollector of the client's own, so that updates are not shared with other clients of the session.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    call::{CallError, Calls},
    fault::FaultKind,
    object::PropertySpec,
    open_session::OpenSession,
    property::{self, ObjectSet},
    reference::Reference,
    transport::{CALL_TIMEOUT, Deadline},
    xml::{Element, Writer},
};

/// A collector at the endpoint. It and its filters end with the session at the latest.
pub(crate) struct PropertyCollector<'a> {
    calls: &'a Calls,
    open: &'a OpenSession,
    reference: Reference,
}

/// The answer of WaitForUpdatesEx.
pub(crate) enum Updates {
    /// An `UpdateSet`.
    Set(Element),
    /// There were none in that time.
    Nothing,
    /// The next wait must begin with an empty version: after InvalidCollectorVersion (`docs/webmks.md` 3.4), and after
    /// RequestCanceled from our own late CancelWaitForUpdates.
    StartOver,
}

impl<'a> PropertyCollector<'a> {
    pub(crate) async fn create(calls: &'a Calls, open: &'a OpenSession) -> Result<Self, CallError> {
        let first = Self::of(calls, open, open.service.property_collector.clone());
        let reference = first.make("CreatePropertyCollector", |_| {}).await?;
        open.collectors.add(reference.clone());
        Ok(Self::of(calls, open, reference))
    }

    /// An existing collector.
    pub(crate) fn of(calls: &'a Calls, open: &'a OpenSession, reference: Reference) -> Self {
        Self {
            calls,
            open,
            reference,
        }
    }

    /// Creates a filter, which reports whole properties.
    pub(crate) async fn filter(
        &self,
        source: &ObjectSet<'_>,
        wanted: &[PropertySpec],
    ) -> Result<Reference, CallError> {
        self.make("CreateFilter", |out| {
            out.element("spec", &[], |spec| {
                property::filter_spec(spec, source, wanted);
            });
            out.value("partialUpdates", "false");
        })
        .await
    }

    /// Waits for updates after `version` for as long as `longest`. A set has at most `most` updates of objects, if that is
    /// given; `truncated` in it says that the next wait returns more at once (vim25, `WaitOptions`, since 4.1).
    pub(crate) async fn wait(
        &self,
        version: &str,
        longest: Duration,
        most: Option<usize>,
    ) -> Result<Updates, CallError> {
        let deadline = Deadline::LongPoll(Instant::now() + longest + WAIT_MARGIN);
        let call = self
            .open
            .call("WaitForUpdatesEx", &self.reference, deadline);
        let waited = self
            .calls
            .call(call, |out| {
                out.value("version", version);
                out.element("options", &[], |options| {
                    options.value("maxWaitSeconds", &longest.as_secs().to_string());
                    if let Some(most) = most {
                        options.value("maxObjectUpdates", &most.to_string());
                    }
                });
            })
            .await;
        match waited {
            Ok(mut response) => Ok(response
                .take_child("returnval")
                .map_or(Updates::Nothing, Updates::Set)),
            Err(CallError::Fault(fault)) if starts_over(&fault.kind) => Ok(Updates::StartOver),
            Err(failure) => Err(failure),
        }
    }

    /// Ends a wait whose future was dropped.
    pub(crate) async fn cancel(&self) {
        // The result does not matter: the call may have been answered already.
        let _ = destroy(
            self.calls,
            self.open,
            "CancelWaitForUpdates",
            &self.reference,
        )
        .await;
    }

    /// Destroys one of its filters.
    pub(crate) async fn remove(&self, filter: &Reference) {
        // The result does not matter: the server may have destroyed it together with its object.
        let _ = destroy(self.calls, self.open, "DestroyPropertyFilter", filter).await;
    }

    /// Destroys the collector and its filters.
    pub(crate) async fn destroy(&self) {
        let this = &self.reference;
        // The result does not matter: it ends with the session at the latest.
        let _ = destroy(self.calls, self.open, "DestroyPropertyCollector", this).await;
        self.open.collectors.remove(this);
    }

    /// A call that creates a managed object and returns its reference.
    async fn make(
        &self,
        method: &'static str,
        arguments: impl FnOnce(&mut Writer),
    ) -> Result<Reference, CallError> {
        let deadline = Deadline::Call(Instant::now() + CALL_TIMEOUT);
        let call = self.open.call(method, &self.reference, deadline);
        let response = self.calls.call(call, arguments).await?;
        let made = response.child("returnval").and_then(Reference::read);
        made.ok_or_else(|| {
            self.calls
                .malformed("it does not name the object that it created")
                .into()
        })
    }
}

/// A call without a return value that destroys something.
pub(crate) async fn destroy(
    calls: &Calls,
    open: &OpenSession,
    method: &'static str,
    this: &Reference,
) -> Result<(), CallError> {
    let deadline = Deadline::Call(Instant::now() + CALL_TIMEOUT);
    calls
        .call(open.call(method, this, deadline), |_| {})
        .await?;
    Ok(())
}

fn starts_over(fault: &FaultKind) -> bool {
    matches!(fault, FaultKind::Other(kind) if kind == "InvalidCollectorVersion" || kind == "RequestCanceled")
}

/// `maxWaitSeconds`: shorter than the five minutes after which firewalls drop idle connections.
pub(crate) const WAIT: Duration = Duration::from_secs(120);

/// Additional time for the answer.
const WAIT_MARGIN: Duration = Duration::from_secs(30);

/// The first pause after a failure; each further one is twice as long.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Updates are not essential for open consoles, so they may resume up to a minute after the endpoint does.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(60);
