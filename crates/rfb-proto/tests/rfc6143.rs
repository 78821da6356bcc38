//! Both handshakes, byte by byte as in RFC 6143 sections 7.1 and 7.2.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use bytes::BytesMut;
use rfb_proto::{
    Claim, Client, ClientStep, MAX_REASON, PasswordError, Pending, Refusal, SecurityType, Server,
    Step, Version, Violation, VncPassword,
};

const CHALLENGE: [u8; 16] = [
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
];
const NONE: &[SecurityType] = &[SecurityType::None];
const PASSWORD: &[SecurityType] = &[SecurityType::VncPassword];

/// A server and what it has written since the last call.
struct Table {
    server: Server,
    output: BytesMut,
}

impl Table {
    fn laid(offer: &[SecurityType]) -> Self {
        let mut output = BytesMut::new();
        let server = Server::new(offer, CHALLENGE, &mut output);
        assert_eq!(output.split(), "RFB 003.008\n");
        Self { server, output }
    }

    fn say(&mut self, bytes: &[u8]) -> Result<Step, Violation> {
        let mut input = BytesMut::from(bytes);
        let step = self.server.advance(&mut input, &mut self.output);
        if step.is_ok() {
            assert!(input.is_empty(), "{input:?} was left");
        }
        step
    }

    /// Sends `bytes` to the server, which has to reply `answer` without a claim.
    fn exchange(&mut self, bytes: &[u8], answer: &[u8]) {
        assert!(matches!(self.say(bytes), Ok(Step::More)));
        assert_eq!(self.output.split()[..], *answer);
    }

    fn claim(&mut self, bytes: &[u8]) -> (Claim, Pending) {
        match self.say(bytes) {
            Ok(Step::Claim(claim, pending)) => (claim, pending),
            other => panic!("{other:?}"),
        }
    }
}

fn accept(pending: Pending, choice: &[u8]) -> Vec<u8> {
    let mut output = BytesMut::new();
    let mut welcome = pending.accept(&mut output);
    let mut input = BytesMut::from(choice);
    welcome.advance(&mut input).unwrap().unwrap();
    assert!(input.is_empty());
    output.to_vec()
}

fn refuse(pending: Pending, reason: &str) -> Vec<u8> {
    let mut output = BytesMut::new();
    pending.refuse(reason, &mut output);
    output.to_vec()
}

fn with_reason(head: &[u8], reason: &str) -> Vec<u8> {
    [
        head,
        &(reason.len() as u32).to_be_bytes(),
        reason.as_bytes(),
    ]
    .concat()
}

#[test]
fn a_3_8_viewer_that_chooses_none_gets_a_result_with_a_reason() {
    let ask = || {
        let mut table = Table::laid(NONE);
        table.exchange(b"RFB 003.008\n", &[1, 1]);
        let (claim, pending) = table.claim(&[1]);
        assert_eq!(claim, Claim::Nobody);
        assert!(table.output.is_empty(), "no verdict before it is given");
        pending
    };
    assert_eq!(accept(ask(), &[]), [0, 0, 0, 0]);
    assert_eq!(
        refuse(ask(), "The VM is off."),
        with_reason(&[0, 0, 0, 1], "The VM is off.")
    );
}

#[test]
fn a_3_7_viewer_without_password_gets_the_reason_in_place_of_the_types() {
    let ask = || {
        let mut table = Table::laid(NONE);
        let (claim, pending) = table.claim(b"RFB 003.007\n");
        assert_eq!(claim, Claim::Nobody);
        assert!(table.output.is_empty());
        pending
    };
    assert_eq!(accept(ask(), &[1]), [1, 1]);
    assert_eq!(refuse(ask(), "Off."), with_reason(&[0], "Off."));

    let mut welcome = ask().accept(&mut BytesMut::new());
    assert!(welcome.advance(&mut BytesMut::new()).unwrap().is_none());
    let other = welcome.advance(&mut BytesMut::from(&[2][..]));
    assert_eq!(other.unwrap_err(), Violation::NotOffered(2));
}

#[test]
fn a_3_3_viewer_without_password_gets_the_reason_in_place_of_the_type() {
    let ask = || Table::laid(NONE).claim(b"RFB 003.003\n").1;
    assert_eq!(accept(ask(), &[]), [0, 0, 0, 1]);
    assert_eq!(refuse(ask(), "Off."), with_reason(&[0, 0, 0, 0], "Off."));
}

