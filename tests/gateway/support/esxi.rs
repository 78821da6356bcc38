//! A scripted console host: the test writes the TLS stream's bytes, from the upgrade on.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use console::tls::Trust;
use rfb_proto::VncPassword;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::frame::{self, BINARY, Frame};
use super::testbed::Testbed;
use super::viewer::{RfbVersion, Viewer};

/// The size of reads.
const READ: usize = 64 * 1024;

/// A host that accepts console connections. Tickets come from the simulator.
pub(crate) struct Esxi {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
}

impl Esxi {
    pub(crate) async fn start() -> Self {
        Self::speaking(rustls::ALL_VERSIONS).await
    }

    /// A host with these TLS versions only.
    pub(crate) async fn speaking(versions: &[&'static SupportedProtocolVersion]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let identity = rcgen::generate_simple_self_signed(["127.0.0.1".into()]).unwrap();
        let certificate = identity.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], PrivateKeyDer::Pkcs8(key))
            .unwrap();
        Self {
            listener,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Trust in this host's self-signed certificate.
    pub(crate) fn trust(&self) -> Trust {
        Trust::File(vec![self.certificate.clone()])
    }

    /// The next TCP connection, before TLS.
    pub(crate) async fn accept(&self) -> TcpStream {
        let (socket, _) = self.listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        socket
    }

    /// The next connection, after TLS.
    pub(crate) async fn connection(&self) -> HostConnection {
        let socket = self.accept().await;
        HostConnection::new(self.acceptor.accept(socket).await.unwrap())
    }

    /// The next connection, whose TLS handshake must fail.
    pub(crate) async fn failed_connection(&self) {
        let socket = self.accept().await;
        assert!(self.acceptor.accept(socket).await.is_err());
    }

    /// The certificate in PEM.
    pub(crate) fn certificate_pem(&self) -> String {
        let encoded = base64::engine::general_purpose::STANDARD.encode(&self.certificate);
        format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n")
    }

    /// A viewer of `testbed` and the host's connection of its console, both after ClientInit: what either sends now is relayed.
    pub(crate) async fn session(&self, testbed: &Testbed) -> (Viewer, HostConnection) {
        session(testbed.viewer().await, self.connection()).await
    }
}

/// `viewer`, which has just connected, and the host's next connection, both after ClientInit.
pub(super) async fn session<S: AsyncRead + AsyncWrite + Unpin>(
    mut viewer: Viewer,
    connection: impl Future<Output = HostConnection<S>>,
) -> (Viewer, HostConnection<S>) {
    let entering = async {
        viewer.enter(RfbVersion::V3_8, None).await.unwrap();
        viewer.send(&[1]).await;
    };
    let hosting = async {
        let mut connection = connection.await;
        connection.open().await;
        assert_eq!(connection.bytes(1).await, [1], "ClientInit");
        connection
    };
    let ((), connection) = tokio::join!(entering, hosting);
    (viewer, connection)
}

/// The host's side of one console connection.
pub(crate) struct HostConnection<S = TlsStream<TcpStream>> {
    pub(crate) reader: FrameReader<S>,
}

/// The half that reads frames.
pub(crate) struct FrameReader<R> {
    stream: R,
    input: Vec<u8>,
    /// Payload of binary frames that was not consumed yet.
    payload: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> HostConnection<S> {
    pub(crate) fn new(stream: S) -> Self {
        let reader = FrameReader {
            stream,
            input: Vec::new(),
            payload: Vec::new(),
        };
        Self { reader }
    }

    /// Reads the upgrade request.
    pub(crate) async fn request(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.reader.stream.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// Upgrade and RFB handshake up to SecurityResult.
    pub(crate) async fn open(&mut self) {
        let request = self.request().await;
        self.send(&upgraded(&request)).await;
        self.handshake().await;
    }

    /// The RFB handshake up to SecurityResult.
    pub(crate) async fn handshake(&mut self) {
        self.send(&frame::whole(BINARY, b"RFB 003.008\n")).await;
        assert_eq!(self.bytes(12).await, b"RFB 003.008\n");
        self.send(&frame::whole(BINARY, &[1, 1])).await;
        assert_eq!(self.bytes(1).await, [1], "the chosen type");
        self.send(&frame::whole(BINARY, &[0; 4])).await;
    }

    /// The RFB handshake of a server of this version, with an optional VNC password: whether the client is authenticated.
    pub(crate) async fn rfb_security(
        &mut self,
        version: RfbVersion,
        password: Option<&str>,
    ) -> bool {
        self.send_binary(version.bytes()).await;
        assert_eq!(self.bytes(12).await, version.bytes());
        let security_type = if password.is_some() { 2 } else { 1 };
        if version == RfbVersion::V3_3 {
            self.send_binary(&[0, 0, 0, security_type]).await;
        } else {
            self.send_binary(&[1, security_type]).await;
            assert_eq!(self.bytes(1).await, [security_type], "the chosen type");
        }
        let is_right = match password {
            Some(password) => {
                let challenge = [0x5a; 16];
                self.send_binary(&challenge).await;
                let expected = VncPassword::new(password).unwrap().respond(&challenge);
                self.bytes(16).await == expected
            }
            None if version == RfbVersion::V3_8 => true,
            None => return true,
        };
        let reason = &[&[0, 0, 0, 1, 0, 0, 0, 5][..], b"wrong"].concat();
        self.send_binary(if is_right { &[0; 4] } else { reason })
            .await;
        is_right
    }

    /// Sends raw bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.reader.stream.write_all(bytes).await.unwrap();
        self.reader.stream.flush().await.unwrap();
    }

    /// Sends each byte in a TLS record and a TCP segment of its own.
    pub(crate) async fn send_byte_by_byte(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.send(std::slice::from_ref(byte)).await;
        }
    }

