//! `GET /screen?id=…`: a VM's screenshot as PNG, for clients with a session (`docs/webmks.md` 3.5).

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::time::sleep;

use super::response::status;
use crate::counts::Counters;
use crate::host_state::HostState;
use crate::png_file;
use crate::power::Power;
use crate::vim25::value::MoRef;

/// Answers `GET /screen`. The statuses 401 and 404 are guesses, and so is 404 for a bridged VM, whose framebuffer the
/// simulator does not have.
pub(crate) async fn answer(
    state: &HostState,
    query: &str,
    cookie: Option<&str>,
) -> Response<Full<Bytes>> {
    let id = query.split('&').find_map(|pair| pair.strip_prefix("id="));
    let counted = Counted::new(&state.counters, id.unwrap_or_default());
    let delay = state.screen_delay();
    if !delay.is_zero() {
        sleep(delay).await;
    }
    let answer = look(state, id, cookie);
    drop(counted);
    answer
}

fn look(state: &HostState, id: Option<&str>, cookie: Option<&str>) -> Response<Full<Bytes>> {
    if cookie
        .and_then(|cookie| state.sessions.find(cookie))
        .is_none()
    {
        return status(StatusCode::UNAUTHORIZED);
    }
    if let Some(code) = state.screen_refusal() {
        return status(StatusCode::from_u16(code).unwrap_or(StatusCode::NOT_FOUND));
    }
    let vm = id.and_then(|id| state.inventory.vm(&MoRef::new("VirtualMachine", id)));
    let Some(vm) = vm.filter(|vm| vm.power() == Power::On) else {
        return status(StatusCode::NOT_FOUND);
    };
    let Some(read_screen) = &vm.read_screen else {
        return status(StatusCode::NOT_FOUND);
    };
    let (size, pixels) = read_screen();
    let mut response = Response::new(Full::from(png_file::encode(size, pixels.into_iter())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
    response
}

/// Counts a request for as long as it is being answered.
struct Counted<'a>(&'a Counters);

impl<'a> Counted<'a> {
    fn new(counters: &'a Counters, vm: &str) -> Self {
        counters.update(|counts| {
            *counts.screens.entry(vm.to_owned()).or_default() += 1;
            counts.screens_now += 1;
            counts.screens_at_once = counts.screens_at_once.max(counts.screens_now);
        });
        Self(counters)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0
            .update(|counts| counts.screens_now = counts.screens_now.saturating_sub(1));
    }
}
