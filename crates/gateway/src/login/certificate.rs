//! The gateway's certificate, for viewers that use VeNCrypt.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};

use console::crypto;

/// A certificate, and the intermediate certificates after it.
#[derive(Debug, Clone)]
pub struct Chain(Vec<CertificateDer<'static>>);

impl Chain {
    /// The certificates, the gateway's own first.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0
    }
}

/// Parses a certificate chain in PEM, the gateway's own certificate first.
///
/// # Errors
/// A sentence: the PEM or the first certificate is invalid.
pub fn chain(pem: &[u8]) -> Result<Chain, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| {
            format!(
                "invalid certificate ({}): it must be PEM",
                vsphere::pem_in_words(&error)
            )
        })?;
    match chain.first().map(ParsedCertificate::try_from) {
        None => Err("no certificate in this file: it must be PEM".into()),
        Some(Err(error)) => Err(format!(
            "the first certificate is not usable ({})",
            vsphere::tls_in_words(&error)
        )),
        Some(Ok(_)) => Ok(Chain(chain)),
    }
}

/// The TLS server configuration for a certificate and its private key in PEM: TLS 1.2 and 1.3, no client certificates, no
/// session resumption, since consoles stay open for hours.
///
/// # Errors
/// A sentence: the key is invalid, or belongs to another certificate.
pub fn server(Chain(chain): Chain, key: &[u8]) -> Result<Arc<ServerConfig>, String> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
        format!(
            "invalid private key ({}): it must be PEM, without a passphrase",
            vsphere::pem_in_words(&error)
        )
    })?;
    let mut server = ServerConfig::builder_with_provider(crypto::provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                "the private key does not belong to the certificate: use a matching pair".into()
            }
            other => format!(
                "the private key is not usable ({})",
                vsphere::tls_in_words(&other)
            ),
        })?;
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(Arc::new(server))
}
