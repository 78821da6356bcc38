//! The PROXY header that a load balancer may send before anything else. It is read to its last byte and no further, since the
//! rest of the connection is read by others.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// What each header begins with; neither HTTP nor TLS does.
const VERSION_1: &[u8] = b"PROXY ";
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Version 2: the signature, two bytes, and the length of the rest.
const FIXED_PART: usize = 16;

/// The longest header that is accepted: addresses and some TLVs.
const MAX_HEADER: usize = 1024;

/// How long to wait for more of a beginning that came in pieces.
const PIECE_INTERVAL: Duration = Duration::from_millis(10);

/// The client that the header names; `None` where there is no header, or it names none.
///
/// # Errors
/// The header is invalid, or the connection failed.
pub(crate) async fn read(socket: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut header = Vec::new();
    match beginning(socket).await? {
        Beginning::Other => return Ok(None),
        Beginning::Version1 => {
            while !header.ends_with(b"\r\n") && header.len() < MAX_HEADER {
                header.push(socket.read_u8().await?);
            }
        }
        Beginning::Version2 => {
            header.resize(FIXED_PART, 0);
            socket.read_exact(&mut header).await?;
            let length = match header.last_chunk::<2>() {
                Some(length) => usize::from(u16::from_be_bytes(*length)),
                None => 0,
            };
            if length > MAX_HEADER {
                return Err(io::Error::other("the PROXY header is too long"));
            }
            let mut rest = vec![0; length];
            socket.read_exact(&mut rest).await?;
            header.extend(rest);
        }
    }
    match logins::proxy_header::parse(&header)? {
        Some((client, _)) => Ok(client),
        None => Err(io::Error::other("the PROXY header is not complete")),
    }
}

enum Beginning {
    Version1,
    Version2,
    Other,
}

/// Looks at the first bytes without reading them.
async fn beginning(socket: &TcpStream) -> io::Result<Beginning> {
    let mut first = [0; 12];
    loop {
        let length = socket.peek(&mut first).await?;
        let seen = first.get(..length).unwrap_or_default();
        if length == 0 || !(VERSION_1.starts_with(seen) || seen.starts_with(VERSION_1)) {
            if seen.starts_with(VERSION_2) {
                return Ok(Beginning::Version2);
            }
            if length == 0 || !VERSION_2.starts_with(seen) {
                return Ok(Beginning::Other);
            }
        } else if seen.starts_with(VERSION_1) {
            return Ok(Beginning::Version1);
        }
        // The bytes that are there make the socket readable, so that it cannot be waited for.
        sleep(PIECE_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// What is read of these pieces, and what is left for the next reader.
    async fn read_of(pieces: &[&[u8]]) -> (io::Result<Option<SocketAddr>>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut far = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        far.set_nodelay(true).unwrap();
        let (mut near, _) = listener.accept().await.unwrap();
        let send = async {
            for piece in pieces {
                far.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            far.shutdown().await.unwrap();
        };
        let (client, ()) = tokio::join!(read(&mut near), send);
        let mut rest = Vec::new();
        near.read_to_end(&mut rest).await.unwrap();
        (client, rest)
    }

    #[tokio::test]
    async fn a_header_is_read_to_its_end_and_nothing_else_is_touched() {
        let v2 = [
            VERSION_2,
            &[
                0x21, 0x11, 0, 12, 203, 0, 113, 5, 10, 0, 0, 2, 0x12, 0x34, 0, 80,
            ],
        ]
        .concat();
        let client: SocketAddr = "203.0.113.5:4660".parse().unwrap();
        let v1 = b"PROXY TCP4 203.0.113.5 10.0.0.2 4660 80\r\n";
        for (header, expected) in [(&v1[..], Some(client)), (&v2, Some(client)), (b"", None)] {
            let rest = b"GET / HTTP/1.1\r\n";
            let (found, left) = read_of(&[header, rest]).await;
            assert_eq!(found.unwrap(), expected);
            assert_eq!(left, rest);
            let (first, second) = header.split_at(header.len().min(4));
            let (found, left) = read_of(&[first, second, rest]).await;
            assert_eq!((found.unwrap(), &left[..]), (expected, &rest[..]));
        }
        let (hello, left) = read_of(&[b"\x16\x03\x01"]).await;
        assert_eq!((hello.unwrap(), &left[..]), (None, &b"\x16\x03\x01"[..]));
    }

    #[tokio::test]
    async fn nonsense_after_its_beginning_is_an_error() {
        assert!(read_of(&[b"PROXY nonsense\r\n"]).await.0.is_err());
        let long = [VERSION_2, &[0x21, 0x11, 0xff, 0xff]].concat();
        assert!(read_of(&[&long]).await.0.is_err());
    }
}
