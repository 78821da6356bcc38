//! Waits for tasks, each with a PropertyCollector of its own.

use std::time::Duration;

use tokio::time::Instant;

use super::Client;
use crate::{
    call::CallError,
    error::Error,
    fault::Fault,
    object::PropertySpec,
    open_session::OpenSession,
    property::ObjectSet,
    property_collector::{PropertyCollector, Updates},
    reference::Reference,
    xml::Element,
};

/// The reported state of a task.
#[derive(Default)]
struct TaskInfo {
    state: String,
    result: Option<Element>,
    error: Option<Fault>,
}

impl Client {
    /// The task's result, if it has one, as soon as it has ended well; the fault if it has not. A task outlives the session
    /// that began it.
    pub(super) async fn ended(
        &self,
        open: &OpenSession,
        task: &Reference,
        until: Instant,
    ) -> Result<Option<Element>, CallError> {
        let collector = PropertyCollector::create(&self.calls, open).await?;
        let result = self.ended_with(&collector, task, until).await;
        collector.destroy().await;
        result
    }

    async fn ended_with(
        &self,
        collector: &PropertyCollector<'_>,
        task: &Reference,
        until: Instant,
    ) -> Result<Option<Element>, CallError> {
        let source = ObjectSet::Objects(std::slice::from_ref(task));
        collector.filter(&source, &TASK).await?;
        let (mut info, mut version) = (TaskInfo::default(), String::new());
        for _ in 0..MAX_ROUNDS {
            let left = self.time_left(until)?;
            match collector.wait(&version, left, None).await? {
                Updates::Set(updates) => {
                    version = updates.text_of("version").unwrap_or_default().to_owned();
                    info.apply(&updates, task);
                }
                Updates::Nothing => {}
                Updates::StartOver => version.clear(),
            }
            match info.state.as_str() {
                "success" => return Ok(info.result),
                "error" => return Err(self.failed(info)),
                _ => {}
            }
        }
        Err(self
            .calls
            .malformed("it reports changes of a task, but never its end")
            .into())
    }

    fn time_left(&self, until: Instant) -> Result<Duration, Error> {
        let left = until.saturating_duration_since(Instant::now());
        match left.as_secs() {
            0 => Err(Error::Timeout {
                address: self.calls.address().to_owned(),
            }),
            _ => Ok(left),
        }
    }

    fn failed(&self, info: TaskInfo) -> CallError {
        match info.error {
            Some(fault) => CallError::Fault(fault),
            None => self
                .calls
                .malformed("a task failed and it does not say why")
                .into(),
        }
    }
}

impl TaskInfo {
    /// Applies one `UpdateSet`.
    fn apply(&mut self, updates: &Element, task: &Reference) {
        let objects = updates
            .children("filterSet")
            .flat_map(|filter| filter.children("objectSet"))
            .filter(|object| object.child("obj").and_then(Reference::read).as_ref() == Some(task));
        for change in objects.flat_map(|object| object.children("changeSet")) {
            let value = change.child("val");
            match change.text_of("name") {
                Some("info.state") => self.state = value.map_or("", Element::text).to_owned(),
                Some("info.result") => self.result = value.cloned(),
                Some("info.error") => self.error = value.map(Fault::read_localized),
                _ => {}
            }
        }
    }
}

const TASK: [PropertySpec; 1] = [PropertySpec {
    kind: "Task",
    properties: &["info.state", "info.result", "info.error"],
}];

/// The most updates of a task: queued, running and done are three, more where a server reports each property separately.
const MAX_ROUNDS: usize = 32;
