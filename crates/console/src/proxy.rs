//! A tunnel through an HTTP proxy (RFC 9110 section 9.3.6, CONNECT).
//!
//! `hyper_util`'s `Tunnel` (0.1.21) is not used: it discards bytes that arrive together with the answer, which must be
//! refused here; its errors do not contain the status, which distinguishes a refusal (403) from a gateway error (502); and
//! it accepts no 2xx status but 200.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;
use vsphere::{happy_eyeballs, io_in_words};

use crate::address::Address;

/// The longest response head that is read, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// The most header lines in a response.
const MAX_HEADERS: usize = 64;

/// Connects to `target` through `proxy`, which resolves the name.
pub(crate) async fn connect(proxy: &Url, target: &Address) -> io::Result<TcpStream> {
    let own = Address::of(proxy).ok_or(io::ErrorKind::AddrNotAvailable)?;
    let connected = happy_eyeballs::connect_to(&own.host, own.port).await;
    // The caller's error names only the target, so this one names the proxy.
    let mut socket = connected.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot reach the proxy {own}: {}", io_in_words(&error)),
        )
    })?;
    socket.write_all(request(proxy, target).as_bytes()).await?;
    let mut input = BytesMut::new();
    loop {
        if socket.read_buf(&mut input).await? == 0 {
            return Err(io::Error::other("the proxy closed the connection"));
        }
        if let Some(length) = read_answer(&input)? {
            // In TLS the client sends first: bytes from the target mean that it is not a TLS server.
            return match input.len() == length {
                true => Ok(socket),
                false => Err(io::Error::other(
                    "the host behind the proxy sent data before the TLS handshake",
                )),
            };
        }
    }
}

fn request(proxy: &Url, target: &Address) -> String {
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if !proxy.username().is_empty() {
        let credentials = format!(
            "{}:{}",
            decoded(proxy.username()),
            decoded(proxy.password().unwrap_or_default())
        );
        request.push_str("Proxy-Authorization: Basic ");
        STANDARD.encode_string(credentials, &mut request);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    request
}

fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part)
        .decode_utf8_lossy()
        .into_owned()
}

/// The length of a successful response head; `None` while it is incomplete.
fn read_answer(input: &[u8]) -> io::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    match answer.parse(input) {
        Ok(httparse::Status::Complete(length)) => match answer.code {
            Some(200..=299) => Ok(Some(length)),
            code => Err(io::Error::other(format!(
                "the proxy answered with HTTP status {}",
                code.unwrap_or_default()
            ))),
        },
        Ok(httparse::Status::Partial) if input.len() < MAX_HEAD => Ok(None),
        _ => Err(io::Error::other("the proxy's answer is not HTTP")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_sent_decoded_where_there_are_some() {
        let target = Address {
            host: "fd00::1".into(),
            port: 443,
        };
        let plain = request(&Url::parse("http://proxy:3128").unwrap(), &target);
        assert_eq!(
            plain,
            "CONNECT [fd00::1]:443 HTTP/1.1\r\nHost: [fd00::1]:443\r\n\r\n"
        );
        let with = request(&Url::parse("http://user:p%40ss@proxy").unwrap(), &target);
        assert!(
            with.contains("\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n"),
            "{with}"
        );
    }

    #[tokio::test]
    async fn unreachable_proxy_is_named_without_credentials() {
        let target = Address {
            host: "esxi".into(),
            port: 443,
        };
        // The discard port, on which nothing listens.
        let proxy = Url::parse("http://ann:pr0xy@127.0.0.1:9").unwrap();
        let error = connect(&proxy, &target).await.unwrap_err().to_string();
        assert!(
            error.starts_with("cannot reach the proxy 127.0.0.1:9: ") && !error.contains("pr0xy"),
            "{error}"
        );
    }

    #[test]
    fn only_a_2xx_opens_the_tunnel() {
        let head = b"HTTP/1.1 200 Connection established\r\n\r\n";
        for cut in 0..head.len() {
            assert_eq!(read_answer(&head[..cut]).unwrap(), None);
        }
        assert_eq!(read_answer(head).unwrap(), Some(head.len()));
        let refused = read_answer(b"HTTP/1.1 407 No\r\n\r\n").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the proxy answered with HTTP status 407"
        );
        assert!(read_answer(b"SSH-2.0\r\n").is_err());
        assert!(read_answer(&[b"HTTP/1.1 200 ".to_vec(), vec![b'a'; MAX_HEAD]].concat()).is_err());
    }
}
