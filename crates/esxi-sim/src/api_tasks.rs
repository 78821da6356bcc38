//! vim25 tasks: what methods whose names end in `_Task` return.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::yield_now;
use tokio_util::task::TaskTracker;

use crate::vim25::fault::Fault;
use crate::vim25::value::{Fields, MoRef, Value};

/// The latest [`TASKS_KEPT`] tasks, so that memory stays bounded.
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
    /// `None` while it is running.
    ended: Option<Outcome>,
}

/// The result of a finished task, if it has one, or its error.
pub(crate) type Outcome = Result<Option<String>, Fault>;

impl ApiTasks {
    /// Starts a task; it is running until [`ApiTasks::end_soon`].
    pub(crate) fn begin(&self, name: &'static str, entity: &MoRef) -> MoRef {
        let mut latest = self.latest();
        latest.begun += 1;
        let id = format!("task-{}", latest.begun);
        if latest.tasks.len() >= TASKS_KEPT {
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

    /// Finishes the task from a spawned task, so that a client may see it running first.
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

    /// The managed object `Task` with all its properties.
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

/// More than any client waits for at the same time.
const TASKS_KEPT: usize = 1024;
