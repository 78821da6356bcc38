//! Opens a console from a VM or a URL: ticket, address, TCP, TLS, WebSocket, RFB security. [`Dialer`] is the entry point.
//!
//! | subject | modules |
//! |---|---|
//! | which console is meant, and how it is opened | [`settings`], [`dialer`], [`identity`], `target` |
//! | tickets of a vSphere, and the limit of open consoles on each of its hosts | [`upstream`], [`slots`] |
//! | consoles at URLs, and programs that print a URL | [`endpoint`], [`ws_url`], [`headers`], [`url_command`] |
//! | addresses, TCP, the HTTP proxy, TLS and certificate checks | [`address`], `ticket_address`, [`vsphere::happy_eyeballs`], `proxy`, [`stream`], [`transport`], [`tls`], [`certificate`], [`tls_session`] |
//! | the open connection, its WebSocket mask keys | [`host_link`], [`mask_keys`] |
//! | an RFB client for screenshots, keys and measurements | [`client`], [`update_stats`] |

pub mod address;
pub mod buffer_pool;
pub mod certificate;
pub mod client;
pub mod crypto;
pub mod dialer;
pub mod endpoint;
mod error;
mod error_code;
#[cfg(test)]
mod error_texts;
mod for_viewer;
pub mod headers;
pub mod host_link;
pub mod identity;
pub mod mask_keys;
pub mod named_file;
pub mod printable;
pub mod progress;
mod proxy;
pub mod secret;
pub mod settings;
pub mod slots;
pub mod socket;
pub mod stream;
mod target;
mod ticket_address;
pub mod tls;
pub mod tls_session;
pub mod transport;
pub mod update_stats;
pub mod upstream;
pub mod url_command;
pub mod ws_url;

pub use dialer::{Dialer, TimeLimit};
pub use error::{Blame, Error};
