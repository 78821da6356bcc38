//! An open session, as calls use it.

use std::sync::Arc;

use crate::{
    call::Call, collectors::Collectors, inventory_view::ContainerView, reference::Reference,
    service::ServiceContent, session_store::SessionCookie, transport::Deadline,
};

/// An open session. Cheap to clone; calls in it fail once the endpoint has ended it.
#[derive(Clone)]
pub(crate) struct OpenSession {
    /// Distinguishes this session from earlier and later ones.
    pub(crate) generation: u64,
    pub(crate) cookie: SessionCookie,
    /// Whether a [`SessionStore`](crate::SessionStore) has it: it then outlives the client.
    pub(crate) is_stored: bool,
    pub(crate) service: Arc<ServiceContent>,
    /// The view of everything below the root folder that is read.
    pub(crate) view: Arc<ContainerView>,
    pub(crate) collectors: Arc<Collectors>,
}

impl OpenSession {
    /// A call with this session's cookie.
    pub(crate) fn call<'a>(
        &'a self,
        method: &'static str,
        this: &'a Reference,
        deadline: Deadline,
    ) -> Call<'a> {
        Call {
            action: &self.service.action,
            method,
            this,
            cookie: Some(&self.cookie),
            deadline,
        }
    }
}
