//! The page: a list of VMs in a browser and their consoles, rendered on the server. It knows the gateway by
//! [`gateway::WebEntrance`] only.

mod app;
mod assets;
mod client;
mod connection;
mod cookie;
mod error_page;
mod host_list;
mod listening;
mod login;
mod origin;
mod page;
mod proxy_header;
mod random;
mod security_headers;
mod sessions;
mod start_error;
mod visitor;

pub use page::Page;
pub use start_error::StartError;
