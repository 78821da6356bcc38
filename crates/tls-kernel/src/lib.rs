//! [`tls_records`] for a connection of rustls: its traffic keys are extracted after the handshake ([`rustls::kernel`]), and
//! the ciphers are those of its crypto provider. rustls still derives new keys and stores session tickets.
//!
//! The tests of this crate compare the record layer with rustls' own (`docs/in-place-records.md`).

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!("there is no crypto provider: choose the feature \"ring\" or \"aws-lc-rs\"");

#[cfg(all(feature = "ring", feature = "aws-lc-rs"))]
compile_error!("there are two crypto providers: choose one");

mod cipher;
mod schedule;

use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;
use rustls::{ExtractedSecrets, ProtocolVersion, SupportedCipherSuite};
use tls_records::{Refused, Version};

pub use cipher::Cipher;
pub use schedule::Schedule;

/// The client's record layer of a connection of rustls, after the handshake.
pub type Records = tls_records::Records<Schedule>;

/// Continues a connection with the keys that were extracted from rustls.
///
/// # Errors
/// [`Refused::Unsupported`]: the version, cipher or key is not supported.
pub fn records(
    secrets: ExtractedSecrets,
    kernel: KernelConnection<ClientConnectionData>,
) -> Result<Records, Refused> {
    let (version, limit) = match (kernel.protocol_version(), kernel.negotiated_cipher_suite()) {
        (ProtocolVersion::TLSv1_2, SupportedCipherSuite::Tls12(suite)) => {
            (Version::Tls12, suite.common.confidentiality_limit)
        }
        (ProtocolVersion::TLSv1_3, SupportedCipherSuite::Tls13(suite)) => {
            (Version::Tls13, suite.common.confidentiality_limit)
        }
        _ => return Err(Refused::Unsupported),
    };
    let (receive, send) = (cipher::key(secrets.rx)?, cipher::key(secrets.tx)?);
    let schedule = Schedule::new(kernel);
    Ok(Records::new(version, receive, send, limit, schedule))
}
