//! Waits for tasks, each with a PropertyCollector of its own.

use tokio::time::Instant;

use super::Client;
use crate::{
    call::CallError,
    error::Error,
    fault::Fault,
    open_session::OpenSession,
    property::{self, ObjectSet, PropertySpec},
    reference::Reference,
    transport::Deadline,
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
        let collector = self.make_collector(open).await?;
        let result = self.ended_with(open, &collector, task, until).await;
        self.destroy_collector(open, &collector).await;
        result
    }

    async fn ended_with(
        &self,
        open: &OpenSession,
        collector: &Reference,
        task: &Reference,
        until: Instant,
    ) -> Result<Option<Element>, CallError> {
        let source = ObjectSet::Objects(std::slice::from_ref(task));
        self.create(open, collector, "CreateFilter", |out| {
            out.element("spec", &[], |spec| {
                property::filter_spec(spec, &source, &TASK);
            });
            out.value("partialUpdates", "false");
        })
        .await?;
        let (mut info, mut version) = (TaskInfo::default(), String::new());
        for _ in 0..MAX_ROUNDS {
            let updates = self.wait_before(open, collector, &version, until).await?;
            // An answer without `returnval` means that `maxWaitSeconds` passed without updates.
            let Some(updates) = updates else { continue };
            version = updates.text_of("version").unwrap_or_default().to_owned();
            info.apply(&updates, task);
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

    async fn wait_before(
        &self,
        open: &OpenSession,
        collector: &Reference,
        version: &str,
        until: Instant,
    ) -> Result<Option<Element>, CallError> {
        let left = until.saturating_duration_since(Instant::now()).as_secs();
        if left == 0 {
            let address = self.calls.address().to_owned();
            return Err(Error::Timeout { address }.into());
        }
        let call = open.call("WaitForUpdatesEx", collector, Deadline::LongPoll(until));
        let mut response = self
            .calls
            .call(call, |out| {
                out.value("version", version);
                out.element("options", &[], |options| {
                    options.value("maxWaitSeconds", &left.to_string());
                });
            })
            .await?;
        Ok(response.take_child("returnval"))
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
