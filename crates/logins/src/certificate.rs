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
        Some(Err(error)) => {
            let remedy = match &error {
                rustls::Error::InvalidCertificate(why) => vsphere::certificate_remedy(why),
                _ => None,
            };
            Err(format!(
                "the first certificate is not usable ({}): {}",
                vsphere::tls_in_words(&error),
                remedy.unwrap_or("issue another one")
            ))
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_version_1_is_to_be_reissued() {
        let made = rcgen::generate_simple_self_signed(["gateway.example".into()]).unwrap();
        let der = made.cert.der().to_vec();
        // The field `version` (RFC 5280 section 4.1.2.1) is explicit and says 2 for v3; v1 leaves it out.
        let version = [0xa0, 3, 2, 1, 2];
        let at = der.windows(5).position(|bytes| bytes == version).unwrap();
        let mut v1 = [&der[..at], &der[at + 5..]].concat();
        for length_at in [2, 6] {
            let length = u16::from_be_bytes([v1[length_at], v1[length_at + 1]]) - 5;
            v1[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
        }
        let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, v1);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        assert_eq!(
            chain(pem.as_bytes()).unwrap_err(),
            "the first certificate is not usable (it is X.509 v1): reissue it as v3"
        );
    }
}
