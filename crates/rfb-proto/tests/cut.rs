//! Our server and our client, each the other's peer, with the bytes between them cut in every way; and
//! either of them before a peer that says anything at all.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use bytes::{Buf, BytesMut};
use proptest::prelude::*;
use rfb_proto::{
    Claim, Client, Pending, Ready, SecurityType, Server, Version, VncPassword, Welcome,
};

const CHALLENGE: [u8; 16] = *b"sixteen bytes ok";

/// Where the conversation got to on the viewer's server's side.
enum Door {
    Asking(Server),
    Waiting(Claim, Pending),
    Welcoming(Welcome),
}

/// Hands bytes over `chunk` at a time until both sides are through, and says how the server heard it.
fn converse(offer: &[SecurityType], password: Option<&str>, chunk: usize) -> (Claim, Ready) {
    let (mut to_client, mut to_server) = (BytesMut::new(), BytesMut::new());
    let (mut at_client, mut at_server) = (BytesMut::new(), BytesMut::new());
    let mut door = Door::Asking(Server::new(offer, CHALLENGE, &mut to_client));
    let mut client = Client::new(password.map(|text| VncPassword::new(text).unwrap()));
    let (mut heard, mut ready) = (None, None);
    loop {
        at_client.extend_from_slice(&to_client.split_to(chunk.min(to_client.remaining())));
        at_server.extend_from_slice(&to_server.split_to(chunk.min(to_server.remaining())));
        if ready.is_none() {
            ready = client.advance(&mut at_client, &mut to_server).unwrap();
            if ready.is_some() {
                // The ClientInit follows at once: it must be left alone.
                to_server.extend_from_slice(&[1]);
            }
        }
        door = match door {
            Door::Asking(mut server) => {
                match server.advance(&mut at_server, &mut to_client).unwrap() {
                    Some((claim, pending)) => Door::Waiting(claim, pending),
                    None => Door::Asking(server),
                }
            }
            Door::Waiting(claim, pending) => {
                heard = Some(claim);
                Door::Welcoming(pending.accept(&mut to_client))
            }
            Door::Welcoming(mut welcome) => {
                let accepted = welcome.advance(&mut at_server).unwrap();
                let settled = ready.is_some() && to_server.is_empty();
                if let (Some(accepted), true) = (accepted, settled) {
                    assert_eq!(accepted.version(), Version::V3_8);
                    assert_eq!(at_server[..], [1], "the ClientInit is left for the relay");
                    return (heard.unwrap(), ready.unwrap());
                }
                Door::Welcoming(welcome)
            }
        };
    }
}

#[test]
fn both_sides_come_together_at_every_cut() {
    let none = [SecurityType::None];
    let password = [SecurityType::VncPassword];
    for chunk in 1..40 {
        let (claim, ready) = converse(&none, None, chunk);
        assert_eq!((claim, ready.security), (Claim::Nobody, SecurityType::None));
        let (claim, ready) = converse(&password, Some("secret"), chunk);
        assert_eq!(ready.security, SecurityType::VncPassword);
        let Claim::VncPassword {
            challenge,
            response,
        } = claim
        else {
            unreachable!("{claim:?}")
        };
        assert!(
            VncPassword::new("secret")
                .unwrap()
                .verify(&challenge, &response)
        );
        assert!(
            !VncPassword::new("Secret")
                .unwrap()
                .verify(&challenge, &response)
        );
    }
}

/// Feeds a server and tells what it said and how it ended, whatever the cuts.
fn serve(offer: &[SecurityType], pieces: &[&[u8]]) -> (Vec<u8>, String) {
    let mut output = BytesMut::new();
    let mut server = Server::new(offer, CHALLENGE, &mut output);
    let mut input = BytesMut::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        match server.advance(&mut input, &mut output) {
            Ok(None) => {}
            Ok(Some((claim, pending))) => {
                pending.refuse("no", &mut output);
                return (output.to_vec(), format!("{claim:?}"));
            }
            Err(violation) => return (output.to_vec(), format!("{violation:?}")),
        }
    }
    (output.to_vec(), "more".into())
}

fn dial(pieces: &[&[u8]]) -> (Vec<u8>, String) {
    let mut client = Client::new(Some(VncPassword::new("secret").unwrap()));
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        match client.advance(&mut input, &mut output) {
            Ok(None) => {}
            other => return (output.to_vec(), format!("{other:?}")),
        }
    }
    (output.to_vec(), "more".into())
}

/// Mostly plausible beginnings, so that the later states are reached.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let version = prop::sample::select(vec![
        "RFB 003.003\n",
        "RFB 003.007\n",
        "RFB 003.008\n",
        "RFB 005.000\n",
        "",
    ]);
    (
        version,
        prop::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..60),
    )
        .prop_map(|(version, rest)| [version.as_bytes(), &rest].concat())
}

proptest! {
    #[test]
    fn any_peer_cut_anywhere_is_heard_the_same(bytes in hostile(), cut in any::<prop::sample::Index>(), both in any::<bool>()) {
        let cut = cut.index(bytes.len() + 1);
        let offer: &[_] = if both { &[SecurityType::VncPassword, SecurityType::None] } else { &[SecurityType::VncPassword] };
        let (first, second) = bytes.split_at(cut);
        prop_assert_eq!(serve(offer, &[first, second]), serve(offer, &[&bytes]));
        prop_assert_eq!(dial(&[first, second]), dial(&[&bytes]));
    }
}
