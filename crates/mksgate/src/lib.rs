//! A plain VNC port for every ESXi virtual machine console.
//!
//! Viewers speak ordinary VNC (RFB) to a TCP port. Behind it the gateway acquires a one-time `webmks`
//! ticket, opens `wss://ESXI/ticket/…` and carries RFB in binary WebSocket frames. `session.rs` tells the
//! story of one connection; [`Gateway`] is all of them.

mod address;
mod admin;
mod blocks;
mod certificate;
mod commands;
mod config;
mod console;
mod crowd;
mod crypto;
mod destination;
mod door;
mod endpoint;
mod environment;
mod error;
mod gateway;
mod hashing;
mod headers;
mod judge;
mod listener;
mod log;
mod mask_keys;
mod metrics;
mod milestone;
mod named_file;
mod overlap;
mod own_viewer;
mod penalties;
mod port;
mod printable;
mod private_line;
mod proxy;
mod proxy_header;
mod reach;
mod relay;
mod repair;
mod roll;
mod session;
mod signals;
mod slots;
mod socket;
mod source;
mod stream;
mod target;
mod terminal;
mod tls;
mod tls_session;
mod transport;
mod trouble;
mod upstream;
mod url_command;
mod usage_error;
mod users;
mod viewer;
mod viewer_program;
mod visit;
mod ws_url;

pub mod cli;

pub use config::{
    Auth, Behind, Config, ConfigError, Console, Habits, Limits, Secret, TlsRecords, VSphere,
};
pub use endpoint::{Endpoint, Origin};
pub use error::{Blame, Failure, Stage};
pub use gateway::{Gateway, Shutdown, StartError};
pub use headers::Headers;
#[doc(hidden)]
pub use proxy_header::parse as parse_proxy_header;
pub use tls::{ConsoleTrust, PinMismatch, Thumbprint, Trust};
pub use url_command::UrlCommand;
pub use users::{User, Users};
pub use ws_url::WsUrl;
