//! A request is answered with one whole picture.

use super::*;

fn request(incremental: bool, area: Area) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    Message::UpdateRequest(UpdateRequest { incremental, area }).write(&mut bytes);
    bytes.to_vec()
}

#[test]
fn a_picture_in_parts_becomes_one_update_at_every_cut() {
    let parts = [rows(0, 20), rows(20, 8), rows(28, 20)];
    let stream: Vec<u8> = parts
        .iter()
        .flat_map(|&area| [head(1), raw(area)].concat())
        .collect();
    let pictures: Vec<u8> = parts.iter().flat_map(|&area| raw(area)).collect();
    let expected = [&head(u16::MAX)[..], &pictures, &last_rect()].concat();
    for piece in [1, 2, 3, 5, 11, 64, 1000, 4000, usize::MAX] {
        let mut session = Session::of(
            Dialogue::new(InputSettings::default(), false, HostKind::Vmware),
            piece,
        );
        session.sets_encodings(&[Encoding::LAST_RECT]);
        session.requests_everything(false);
        assert_eq!(session.host(&stream), expected, "in pieces of {piece}");
        let rest = request(false, rows(20, 28));
        assert_eq!(session.pending()[..10], rest, "the gateway requests it");
        let alone = [head(1), raw(rows(0, 1))].concat();
        session.requests_everything(true);
        assert_eq!(session.host(&alone), alone, "what changes comes as it is");
    }
}

#[test]
fn an_incremental_request_stays_pending_after_a_picture_in_parts() {
    let mut session = Session::new(InputSettings::default());
    session.sets_encodings(&[Encoding::LAST_RECT]);
    session.requests_everything(false);
    session.host(&[head(1), raw(rows(0, 20))].concat());
    // Many viewers send the next request as soon as an update begins.
    session.requests_everything(true);
    assert_eq!(session.pending(), request(false, rows(20, 28)));
    // For the host this answers both requests; the viewer receives it as part of the first update.
    session.host(&[head(1), raw(rows(20, 28))].concat());
    assert_eq!(session.pending(), request(true, EVERYTHING));
    // In one part: no request has to be repeated.
    session.requests_everything(false);
    session.host(&[head(1), raw(EVERYTHING)].concat());
    session.requests_everything(true);
    assert_eq!(session.pending(), NOTHING);
}

#[test]
fn updates_without_changes_are_relayed_unchanged() {
    let mut session = Session::new(InputSettings::default());
    let stream = [head(1), raw(rows(3, 1))].concat().repeat(50);
    let mut got = Got {
        run: stream.clone(),
        ..Got::default()
    };
    session
        .dialogue
        .receive_from_host(&stream, &mut got)
        .unwrap();
    assert!(
        got.own.is_empty() && got.own_length == 0,
        "not a byte of our own"
    );
    assert_eq!(got.bytes, stream);
}

#[test]
fn an_update_with_dropped_rectangles_ends_with_last_rect() {
    let mut session = Session::new(InputSettings::default());
    session.sets_encodings(&[Encoding::LAST_RECT]);
    let state = rectangle(Area::default(), Encoding::VMWARE_CURSOR_STATE, &[0, 3]);
    let row = raw(rows(0, 1));
    let received = session.host(&[&head(u16::MAX)[..], &state, &row, &last_rect()].concat());
    assert_eq!(received, [&head(u16::MAX)[..], &row, &last_rect()].concat());
}

#[test]
fn a_viewer_without_last_rect_gets_the_picture_when_it_is_complete() {
    for piece in [1, 5, 100, usize::MAX] {
        let mut session = Session::of(
            Dialogue::new(InputSettings::default(), false, HostKind::Vmware),
            piece,
        );
        session.requests_everything(false);
        let first = [head(2), raw(rows(0, 8)), raw(rows(8, 8))].concat();
        assert_eq!(session.host(&first), NOTHING);
        assert_eq!(session.pending(), request(false, rows(16, 32)));
        let whole = [head(3), raw(rows(0, 8)), raw(rows(8, 8)), raw(rows(16, 32))];
        let last = [head(1), raw(rows(16, 32))].concat();
        assert_eq!(session.host(&last), whole.concat());
    }
}

#[test]
fn a_viewer_without_last_rect_gets_a_part_after_the_timeout() {
    let mut session = Session::new(InputSettings::default());
    session.requests_everything(false);
    let part = [head(1), raw(rows(0, 8))].concat();
    assert_eq!(session.host(&part), NOTHING);
    assert_eq!(session.host(&part), NOTHING);
    let mut got = Got::default();
    session.dialogue.stop_waiting(&mut got);
    assert_eq!(
        got.own,
        [&head(2)[..], &raw(rows(0, 8)), &raw(rows(0, 8))].concat()
    );
    assert_eq!(session.host(&part), part, "what changes comes as it is");
}

