//! VeNCrypt 0.2, byte by byte as in rfbproto, and refusals before the viewer has presented credentials.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod client;

use bytes::BytesMut;
use rfb_proto::{
    Claim, Client, ClientStep, MAX_CREDENTIAL, Password, Pending, Refusal, SecurityType, Server,
    Step, Version, Violation, VncPassword,
};

const CHALLENGE: [u8; 16] = *b"sixteen bytes ok";
const V7: &[u8] = b"RFB 003.007\n";
const V8: &[u8] = b"RFB 003.008\n";
const OK: &[u8] = &[0, 0, 0, 0];
const FAILED: &[u8] = &[0, 0, 0, 1];
const PLAIN: &[u8] = &[0, 0, 1, 6];

/// A server and what it has written since the last call.
struct Table {
    server: Server,
    output: BytesMut,
}

impl Table {
    fn laid(offer: &[SecurityType]) -> Self {
        let mut output = BytesMut::new();
        let server = Server::new(offer, CHALLENGE, &mut output);
        output.clear();
        Self { server, output }
    }

    /// A server that waits for the choice of a subtype.
    fn at_subtypes(version: &[u8], offer: &[SecurityType]) -> Self {
        let mut table = Self::laid(offer);
        table.say(version).unwrap();
        table.output.clear();
        table.exchange(&[19], &[0, 2]);
        table.say(&[0, 2]).unwrap();
        table.output.clear();
        table
    }

    /// A server that has started TLS.
    fn in_tls(version: &[u8], way: SecurityType) -> Self {
        let mut table = Self::at_subtypes(version, &[way]);
        let step = table.say(&way.subtype().unwrap().to_be_bytes());
        assert!(matches!(step, Ok(Step::StartTls)), "{step:?}");
        assert_eq!(table.output.split()[..], [1]);
        table
    }

    fn say(&mut self, bytes: &[u8]) -> Result<Step, Violation> {
        self.server
            .advance(&mut BytesMut::from(bytes), &mut self.output)
    }

    /// Sends `bytes` to the server, which has to reply `answer` without a claim.
    fn exchange(&mut self, bytes: &[u8], answer: &[u8]) {
        assert!(matches!(self.say(bytes), Ok(Step::More)));
        assert_eq!(self.output.split()[..], *answer);
    }

    fn claim(&mut self, bytes: &[u8]) -> (Claim, Pending) {
        let step = self.say(bytes);
        assert!(self.output.is_empty(), "no verdict before it is given");
        match step {
            Ok(Step::Claim(claim, pending)) => (claim, pending),
            other => panic!("{other:?}"),
        }
    }

    fn refuse(&mut self, reason: &str) -> (bool, Vec<u8>) {
        let step = self.server.refuse(reason, &mut self.output);
        (matches!(step, Step::Refused), self.output.split().to_vec())
    }
}

fn accept(pending: Pending) -> Vec<u8> {
    let mut output = BytesMut::new();
    let mut welcome = pending.accept(&mut output);
    assert!(welcome.advance(&mut BytesMut::new()).unwrap().is_some());
    output.to_vec()
}

fn refuse(pending: Pending, reason: &str) -> Vec<u8> {
    let mut output = BytesMut::new();
    pending.refuse(reason, &mut output);
    output.to_vec()
}

fn with_reason(head: &[u8], reason: &str) -> Vec<u8> {
    let length = (reason.len() as u32).to_be_bytes();
    [head, &length, reason.as_bytes()].concat()
}

fn plain(user: &[u8], password: &[u8]) -> Vec<u8> {
    let length = |text: &[u8]| (text.len() as u32).to_be_bytes();
    [&length(user), &length(password), user, password].concat()
}

#[test]
fn all_vencrypt_subtypes_are_one_security_type_in_the_offered_order() {
    use SecurityType::{None, VncPassword, X509None, X509Plain, X509Vnc};
    for (offer, types, subtypes) in [
        (
            &[X509Plain, VncPassword, X509Vnc, None][..],
            &[3, 19, 2, 1][..],
            &[2, 0, 0, 1, 6, 0, 0, 1, 5][..],
        ),
        (
            &[VncPassword, X509None, X509None],
            &[2, 2, 19],
            &[1, 0, 0, 1, 4],
        ),
        (
            &[X509None, X509Vnc, X509Plain],
            &[1, 19],
            &[3, 0, 0, 1, 4, 0, 0, 1, 5, 0, 0, 1, 6],
        ),
    ] {
        let mut table = Table::laid(offer);
        table.exchange(V8, types);
        table.exchange(&[19], &[0, 2]);
        table.exchange(&[0, 2], &[&[0], subtypes].concat());
    }
}

#[test]
fn x509_none_has_a_security_result_in_3_7_too() {
    for (version, refused) in [
        (V8, with_reason(FAILED, "The VM is off.")),
        (V7, FAILED.to_vec()),
    ] {
        let ask = || Table::in_tls(version, SecurityType::X509None).claim(&[]);
        let (claim, pending) = ask();
        assert_eq!(claim, Claim::Nobody);
        assert_eq!(pending.security(), SecurityType::X509None);
        assert_eq!(accept(pending), OK);
        assert_eq!(refuse(ask().1, "The VM is off."), refused);
    }
}