#[test]
fn every_version_sends_a_challenge_for_a_password() {
    let password = VncPassword::new("secret").unwrap();
    let response = password.respond(&CHALLENGE);
    for (version, greeting, choice) in [
        (
            Version::V3_3,
            [&[0, 0, 0, 2], &CHALLENGE[..]].concat(),
            None,
        ),
        (Version::V3_7, vec![1, 2], Some(2)),
        (Version::V3_8, vec![1, 2], Some(2)),
    ] {
        let ask = || {
            let mut table = Table::laid(PASSWORD);
            table.exchange(version.line(), &greeting);
            if let Some(choice) = choice {
                table.exchange(&[choice], &CHALLENGE);
            }
            let (claim, pending) = table.claim(&response);
            assert_eq!(
                claim,
                Claim::VncPassword {
                    challenge: CHALLENGE,
                    response
                }
            );
            pending
        };
        assert_eq!(accept(ask(), &[]), [0, 0, 0, 0]);
        let refused = match version {
            Version::V3_8 => with_reason(&[0, 0, 0, 1], "Wrong."),
            _ => vec![0, 0, 0, 1],
        };
        assert_eq!(refuse(ask(), "Wrong."), refused);
    }
}

#[test]
fn a_type_that_was_not_offered_is_refused_with_a_reason() {
    let mut table = Table::laid(PASSWORD);
    table.exchange(b"RFB 003.008\n", &[1, 2]);
    // A downgrade to None.
    assert_eq!(table.say(&[1]).unwrap_err(), Violation::NotOffered(1));
    let mut output = BytesMut::new();
    let step = table.server.refuse("No.", &mut output);
    assert!(matches!(step, Step::Refused));
    assert_eq!(output[..], with_reason(&[0, 0, 0, 1], "No."));
}

#[test]
fn another_protocol_is_refused_at_its_first_wrong_byte() {
    for bytes in [
        &b"G"[..],
        b"RFC",
        b"RFB 003.00x",
        b"RFB 003.008\r",
        b"\x16\x03\x01",
    ] {
        let mut table = Table::laid(NONE);
        assert_eq!(
            table.say(bytes).unwrap_err(),
            Violation::NotRfb,
            "{bytes:?}"
        );
        let mut output = BytesMut::new();
        let step = table.server.refuse("No.", &mut output);
        assert!(matches!(step, Step::Refused));
        assert!(
            output.is_empty(),
            "nothing can be sent before its version is known"
        );
    }
}

#[test]
fn odd_versions_are_read_as_the_published_one_below_them() {
    for (line, version) in [
        ("RFB 003.000\n", Version::V3_3),
        ("RFB 003.003\n", Version::V3_3),
        ("RFB 003.004\n", Version::V3_3),
        ("RFB 003.005\n", Version::V3_3),
        ("RFB 003.006\n", Version::V3_3),
        ("RFB 003.007\n", Version::V3_7),
        ("RFB 003.008\n", Version::V3_8),
        ("RFB 003.014\n", Version::V3_8),
        ("RFB 003.889\n", Version::V3_8),
        ("RFB 004.001\n", Version::V3_8),
        ("RFB 005.000\n", Version::V3_8),
    ] {
        assert_eq!(
            Version::read(&mut line.into()),
            Ok(Some(version)),
            "{line:?}"
        );
    }
    let old = Version::read(&mut "RFB 002.002\n".into());
    assert_eq!(old, Err(Violation::Version(2)));
}

#[test]
fn long_reasons_are_cut_between_characters() {
    let mut table = Table::laid(NONE);
    table.exchange(b"RFB 003.008\n", &[1, 1]);
    let refused = refuse(table.claim(&[1]).1, &"ä€".repeat(1000));
    let length = u32::from_be_bytes(refused[4..8].try_into().unwrap()) as usize;
    assert!(length <= MAX_REASON && length > MAX_REASON - 4);
    assert_eq!(refused.len(), 8 + length);
    assert!(str::from_utf8(&refused[8..]).is_ok());
}

