//! The PROXY protocol, versions 1 and 2: a load balancer reports the viewer's address.

use std::io;
use std::net::SocketAddr;

use bytes::{Buf, BytesMut};
use ppp::{HeaderResult, PartialResult, v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest header that is accepted. Version 1 has at most 107 bytes. Version 2 allows 64 KiB: 52 for TCP addresses, the
/// rest for the TLVs that some balancers add.
const MAX_HEADER: usize = 1024;

/// The beginning of version 1, which is a text line.
const VERSION_1: &[u8] = b"PROXY ";

/// The longest line of version 1 (PROXY protocol, section 2.1).
const MAX_LINE: usize = 107;

/// The signature of version 2.
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Reads the header and leaves the bytes after it in `input`. `None` where the connection is the balancer's own, as in health
/// checks (UNKNOWN, LOCAL).
pub async fn read(
    socket: &mut (impl AsyncRead + Unpin),
    input: &mut BytesMut,
) -> io::Result<Option<SocketAddr>> {
    loop {
        if socket.read_buf(input).await? == 0 {
            return Err(io::Error::other("the connection ended within it"));
        }
        if let Some((source, length)) = parse(input)? {
            input.advance(length);
            return Ok(source);
        }
        if input.len() >= MAX_HEADER {
            return Err(io::Error::other("it is too long"));
        }
    }
}

/// The source address and the header's length; `None` while the header is incomplete. Public for the fuzz target.
///
/// # Errors
/// The input does not begin with a PROXY header.
pub fn parse(input: &[u8]) -> io::Result<Option<(Option<SocketAddr>, usize)>> {
    let begins_as = |form: &[u8]| {
        input
            .iter()
            .zip(form)
            .all(|(byte, expected)| byte == expected)
    };
    let line_end = input.windows(2).any(|pair| pair == b"\r\n");
    if begins_as(VERSION_1) && !line_end {
        return match input.len() < MAX_LINE {
            true => Ok(None),
            false => Err(io::Error::other("it is too long")),
        };
    }
    let result = HeaderResult::parse(input);
    if begins_as(VERSION_2) && result.is_incomplete() {
        return Ok(None);
    }
    match result {
        HeaderResult::V1(Ok(header)) => {
            let source = match header.addresses {
                v1::Addresses::Unknown => None,
                v1::Addresses::Tcp4(ip) => {
                    Some(SocketAddr::new(ip.source_address.into(), ip.source_port))
                }
                v1::Addresses::Tcp6(ip) => {
                    Some(SocketAddr::new(ip.source_address.into(), ip.source_port))
                }
            };
            Ok(Some((source, header.header.len())))
        }
        HeaderResult::V2(Ok(header)) => {
            let source = match (header.command, header.addresses) {
                (v2::Command::Local, _)
                | (_, v2::Addresses::Unspecified | v2::Addresses::Unix(_)) => None,
                (_, v2::Addresses::IPv4(ip)) => {
                    Some(SocketAddr::new(ip.source_address.into(), ip.source_port))
                }
                (_, v2::Addresses::IPv6(ip)) => {
                    Some(SocketAddr::new(ip.source_address.into(), ip.source_port))
                }
            };
            Ok(Some((source, header.len())))
        }
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Err(io::Error::other(
            "the connection begins with something else",
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_result_does_not_depend_on_where_the_input_is_cut(
            form in 0..3_usize,
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            cut in any::<prop::sample::Index>(),
        ) {
            let beginning = [&b""[..], VERSION_1, VERSION_2][form];
            let bytes = [beginning, &bytes].concat();
            let part = parse(&bytes[..cut.index(bytes.len() + 1)]);
            // A result for a part is the result for the whole.
            match part {
                Ok(None) => {}
                Ok(found) => prop_assert_eq!(parse(&bytes).unwrap(), found),
                Err(_) => prop_assert!(parse(&bytes).is_err()),
            }
        }
    }

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [
            &b"\r\n\r\n\0\r\nQUIT\n"[..],
            &[0x20 | command, family],
            &length,
            body,
        ]
        .concat()
    }

    #[test]
    fn each_form_is_parsed_at_every_cut_and_no_byte_after_it_is_consumed() {
        let v4 = [10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0, 80];
        let mut v6 = [0; 36];
        v6[15] = 1;
        v6[32] = 0x12;
        v6[33] = 0x34;
        let with_tlv = [&v4[..], &[4, 0, 2, b'x', b'y']].concat();
        for (header, source) in [
            (
                b"PROXY TCP4 10.0.0.1 10.0.0.2 4660 80\r\n".to_vec(),
                Some("10.0.0.1:4660"),
            ),
            (
                b"PROXY TCP6 ::1 ::2 4660 80\r\n".to_vec(),
                Some("[::1]:4660"),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (v2(1, 0x11, &v4), Some("10.0.0.1:4660")),
            (v2(1, 0x11, &with_tlv), Some("10.0.0.1:4660")),
            (v2(1, 0x21, &v6), Some("[::1]:4660")),
            (v2(0, 0, &[]), None),
        ] {
            let expected = (source.map(|text| text.parse().unwrap()), header.len());
            for cut in 0..header.len() {
                assert_eq!(
                    parse(&header[..cut]).unwrap(),
                    None,
                    "{header:?} cut at {cut}"
                );
            }
            let followed = [&header[..], b"RFB 003.008\n"].concat();
            assert_eq!(parse(&followed).unwrap(), Some(expected), "{header:?}");
        }
    }

    #[test]
    fn anything_else_is_refused_without_waiting_for_more() {
        for bytes in [
            &b"RFB 003.008\n"[..],
            b"GET / HTTP/1.1\r\n",
            b"\x16\x03\x01\x02\x00",
            b"PROXY TCP4 nonsense x\r\n",
        ] {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
