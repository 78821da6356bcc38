//! The routes with the settings as they are now: a browser keeps its connection for many requests, between which the
//! configuration may be read again.

use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;

/// Clones share them.
#[derive(Clone)]
pub(crate) struct PresentRoutes(Arc<RwLock<Router>>);

impl PresentRoutes {
    pub(crate) fn new(routes: Router) -> Self {
        Self(Arc::new(RwLock::new(routes)))
    }

    /// Those for the next request.
    pub(crate) fn get(&self) -> Router {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces them for all connections.
    pub(crate) fn set(&self, routes: Router) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = routes;
    }
}
