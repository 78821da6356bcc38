//! Frames over the gateway's TLS: how many records they take.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::WebSocket;

/// One end of a connection, which keeps a copy of what it sends.
struct Tapped(DuplexStream, Arc<Mutex<Vec<u8>>>);

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            self.1.lock().unwrap().extend(&bytes[..*count]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// The number of TLS records (RFC 8446 section 5.1).
fn records(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let [23, _, _, high, low, rest @ ..] = bytes {
        bytes = &rest[usize::from(u16::from_be_bytes([*high, *low]))..];
        count += 1;
    }
    assert!(bytes.is_empty(), "application data only");
    count
}

#[tokio::test]
async fn frame_is_one_record_up_to_16_kib_and_four_at_most() {
    let made = rcgen::generate_simple_self_signed(["gateway.example".into()]).unwrap();
    let key = made.signing_key.serialize_pem();
    let chain = logins::certificate::chain(made.cert.pem().as_bytes()).unwrap();
    let server = logins::certificate::server(chain, key.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(console::crypto::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (near, far) = tokio::io::duplex(1 << 20);
    let sent = Arc::new(Mutex::new(Vec::new()));
    let accepting = TlsAcceptor::from(server).accept(Tapped(near, Arc::clone(&sent)));
    let name = ServerName::try_from("gateway.example").unwrap();
    let connecting = TlsConnector::from(Arc::new(client)).connect(name, far);
    let (near, far) = tokio::join!(accepting, connecting);
    let (mut browser, mut far) = (WebSocket::new(near.unwrap(), Bytes::new()), far.unwrap());
    for (payload, header, expected) in [
        (1, 2, 1),
        (125, 2, 1),
        (16_380, 4, 1),
        (16_381, 4, 2),
        (super::MAX_PAYLOAD, 4, 4),
    ] {
        sent.lock().unwrap().clear();
        let (front, behind) = (vec![1; payload / 2], vec![2; payload - payload / 2]);
        let slices = [IoSlice::new(&front), IoSlice::new(&behind)];
        let count = browser.write_vectored(&slices).await.unwrap();
        browser.flush().await.unwrap();
        assert_eq!(count, payload);
        assert_eq!(records(&sent.lock().unwrap()), expected, "{payload} bytes");
        let mut frame = vec![0; header + payload];
        far.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame[header..], [front, behind].concat());
    }
}
