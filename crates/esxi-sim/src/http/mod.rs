//! HTTP: listening ports, and what is answered at which path.

mod folder;
pub(crate) mod listener;
mod response;
pub(crate) mod router;
mod screen;
mod ticket;
