//! Server certificate verification of every outgoing TLS connection. A search for `DangerAcceptAny` finds every place
//! that disables it.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use rustls_platform_verifier::BuilderVerifierExt;
use sha1::Digest;
use vsphere::{Thumbprints, io_in_words, pem_in_words, tls_in_words};

use crate::crypto;
use crate::named_file;

/// How a server's certificate is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Against the operating system's certificate authorities.
    System,
    /// Against Mozilla's certificate authorities, which are compiled in.
    WebPki,
    /// Against the certificate authorities in a PEM file.
    File(Vec<CertificateDer<'static>>),
    /// The certificate must have this digest.
    Pinned(Thumbprint),
    /// Not at all: a machine in the middle can read and change everything.
    DangerAcceptAny,
}

/// How a console's certificate is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleTrust {
    /// Against the thumbprint in the ticket, which came over the verified `/sdk`; a ticket without one falls back to the
    /// vSphere's [`Trust`].
    Ticket,
    /// Always like this; the ticket's thumbprint is ignored.
    Fixed(Trust),
}

/// A certificate's digest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Thumbprint {
    /// vSphere's `sslThumbprint`. SHA-1 has no known second-preimage attack, which a forged certificate would need.
    Sha1([u8; 20]),
    /// SHA-256.
    Sha256([u8; 32]),
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes): (_, &[u8]) = match self {
            Self::Sha1(bytes) => ("sha1", bytes),
            Self::Sha256(bytes) => ("sha256", bytes),
        };
        write!(f, "{name}:")?;
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Thumbprint {
    /// The digest of `certificate`, of the same kind as this one.
    fn of_same_kind(&self, certificate: &CertificateDer<'_>) -> Self {
        match self {
            Self::Sha1(_) => Self::Sha1(sha1::Sha1::digest(certificate).into()),
            Self::Sha256(_) => Self::Sha256(sha2::Sha256::digest(certificate).into()),
        }
    }

    /// The strongest thumbprint of a ticket.
    pub fn strongest(offered: &Thumbprints) -> Option<Self> {
        offered
            .sha256
            .map(Self::Sha256)
            .or_else(|| offered.sha1.map(Self::Sha1))
    }
}

/// A certificate that is not the one that was pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {got}")]
pub struct PinMismatch {
    /// The configured digest, or the ticket's.
    pub expected: Thumbprint,
    /// The digest of the server's certificate.
    pub got: Thumbprint,
}

impl Trust {
    /// Reads `system`, `webpki`, `file:PATH`, `sha256:HEX` or `danger-accept-any`. `beside` makes a
    /// relative path absolute.
    ///
    /// # Errors
    /// A sentence, cause and remedy.
    pub fn parse(text: &str, beside: impl Fn(&Path) -> PathBuf) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "system" => Ok(Self::System),
            None if text == "webpki" => Ok(Self::WebPki),
            None if text == "danger-accept-any" => Ok(Self::DangerAcceptAny),
            Some(("file", "")) => Err("\"file:\" has no path: write \"file:PATH\"".into()),
            Some(("file", path)) => read_authorities(&beside(Path::new(path))).map(Self::File),
            Some(("sha256", hex)) => parse_sha256(hex).map(Self::Pinned).ok_or_else(|| {
                "sha256: needs 64 hexadecimal digits, with colons or without".into()
            }),
            _ => Err(unknown_trust(text)),
        }
    }

    /// A rustls client configuration that verifies certificates like this.
    ///
    /// # Errors
    /// A sentence: the operating system's certificate authorities cannot be used.
    pub fn client(&self) -> Result<ClientConfig, String> {
        let provider = crypto::provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up ({})", tls_in_words(&error)))?;
        let pinned = |pin| {
            let verifier = Arc::new(PinVerifier { pin, provider });
            builder
                .clone()
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth()
        };
        Ok(match self {
            Self::Pinned(thumbprint) => pinned(Some(*thumbprint)),
            Self::DangerAcceptAny => pinned(None),
            Self::System => builder
                .with_platform_verifier()
                .map_err(|error| {
                    format!(
                        "the system's certificate authorities cannot be loaded ({}): set trust to another value",
                        tls_in_words(&error)
                    )
                })?
                .with_no_client_auth(),
            Self::WebPki => {
                let roots =
                    RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                builder.with_root_certificates(roots).with_no_client_auth()
            }
            Self::File(authorities) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(authorities.iter().cloned());
                builder.with_root_certificates(roots).with_no_client_auth()
            }
        })
    }
}

/// The error for another word, with the value that was probably meant.
fn unknown_trust(text: &str) -> String {
    const WORDS: [&str; 3] = ["system", "webpki", "danger-accept-any"];
    const FILES: [&str; 3] = ["pem", "crt", "cer"];
    let extension = Path::new(text).extension().and_then(OsStr::to_str);
    let word = WORDS
        .into_iter()
        .find(|word| word.eq_ignore_ascii_case(text));
    let meant = match word {
        Some(word) => word.to_owned(),
        None if extension.is_some_and(|extension| FILES.contains(&extension)) => {
            format!("file:{text}")
        }
        None if parse_sha256(text).is_some() => format!("sha256:{text}"),
        None => {
            return format!(
                "unknown trust {text:?}: write \"system\", \"webpki\", \"file:PATH\", \"sha256:HEX\" or \
                 \"danger-accept-any\""
            );
        }
    };
    format!("unknown trust {text:?}: did you mean {meant:?}?")
}

fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let authorities: Result<Vec<_>, _> =
        named_file::open(path)
            .map_err(pem::Error::Io)
            .and_then(|file| {
                let file = BufReader::new(file.take(named_file::MAX_SIZE));
                CertificateDer::pem_reader_iter(file).collect()
            });
    match authorities {
        Ok(authorities) if authorities.is_empty() => {
            Err(format!("{shown} contains no certificate: it must be PEM"))
        }
        Ok(authorities) => Ok(authorities),
        Err(pem::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "{shown} does not exist: create it, or correct its name"
        )),
        Err(pem::Error::Io(error)) => Err(format!(
            "cannot read {shown} ({}): name another file",
            io_in_words(&error)
        )),
        Err(error) => Err(format!(
            "invalid certificates in {shown} ({}): they must be PEM",
            pem_in_words(&error)
        )),
    }
}

fn parse_sha256(text: &str) -> Option<Thumbprint> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    let mut digest = [0; 32];
    if digits.len() != 2 * digest.len() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Thumbprint::Sha256(digest))
}

/// Accepts only the pinned certificate, whatever its issuer and names; with no pin, any. The handshake's signature is
/// verified in either case, so the server must hold the certificate's private key.
#[derive(Debug)]
struct PinVerifier {
    pin: Option<Thumbprint>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(expected) = self.pin else {
            return Ok(ServerCertVerified::assertion());
        };
        let got = expected.of_same_kind(certificate);
        if got == expected {
            return Ok(ServerCertVerified::assertion());
        }
        let mismatch = PinMismatch { expected, got };
        Err(CertificateError::Other(OtherError(Arc::new(mismatch))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, generate_simple_self_signed};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::server::{ClientHello, ResolvesServerCert};
    use rustls::sign::CertifiedKey;
    use rustls::{ClientConnection, ServerConfig, ServerConnection, SupportedProtocolVersion};

    use super::*;

    /// Presents a certificate whether or not the key is that of the certificate.
    #[derive(Debug)]
    struct Presents(Arc<CertifiedKey>);

    impl ResolvesServerCert for Presents {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }

    /// The client's result of a handshake with a server that has this certificate and signs with `key`.
    fn handshake(
        trust: &Trust,
        version: &'static SupportedProtocolVersion,
        certificate: &CertificateDer<'static>,
        key: &KeyPair,
    ) -> Result<(), rustls::Error> {
        let provider = crypto::provider();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let key = provider.key_provider.load_private_key(key).unwrap();
        let presents = Presents(Arc::new(CertifiedKey::new(vec![certificate.clone()], key)));
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(presents));
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        let name = ServerName::try_from("esxi.example").unwrap();
        let mut client = ClientConnection::new(Arc::new(trust.client().unwrap()), name).unwrap();
        while client.is_handshaking() {
            let mut flight = Vec::new();
            client.write_tls(&mut flight).unwrap();
            server.read_tls(&mut flight.as_slice()).unwrap();
            server.process_new_packets().unwrap();
            let mut flight = Vec::new();
            server.write_tls(&mut flight).unwrap();
            client.read_tls(&mut flight.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        assert_eq!(client.protocol_version(), Some(version.version));
        Ok(())
    }

    #[test]
    fn unknown_words_and_missing_files_are_named_with_a_remedy() {
        let digest = "ab".repeat(32);
        for (text, sentence) in [
            (
                "vpx-ca.pem",
                "unknown trust \"vpx-ca.pem\": did you mean \"file:vpx-ca.pem\"?",
            ),
            (
                "System",
                "unknown trust \"System\": did you mean \"system\"?",
            ),
            (
                &digest,
                &format!("unknown trust \"{digest}\": did you mean \"sha256:{digest}\"?"),
            ),
            (
                "maybe",
                "unknown trust \"maybe\": write \"system\", \"webpki\", \"file:PATH\", \"sha256:HEX\" or \"danger-accept-any\"",
            ),
            (
                "file:nope.pem",
                "nope.pem does not exist: create it, or correct its name",
            ),
        ] {
            assert_eq!(Trust::parse(text, Path::to_owned).unwrap_err(), sentence);
        }
    }

    #[test]
    fn the_pinned_certificate_with_another_key_is_refused() {
        let identity = generate_simple_self_signed(["esxi.example".into()]).unwrap();
        let certificate = identity.cert.der().clone();
        let sha1 = Thumbprint::Sha1(sha1::Sha1::digest(&certificate).into());
        let sha256 = Thumbprint::Sha256(sha2::Sha256::digest(&certificate).into());
        let another_key = KeyPair::generate().unwrap();
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            for trust in [
                Trust::Pinned(sha1),
                Trust::Pinned(sha256),
                Trust::DangerAcceptAny,
            ] {
                let shake = |key| handshake(&trust, version, &certificate, key);
                assert_eq!(shake(&identity.signing_key), Ok(()), "{trust:?}");
                let refused = rustls::Error::InvalidCertificate(CertificateError::BadSignature);
                assert_eq!(shake(&another_key), Err(refused), "{trust:?} {version:?}");
            }
        }
    }
}
