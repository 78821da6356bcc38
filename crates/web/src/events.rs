//! The live list: server-sent events, from one list for all pages.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use gateway::{User, WebEntrance};
use serde::Deserialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::app::Routed;
use crate::live::Notice;
use crate::visitor::Visitor;

/// How often a silent stream shows that it is alive.
const ALIVE: Duration = Duration::from_secs(25);

/// How often the rights of the user are read again; after this time the browser connects anew, with its cookie.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// The changes that one page is sent.
struct Changes {
    user: User,
    notices: broadcast::Receiver<Notice>,
    /// What may have changed since the page was made.
    first: Option<Event>,
    ends: Instant,
    closing: CancellationToken,
    /// A reload may have changed the user's rights, or removed it: the browser connects anew.
    entrance: WebEntrance,
}

#[derive(Deserialize)]
pub(crate) struct Shown {
    /// The page is of one console.
    path: Option<String>,
    /// The page is a list of this version.
    version: Option<u64>,
}

pub(crate) async fn serve(
    State(routed): State<Routed>,
    visitor: Visitor,
    Query(shown): Query<Shown>,
) -> Response {
    let longest = Instant::now() + LONGEST;
    let mut entrance = routed.app.entrance.clone();
    entrance.mark_unchanged();
    // Before the list is read, so that no change is missed in between.
    let notices = routed.app.live.changes();
    let rows = routed.app.live.rows();
    let first = match (&shown.path, shown.version) {
        (Some(path), _) => {
            let row = rows.of_user(&visitor.user).find(|row| row.path == *path);
            row.and_then(|row| Event::default().event("changed").json_data(&**row).ok())
        }
        (None, Some(version)) => (version != rows.version).then(reread),
        (None, None) => None,
    };
    let changes = Changes {
        notices,
        first,
        ends: visitor.ends.map_or(longest, |ends| ends.min(longest)),
        user: visitor.user,
        closing: entrance.closing(),
        entrance,
    };
    let events = stream::unfold(changes, |mut changes| async {
        let event = changes.next().await?;
        Some((Ok::<Event, Infallible>(event), changes))
    });
    let alive = KeepAlive::new().interval(ALIVE);
    // A reverse proxy that collects what it is sent would delay them.
    (
        [("x-accel-buffering", "no")],
        Sse::new(events).keep_alive(alive),
    )
        .into_response()
}

impl Changes {
    /// The next change of a console that the user may open; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let notice = tokio::select! {
                notice = self.notices.recv() => notice,
                () = sleep_until(self.ends) => return None,
                () = self.closing.cancelled() => return None,
                () = self.entrance.changed() => return None,
            };
            match notice {
                Ok(notice) => {
                    if let Some(event) = notice.event_for(&self.user) {
                        return Some(event);
                    }
                }
                Err(RecvError::Lagged(_)) => return Some(reread()),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// The page must read the list again. Browsers ignore events without data.
fn reread() -> Event {
    Event::default().event("reread").data("list")
}
