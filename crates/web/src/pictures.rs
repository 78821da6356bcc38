//! Pictures of what VMs show, for the list. They never take a console: each comes from the host's `/screen`, else from
//! CreateScreenshot_Task, and is kept for all users.

mod cache;
mod endpoint;
mod take;
mod thumbnail;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use gateway::User;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::Routed;
use crate::assets::{self, is_known};
use crate::client::Client;
use crate::error_page::ErrorPage;
use crate::rate_limits::Kind;
use crate::row::{Key, PowerState, Row};
use crate::visitor::Visitor;
use cache::{Asked, Cache, Picture};
use endpoint::Endpoint;

/// How long pictures that are being taken may delay the end of the program: their files are deleted in this time.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Tells the list's script whether a new picture will be there soon.
const STATE: HeaderName = HeaderName::from_static("x-picture");

/// The pictures of all VMs.
pub(crate) struct Pictures {
    /// Where pictures are taken: not on the threads of sessions.
    runtime: Handle,
    cache: Mutex<Cache>,
    endpoints: Mutex<HashMap<String, Arc<Endpoint>>>,
    tasks: TaskTracker,
    ended: CancellationToken,
}

impl Pictures {
    /// In a runtime, which is to take the pictures.
    pub(crate) fn new() -> Self {
        Self {
            runtime: Handle::current(),
            cache: Mutex::default(),
            endpoints: Mutex::default(),
            tasks: TaskTracker::new(),
            ended: CancellationToken::new(),
        }
    }

    /// Takes no further pictures, and waits for those that are being taken.
    pub(crate) async fn end(&self) {
        self.ended.cancel();
        self.tasks.close();
        // Files of those that take longer stay.
        let _ = timeout(END_TIMEOUT, self.tasks.wait()).await;
    }

    fn cache<T>(&self, work: impl FnOnce(&mut Cache) -> T) -> T {
        work(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn endpoint(&self, vsphere: &str) -> Arc<Endpoint> {
        let mut endpoints = self
            .endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let endpoint = endpoints.entry(vsphere.to_owned()).or_default();
        Arc::clone(endpoint)
    }
}

pub(crate) async fn serve(
    State(routed): State<Routed>,
    visitor: Visitor,
    Path((vsphere, moref)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let limited = visitor.limit(&routed.app.rate_limits, Kind::Picture);
    if let Err(limited) = limited {
        return limited.into_response();
    }
    let rows = routed.app.live.rows();
    let row = rows.get(&Key::Vm(vsphere, moref));
    let row = row.filter(|row| may_see(row, &visitor.user, visitor.client));
    let Some(row) = row else {
        return ErrorPage::not_found().at_depth(2).into_response();
    };
    let asked = ask(&routed, row);
    let mut response = match asked.picture {
        Some(picture) => answer(picture, &headers),
        None => assets::placeholder(),
    };
    // Always, since a 304 only adds headers to what the browser has.
    let state = if asked.pending { "pending" } else { "current" };
    let headers = response.headers_mut();
    headers.insert(STATE, HeaderValue::from_static(state));
    response
}

/// Whoever may open the console from where he is.
fn may_see(row: &Row, user: &User, client: Client) -> bool {
    row.is_for(user) && row.admits(user, client.address)
}

/// The last picture of a VM that is on. A new one is begun where it is time.
fn ask(routed: &Routed, row: &Arc<Row>) -> Asked {
    let (pictures, every) = (&routed.app.pictures, routed.web.thumbnail_every);
    let vsphere = row.vsphere.as_deref().filter(|_| !every.is_zero());
    let (Some(vsphere), PowerState::On) = (vsphere, row.power) else {
        pictures.cache(|cache| cache.forget(&row.key));
        return Asked::default();
    };
    let endpoint = pictures.endpoint(vsphere);
    let may_take = !endpoint.rests() && !pictures.ended.is_cancelled();
    let asked = pictures.cache(|cache| cache.ask(&row.key, Instant::now(), may_take));
    if asked.take {
        let (app, web) = (Arc::clone(&routed.app), Arc::clone(&routed.web));
        let job = take::take(app, web, Arc::clone(row), endpoint);
        pictures.tasks.spawn_on(job, &pictures.runtime);
    }
    asked
}

fn answer(picture: Picture, headers: &HeaderMap) -> Response {
    let Picture { png, tag } = picture;
    let is_known = is_known(headers, &tag);
    let cached = [
        (ETAG, tag),
        // Only this user's browser may keep it, and asks each time.
        (CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    match is_known {
        true => (StatusCode::NOT_MODIFIED, cached).into_response(),
        false => (cached, [(CONTENT_TYPE, "image/png")], png).into_response(),
    }
}