/// Computed with OpenSSL: `openssl enc -des-ecb -nopad -K <the password's bytes with their bits mirrored>`.
#[test]
fn the_response_is_des_with_mirrored_key_bits() {
    for (password, response) in [
        ("secret", 0xf19b50471f60f42298e5c0147db50e1e_u128),
        ("12345678", 0x8b9603ea1b649430d595c4247bd2bb95),
        ("a", 0xdfd0c9ce0d7d22da744cba97f6cc88b6),
    ] {
        let password = VncPassword::new(password).unwrap();
        assert_eq!(password.respond(&CHALLENGE), response.to_be_bytes());
        assert!(password.verify(&CHALLENGE, &response.to_be_bytes()));
        for bit in 0..128 {
            assert!(!password.verify(&CHALLENGE, &(response ^ (1 << bit)).to_be_bytes()));
        }
    }
}

#[test]
fn a_password_that_viewers_would_change_is_refused() {
    let error = |text: &str| VncPassword::new(text).err();
    assert_eq!(error(""), Some(PasswordError::Empty));
    assert_eq!(error("123456789"), Some(PasswordError::TooLong));
    assert_eq!(error("pässwört"), Some(PasswordError::NotAscii));
    assert_eq!(error("a\n"), Some(PasswordError::NotAscii));
    assert_eq!(error("12345678"), None);
}

/// The replies of a client to each piece, up to its result.
fn client(password: Option<&str>, pieces: &[&[u8]]) -> (Vec<u8>, Result<bool, Refusal>) {
    let mut client = Client::new(password.map(|text| VncPassword::new(text).unwrap()));
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        match client.advance(&mut input, &mut output) {
            Ok(ClientStep::Ready(_)) => return (output.to_vec(), Ok(true)),
            Ok(_) => {}
            Err(refusal) => return (output.to_vec(), Err(refusal)),
        }
    }
    (output.to_vec(), Ok(false))
}

#[test]
fn the_client_uses_none_in_3_8_with_esxi() {
    let (sent, ready) = client(None, &[b"RFB 003.008\n", &[1, 1], &[0, 0, 0, 0]]);
    assert_eq!(sent, b"RFB 003.008\n\x01");
    assert_eq!(ready, Ok(true));
}

#[test]
fn the_reason_of_a_refusing_server_is_reported() {
    let because = |pieces: &[&[u8]]| match client(Some("x"), pieces).1 {
        Err(Refusal::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let v8 = b"RFB 003.008\n";
    assert_eq!(because(&[v8, &with_reason(&[0], "too\nmany")]), "toomany");
    assert_eq!(
        because(&[v8, &[1, 1], &with_reason(&[0, 0, 0, 1], "busy")]),
        "busy"
    );
    assert_eq!(
        because(&[v8, &[1, 1], &with_reason(&[0, 0, 0, 1], "")]),
        "no reason given"
    );
    assert_eq!(because(&[v8, &[1, 1], &[0, 0, 0, 2]]), "too many attempts");
    assert_eq!(
        because(&[b"RFB 003.003\n", &with_reason(&[0, 0, 0, 0], "busy")]),
        "busy"
    );
    assert_eq!(
        because(&[b"RFB 003.007\n", &[1, 2], &CHALLENGE, &[0, 0, 0, 1]]),
        "no reason given"
    );
    // Of a reason with an announced length of 4 GiB only the limit is read.
    let endless = [&[0, 0, 0, 1], &[0xff; 4][..], &[b'a'; MAX_REASON]].concat();
    assert_eq!(because(&[v8, &[1, 1], &endless]).len(), MAX_REASON);
}

#[test]
fn a_server_that_requires_missing_credentials_is_reported() {
    let v8 = b"RFB 003.008\n";
    assert_eq!(
        client(None, &[v8, &[2, 19, 16]]).1,
        Err(Refusal::NoCommonType(vec![19, 16]))
    );
    assert_eq!(client(None, &[v8, &[1, 2]]).1, Err(Refusal::PasswordNeeded));
    assert_eq!(
        client(None, &[b"HTTP"]).1,
        Err(Refusal::Violation(Violation::NotRfb))
    );
    let (sent, ready) = client(
        Some("secret"),
        &[v8, &[2, 2, 19], &CHALLENGE, &[0, 0, 0, 0]],
    );
    let response = VncPassword::new("secret").unwrap().respond(&CHALLENGE);
    assert_eq!(sent, [&b"RFB 003.008\n\x02"[..], &response].concat());
    assert_eq!(ready, Ok(true));
}