#[test]
fn the_rest_is_not_requested_from_a_host_that_is_not_vmwares() {
    let part = [head(1), raw(rows(0, 8))].concat();
    let lights = rectangle(Area::default(), Encoding::VMWARE_LED_STATE, &[0, 0, 0, 4]);
    for shown in [NOTHING, &caps(0x82), &[&head(1)[..], &lights].concat()] {
        let dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Unknown);
        let mut session = Session::of(dialogue, usize::MAX);
        session.host(shown);
        session.pending();
        session.requests_everything(false);
        let vmware = !shown.is_empty();
        let got = session.host(&part);
        assert_eq!(got == part, !vmware);
        assert_eq!(session.pending().is_empty(), !vmware);
    }
}

#[test]
fn an_update_whose_count_is_not_announced_is_held_for_a_viewer_without_last_rect() {
    for piece in [1, 7, usize::MAX] {
        let mut session = Session::of(
            Dialogue::new(InputSettings::default(), false, HostKind::Unknown),
            piece,
        );
        let row = raw(rows(0, 1));
        let sent = [&head(u16::MAX)[..], &row, &row, &last_rect()].concat();
        assert_eq!(session.host(&sent), [&head(2)[..], &row, &row].concat());
    }
}

#[test]
fn an_update_has_at_most_65535_rectangles() {
    let pixel = rectangle(rows(0, 1), Encoding::COPY_RECT, &[0; 4]);
    for list in [&[][..], &[Encoding::LAST_RECT]] {
        let mut session = Session::new(InputSettings::default());
        session.sets_encodings(list);
        let larger = Area {
            width: 1024,
            height: 768,
            ..Area::default()
        };
        let resized = rectangle(larger, Encoding::DESKTOP_SIZE, &[]);
        session.host(&[&head(1)[..], &resized].concat());
        session.requests_everything(false);
        let half = [&head(40_000)[..], &pixel.repeat(40_000)].concat();
        let mut got = session.host(&half);
        got.extend(session.host(&half));
        let mut rest = Got::default();
        session.dialogue.stop_waiting(&mut rest);
        got.extend(rest.own);
        let first = usize::from(u16::MAX);
        let (one, other) = got.split_at(4 + first * pixel.len());
        assert!(one == [&head(u16::MAX)[..], &pixel.repeat(first)].concat());
        let left = 80_000 - first;
        let other_count = match list {
            [] => u16::try_from(left).unwrap(),
            _ => u16::MAX,
        };
        let mut expected = [&head(other_count)[..], &pixel.repeat(left)].concat();
        if other_count == u16::MAX {
            expected.extend(last_rect());
        }
        assert!(other == expected);
    }
}

#[test]
fn vmwares_own_client_gets_no_empty_update() {
    let empty = [head(0), [&head(9)[..], &last_rect()].concat()];
    for sent in empty {
        let mut session = Session::new(InputSettings::default());
        assert_eq!(session.host(&sent), head(0), "others get what came");
        session.sets_encodings(&[Encoding::VMWARE_SERVER_CAPS, Encoding::LAST_RECT]);
        assert_eq!(session.host(&sent), NOTHING);
        assert_eq!(session.pending(), request(true, EVERYTHING));
    }
}

#[test]
fn the_picture_is_requested_again_after_an_update_of_one_pixel() {
    let mut session = Session::new(InputSettings::default());
    session.sets_encodings(&[Encoding::LAST_RECT]);
    session.requests_everything(false);
    let pixel = raw(Area {
        width: 1,
        height: 1,
        ..EVERYTHING
    });
    let received = session.host(&[&head(1)[..], &pixel].concat());
    assert_eq!(received, [&head(u16::MAX)[..], &pixel].concat());
    assert!(session.dialogue.waits_for_more().is_some());
    assert_eq!(session.pending(), request(false, EVERYTHING));
    let received = session.host(&[head(1), raw(EVERYTHING)].concat());
    assert_eq!(received, [raw(EVERYTHING), last_rect()].concat());
    assert!(session.dialogue.waits_for_more().is_none());
}

#[test]
fn a_request_that_was_answered_without_pixels_is_repeated() {
    let mut session = Session::new(InputSettings::default());
    session.sets_encodings(&[Encoding::LAST_RECT, Encoding::DESKTOP_NAME]);
    session.requests_everything(false);
    let name = rectangle(Area::default(), Encoding::DESKTOP_NAME, &[0, 0, 0, 1, b'x']);
    let received = session.host(&[&head(1)[..], &name].concat());
    assert_eq!(received, [&head(u16::MAX)[..], &name].concat());
    // Incremental, for the picture is pending already; the other kind makes some servers send the rest again too.
    assert_eq!(session.pending(), request(true, EVERYTHING));
    let received = session.host(&[head(1), raw(EVERYTHING)].concat());
    assert_eq!(received, [raw(EVERYTHING), last_rect()].concat());
}

