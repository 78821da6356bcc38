//! A plain VNC port for every ESXi virtual machine console.
//!
//! Viewers speak ordinary VNC (RFB) to a TCP port. Behind it the gateway acquires a one-time `webmks`
//! ticket, opens `wss://ESXI/ticket/…` and carries RFB in binary WebSocket frames. `session.rs` tells the
//! story of one connection; [`Gateway`] is all of them.

mod blocks;
mod commands;
mod config;
mod crypto;
mod environment;
mod error;
mod front_door;
mod gateway;
mod log;
mod metrics;
mod milestone;
mod named_file;
mod overlap;
mod own_viewer;
mod printable;
mod private_line;
mod reach;
mod relay;
mod repair;
mod session;
mod signals;
mod socket;
mod terminal;
mod tls_session;
mod trouble;
mod usage_error;
mod viewer_program;
mod visit;

pub mod cli;

pub use config::{
    Auth, Behind, Config, ConfigError, Console, Habits, Limits, Secret, TlsRecords, VSphere,
};
pub use error::{Blame, Failure, Stage};
#[doc(hidden)]
pub use front_door::proxy_header::parse as parse_proxy_header;
pub use front_door::users::{User, Users};
pub use gateway::{Gateway, Shutdown, StartError};
pub use reach::endpoint::{Endpoint, Origin};
pub use reach::headers::Headers;
pub use reach::tls::{ConsoleTrust, PinMismatch, Thumbprint, Trust};
pub use reach::url_command::UrlCommand;
pub use reach::ws_url::WsUrl;
