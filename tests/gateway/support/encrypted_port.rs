//! A port that requires VeNCrypt, and viewers that log in there.

use std::sync::Arc;

use bytes::BytesMut;
use console::tls::{Thumbprint, Trust};
use gateway::Users;
use gateway::settings::{Auth, ConsoleSettings};
use rfb_proto::{Client, ClientStep, Password, Refusal, SecurityType, VncPassword};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::log;
use super::testbed::{PASSWORD, Setup, Testbed};
use super::viewer::{Viewer, assert_short};

/// Lines of `mksgate passwd` for the password "x", with rights.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$t2dIS7GCpYHUKunPpwb3uw$dgLDrR/+jioPf+BcqP30PKFWdcX43S5Y3HjdCN1rsD8";

pub(crate) fn users() -> Users {
    let lines = [
        ("ada", ""),
        ("looker", ":view-only"),
        ("stranger", ":web*,db*"),
        ("guest", ":vm0*"),
        ("by-id", ":moref:1"),
        ("by-path", ":web*,/ha-datacenter/vm/*"),
        ("by-vsphere", ":lab:vm08"),
        ("other-id", ":moref:2,m*,*:vm08"),
        ("other-path", ":/ha-datacenter/vm/web/*"),
        ("other-vsphere", ":other:vm08,other:*"),
    ];
    let text: String = lines
        .iter()
        .map(|(name, rights)| format!("{name}:{HASH}{rights}\n"))
        .collect();
    Users::parse(&text).unwrap()
}

/// A self-signed certificate and a TLS server configuration with it.
pub(crate) fn certificate() -> (Arc<ServerConfig>, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let server =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
    (Arc::new(server), certificate)
}

/// A gateway whose port requires VeNCrypt, and the pin of its certificate.
pub(crate) struct EncryptedPort {
    pub(crate) testbed: Testbed,
    pub(crate) pin: Trust,
}

impl EncryptedPort {
    pub(crate) async fn with(
        methods: &[SecurityType],
        customize: fn(ConsoleSettings) -> ConsoleSettings,
    ) -> Self {
        let (tls, certificate) = certificate();
        let mut auth = Auth::x509_plain(users(), tls);
        auth.methods = methods.to_vec();
        auth.password = Auth::vnc_password(VncPassword::new(PASSWORD).unwrap()).password;
        let testbed = Setup {
            auth,
            customize,
            ..Setup::default()
        }
        .start()
        .await;
        let digest: [u8; 32] = sha2::Digest::finalize(sha2::Digest::chain_update(
            sha2::Sha256::default(),
            &certificate,
        ))
        .into();
        Self {
            testbed,
            pin: Trust::Pinned(Thumbprint::Sha256(digest)),
        }
    }

    pub(crate) async fn by_name() -> Self {
        Self::with(&[SecurityType::X509Plain], |console| console).await
    }

    /// A complete handshake by `client`, with TLS.
    pub(crate) async fn enter(
        &self,
        client: Client,
    ) -> Result<Viewer<TlsStream<TcpStream>>, String> {
        let socket = TcpStream::connect(self.testbed.ports[0]).await.unwrap();
        self.enter_on(socket, client).await
    }

    /// The closing line in the log of a user who is refused.
    pub(crate) async fn line_of_refused(&self, name: &str, password: &str) -> log::Line {
        let socket = TcpStream::connect(self.testbed.ports[0]).await.unwrap();
        let from = socket.local_addr().unwrap();
        log::expect(from);
        let client = Client::new(None)
            .with_tls()
            .with_user(name, Password::new(password));
        assert!(self.enter_on(socket, client).await.is_err());
        log::closing_line(from).await
    }

    pub(crate) async fn enter_on(
        &self,
        mut socket: TcpStream,
        client: Client,
    ) -> Result<Viewer<TlsStream<TcpStream>>, String> {
        let mut talk = Talk {
            client,
            input: BytesMut::new(),
            output: BytesMut::new(),
        };
        assert!(talk.until_step(&mut socket).await?, "TLS comes first");
        assert!(talk.input.is_empty());
        let connector = TlsConnector::from(Arc::new(self.pin.client().unwrap()));
        let mut stream = connector
            .connect(ServerName::try_from("localhost").unwrap(), socket)
            .await
            .unwrap();
        assert!(!talk.until_step(&mut stream).await?, "TLS comes once");
        assert!(talk.input.is_empty());
        Ok(Viewer { stream })
    }

    pub(crate) async fn enter_as(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Viewer<TlsStream<TcpStream>>, String> {
        self.enter(
            Client::new(None)
                .with_tls()
                .with_user(name, Password::new(password)),
        )
        .await
    }
}

struct Talk {
    client: Client,
    input: BytesMut,
    output: BytesMut,
}

impl Talk {
    /// Advances the handshake to its next step: TLS, or the end.
    async fn until_step(
        &mut self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ) -> Result<bool, String> {
        loop {
            let step = self.client.advance(&mut self.input, &mut self.output);
            stream.write_all_buf(&mut self.output).await.unwrap();
            match step {
                Ok(ClientStep::StartTls) => return Ok(true),
                Ok(ClientStep::Ready(_)) => return Ok(false),
                Ok(ClientStep::More) => assert!(
                    stream.read_buf(&mut self.input).await.unwrap() > 0,
                    "it ended"
                ),
                Err(Refusal::Refused(reason)) => {
                    assert_short(&reason);
                    return Err(reason);
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}