#[test]
fn requests_for_the_rest_of_a_picture_are_limited() {
    let mut session = Session::new(InputSettings::default());
    session.sets_encodings(&[Encoding::LAST_RECT]);
    session.requests_everything(false);
    let part = [head(1), raw(rows(0, 4))].concat();
    let mut asked = 0;
    session.host(&part);
    while session.dialogue.waits_for_more().is_some() {
        assert_eq!(session.pending(), request(false, rows(4, 44)));
        session.host(&part);
        asked += 1;
        assert!(asked < 10);
    }
    assert!(asked > 1);
    assert_eq!(session.host(&part), part);
    session.requests_everything(false);
    session.host(&part);
    let mut got = Got::default();
    session.dialogue.stop_waiting(&mut got);
    assert_eq!(got.own, last_rect(), "and silence is enough too");
}

#[test]
fn rectangles_for_the_gateway_are_dropped_and_not_counted() {
    let lights = rectangle(Area::default(), Encoding::VMWARE_LED_STATE, &[0, 0, 0, 4]);
    let row = raw(rows(0, 1));
    for last_rect_known in [false, true] {
        for piece in [1, 3, 7, 13, usize::MAX] {
            let mut session = Session::of(
                Dialogue::new(InputSettings::default(), false, HostKind::Vmware),
                piece,
            );
            if last_rect_known {
                session.sets_encodings(&[Encoding::LAST_RECT]);
            }
            session.host(&caps(0x2));
            let listed = encodings(&session.pending());
            assert!(listed.contains(&Encoding::VMWARE_LED_STATE));
            let first = [&head(3)[..], &lights, &lights, &row].concat();
            assert_eq!(session.host(&first), [&head(1)[..], &row].concat());
            let later = [&head(2)[..], &row, &lights].concat();
            let expected = match last_rect_known {
                true => [&head(2)[..], &row, &last_rect()].concat(),
                false => [&head(1)[..], &row].concat(),
            };
            assert_eq!(session.host(&later), expected);
            let alone = [&head(1)[..], &lights].concat();
            assert_eq!(session.pending(), NOTHING);
            assert_eq!(session.host(&alone), NOTHING, "nothing is left of it");
            let again = request(true, EVERYTHING);
            assert_eq!(session.pending(), again, "the viewer still waits");
        }
    }
}

#[test]
fn cursor_state_is_requested_if_the_viewer_supports_pointer_motion() {
    let mut session = Session::vmware(InputSettings::default());
    let state = Encoding::VMWARE_CURSOR_STATE;
    assert!(!session.sets_encodings(&[]).contains(&state));
    assert!(
        session
            .sets_encodings(&[Encoding::QEMU_POINTER_MOTION])
            .contains(&state)
    );
}

#[test]
fn set_desktop_size_is_sent_as_vmwares_resolution_request() {
    let mut session = Session::vmware(InputSettings::default());
    let list = session.sets_encodings(&[Encoding::EXTENDED_DESKTOP_SIZE]);
    assert!(list.contains(&Encoding::DESKTOP_SIZE));
    let size = |reason: u16, width: u16, height: u16| {
        let area = Area {
            x: reason,
            y: 0,
            width,
            height,
        };
        let mut screen = vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        screen.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        screen.extend([0; 4]);
        rectangle(area, Encoding::EXTENDED_DESKTOP_SIZE, &screen)
    };
    let row = raw(rows(0, 1));
    let received = session.host(&[&head(1)[..], &row].concat());
    assert_eq!(received, [&head(2)[..], &size(0, 64, 48), &row].concat());
    let ask = [
        &[251, 0, 0, 80, 0, 60, 1, 0][..],
        &[0; 8],
        &[0, 80, 0, 60, 0, 0, 0, 0],
    ]
    .concat();
    assert_eq!(session.viewer(&ask), [127, 5, 0, 8, 0, 80, 0, 60]);
    let resized = |width, height| {
        let area = Area {
            width,
            height,
            ..Area::default()
        };
        [head(1), rectangle(area, Encoding::DESKTOP_SIZE, &[])].concat()
    };
    assert_eq!(
        session.host(&resized(80, 60)),
        [head(1), size(1, 80, 60)].concat()
    );
    assert_eq!(
        session.host(&resized(70, 50)),
        [head(1), size(0, 70, 50)].concat()
    );
}
