//! Our own certificate, which encrypted viewers see.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};

use console::crypto;

/// A certificate and those that lead from it to an authority.
pub struct Chain(Vec<CertificateDer<'static>>);

/// A certificate chain in PEM, ours first.
///
/// # Errors
/// A sentence: it is none.
pub fn chain(pem: &[u8]) -> Result<Chain, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| {
            format!(
                "it cannot be read as a certificate ({}): it must be PEM",
                vsphere::pem_in_words(&error)
            )
        })?;
    match chain.first().map(ParsedCertificate::try_from) {
        None => Err("it holds no certificate: it must be PEM".into()),
        Some(Err(error)) => Err(format!(
            "its first certificate cannot be used ({})",
            vsphere::tls_in_words(&error)
        )),
        Some(Ok(_)) => Ok(Chain(chain)),
    }
}

/// A TLS server that presents this certificate, with its private key in PEM. TLS 1.2 and 1.3; a viewer needs
/// no certificate of its own. Nothing is kept to resume by: consoles stay open for hours.
///
/// # Errors
/// A sentence: the key is none, or that of another certificate.
pub fn server(Chain(chain): Chain, key: &[u8]) -> Result<Arc<ServerConfig>, String> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
        format!(
            "it cannot be read as a private key ({}): it must be PEM, without a passphrase",
            vsphere::pem_in_words(&error)
        )
    })?;
    let mut server = ServerConfig::builder_with_provider(crypto::provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                "it is not the private key of the certificate: use the pair that was made together"
                    .into()
            }
            other => format!("it cannot be used as a private key ({other})"),
        })?;
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(Arc::new(server))
}
