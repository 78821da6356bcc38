//! Why the page cannot be served.

use std::io;
use std::net::SocketAddr;

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its address cannot be bound.
    #[error("cannot listen on {address} for [web] ({source}): choose another address or port")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// There is no randomness for tokens.
    #[error(
        "the operating system has no randomness for the tokens of the page ({0}): check /dev/urandom"
    )]
    NoRandomness(String),
}
