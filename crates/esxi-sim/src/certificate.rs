//! The self-signed certificate of a simulated host, and its fingerprints.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use rustls::ServerConfig;
#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as provider;
#[cfg(feature = "ring")]
use rustls::crypto::ring as provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// A certificate and its TLS configuration. Self-signed, as ESXi's usually is (`docs/webmks.md` 2.1).
pub(crate) struct Identity {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) pem: String,
    pub(crate) sha1: [u8; 20],
    pub(crate) sha256: [u8; 32],
}

impl Identity {
    /// Generates a key and a certificate for `address`, `localhost` and [`HOST_NAME`].
    pub(crate) fn generate(address: IpAddr) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params(address)
            .and_then(|params| params.self_signed(&key))
            .map_err(io::Error::other)?;
        let der = certificate.der().clone();
        let (sha1, sha256) = (Sha1::digest(&der).into(), Sha256::digest(&der).into());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut server =
            ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_no_client_auth()
                .with_single_cert(vec![der], key)
                .map_err(io::Error::other)?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            server: Arc::new(server),
            pem: certificate.pem(),
            sha1,
            sha256,
        })
    }
}

fn params(address: IpAddr) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned(), HOST_NAME.to_owned()])?;
    params.subject_alt_names.push(SanType::IpAddress(address));
    params
        .distinguished_name
        .push(DnType::CommonName, HOST_NAME);
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Simulated ESXi");
    Ok(params)
}

/// A fingerprint as vSphere writes it: upper-case hex bytes separated by colons.
pub(crate) fn colons(digest: &[u8]) -> String {
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// The host's own short name.
pub(crate) const HOST_NAME: &str = "esxi-sim";