    /// Sends one binary message.
    pub(crate) async fn send_binary(&mut self, payload: &[u8]) {
        self.send(&frame::whole(BINARY, payload)).await;
    }

    /// See [`FrameReader::bytes`].
    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        self.reader.bytes(count).await
    }

    /// See [`FrameReader::frame`].
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        self.reader.frame().await
    }

    /// Ends the sending half: close_notify and FIN.
    pub(crate) async fn finish(&mut self) {
        self.reader.stream.shutdown().await.unwrap();
    }

    /// Splits it into halves that can be used concurrently.
    pub(crate) fn split(self) -> (FrameReader<ReadHalf<S>>, WriteHalf<S>) {
        #[expect(
            clippy::disallowed_methods,
            reason = "a TLS stream has no owned halves"
        )]
        let (read, write) = tokio::io::split(self.reader.stream);
        let reader = FrameReader {
            stream: read,
            input: self.reader.input,
            payload: self.reader.payload,
        };
        (reader, write)
    }
}

impl HostConnection {
    /// Ends the sending half with FIN alone.
    pub(crate) async fn finish_without_close_notify(&mut self) {
        self.reader.stream.get_mut().0.shutdown().await.unwrap();
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        self.reader.stream.get_ref().0.set_zero_linger().unwrap();
    }
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// The next frame; `None` at the end of the connection, also after an error.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = frame::take(&mut self.input) {
                return Some(frame);
            }
            self.input.reserve(READ);
            match self.stream.read_buf(&mut self.input).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => {
                    assert!(self.input.is_empty(), "half a frame");
                    return None;
                }
            }
        }
    }

    /// Exactly `count` bytes of RFB, from any number of binary frames.
    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.payload.len() < count {
            let frame = self.frame().await.expect("the connection ended early");
            assert_eq!(frame.opcode, BINARY, "{frame:?}");
            self.payload.extend(frame.payload);
        }
        self.payload.drain(..count).collect()
    }

    /// Reads up to a Close: the RFB bytes before it, and the frame.
    pub(crate) async fn read_until_close(&mut self) -> (Vec<u8>, Frame) {
        loop {
            let frame = self.frame().await.expect("a Close before the end");
            match frame.opcode {
                BINARY => self.payload.extend(frame.payload),
                frame::CLOSE => return (std::mem::take(&mut self.payload), frame),
                _ => panic!("{frame:?}"),
            }
        }
    }

    /// Checks that the connection ends without another frame.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let frame = self.frame().await;
            assert_eq!(frame, None, "at {caller}");
        }
    }
}

/// The response that opens a WebSocket with subprotocol `binary`.
pub(crate) fn upgraded(request: &str) -> Vec<u8> {
    upgraded_to(request, Some("binary"))
}

/// The response that opens a WebSocket with that subprotocol, or none.
pub(crate) fn upgraded_to(request: &str, subprotocol: Option<&str>) -> Vec<u8> {
    let key = header(request, "sec-websocket-key");
    let chosen = subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n{}\r\n",
        derive_accept_key(key.as_bytes()),
        chosen.unwrap_or_default()
    )
    .into_bytes()
}

/// A header of a request.
pub(crate) fn header<'a>(request: &'a str, wanted: &str) -> &'a str {
    let mut headers = request.lines().filter_map(|line| line.split_once(':'));
    let found = headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    found.expect("the request has this header").1.trim()
}
