//! Tasks of the API: what a call whose name ends in `_Task` has begun.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::yield_now;
use tokio_util::task::TaskTracker;

use crate::vim25::fault::Fault;
use crate::vim25::value::{Fields, MoRef, Value};

/// The latest tasks.
#[derive(Clone, Default)]
pub(crate) struct ApiTasks(Arc<Mutex<Latest>>);

#[derive(Default)]
struct Latest {
    begun: u64,
    tasks: VecDeque<Task>,
}

struct Task {
    id: String,
    name: &'static str,
    entity: MoRef,
    /// `None` while it runs.
    ended: Option<Outcome>,
}

/// What a task ended with: its result, if it has one.
pub(crate) type Outcome = Result<Option<String>, Fault>;

impl ApiTasks {
    /// A task that runs until [`ApiTasks::end_soon`].
    pub(crate) fn begin(&self, name: &'static str, entity: &MoRef) -> MoRef {
        let mut latest = self.latest();
        latest.begun += 1;
        let id = format!("task-{}", latest.begun);
        if latest.tasks.len() >= TASKS {
            latest.tasks.pop_front();
        }
        latest.tasks.push_back(Task {
            id: id.clone(),
            name,
            entity: entity.clone(),
            ended: None,
        });
        MoRef::new("Task", id)
    }

    /// Ends it after the call that has begun it was answered, or just before.
    pub(crate) fn end_soon(
        &self,
        tracker: &TaskTracker,
        changes: &watch::Sender<()>,
        task: &MoRef,
        outcome: Outcome,
    ) {
        let (tasks, changes, id) = (self.clone(), changes.clone(), task.id.clone());
        tracker.spawn(async move {
            yield_now().await;
            if let Some(task) = tasks.latest().tasks.iter_mut().find(|task| task.id == id) {
                task.ended = Some(outcome);
            }
            changes.send_replace(());
        });
    }

    /// The task with all its properties.
    pub(crate) fn properties(&self, task: &MoRef) -> Option<Value> {
        let latest = self.latest();
        let found = latest.tasks.iter().find(|found| found.id == task.id)?;
        let info = Value::Data("TaskInfo", found.info());
        Some(Value::Data("Task", vec![("info", info)]))
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Task {
    fn info(&self) -> Fields {
        let state = match &self.ended {
            None => "running",
            Some(Ok(_)) => "success",
            Some(Err(_)) => "error",
        };
        let mut fields = vec![
            ("key", Value::text(self.id.as_str())),
            ("task", Value::Ref(MoRef::new("Task", self.id.as_str()))),
            ("name", Value::text(self.name)),
            ("entity", Value::Ref(self.entity.clone())),
            ("state", Value::Word("TaskInfoState", state)),
        ];
        match &self.ended {
            Some(Err(fault)) => fields.push(("error", fault.localized())),
            Some(Ok(Some(result))) => {
                let result = Value::text(result.as_str());
                fields.push(("result", Value::Any(Box::new(result))));
            }
            _ => {}
        }
        fields
    }
}

/// More than anybody waits for at a time.
const TASKS: usize = 1024;
