//! Server and client of this crate as each other's peer, with every cut in between; and each with a peer that sends any
//! bytes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use bytes::{Buf, BytesMut};
use proptest::prelude::*;
use rfb_proto::{
    Claim, Client, ClientStep, Password, Pending, Ready, SecurityType, Server, Step, Version,
    VncPassword, Welcome,
};

const CHALLENGE: [u8; 16] = *b"sixteen bytes ok";
const ALL: &[SecurityType] = &[
    SecurityType::X509Plain,
    SecurityType::X509Vnc,
    SecurityType::X509None,
    SecurityType::VncPassword,
    SecurityType::None,
];

/// How far the handshake got on the server's side.
enum ServerState {
    Handshake(Server),
    Judgement(Claim, Pending),
    Welcome(Welcome),
}

/// Passes `chunk` bytes at a time until both sides are done, and returns the result of the server. TLS is not used: each
/// side continues as if it were established.
fn converse(offer: &[SecurityType], mut client: Client, chunk: usize) -> (Claim, Ready, usize) {
    let (mut to_client, mut to_server) = (BytesMut::new(), BytesMut::new());
    let (mut at_client, mut at_server) = (BytesMut::new(), BytesMut::new());
    let mut state = ServerState::Handshake(Server::new(offer, CHALLENGE, &mut to_client));
    let (mut claimed, mut ready, mut tls) = (None, None, 0);
    loop {
        at_client.extend_from_slice(&to_client.split_to(chunk.min(to_client.remaining())));
        at_server.extend_from_slice(&to_server.split_to(chunk.min(to_server.remaining())));
        if ready.is_none() {
            match client.advance(&mut at_client, &mut to_server).unwrap() {
                ClientStep::More => {}
                ClientStep::StartTls => tls += 1,
                ClientStep::Ready(so) => {
                    ready = Some(so);
                    // ClientInit follows at once and must not be consumed.
                    to_server.extend_from_slice(&[1]);
                }
            }
        }
        state = match state {
            ServerState::Handshake(mut server) => {
                match server.advance(&mut at_server, &mut to_client).unwrap() {
                    Step::Claim(claim, pending) => ServerState::Judgement(claim, pending),
                    Step::More => ServerState::Handshake(server),
                    Step::StartTls => {
                        tls += 1;
                        ServerState::Handshake(server)
                    }
                    Step::Refused => unreachable!("nobody refused"),
                }
            }
            ServerState::Judgement(claim, pending) => {
                claimed = Some((claim, pending.security()));
                ServerState::Welcome(pending.accept(&mut to_client))
            }
            ServerState::Welcome(mut welcome) => {
                let accepted = welcome.advance(&mut at_server).unwrap();
                let is_done = ready.is_some() && to_server.is_empty();
                if let (Some(accepted), true) = (accepted, is_done) {
                    assert_eq!(accepted.version(), Version::V3_8);
                    assert_eq!(at_server[..], [1], "the ClientInit is left for the relay");
                    let ((claim, security), ready) = (claimed.unwrap(), ready.unwrap());
                    assert_eq!(security, ready.security, "both know how it came in");
                    return (claim, ready, tls);
                }
                ServerState::Welcome(welcome)
            }
        };
    }
}

fn with_password() -> Client {
    Client::new(Some(VncPassword::new("secret").unwrap()))
}

fn with_user() -> Client {
    Client::new(None).with_user("änne", Password::new("pass wörd"))
}