#[test]
fn x509_vnc_sends_a_challenge_inside_tls() {
    for version in [V7, V8] {
        let mut table = Table::in_tls(version, SecurityType::X509Vnc);
        table.exchange(&[], &CHALLENGE);
        let response = VncPassword::new("secret").unwrap().respond(&CHALLENGE);
        let (claim, pending) = table.claim(&response);
        let challenge = CHALLENGE;
        assert_eq!(
            claim,
            Claim::VncPassword {
                challenge,
                response
            }
        );
        assert_eq!(pending.security(), SecurityType::X509Vnc);
        assert_eq!(accept(pending), OK);
    }
}

#[test]
fn x509_plain_receives_name_and_password_inside_tls() {
    let longest = "x".repeat(MAX_CREDENTIAL);
    for (user, password) in [("änne", "pässwörd"), ("", ""), (&longest, &longest)] {
        let mut table = Table::in_tls(V8, SecurityType::X509Plain);
        table.exchange(&[], &[]);
        let (claim, pending) = table.claim(&plain(user.as_bytes(), password.as_bytes()));
        let expected = Claim::Plain {
            user: user.into(),
            password: Password::new(password),
        };
        assert_eq!(claim, expected);
        assert_eq!(pending.security(), SecurityType::X509Plain);
        assert_eq!(refuse(pending, "Unknown."), with_reason(FAILED, "Unknown."));
    }
}

#[test]
fn bytes_after_the_chosen_subtype_are_left_for_tls() {
    let mut table = Table::at_subtypes(V8, &[SecurityType::X509Plain]);
    let mut input = BytesMut::from(&[PLAIN, b"\x16\x03\x01"].concat()[..]);
    let step = table.server.advance(&mut input, &mut table.output);
    assert!(matches!(step, Ok(Step::StartTls)));
    assert_eq!(input, "\x16\x03\x01");
}

#[test]
fn bytes_after_the_password_are_not_consumed() {
    let mut table = Table::in_tls(V8, SecurityType::X509Plain);
    let mut input = BytesMut::from(&[&plain(b"user", b"secret")[..], &[1]].concat()[..]);
    let step = table.server.advance(&mut input, &mut table.output);
    assert!(matches!(step, Ok(Step::Claim(..))));
    assert_eq!(input[..], [1], "the ClientInit");
}

#[test]
fn no_debug_output_holds_a_secret() {
    let password = Password::new("hunter2");
    let response = [0xab; 16];
    let claims = [
        Claim::Plain {
            user: "anne".into(),
            password: password.clone(),
        },
        Claim::VncPassword {
            challenge: [0xab; 16],
            response,
        },
    ];
    let output = format!("{claims:?} {password:?}");
    assert!(output.contains("anne"));
    assert!(
        !output.contains("hunter2") && !output.contains("171"),
        "{output}"
    );
}

#[test]
fn another_vencrypt_version_is_refused() {
    for spoken in [[0, 0], [0, 1], [0, 3], [1, 0], [1, 2], [255, 255]] {
        let mut table = Table::laid(&[SecurityType::X509Plain]);
        table.exchange(V8, &[1, 19]);
        table.exchange(&[19], &[0, 2]);
        let [major, minor] = spoken;
        assert_eq!(
            table.say(&spoken).unwrap_err(),
            Violation::VencryptVersion { major, minor }
        );
        assert_eq!(table.output.split()[..], [0xff]);
        let (refused, output) = table.refuse("No.");
        assert!(
            refused && output.is_empty(),
            "the byte is the whole refusal"
        );
    }
}

#[test]
fn a_downgrade_is_refused() {
    // From VeNCrypt to None, VNC authentication and the security type TLS.
    for choice in [0, 1, 2, 18, 255] {
        let mut table = Table::laid(&[SecurityType::X509Plain]);
        table.exchange(V8, &[1, 19]);
        assert_eq!(
            table.say(&[choice]).unwrap_err(),
            Violation::NotOffered(choice)
        );
        let (refused, output) = table.refuse("No.");
        assert_eq!((refused, output), (true, with_reason(FAILED, "No.")));
    }
    // Within VeNCrypt to subtype 0, Plain without TLS, anonymous TLS, and X.509 with SASL.
    for choice in [0, 256, 257, 258, 259, 260, 261, 263, u32::MAX] {
        let mut table = Table::at_subtypes(V8, &[SecurityType::X509Plain]);
        assert_eq!(
            table.say(&choice.to_be_bytes()).unwrap_err(),
            Violation::SubtypeNotOffered(choice)
        );
        assert_eq!(table.output.split()[..], [0]);
        assert!(table.refuse("No.").1.is_empty());
        assert!(matches!(table.say(PLAIN), Ok(Step::More)), "and it is over");
        assert!(table.output.is_empty());
    }
}

