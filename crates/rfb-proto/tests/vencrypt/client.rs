//! The client of VeNCrypt.

use super::*;

/// The replies of a client to each piece, and its result. TLS is taken as established when it is started.
fn dial(mut client: Client, pieces: &[&[u8]]) -> (Vec<u8>, Result<ClientStep, Refusal>) {
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    let mut last = Ok(ClientStep::More);
    for piece in pieces {
        input.extend_from_slice(piece);
        last = client.advance(&mut input, &mut output);
        if last.is_err() {
            break;
        }
    }
    (output.to_vec(), last)
}

#[test]
fn the_client_chooses_the_first_subtype_for_which_it_has_credentials() {
    let user = || Client::new(None).with_user("anne", Password::new("pw"));
    let types = [2, 1, 19];
    let all = [3, 0, 0, 1, 5, 0, 0, 1, 6, 0, 0, 1, 4];
    for (client, subtype, said_inside) in [
        (user(), 262_u32, plain(b"anne", b"pw")),
        (Client::new(None).with_tls(), 260, vec![]),
    ] {
        let (sent, end) = dial(client, &[V8, &types, &[0, 2], &[0], &all, &[1], &[], OK]);
        let subtype = subtype.to_be_bytes();
        let expected = [V8, &[19, 0, 2], &subtype, &said_inside].concat();
        assert_eq!(sent, expected);
        let Ok(ClientStep::Ready(ready)) = end else {
            panic!("{end:?}")
        };
        assert_eq!(ready.version, Version::V3_8);
        assert_eq!(ready.security.subtype().unwrap().to_be_bytes(), subtype);
    }
    // TLS is not used unless it is enabled.
    let (sent, _) = dial(Client::new(None), &[V8, &types]);
    assert_eq!(sent, [V8, &[1]].concat());
}

#[test]
fn the_client_reports_what_a_vencrypt_server_refused() {
    let because = |pieces: &[&[u8]]| {
        let client = Client::new(None).with_tls();
        dial(client, &[&[V8, &[1, 19]], pieces].concat()).1.err()
    };
    let refused = |text: &str| Some(Refusal::Refused(text.into()));
    let old = Violation::VencryptVersion { major: 0, minor: 1 };
    assert_eq!(because(&[&[0, 1]]), Some(old.into()));
    assert_eq!(
        because(&[&[0, 2], &[255]]),
        refused("it does not speak VeNCrypt 0.2")
    );
    assert_eq!(
        because(&[&[0, 2], &[0, 2, 0, 0, 1, 1, 0, 0, 1, 6]]),
        Some(Refusal::NoCommonSubtype(vec![257, 262]))
    );
    assert_eq!(
        because(&[&[0, 2], &[0, 0]]),
        Some(Refusal::NoCommonSubtype(vec![]))
    );
    assert_eq!(
        because(&[&[0, 2], &[0, 1, 0, 0, 1, 4], &[0]]),
        refused("it cannot start TLS")
    );
}
