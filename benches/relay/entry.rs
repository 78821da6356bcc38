//! How viewers get to where the first order comes: by nothing, RFB, RFB over TLS, or as a browser.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use console::tls::Trust;
use rfb_proto::{Client, ClientStep};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, sleep};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::client_socket::ClientSocket;
use crate::relays::{BROWSER, NATIVE, OURS, WEBSOCKIFY};
use crate::release::{Certificate, free_addresses};

type Tls = TlsStream<TcpStream>;

/// A viewer's connection.
pub(crate) type Connection = Either<TcpStream, Either<Box<Tls>, Box<ClientSocket<Tls>>>>;

/// What a relay expects of its viewers.
#[derive(Clone, Copy)]
pub(crate) enum Entry {
    /// Nothing: it carries bytes.
    Bytes,
    /// RFB without a login.
    Rfb,
    /// RFB with VeNCrypt's X509None.
    RfbInTls,
    /// The page's requests, then RFB in a WebSocket over TLS.
    Page,
    /// A WebSocket over TLS, which carries bytes.
    WebSocket,
}

impl Entry {
    pub(crate) fn of(relay: &str) -> Self {
        match relay {
            NATIVE => Self::RfbInTls,
            BROWSER => Self::Page,
            WEBSOCKIFY => Self::WebSocket,
            _ if relay.starts_with(OURS) => Self::Rfb,
            _ => Self::Bytes,
        }
    }

    pub(crate) async fn enter(self, address: SocketAddr) -> io::Result<Connection> {
        let mut stream = connect(address).await?;
        Ok(match self {
            Self::Bytes => Either::Left(stream),
            Self::Rfb => {
                let mut client = Client::new(None);
                handshake(&mut client, &mut stream).await?;
                initialise(&mut stream).await?;
                Either::Left(stream)
            }
            Self::RfbInTls => {
                let mut client = Client::new(None).with_tls();
                handshake(&mut client, &mut stream).await?;
                let mut stream = encrypt(stream).await?;
                handshake(&mut client, &mut stream).await?;
                initialise(&mut stream).await?;
                Either::Right(Either::Left(Box::new(stream)))
            }
            Self::Page => {
                let path = console(address).await?;
                let mut socket = upgrade(encrypt(stream).await?, address, &path).await?;
                handshake(&mut Client::new(None), &mut socket).await?;
                initialise(&mut socket).await?;
                Either::Right(Either::Right(Box::new(socket)))
            }
            Self::WebSocket => {
                let socket = upgrade(encrypt(stream).await?, address, "/websockify").await?;
                Either::Right(Either::Right(Box::new(socket)))
            }
        })
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn encrypt(stream: TcpStream) -> io::Result<Tls> {
    let config = Trust::DangerAcceptAny.client().map_err(io::Error::other)?;
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// RFB's handshake up to TLS, or to ClientInit.
async fn handshake(
    client: &mut Client,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> io::Result<()> {
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    loop {
        let step = client.advance(&mut input, &mut output);
        stream.write_all_buf(&mut output).await?;
        stream.flush().await?;
        match step.map_err(io::Error::other)? {
            ClientStep::More if stream.read_buf(&mut input).await? == 0 => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            ClientStep::More => {}
            ClientStep::StartTls | ClientStep::Ready(_) => {
                assert!(input.is_empty());
                return Ok(());
            }
        }
    }
}

/// ClientInit and ServerInit.
async fn initialise(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    stream.write_all(&[1]).await?;
    stream.flush().await?;
    let mut init = [0; 24];
    stream.read_exact(&mut init).await?;
    let name = u32::from_be_bytes([init[20], init[21], init[22], init[23]]);
    stream.read_exact(&mut vec![0; name as usize]).await?;
    Ok(())
}

/// The path of a console's WebSocket, as the page's script asks for it. The list may not have the VM yet.
async fn console(page: SocketAddr) -> io::Result<String> {
    for _ in 0..100 {
        let shown = get(page, "GET /vm/lab/1 HTTP/1.1\r\n", "").await?;
        if shown.starts_with("HTTP/1.1 200") {
            let csrf = between(&shown, "data-csrf=\"", "\"");
            let form = "path=vm%2Flab%2F1";
            let head = format!(
                "POST /consoles HTTP/1.1\r\nX-CSRF-Token: {csrf}\r\nContent-Length: {}\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nOrigin: https://{page}\r\n",
                form.len()
            );
            let minted = get(page, &head, form).await?;
            return Ok(format!("/{}", between(&minted, "\"websocket\":\"", "\"")));
        }
        assert!(shown.starts_with("HTTP/1.1 404"), "{shown}");
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the page does not list the VM");
}

/// Sends a request on a connection of its own, and returns the answer.
async fn get(page: SocketAddr, head: &str, body: &str) -> io::Result<String> {
    let mut stream = encrypt(connect(page).await?).await?;
    let request = format!("{head}Host: {page}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).map(|(_, rest)| rest);
    let found = rest.and_then(|rest| rest.split_once(after));
    found.unwrap_or_else(|| panic!("no {before} in {text}")).0
}

/// The opening handshake of RFC 6455, section 4.1.
async fn upgrade(
    mut stream: Tls,
    address: SocketAddr,
    path: &str,
) -> io::Result<ClientSocket<Tls>> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: https://{address}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await?);
    }
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    Ok(ClientSocket::new(stream))
}

/// The end of a gateway.toml whose viewers speak TLS at `listen`: as browsers, or at a port.
pub(crate) fn ports(certificate: &Certificate, browser: bool, listen: SocketAddr) -> String {
    let certificate = certificate.keys();
    let [free] = free_addresses();
    let port = if browser { free } else { listen };
    let page = match browser {
        true => format!(
            "[web]\nlisten = \"{listen}\"\nauth = \"none\"\n\
             max_connections_per_source = 8000\nrate_limit_factor = 100\n{certificate}"
        ),
        false => String::new(),
    };
    format!(
        "{page}[auth.tls]\nmethods = [\"x509-none\"]\n{certificate}\
         [[console]]\nlisten = \"{port}\"\nvsphere = \"lab\"\nvm = \"vm08\"\nauth = \"tls\"\n"
    )
}
