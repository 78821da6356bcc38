//! From a VM, or a URL, to an open console. [`Dialer`] is the only way there.
//!
//! | what | where |
//! |---|---|
//! | what is behind a port, and what opens it for one viewer | [`settings`], [`dialer`], [`identity`], [`target`] |
//! | a vSphere that hands out tickets, and how many consoles each of its hosts may have open | [`upstream`], [`slots`] |
//! | a URL in their place, or a program that prints one | [`endpoint`], [`ws_url`], [`headers`], [`url_command`] |
//! | TCP, perhaps by a proxy, and TLS, with whom and why that is trusted | [`address`], [`happy_eyeballs`], `proxy`, [`stream`], [`transport`], [`tls`], [`tls_session`] |
//! | the console's connection, open | [`host_link`], [`mask_keys`] |
//! | a viewer of its own, which looks and types | [`client`] |

pub mod address;
pub mod buffer_pool;
pub mod client;
pub mod crypto;
pub mod dialer;
pub mod endpoint;
mod error;
pub mod happy_eyeballs;
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
pub mod target;
pub mod tls;
pub mod tls_session;
pub mod transport;
pub mod upstream;
pub mod url_command;
pub mod ws_url;

pub use dialer::{Dialer, TimeLimit};
pub use error::{Blame, Error};
