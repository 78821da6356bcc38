//! The list of consoles, kept up to date: one for all pages.

use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use gateway::{User, WebEntrance};
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
    /// The console as it was before, where it had other names, and as it is now.
    before: Option<Arc<Row>>,
    row: Arc<Row>,
    event: &'static str,
    /// The console now, in JSON, where it has changed.
    now: Arc<str>,
}

/// The data of other events.
#[derive(Serialize)]
struct Path<'a> {
    path: &'a str,
}

impl Live {
    pub(crate) fn new() -> Self {
        let mut rows = Rows::default();
        // Pages that were made before the gateway was started again have another.
        rows.version = getrandom::u64().unwrap_or_default();
        Self {
            rows: watch::Sender::new(Arc::new(rows)),
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
        let (mut vms, mut is_reloaded) = (Vms::default(), false);
        loop {
            // Without a page, nobody needs a session at a vSphere.
            let vspheres = entrance.settings().map(|_| entrance.vspheres());
            vms.follow(vspheres.unwrap_or_default());
            sessions.mark_unchanged();
            self.update(&entrance, &mut vms, is_reloaded);
            sleep(PAUSE).await;
            is_reloaded = tokio::select! {
                () = entrance.changed() => true,
                Ok(()) = sessions.changed() => false,
                () = vms.changed() => false,
            };
        }
    }

    /// Reads all sources again and tells the differences. After a reload the version is another in any case: users may have
    /// other rights.
    pub(crate) fn update(&self, entrance: &WebEntrance, vms: &mut Vms, is_reloaded: bool) {
        let consoles = entrance.consoles();
        let (vms, others) = vms.rows(consoles);
        let rows = Rows::of(vms, &others, &entrance.sessions());
        let before = self.rows();
        let (mut rows, changes) = rows.since(&before);
        if changes.is_empty() && !is_reloaded {
            return;
        }
        rows.version = before.version.wrapping_add(1);
        self.rows.send_replace(Arc::new(rows));
        for change in changes {
            // Nobody may be looking.
            let _ = self.changes.send(Notice::of(change));
        }
    }
}

impl Notice {
    fn of(change: Change) -> Self {
        let (event, before, row) = match change {
            Change::Added(row) => ("added", None, row),
            Change::Changed(before, row) => ("changed", Some(before), row),
            Change::Removed(row) => ("removed", None, row),
        };
        let now = match event {
            // A row has texts only, which always have a JSON form.
            "changed" => serde_json::to_string(&*row).unwrap_or_default(),
            _ => String::new(),
        };
        Self {
            before: before.filter(|before| !before.has_names_of(&row)),
            row,
            event,
            now: now.into(),
        }
    }

    /// The event for a page of this user; `None` where the user may not open the console. Names decide about that: a VM that
    /// gets another may appear or disappear.
    pub(crate) fn event_for(&self, user: &User) -> Option<Event> {
        let may = self.row.is_for(user);
        let event = match self.before.as_ref().map(|before| before.is_for(user)) {
            Some(false) if may => "added",
            Some(true) if !may => "removed",
            _ if may => self.event,
            _ => return None,
        };
        let sent = Event::default().event(event);
        match event {
            "changed" => Some(sent.data(&*self.now)),
            _ => sent
                .json_data(Path {
                    path: &self.row.path,
                })
                .ok(),
        }
    }
}
