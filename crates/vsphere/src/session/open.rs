//! An open session, as calls use it.

use std::sync::Arc;

use secrecy::SecretString;

use crate::{
    call::Call, inventory_view::KeptView, service::ServiceContent, soap::Reference,
    transport::Patience,
};

/// An open session. Cheap to clone; calls in it fail once the endpoint has ended it.
#[derive(Clone)]
pub(crate) struct Open {
    /// Distinguishes this session from earlier and later ones.
    pub(super) generation: u64,
    pub(crate) cookie: Arc<SecretString>,
    pub(crate) service: Arc<ServiceContent>,
    /// The view of all VMs below the root folder.
    pub(crate) view: Arc<KeptView>,
}

impl Open {
    /// A call with this session's cookie.
    pub(crate) fn call<'a>(
        &'a self,
        method: &'static str,
        this: &'a Reference,
        patience: Patience,
    ) -> Call<'a> {
        Call {
            action: &self.service.action,
            method,
            this,
            cookie: Some(&self.cookie),
            patience,
        }
    }
}
