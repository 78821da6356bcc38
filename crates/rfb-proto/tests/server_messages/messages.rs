//! The content of each message, and the length of its body.

use super::*;

#[test]
fn server_init_has_size_format_and_name() {
    let mut update = ServerScanner::new();
    let init = server_init(RGB565, b"vm08");
    assert_eq!(update.scan(&init[..23]), Ok(None));
    let piece = update.scan(&init).unwrap().unwrap();
    assert_eq!(
        piece.message,
        Message::ServerInit {
            width: 1024,
            height: 768,
            format: RGB565,
            name: 4
        }
    );
    assert_eq!(
        (update.size(), update.pixel_format()),
        ((1024, 768), RGB565)
    );
    assert!(!update.is_between_messages());
    let piece = update.scan(&init[24..]).unwrap().unwrap();
    let of = Kind::ServerInit;
    assert_eq!(piece.message, Message::Body { of, last: true });
    assert!(update.is_between_messages());
}

#[test]
fn each_message_is_parsed() {
    let cut_text = |length, extended| Message::CutText(CutText { length, extended });
    let mut seen = 0;
    for (bytes, message) in [
        (
            &[1, 0, 0, 1, 0, 0][..],
            Message::SetColourMapEntries { first: 1, count: 0 },
        ),
        (&[2], Message::Bell),
        (&[3, 0, 0, 0, 0, 0, 0, 0], cut_text(0, None)),
        (
            &[3, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 1, 0, 0, 1],
            cut_text(0, Some(0x0100_0001)),
        ),
        (
            &[127, 0, 0, 8, 0, 0, 0, 0x2a],
            Message::ServerCaps(ServerCaps(0x2a)),
        ),
        (&[127, 9, 0, 4], Message::Vmware { id: 9, length: 4 }),
        (&[150], Message::EndOfContinuousUpdates),
        (
            &[248, 0, 0, 0, 0x80, 0, 0, 1, 2, 7, 8],
            Message::Fence {
                flags: 0x8000_0001,
                payload: &[7, 8],
            },
        ),
        (
            &[250, 0, 1, 1],
            Message::Xvp {
                version: 1,
                code: 1,
            },
        ),
        (
            &[253, 0x81, 0, 0],
            Message::Gii {
                subtype: 1,
                length: 0,
            },
        ),
        (&[255, 1, 0, 0], Message::QemuSound(QemuSound::End)),
        (&[255, 1, 0, 1], Message::QemuSound(QemuSound::Begin)),
        (
            &[255, 1, 0, 2, 0, 0, 0, 0],
            Message::QemuSound(QemuSound::Data { length: 0 }),
        ),
        (
            &[0, 7, 0, 0],
            Message::Update {
                id: 7,
                rectangles: 0,
            },
        ),
    ] {
        let mut at = update(LOW);
        for end in 0..bytes.len() {
            assert_eq!(at.clone().scan(&bytes[..end]), Ok(None), "{bytes:?}");
        }
        let piece = at.scan(bytes).unwrap().unwrap();
        assert_eq!((piece.bytes, piece.message), (bytes, message));
        assert!(at.is_between_messages());
        seen += 1;
    }
    assert_eq!(seen, 14);
}

#[test]
fn bodies_have_the_announced_length() {
    for (head, body, kind) in [
        (&[1, 0, 0, 0, 0, 3][..], 18, "SetColourMapEntries"),
        (&[3, 0, 0, 0, 0, 0, 0, 5], 5, "CutText"),
        (&[3, 0, 0, 0, 255, 255, 255, 244, 1, 0, 0, 0], 8, "CutText"),
        (&[127, 4, 0, 6], 2, "Vmware"),
        (&[127, 0, 0, 12], 8, "Vmware"),
        (&[253, 0x82, 0, 7], 7, "Gii"),
        (&[253, 0x02, 7, 0], 7, "Gii"),
        (&[255, 1, 0, 2, 0, 0, 0, 9], 9, "QemuSound"),
    ] {
        let bytes = [head, &vec![0x55; body], &[2]].concat();
        for at in 0..bytes.len() {
            let (received, left, _) = follow(update(LOW), &[&bytes[..at], &bytes[at..]]);
            assert_eq!(received[1..], [format!("{kind} {body}"), "Bell".into()]);
            assert_eq!(left, Ok(0));
        }
    }
}

#[test]
fn vmwares_audio_data_is_not_included_in_its_length() {
    let mut bytes = vec![127, 3, 0, 36, 0, 0, 0, 10];
    bytes.resize(36 + 10, 0x55);
    bytes.push(2);
    for at in 0..bytes.len() {
        let (received, left, _) = follow(update(LOW), &[&bytes[..at], &bytes[at..]]);
        let head = "Vmware { id: 3, length: 36 }";
        assert_eq!(received, [head, "Vmware 42", "Bell"]);
        assert_eq!(left, Ok(0));
    }
}
