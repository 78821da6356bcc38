//! The page: a list of VMs in a browser and their consoles, rendered on the server. It knows the gateway by
//! [`gateway::WebEntrance`] only.

mod action;
mod api;
mod app;
mod assets;
mod client;
mod connection;
mod console_page;
mod console_socket;
mod cookie;
mod error_page;
mod events;
mod host_list;
mod list;
mod listening;
mod live;
mod login;
mod native_port;
mod novnc;
mod origin;
mod page;
mod picture_page;
mod pictures;
mod power;
mod present_routes;
mod privileges;
mod proxy_header;
mod random;
mod rate_limits;
mod request_body;
mod routes;
mod row;
mod rows;
mod security_headers;
mod sessions;
mod sources;
mod viewer_files;
mod viewer_page;
mod visitor;
mod vms;

pub use page::Page;
