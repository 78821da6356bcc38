//! A server that speaks RFB in a WebSocket, or another protocol: one thread for each connection, with TLS or without.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, spawn};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The behaviour of the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A desktop of 640 × 480 pixels, called "the desk".
    Desktop,
    /// A desktop of 4 × 4 pixels that sends all of them, and takes keys.
    Small,
    /// A desktop with a subprotocol that was not requested.
    Subprotocol,
    /// HTTP 404 for every path.
    NotFound,
    /// A VNC server without a WebSocket.
    Bare,
    /// A WebSocket with another protocol than RFB.
    NoRfb,
    /// A WebSocket on which nothing is sent.
    Silent,
}

/// A server, stopped on drop.
pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    /// The thumbprint of its certificate, as `trust` takes it; empty without TLS.
    pub(crate) thumbprint: String,
    heads: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn plain(kind: Kind) -> Self {
        Self::start(kind, None, String::new())
    }

    /// With a self-signed certificate.
    pub(crate) fn secure(kind: Kind) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".into()]).unwrap();
        let digest = Sha256::digest(made.cert.der());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Self::start(kind, Some(Arc::new(tls)), format!("sha256:{hex}"))
    }

    fn start(kind: Kind, tls: Option<Arc<ServerConfig>>, thumbprint: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let (heads, ended) = (
            Arc::<Mutex<Vec<String>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (requests, stop) = (Arc::clone(&heads), Arc::clone(&ended));
        let accepting = spawn(move || {
            for socket in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (socket, requests, tls) = (socket.unwrap(), Arc::clone(&requests), tls.clone());
                // The client may disconnect at any point.
                spawn(move || match tls {
                    Some(tls) => {
                        let session = ServerConnection::new(tls).unwrap();
                        serve(StreamOwned::new(session, socket), kind, &requests)
                    }
                    None => serve(socket, kind, &requests),
                });
            }
        });
        Self {
            address,
            scheme,
            thumbprint,
            heads,
            ended,
            accepting: Some(accepting),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The URL as errors and logs show it.
    pub(crate) fn shown(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// The heads of all requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // The connection only wakes the accept loop.
        let _ = TcpStream::connect(self.address);
        self.accepting.take().unwrap().join().unwrap();
    }
}

fn serve(mut stream: impl Read + Write, kind: Kind, heads: &Mutex<Vec<String>>) -> io::Result<()> {
    if kind == Kind::Bare {
        stream.write_all(b"RFB 003.008\n")?;
        return stream.read_to_end(&mut Vec::new()).map(drop);
    }
    let head = head(&mut stream)?;
    heads.lock().unwrap().push(head.clone());
    if kind == Kind::NotFound {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
    stream.write_all(answer(&head, kind).as_bytes())?;
    let mut socket = WebSocket {
        stream,
        payload: Vec::new(),
    };
    match kind {
        Kind::Desktop => desktop(&mut socket, [2, 128, 1, 224], 1)?,
        Kind::Small => desktop(&mut socket, [0, 4, 0, 4], 4)?,
        Kind::NoRfb => socket.send(b"220 mail.example ESMTP\r\n")?,
        _ => {}
    }
    // Until the client disconnects.
    loop {
        socket.receive()?;
    }
}

fn head(stream: &mut impl Read) -> io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8(head).unwrap())
}

/// RFC 6455 section 4.2.2, with the requested subprotocol, if any.
fn answer(head: &str, kind: Kind) -> String {
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    let key = value("Sec-WebSocket-Key: ").unwrap();
    let accept = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n",
        STANDARD.encode(accept)
    );
    let chosen = match kind {
        Kind::Subprotocol => Some("chat"),
        _ => value("Sec-WebSocket-Protocol: "),
    };
    if let Some(chosen) = chosen {
        answer += &format!("Sec-WebSocket-Protocol: {chosen}\r\n");
    }
    answer + "\r\n"
}

/// RFB 3.8 without a password, for a screen of `size`; answers update requests with a white square of that `side`.
fn desktop<S: Read + Write>(socket: &mut WebSocket<S>, size: [u8; 4], side: u8) -> io::Result<()> {
    socket.send(b"RFB 003.008\n")?;
    socket.take(12)?;
    socket.send(&[1, 1])?;
    socket.take(1)?;
    socket.send(&[0; 4])?;
    socket.take(1)?;
    let name = b"the desk";
    let mut server_init = size.to_vec();
    server_init.extend([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
    server_init.extend([0, 0, 0, 8]);
    server_init.extend(name);
    socket.send(&server_init)?;
    loop {
        match socket.take(1)?[..] {
            [2] => {
                let head = socket.take(3)?;
                socket.take(4 * usize::from(u16::from_be_bytes([head[1], head[2]])))?;
            }
            [3] => {
                socket.take(9)?;
                let update = [0, 0, 0, 1, 0, 0, 0, 0, 0, side, 0, side, 0, 0, 0, 0];
                let pixels = vec![0xff; 4 * usize::from(side) * usize::from(side)];
                socket.send(&[&update[..], &pixels].concat())?;
            }
            [4] => {
                socket.take(7)?;
            }
            // Not sent by these tests.
            _ => return Ok(()),
        }
    }
}

struct WebSocket<S> {
    stream: S,
    /// Received and not consumed yet.
    payload: Vec<u8>,
}

impl<S: Read + Write> WebSocket<S> {
    fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        let mut frame = vec![0x82, u8::try_from(payload.len()).unwrap()];
        frame.extend(payload);
        self.stream.write_all(&frame)?;
        self.stream.flush()
    }

    fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.payload.len() < count {
            self.receive()?;
        }
        Ok(self.payload.drain(..count).collect())
    }

    /// Reads the next, short frame. Answers a Close and ends.
    fn receive(&mut self) -> io::Result<()> {
        let mut head = [0; 6];
        self.stream.read_exact(&mut head)?;
        let mut payload = vec![0; usize::from(head[1] & 0x7f)];
        self.stream.read_exact(&mut payload)?;
        if head[0] & 0xf == 8 {
            self.stream.write_all(&[0x88, 2, 3, 0xe8])?;
            self.stream.flush()?;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let unmasked = payload
            .iter()
            .zip(head[2..].iter().cycle())
            .map(|(byte, key)| byte ^ key);
        self.payload.extend(unmasked);
        Ok(())
    }
}
