//! The list of consoles, kept up to date: one for all pages.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway::WebEntrance;
use serde::Serialize;
use tokio::sync::{broadcast, watch};
use tokio::time::sleep;

use crate::row::Row;
use crate::rows::{Change, Rows};
use crate::vms::Vms;

/// The least time between two changes of the list: a VM that is switched on changes several times at once.
const PAUSE: Duration = Duration::from_millis(150);

/// Changes that a page may be behind; a page that is further behind reads the list again.
const BACKLOG: usize = 4096;

/// The list now, and its changes.
pub(crate) struct Live {
    rows: watch::Sender<Arc<Rows>>,
    changes: broadcast::Sender<Notice>,
}

/// A change as it is sent to pages: made once for all of them.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    /// The console, for the rights to it.
    pub(crate) row: Arc<Row>,
    /// The event's name.
    pub(crate) event: &'static str,
    /// The event's data.
    pub(crate) data: Bytes,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            rows: watch::Sender::new(Arc::default()),
            changes: broadcast::Sender::new(BACKLOG),
        }
    }

    /// The list as it is now.
    pub(crate) fn rows(&self) -> Arc<Rows> {
        Arc::clone(&self.rows.borrow())
    }

    /// The changes from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Notice> {
        self.changes.subscribe()
    }

    /// Keeps the list up to date for as long as it is polled.
    pub(crate) async fn run(&self, mut entrance: WebEntrance) {
        let mut sessions = entrance.sessions_changed();
        let mut vms = Vms::default();
        loop {
            // Without a page, nobody needs a session at a vSphere.
            let vspheres = entrance.settings().map(|_| entrance.vspheres());
            vms.follow(vspheres.unwrap_or_default());
            sessions.mark_unchanged();
            self.update(&entrance, &mut vms);
            sleep(PAUSE).await;
            tokio::select! {
                () = entrance.changed() => {}
                Ok(()) = sessions.changed() => {}
                () = vms.changed() => {}
            }
        }
    }

    /// Reads all sources again and tells the differences.
    pub(crate) fn update(&self, entrance: &WebEntrance, vms: &mut Vms) {
        let consoles = entrance.consoles();
        let (vms, others) = vms.rows(consoles);
        let rows = Rows::of(vms, &others, &entrance.sessions());
        let (rows, changes) = rows.since(&self.rows());
        if changes.is_empty() {
            return;
        }
        self.rows.send_replace(Arc::new(rows));
        for change in changes {
            // Nobody may be looking.
            let _ = self.changes.send(Notice::of(change));
        }
    }
}

impl Notice {
    fn of(change: Change) -> Self {
        #[derive(Serialize)]
        struct Path<'a> {
            path: &'a str,
        }
        let (event, row) = match change {
            Change::Added(row) => ("added", row),
            Change::Changed(row) => ("changed", row),
            Change::Removed(row) => ("removed", row),
        };
        let data = match event {
            "changed" => serde_json::to_vec(&*row),
            _ => serde_json::to_vec(&Path { path: &row.path }),
        };
        // A row has texts only, which always have a JSON form.
        let data = data.unwrap_or_default().into();
        Self { row, event, data }
    }
}
