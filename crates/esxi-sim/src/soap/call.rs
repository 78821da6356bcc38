//! A SOAP call and its reply.

use std::sync::Arc;

use crate::host_state::HostState;
use crate::sessions::Session;
use crate::vim25::element::Element;
use crate::vim25::value::{MoRef, Value};
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

impl Call<'_> {
    /// A managed object with all its properties: one of the inventory, a view of this session, a task or a manager.
    /// `None`: it does not exist.
    pub(super) fn managed_object(&self, object: &MoRef) -> Option<Value> {
        let state = self.state;
        let inventory = &state.inventory;
        match object.kind.as_str() {
            "ContainerView" => {
                let view = self.session.as_ref()?.view(&object.id)?;
                let objects = inventory.viewed(&view.container, view.recursive, &view.kinds);
                let fields = vec![("view", Value::Refs(objects))];
                Some(Value::Data("ContainerView", fields))
            }
            "ServiceInstance" => {
                let fields = vec![("content", inventory.service_content())];
                Some(Value::Data("ServiceInstance", fields))
            }
            "SessionManager" if object.id == inventory.ids.session_manager => {
                let session = self.session.as_ref()?.user_session(&state.username);
                let fields = vec![("currentSession", Value::Data("UserSession", session))];
                Some(Value::Data("SessionManager", fields))
            }
            "Task" => state.api_tasks.properties(object),
            _ => inventory.entity(object),
        }
    }
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