#[test]
fn an_oversized_name_or_password_is_refused_before_it_arrives() {
    let over = MAX_CREDENTIAL as u32 + 1;
    for (user, password, what, length) in [
        (over, 1, "user name", over),
        (1, over, "password", over),
        (u32::MAX, u32::MAX, "user name", u32::MAX),
        (0, u32::MAX, "password", u32::MAX),
    ] {
        let mut table = Table::in_tls(V8, SecurityType::X509Plain);
        let lengths = [user.to_be_bytes(), password.to_be_bytes()].concat();
        assert_eq!(
            table.say(&lengths).unwrap_err(),
            Violation::TooLong { what, length }
        );
        assert_eq!(table.refuse("No."), (true, with_reason(FAILED, "No.")));
    }
}

#[test]
fn a_name_or_password_that_is_not_utf_8_is_refused() {
    for (user, password, what) in [
        (&b"\xff"[..], &b"x"[..], "user name"),
        (b"x", b"\xc3", "password"),
    ] {
        let mut table = Table::in_tls(V8, SecurityType::X509Plain);
        assert_eq!(
            table.say(&plain(user, password)).unwrap_err(),
            Violation::NotUtf8(what)
        );
        assert_eq!(table.refuse("No."), (true, with_reason(FAILED, "No.")));
    }
}

#[test]
fn a_3_3_viewer_is_told_that_it_cannot_encrypt() {
    let mut table = Table::laid(&[SecurityType::X509Plain, SecurityType::X509None]);
    let violation = table.say(b"RFB 003.003\n").unwrap_err();
    assert_eq!(violation, Violation::TooOldToEncrypt);
    let reason = violation.to_string();
    assert!(reason.contains("wants an encrypted login, which RFB 3.3 does not have"));
    assert_eq!(table.refuse(&reason), (true, with_reason(OK, &reason)));

    // If VNC authentication is offered too, it is used.
    let mut table = Table::laid(&[SecurityType::X509Plain, SecurityType::VncPassword]);
    let asked = [&[0, 0, 0, 2], &CHALLENGE[..]].concat();
    table.exchange(b"RFB 003.003\n", &asked);
}

#[test]
fn a_refusal_has_the_form_of_the_viewers_version() {
    for (line, expected) in [
        (&b"RFB 003.003\n"[..], with_reason(OK, "Too many.")),
        (V7, with_reason(&[0], "Too many.")),
        (V8, with_reason(&[0], "Too many.")),
        (b"RFB 003.889\n", with_reason(&[0], "Too many.")),
    ] {
        let mut output = BytesMut::new();
        let mut server = Server::refusing("Too many.", &mut output);
        assert_eq!(output.split(), V8);
        let (first, second) = line.split_at(5);
        let step = server.advance(&mut first.into(), &mut output);
        assert!(matches!(step, Ok(Step::More)) && output.is_empty());
        let step = server.advance(&mut [first, second].concat()[..].into(), &mut output);
        assert!(matches!(step, Ok(Step::Refused)), "{step:?}");
        assert_eq!(output.split(), expected);
        let step = server.advance(&mut BytesMut::from(&[1][..]), &mut output);
        assert!(matches!(step, Ok(Step::More)) && output.is_empty(), "once");
    }
}

#[test]
fn an_empty_offer_is_a_refusal_with_a_reason() {
    let mut table = Table::laid(&[]);
    assert!(matches!(table.say(V8), Ok(Step::Refused)));
    assert_eq!(table.output[0], 0);
    assert!(table.output.len() > 10);
}

#[test]
fn a_refusal_is_sent_at_the_next_point_with_room_for_a_reason() {
    // Before the version.
    let mut table = Table::laid(&[SecurityType::VncPassword]);
    assert_eq!(table.refuse("Draining."), (false, vec![]));
    assert!(matches!(table.say(V8), Ok(Step::Refused)));
    assert_eq!(table.output[..], with_reason(&[0], "Draining."));

    // Between the types and the choice: after authentication, in place of the claim.
    let mut table = Table::laid(&[SecurityType::VncPassword]);
    table.exchange(V8, &[1, 2]);
    assert_eq!(table.refuse("Draining."), (false, vec![]));
    table.exchange(&[2], &CHALLENGE);
    assert!(matches!(table.say(&[0; 16]), Ok(Step::Refused)));
    assert_eq!(table.output[..], with_reason(FAILED, "Draining."));

    // During authentication: at once.
    let mut table = Table::laid(&[SecurityType::VncPassword]);
    table.exchange(V8, &[1, 2]);
    table.exchange(&[2], &CHALLENGE);
    let expected = with_reason(FAILED, "Draining.");
    assert_eq!(table.refuse("Draining."), (true, expected.clone()));
    assert!(matches!(table.say(&[0; 16]), Ok(Step::More)));
    assert_eq!(table.refuse("Again."), (true, vec![]), "once");

    // Before TLS: inside it, never outside.
    let mut table = Table::at_subtypes(V8, &[SecurityType::X509None]);
    assert_eq!(table.refuse("Draining."), (false, vec![]));
    assert!(matches!(table.say(&[0, 0, 1, 4]), Ok(Step::StartTls)));
    assert_eq!(table.output.split()[..], [1]);
    assert!(matches!(table.say(&[]), Ok(Step::Refused)));
    assert_eq!(table.output[..], expected);
}
