//! Our own certificate, which encrypted viewers see.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A TLS server with this certificate (its chain, ours first) and its private key, both PEM. TLS 1.2 and
/// 1.3; a viewer needs no certificate of its own.
///
/// # Errors
/// A sentence: one of them is not what it should be, or they do not belong together.
pub(crate) fn server(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("certificate cannot be read ({error}): it must be PEM"))?;
    if chain.is_empty() {
        return Err("certificate holds none: it must be PEM".into());
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
        format!("private_key cannot be read ({error}): it must be PEM, without a passphrase")
    })?;
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map(Arc::new)
        .map_err(|error| format!("certificate and private_key cannot be used together ({error})"))
}
