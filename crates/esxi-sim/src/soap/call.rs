//! A SOAP call and its reply.

use std::sync::Arc;

use crate::host_state::HostState;
use crate::sessions::Session;
use crate::vim25::element::Element;
use crate::vim25::value::MoRef;
use crate::vim25::version::ApiVersion;

/// A call: method arguments, `_this`, API version and session.
pub(super) struct Call<'a> {
    pub(super) state: &'a HostState,
    pub(super) this: MoRef,
    pub(super) arguments: &'a Element,
    pub(super) version: ApiVersion,
    pub(super) cookie: Option<&'a str>,
    pub(super) session: Option<Arc<Session>>,
}

/// The content of a response element, and the cookie of a new session.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) xml: String,
    pub(super) cookie: Option<String>,
}

impl From<String> for Reply {
    fn from(xml: String) -> Self {
        Self { xml, cookie: None }
    }
}

/// The managed object reference in the child called `name`.
pub(super) fn reference(element: &Element, name: &str) -> Option<MoRef> {
    let child = element.child(name)?;
    Some(MoRef::new(child.attribute("type")?, child.text.trim()))
}
