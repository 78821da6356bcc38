//! `GET /screen?id=…`: a VM's screenshot as PNG, for clients with a session (`docs/webmks.md` 3.5).

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use super::response::status;
use crate::host_state::HostState;
use crate::png_file;
use crate::power::Power;
use crate::vim25::value::MoRef;

/// Answers `GET /screen`. The statuses 401 and 404 are guesses, and so is 404 for a bridged VM, whose framebuffer the
/// simulator does not have.
pub(crate) fn answer(
    state: &HostState,
    query: &str,
    cookie: Option<&str>,
) -> Response<Full<Bytes>> {
    if cookie
        .and_then(|cookie| state.sessions.find(cookie))
        .is_none()
    {
        return status(StatusCode::UNAUTHORIZED);
    }
    if let Some(code) = state.screen_refusal() {
        return status(StatusCode::from_u16(code).unwrap_or(StatusCode::NOT_FOUND));
    }
    let id = query.split('&').find_map(|pair| pair.strip_prefix("id="));
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
