//! The opening handshake (RFC 6455 sections 1.3 and 4.1).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use bytes::BytesMut;
use ws_proto::{BadRequest, MAX_HEAD, Upgrade, UpgradeError};

/// Section 1.3: the key "dGhlIHNhbXBsZSBub25jZQ==" is answered with "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".
const NONCE: [u8; 16] = *b"the sample nonce";

fn upgrade() -> Upgrade {
    Upgrade::new("192.0.2.10:443", "/ticket/52f0", Some("binary"), NONCE, &[]).unwrap()
}

const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: binary\r\n\r\n";

fn answer(text: &str) -> Result<bool, UpgradeError> {
    upgrade().read_answer(&mut BytesMut::from(text))
}

#[test]
fn the_request_says_what_section_4_1_asks_for() {
    let upgrade = upgrade();
    let request = str::from_utf8(upgrade.request()).unwrap();
    let (head, rest) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(rest, "");
    let lines: Vec<&str> = head.split("\r\n").collect();
    assert_eq!(lines[0], "GET /ticket/52f0 HTTP/1.1");
    for line in [
        "Host: 192.0.2.10:443",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: binary",
    ] {
        assert!(lines.contains(&line), "{line} is missing in {lines:?}");
    }
}

#[test]
fn a_header_can_be_added_and_none_can_be_smuggled_in() {
    let with = |host, target, headers: &[_]| Upgrade::new(host, target, None, NONCE, headers);
    let cookie = with("h", "/", &[("Cookie", "a=b; c=d")]).unwrap();
    assert!(
        str::from_utf8(cookie.request())
            .unwrap()
            .contains("\r\nCookie: a=b; c=d\r\n")
    );
    let refused = |host, target, headers: &[_]| with(host, target, headers).err();
    assert_eq!(refused("h\r\nX: y", "/", &[]), Some(BadRequest("host")));
    assert_eq!(refused("h", "/a b", &[]), Some(BadRequest("target")));
    assert_eq!(
        refused("h", "/", &[("A", "b\r\nC: d")]),
        Some(BadRequest("header value"))
    );
    assert_eq!(refused("", "/", &[]), Some(BadRequest("host")));
}

#[test]
fn a_good_answer_is_consumed_to_its_last_byte_and_no_further() {
    let first_frame = [0x82, 12, b'R', b'F', b'B'];
    let whole = [GOOD.as_bytes(), &first_frame].concat();
    for cut in 0..=whole.len() {
        let mut input = BytesMut::from(&whole[..cut]);
        let upgrade = upgrade();
        if cut < GOOD.len() {
            assert_eq!(upgrade.read_answer(&mut input), Ok(false), "cut at {cut}");
            assert_eq!(input.len(), cut, "nothing is consumed before the end");
            input.extend_from_slice(&whole[cut..]);
        } else {
            input = BytesMut::from(&whole[..]);
        }
        assert_eq!(upgrade.read_answer(&mut input), Ok(true));
        assert_eq!(input[..], first_frame);
    }
}

#[test]
fn header_names_and_tokens_are_read_as_http_reads_them() {
    let odd = GOOD
        .replace("Upgrade: websocket", "uPgRaDe: h2c, WebSocket")
        .replace("Connection: Upgrade", "CONNECTION: keep-alive,upgrade");
    assert_eq!(answer(&odd), Ok(true));
}

#[test]
fn any_status_but_101_is_told_with_its_words() {
    let refused = "HTTP/1.1 404 Not \x1b[31mFound\r\nContent-Length: 0\r\n\r\n";
    // An escape sequence is no reason phrase at all.
    assert_eq!(answer(refused), Err(UpgradeError::Malformed));
    let status = |text: &str| match answer(text) {
        Err(UpgradeError::Status {
            code,
            reason,
            location,
        }) => (code, reason, location),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        status("HTTP/1.1 404 Not Found\r\n\r\n"),
        (404, "Not Found".into(), None)
    );
    assert_eq!(status("HTTP/1.0 503 \r\n\r\n"), (503, String::new(), None));
    let moved = "HTTP/1.1 302 Found\r\nLocation: https://elsewhere/\r\n\r\n";
    assert_eq!(
        status(moved),
        (302, "Found".into(), Some("https://elsewhere/".into()))
    );
}

#[test]
fn each_missing_or_wrong_line_has_its_own_error() {
    for (from, to, error) in [
        ("Upgrade: websocket\r\n", "", UpgradeError::NotUpgraded),
        (
            "Connection: Upgrade\r\n",
            "",
            UpgradeError::NotConnectionUpgrade,
        ),
        ("s3pPLMB", "s3pPLMb", UpgradeError::WrongAccept),
        (
            "Sec-WebSocket-Protocol: binary\r\n",
            "",
            UpgradeError::NoProtocol("binary".into()),
        ),
        (
            "Protocol: binary",
            "Protocol: vmware-vvc",
            UpgradeError::ProtocolNotOffered("vmware-vvc".into()),
        ),
        (
            "\r\n\r\n",
            "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            UpgradeError::ExtensionNotOffered,
        ),
        ("HTTP/1.1", "HTTP/1.0", UpgradeError::Malformed),
        ("HTTP/1.1", "SSH-2.0", UpgradeError::Malformed),
    ] {
        let bad = GOOD.replace(from, to);
        assert_ne!(bad, GOOD);
        assert_eq!(answer(&bad), Err(error));
    }
}

#[test]
fn a_subprotocol_that_was_not_asked_for_is_refused() {
    let plain = Upgrade::new("h", "/", None, NONCE, &[]).unwrap();
    let error = plain.read_answer(&mut BytesMut::from(GOOD)).unwrap_err();
    assert_eq!(error, UpgradeError::ProtocolNotOffered("binary".into()));
}

#[test]
fn an_endless_head_is_given_up_at_the_bound() {
    let mut input = BytesMut::from("HTTP/1.1 101 S\r\nX: ");
    while input.len() < MAX_HEAD {
        assert_eq!(upgrade().read_answer(&mut input), Ok(false));
        input.extend_from_slice(&[b'a'; 1000]);
    }
    assert_eq!(
        upgrade().read_answer(&mut input),
        Err(UpgradeError::HeadTooLarge)
    );

    let many = format!("HTTP/1.1 101 S\r\n{}\r\n", "A: b\r\n".repeat(65));
    assert_eq!(answer(&many), Err(UpgradeError::HeadTooLarge));
}
