//! A browser's WebSocket, by tokio-tungstenite, behind its opening handshake.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use console::tls::{Thumbprint, Trust};
use futures::{SinkExt, StreamExt};
use gateway::{GrantedConsole, Stream, WebEntrance};
use rustls::pki_types::ServerName;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::task::TaskTracker;

use super::encrypted_port::certificate;
use super::log;
use super::viewer::Viewer;

/// A browser with a console.
pub(crate) struct Browser {
    /// Its RFB.
    pub(crate) viewer: Viewer<DuplexStream>,
    /// Sends any message.
    pub(crate) messages: mpsc::Sender<Message>,
    /// The code and the reason of the gateway's Close; `None` where the connection ended without one.
    closed: JoinHandle<Option<(u16, String)>>,
    address: SocketAddr,
}

impl Browser {
    /// Opens the console over plain TCP, as behind a reverse proxy.
    pub(crate) async fn open(page: &WebEntrance, console: GrantedConsole) -> Self {
        let (far, near) = connected().await;
        let address = far.local_addr().unwrap();
        let on_thread = page.clone();
        let serve = move |near| async move {
            let stream = Stream::Left(near);
            on_thread
                .serve(console, stream, Bytes::new(), address)
                .await;
        };
        page.spawn(near, serve).unwrap();
        Self::of(far, address).await
    }

    /// Opens the console over TLS.
    pub(crate) async fn open_encrypted(page: &WebEntrance, console: GrantedConsole) -> Self {
        let (far, near) = connected().await;
        let address = far.local_addr().unwrap();
        let (server, certificate) = certificate();
        let on_thread = page.clone();
        let serve = move |near| async move {
            let tls = TlsAcceptor::from(server).accept(near).await.unwrap();
            let stream = Stream::Right(Box::new(tls));
            on_thread
                .serve(console, stream, Bytes::new(), address)
                .await;
        };
        page.spawn(near, serve).unwrap();
        let pin = Thumbprint::Sha256(Sha256::digest(&certificate).into());
        let client = Arc::new(Trust::Pinned(pin).client().unwrap());
        let name = ServerName::try_from("localhost").unwrap();
        let tls = TlsConnector::from(client).connect(name, far).await.unwrap();
        Self::of(tls, address).await
    }

    async fn of(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        address: SocketAddr,
    ) -> Self {
        log::expect(address);
        let config = WebSocketConfig::default();
        let socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await;
        let (viewer, bytes) = duplex(1 << 16);
        let (messages, sent) = mpsc::channel(4);
        Self {
            viewer: Viewer { stream: viewer },
            messages,
            closed: TaskTracker::new().spawn(copy(socket, bytes, sent)),
            address,
        }
    }

    /// Waits until the gateway has closed, and returns the code and the reason.
    pub(crate) async fn closed(self) -> Option<(u16, String)> {
        self.closed.await.unwrap()
    }

    /// The session's closing line in the log.
    pub(crate) async fn closing_line(&self) -> log::Line {
        log::closing_line(self.address).await
    }
}

async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap());
    let (far, near) = tokio::join!(far, listener.accept());
    let (far, near) = (far.unwrap(), near.unwrap().0);
    far.set_nodelay(true).unwrap();
    near.set_nodelay(true).unwrap();
    (far, near)
}

/// Copies between the messages and the viewer's bytes. When the viewer ends, the browser closes.
async fn copy(
    mut socket: WebSocketStream<impl AsyncRead + AsyncWrite + Unpin>,
    mut bytes: DuplexStream,
    mut sent: mpsc::Receiver<Message>,
) -> Option<(u16, String)> {
    let mut buffer = vec![0; 4096];
    let mut viewer_ended = false;
    loop {
        tokio::select! {
            read = bytes.read(&mut buffer), if !viewer_ended => match read.unwrap() {
                0 => {
                    viewer_ended = true;
                    let _ = socket.close(None).await;
                }
                count => {
                    let message = Message::binary(buffer[..count].to_vec());
                    // The gateway may have closed.
                    let _ = socket.send(message).await;
                }
            },
            Some(message) = sent.recv() => socket.send(message).await.unwrap(),
            received = socket.next() => match received {
                Some(Ok(Message::Binary(payload))) => {
                    // The viewer may have ended.
                    let _ = bytes.write_all(&payload).await;
                }
                Some(Ok(Message::Close(frame))) => {
                    let frame = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                    // The echo of the Close.
                    while socket.next().await.is_some() {}
                    return frame;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            },
        }
    }
}
