//! The connections over which viewers speak RFB.

use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use web_socket::WebSocket;

/// TCP, or TLS over it. TLS is boxed, since most viewers have none.
pub type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A viewer's connection: a stream, or a browser's WebSocket over one.
pub(crate) type Connection = Either<Stream, Box<WebSocket<Stream>>>;

/// The connection of a native viewer before any TLS.
pub(crate) const fn tcp(socket: TcpStream) -> Connection {
    Either::Left(Either::Left(socket))
}

/// The socket below.
pub(crate) fn socket(connection: &Connection) -> &TcpStream {
    let stream = match connection {
        Either::Left(stream) => stream,
        Either::Right(browser) => browser.stream(),
    };
    match stream {
        Either::Left(socket) => socket,
        Either::Right(tls) => tls.get_ref().0,
    }
}
