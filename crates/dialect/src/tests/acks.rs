//! Acknowledgements of updates.

use super::*;

fn acks(ids: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    for id in ids {
        Command::UpdateAck { id, took: 0 }.write(&mut bytes);
    }
    bytes.to_vec()
}

fn update(id: u8, rectangles: &[Vec<u8>]) -> Vec<u8> {
    let [high, low] = u16::try_from(rectangles.len()).unwrap().to_be_bytes();
    [&[0, id, high, low][..], &rectangles.concat()].concat()
}

/// A session whose host wants them, cut so.
fn wanted(piece: usize) -> Session {
    let mut session = Session::of(
        Dialogue::new(InputSettings::default(), false, HostKind::Vmware),
        piece,
    );
    assert_eq!(session.host(&caps(0x0210_20bf)), NOTHING);
    session.pending();
    session
}

#[test]
fn every_complete_update_is_acknowledged_by_its_id() {
    let row = raw(rows(0, 1));
    let lights = rectangle(Area::default(), Encoding::VMWARE_LED_STATE, &[0, 0, 0, 4]);
    for piece in [1, 3, 17, usize::MAX] {
        let mut session = wanted(piece);
        let (front, back) = row.split_at(30);
        let begun = [&[0, 200, 0, 1][..], front].concat();
        session.host(&begun);
        assert_eq!(session.pending(), NOTHING, "it is not whole");
        session.host(back);
        assert_eq!(session.pending(), acks([200]));
        // In one read: updates that are relayed unchanged, one with a dropped rectangle, one without a rectangle.
        let many = [
            update(1, std::slice::from_ref(&row)),
            update(2, std::slice::from_ref(&row)),
            update(3, &[row.clone(), lights.clone()]),
            update(4, &[]),
            update(255, std::slice::from_ref(&row)),
        ];
        session.host(&many.concat());
        assert_eq!(
            session.pending(),
            acks([1, 2, 3, 4, 255]),
            "in pieces of {piece}"
        );
        // All of it is dropped: the viewer's request is still unanswered.
        session.host(&update(9, std::slice::from_ref(&lights)));
        let received = session.pending();
        assert!(received.ends_with(&acks([9])) && received.len() == 10 + 8);
    }
}

#[test]
fn each_part_of_a_picture_is_acknowledged_and_the_rest_requested() {
    for list in [&[][..], &[Encoding::LAST_RECT]] {
        let mut session = wanted(usize::MAX);
        session.sets_encodings(list);
        session.requests_everything(false);
        session.host(&update(1, &[raw(rows(0, 8))]));
        let received = session.pending();
        assert_eq!((received[0], received[1]), (3, 1), "an incremental request");
        assert_eq!(received[10..], acks([1]));
        session.host(&update(2, &[raw(rows(8, 40))]));
        assert_eq!(session.pending(), acks([2]));
        // The viewer's own requests pass: `requests_everything` checks that.
        session.requests_everything(true);
    }
}

#[test]
fn the_rest_of_a_picture_is_requested_where_acknowledgements_do_not_bring_it() {
    let pixel = raw(Area {
        width: 1,
        height: 1,
        ..EVERYTHING
    });
    for list in [&[][..], &[Encoding::LAST_RECT]] {
        let mut session = wanted(usize::MAX);
        session.sets_encodings(list);
        session.requests_everything(false);
        session.host(&update(1, std::slice::from_ref(&pixel)));
        assert_eq!(session.pending()[..2], [3, 0], "after a single pixel");
        session.host(&update(2, &[raw(rows(0, 8))]));
        assert_eq!(session.pending()[..2], [3, 1], "after a part");
        session.host(&update(3, &[raw(rows(0, 8))]));
        assert_eq!(session.pending()[..2], [3, 0], "after the same again");
        session.host(&update(4, &[raw(rows(8, 8))]));
        session.pending();
        let waits = session.dialogue.waits_for_more();
        let mut got = Got::default();
        session.dialogue.stop_waiting(&mut got);
        assert_eq!(got.own, NOTHING);
        assert_eq!(session.pending()[..2], [3, 0], "after silence");
        assert_ne!(session.dialogue.waits_for_more(), waits, "it waits anew");
        session.dialogue.stop_waiting(&mut got);
        assert!(session.dialogue.waits_for_more().is_none(), "and no longer");
    }
}

#[test]
fn a_host_that_does_not_announce_acknowledgements_gets_none() {
    let alone = update(5, &[raw(rows(0, 1))]);
    for caps_bits in [None, Some(0x82)] {
        let mut session = Session::new(InputSettings::default());
        if let Some(bits) = caps_bits {
            session.host(&caps(bits));
            session.pending();
        }
        session.host(&alone);
        assert_eq!(session.pending(), NOTHING);
    }
    let dialogue = Dialogue::new(InputSettings::default(), true, HostKind::Vmware);
    let mut session = Session::of(dialogue, usize::MAX);
    session.host(&alone);
    assert_eq!(session.pending(), NOTHING, "nobody asked it for ServerCaps");
}

#[test]
fn vmware_messages_are_sent_only_after_server_caps_and_never_client_caps() {
    let client_caps = [127, 3, 0, 8, 0, 0, 0x51, 0];
    let mut session = Session::new(german());
    let mut received = Vec::new();
    let acts = |session: &mut Session| {
        let pointer = client_messages::Pointer {
            buttons: 1 << 3,
            x: 1,
            y: 1,
        };
        let mut received = session.viewer_sends(key(true, 0x40));
        received.extend(session.viewer_sends(Message::Pointer(pointer)));
        received.extend(session.viewer(&client_caps));
        received.extend(session.viewer(&[6, 0, 0, 0, 0, 0, 0, 1, b'x']));
        let mut typed = BytesMut::new();
        session.dialogue.type_next(&mut typed);
        received.extend(typed);
        session.host(&update(1, &[raw(rows(0, 1))]));
        received.extend(session.pending());
        received
    };
    received.extend(acts(&mut session));
    received.extend(session.dialogue.release_all());
    assert!(
        !kinds(&received).iter().any(|kind| kind.0 == 127),
        "{received:?}"
    );
    session.host(&caps(0x0210_20bf));
    received = session.pending();
    received.extend(acts(&mut session));
    let types = kinds(&received);
    assert!(types.contains(&(127, 0)) && types.contains(&(127, 4)));
    assert!(!types.contains(&(127, 3)), "{types:?}");
}

/// The type of each message to the host, with the subtype of VMware's.
fn kinds(received: &[u8]) -> Vec<(u8, u8)> {
    let (mut kinds, mut at) = (Vec::new(), 0);
    while let Some(&kind) = received.get(at) {
        let sub = if kind == 127 { received[at + 1] } else { 0 };
        at += match kind {
            2 => 4 + 4 * usize::from(received[at + 3]),
            3 => 10,
            4 => 8,
            5 => 6,
            127 => usize::from(received[at + 3]),
            _ => panic!("{kind}"),
        };
        kinds.push((kind, sub));
    }
    kinds
}

#[test]
fn unread_acknowledgements_are_bounded_and_include_the_latest() {
    let mut session = wanted(usize::MAX);
    let small = rectangle(rows(0, 1), Encoding::COPY_RECT, &[0; 4]);
    let many = update(7, std::slice::from_ref(&small)).repeat(40_000);
    session.host(&many);
    session.host(&update(8, &[small]));
    let received = session.pending();
    assert!(received.len() <= 8 * 16 * 1024);
    assert!(received.ends_with(&acks([8])));
}