#[test]
fn both_sides_complete_the_handshake_at_every_cut() {
    for chunk in 1..80 {
        let (claim, ready, tls) = converse(&[SecurityType::None], Client::new(None), chunk);
        assert_eq!((claim, tls), (Claim::Nobody, 0));
        assert_eq!(ready.security, SecurityType::None);

        for (way, client, handshakes) in [
            (SecurityType::VncPassword, with_password(), 0),
            (SecurityType::X509Vnc, with_password().with_tls(), 2),
        ] {
            let (claim, ready, tls) = converse(&[way], client, chunk);
            assert_eq!((ready.security, tls), (way, handshakes));
            let Claim::VncPassword {
                challenge,
                response,
            } = claim
            else {
                unreachable!("{claim:?}")
            };
            let knows = |text| {
                VncPassword::new(text)
                    .unwrap()
                    .verify(&challenge, &response)
            };
            assert!(knows("secret"));
            assert!(!knows("Secret"));
        }

        let client = Client::new(None).with_tls();
        let (claim, ready, tls) = converse(ALL, client, chunk);
        assert_eq!((claim, tls), (Claim::Nobody, 2));
        assert_eq!(ready.security, SecurityType::X509None);

        let (claim, ready, tls) = converse(ALL, with_user(), chunk);
        assert_eq!((ready.security, tls), (SecurityType::X509Plain, 2));
        let Claim::Plain { user, password } = claim else {
            unreachable!("{claim:?}")
        };
        assert_eq!((user.as_str(), password.expose()), ("änne", "pass wörd"));
    }
}

/// Runs a server, and returns what it sent, where it started TLS, and its result.
fn serve(offer: &[SecurityType], pieces: &[&[u8]]) -> (Vec<u8>, Option<usize>, String) {
    let mut output = BytesMut::new();
    let mut server = Server::new(offer, CHALLENGE, &mut output);
    let mut input = BytesMut::new();
    let mut tls = None;
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match server.advance(&mut input, &mut output) {
                Ok(Step::More) => break,
                Ok(Step::StartTls) => tls = Some(output.len()),
                Ok(Step::Claim(claim, pending)) => {
                    pending.refuse("no", &mut output);
                    return (output.to_vec(), tls, format!("{claim:?}"));
                }
                Ok(Step::Refused) => return (output.to_vec(), tls, "refused".into()),
                Err(violation) => {
                    server.refuse("no", &mut output);
                    return (output.to_vec(), tls, format!("{violation:?}"));
                }
            }
        }
    }
    (output.to_vec(), tls, "more".into())
}

fn dial(pieces: &[&[u8]]) -> (Vec<u8>, String) {
    let mut client = with_password().with_user("u", Password::new("p"));
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match client.advance(&mut input, &mut output) {
                Ok(ClientStep::More) => break,
                Ok(ClientStep::StartTls) => {}
                other => return (output.to_vec(), format!("{other:?}")),
            }
        }
    }
    (output.to_vec(), "more".into())
}

/// Mostly valid beginnings, so that later states are reached.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let version = prop::sample::select(vec![
        "RFB 003.003\n",
        "RFB 003.007\n",
        "RFB 003.008\n",
        "RFB 005.000\n",
        "",
    ]);
    let vencrypt = prop::sample::select(vec![
        &[][..],
        &[19],
        &[19, 0, 2],
        &[19, 0, 2, 0, 0, 1, 4],
        &[19, 0, 2, 0, 0, 1, 5],
        &[19, 0, 2, 0, 0, 1, 6],
        &[19, 0, 2, 0, 0, 1, 6, 0, 0, 0, 2, 0, 0, 0, 1],
        // Messages of a server, for the client.
        &[1, 19, 0, 2, 0, 1, 0, 0, 1, 4, 1],
        &[1, 19, 0, 2, 0, 1, 0, 0, 1, 5, 1],
        &[1, 19, 0, 2, 0, 2, 0, 0, 1, 1, 0, 0, 1, 6, 1],
    ]);
    let rest = prop::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..60);
    (version, vencrypt, rest)
        .prop_map(|(version, vencrypt, rest)| [version.as_bytes(), vencrypt, &rest].concat())
}

proptest! {
    #[test]
    fn any_peer_has_the_same_result_at_every_cut(bytes in hostile(), cut in any::<prop::sample::Index>(), all in any::<bool>()) {
        let cut = cut.index(bytes.len() + 1);
        let offer = if all { ALL } else { &[SecurityType::VncPassword, SecurityType::X509Plain] };
        let (first, second) = bytes.split_at(cut);
        prop_assert_eq!(serve(offer, &[first, second]), serve(offer, &[&bytes]));
        prop_assert_eq!(dial(&[first, second]), dial(&[&bytes]));
    }
}
