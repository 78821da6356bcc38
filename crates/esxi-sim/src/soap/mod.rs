//! `/sdk`: SOAP calls of vim25 methods.

mod authorization;
mod call;
pub(crate) mod dispatch;
mod power;
mod property_collector;
mod property_filter;
mod screenshot;
mod search_index;
mod service_instance;
mod session_manager;
mod ticket;
mod wait_for_updates;
