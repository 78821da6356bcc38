//! Recorded TLS connections that can be continued several times, by rustls and by our record layer.
//!
//! Randomness and key exchange are fixed, so that every client sends the same bytes and the recorded answers of the
//! server are valid for each of them.

#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failed test"
)]

pub(crate) mod clients;
pub(crate) mod differ;
pub(crate) mod forge;

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::crypto::ring::cipher_suite as suites;
use rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, GetRandomFailed, SecureRandom, SharedSecret,
    SupportedKxGroup, ring,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{
    CipherSuiteCommon, ClientConfig, DigitallySignedStruct, Error, NamedGroup, ServerConfig,
    SignatureScheme, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite, version,
};
use tls_kernel::Records;

use forge::Peer;

/// Each version with each cipher.
pub(crate) const SUITES: [SupportedCipherSuite; 6] = [
    suites::TLS13_AES_128_GCM_SHA256,
    suites::TLS13_AES_256_GCM_SHA384,
    suites::TLS13_CHACHA20_POLY1305_SHA256,
    suites::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suites::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suites::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// The same suite with keys that may encrypt `limit` records.
pub(crate) fn short_lived(suite: SupportedCipherSuite, limit: u64) -> SupportedCipherSuite {
    match suite {
        SupportedCipherSuite::Tls12(suite) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common, limit),
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: suite.aead_alg,
            })))
        }
        SupportedCipherSuite::Tls13(suite) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common, limit),
                hkdf_provider: suite.hkdf_provider,
                aead_alg: suite.aead_alg,
                quic: None,
            })))
        }
    }
}

fn common(of: &CipherSuiteCommon, confidentiality_limit: u64) -> CipherSuiteCommon {
    CipherSuiteCommon {
        suite: of.suite,
        hash_provider: of.hash_provider,
        confidentiality_limit,
    }
}

/// A recorded handshake of a server with clients of one configuration, and the peer that continues it.
pub(crate) struct Recording {
    config: Arc<ClientConfig>,
    flights: Vec<Vec<u8>>,
    peer: Peer,
}

impl Recording {
    pub(crate) fn of(suite: SupportedCipherSuite) -> Self {
        let config = client(suite);
        let (flights, peer) = meet(&config, server(suite), suite);
        Self {
            config,
            flights,
            peer,
        }
    }

    /// A client that continues with the record layer of rustls.
    pub(crate) fn theirs(&self) -> UnbufferedClientConnection {
        let mut client = unbuffered(&self.config);
        drive_client(&mut client, &mut Vec::new());
        for flight in &self.flights {
            drive_client(&mut client, &mut flight.clone());
        }
        client
    }

    /// A client that continues with our record layer.
    pub(crate) fn ours(&self) -> Records {
        let (secrets, kernel) = self.theirs().dangerous_into_kernel_connection().unwrap();
        tls_kernel::records(secrets, kernel).unwrap()
    }

    /// The peer of either.
    pub(crate) fn peer(&self) -> Peer {
        self.peer.clone()
    }
}

fn meet(
    config: &Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    suite: SupportedCipherSuite,
) -> (Vec<Vec<u8>>, Peer) {
    let mut client = unbuffered(config);
    let mut server = UnbufferedServerConnection::new(server).unwrap();
    let mut flights = Vec::new();
    let mut to_server = drive_client(&mut client, &mut Vec::new());
    while !to_server.is_empty() {
        let flight = drive_server(&mut server, &mut to_server);
        to_server = drive_client(&mut client, &mut flight.clone());
        flights.push(flight);
    }
    let (secrets, mut kernel) = server.dangerous_into_kernel_connection().unwrap();
    (flights, Peer::new(suite, secrets, &mut kernel))
}

fn unbuffered(config: &Arc<ClientConfig>) -> UnbufferedClientConnection {
    let name = ServerName::try_from("host").unwrap();
    UnbufferedClientConnection::new(Arc::clone(config), name).unwrap()
}

macro_rules! drive {
    ($connection:expr, $incoming:expr) => {{
        let mut output = Vec::new();
        loop {
            let UnbufferedStatus { discard, state, .. } =
                $connection.process_tls_records($incoming);
            let over = match state.unwrap() {
                ConnectionState::EncodeTlsData(mut data) => {
                    let start = output.len();
                    output.resize(start + 20_000, 0);
                    let count = data.encode(&mut output[start..]).unwrap();
                    output.truncate(start + count);
                    false
                }
                ConnectionState::TransmitTlsData(data) => {
                    data.done();
                    false
                }
                ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_) => true,
                state => panic!("{state:?}"),
            };
            $incoming.drain(..discard);
            if over {
                break output;
            }
        }
    }};
}

fn drive_client(client: &mut UnbufferedClientConnection, incoming: &mut Vec<u8>) -> Vec<u8> {
    drive!(client, incoming)
}

fn drive_server(server: &mut UnbufferedServerConnection, incoming: &mut Vec<u8>) -> Vec<u8> {
    drive!(server, incoming)
}

fn client(suite: SupportedCipherSuite) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(provider(suite))
        .with_protocol_versions(&[suite.version()])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.enable_secret_extraction = true;
    Arc::new(config)
}

fn server(suite: SupportedCipherSuite) -> Arc<ServerConfig> {
    let identity = rcgen::generate_simple_self_signed(["host".into()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(provider(suite))
        .with_protocol_versions(&[&version::TLS12, &version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
        .unwrap();
    config.send_tls13_tickets = 0;
    config.enable_secret_extraction = true;
    Arc::new(config)
}

fn provider(suite: SupportedCipherSuite) -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![suite],
        kx_groups: vec![&Fixed],
        secure_random: &Fixed,
        ..ring::default_provider()
    })
}

/// Randomness and key exchange with constant results, which need not be secret here.
#[derive(Debug)]
struct Fixed;

impl SecureRandom for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        bytes.fill(0x5a);
        Ok(())
    }
}

impl SupportedKxGroup for Fixed {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(Self))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl ActiveKeyExchange for Fixed {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<SharedSecret, Error> {
        Ok(SharedSecret::from(&[7; 32][..]))
    }

    fn pub_key(&self) -> &[u8] {
        &[9; 32]
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

/// Accepts any certificate.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
