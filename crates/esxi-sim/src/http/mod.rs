//! HTTP: ports, routes and what is served besides SOAP.

mod folder;
pub(crate) mod listener;
mod response;
pub(crate) mod router;
mod screen;
pub(crate) mod ticket;
