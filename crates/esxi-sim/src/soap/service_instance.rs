//! ServiceInstance.

use std::time::SystemTime;

use super::call::{Call, Reply};
use crate::vim25::value::date_time;

/// RetrieveServiceContent; requires no session.
pub(super) fn content(call: &Call<'_>) -> Reply {
    let mut xml = String::new();
    let content = call.state.inventory.service_content();
    content.write("returnval", &mut xml);
    xml.into()
}

/// CurrentTime. Requires a session, so that keep-alives detect the loss of theirs (`docs/webmks.md` 3.3).
pub(super) fn current_time() -> Reply {
    let mut xml = String::new();
    date_time(SystemTime::now()).write("returnval", &mut xml);
    xml.into()
}
