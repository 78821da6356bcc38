//! One request, one whole picture.

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
        let mut session = Session::of(Repair::new(Habits::default(), false), piece);
        session.lists(&[Encoding::LAST_RECT]);
        session.asks(false);
        assert_eq!(session.host(&stream), expected, "in pieces of {piece}");
        let rest = request(false, rows(20, 28));
        assert_eq!(session.owed()[..10], rest, "it asks by itself");
        let alone = [head(1), raw(rows(0, 1))].concat();
        session.asks(true);
        assert_eq!(session.host(&alone), alone, "what changes comes as it is");
    }
}

#[test]
fn a_viewer_that_waits_for_changes_still_does_after_a_picture_in_parts() {
    let mut session = Session::new(Habits::default());
    session.lists(&[Encoding::LAST_RECT]);
    session.asks(false);
    session.host(&[head(1), raw(rows(0, 20))].concat());
    // As many viewers do as soon as an update begins.
    session.asks(true);
    assert_eq!(session.owed(), request(false, rows(20, 28)));
    // This answers both requests, as the host sees it, and the viewer sees no new update.
    session.host(&[head(1), raw(rows(20, 28))].concat());
    assert_eq!(session.owed(), request(true, EVERYTHING));
    // In one part: nothing is to be made good.
    session.asks(false);
    session.host(&[head(1), raw(EVERYTHING)].concat());
    session.asks(true);
    assert_eq!(session.owed(), NOTHING);
}

#[test]
fn updates_in_which_nothing_changes_are_not_touched() {
    let session = Session::new(Habits::default());
    let stream = [head(1), raw(rows(3, 1))].concat().repeat(50);
    let mut got = Got {
        run: stream.clone(),
        ..Got::default()
    };
    session.repair.hear_host(&stream, &mut got).unwrap();
    assert!(got.own.is_empty() && got.said == 0, "not a byte of our own");
    assert_eq!(got.bytes, stream);
}

#[test]
fn an_update_of_unknown_length_from_which_something_is_left_out_ends_by_last_rect() {
    let mut session = Session::new(Habits::default());
    session.lists(&[Encoding::LAST_RECT]);
    let state = rectangle(Area::default(), Encoding::VMWARE_CURSOR_STATE, &[0, 3]);
    let row = raw(rows(0, 1));
    let heard = session.host(&[&head(u16::MAX)[..], &state, &row, &last_rect()].concat());
    assert_eq!(heard, [&head(u16::MAX)[..], &row, &last_rect()].concat());
}

#[test]
fn a_viewer_without_last_rect_gets_as_many_rectangles_as_it_was_promised() {
    let mut session = Session::new(Habits::default());
    session.asks(false);
    let heard = session.host(&[head(2), raw(rows(0, 8)), raw(rows(8, 8))].concat());
    let promised = u16::from_be_bytes([heard[2], heard[3]]);
    assert!(promised > 2);
    assert_eq!(session.owed(), request(false, rows(16, 32)));
    let heard = session.host(&[head(1), raw(rows(16, 32))].concat());
    let (picture, empty) = heard.split_at(raw(rows(16, 32)).len());
    assert_eq!(picture, raw(rows(16, 32)));
    let nothing = rectangle(Area::default(), Encoding::RAW, &[]);
    assert_eq!(empty, nothing.repeat(usize::from(promised - 3)));
}

#[test]
fn a_single_pixel_in_place_of_a_picture_makes_the_gateway_ask_again() {
    let mut session = Session::new(Habits::default());
    session.lists(&[Encoding::LAST_RECT]);
    session.asks(false);
    let pixel = raw(Area {
        width: 1,
        height: 1,
        ..EVERYTHING
    });
    let heard = session.host(&[&head(1)[..], &pixel].concat());
    assert_eq!(heard, [&head(u16::MAX)[..], &pixel].concat());
    assert!(session.repair.waits_for_more().is_some());
    assert_eq!(session.owed(), request(false, EVERYTHING));
    let heard = session.host(&[head(1), raw(EVERYTHING)].concat());
    assert_eq!(heard, [raw(EVERYTHING), last_rect()].concat());
    assert!(session.repair.waits_for_more().is_none());
}

#[test]
fn a_request_that_something_else_than_a_picture_has_used_up_is_made_again() {
    let mut session = Session::new(Habits::default());
    session.lists(&[Encoding::LAST_RECT, Encoding::DESKTOP_NAME]);
    session.asks(false);
    let name = rectangle(Area::default(), Encoding::DESKTOP_NAME, &[0, 0, 0, 1, b'x']);
    let heard = session.host(&[&head(1)[..], &name].concat());
    assert_eq!(heard, [&head(u16::MAX)[..], &name].concat());
    // Incremental, for the picture is owed already; the other kind makes some servers send the rest again too.
    assert_eq!(session.owed(), request(true, EVERYTHING));
    let heard = session.host(&[head(1), raw(EVERYTHING)].concat());
    assert_eq!(heard, [raw(EVERYTHING), last_rect()].concat());
}

#[test]
fn a_host_that_never_sends_the_rest_is_asked_a_few_times_and_then_it_is_enough() {
    let mut session = Session::new(Habits::default());
    session.lists(&[Encoding::LAST_RECT]);
    session.asks(false);
    let part = [head(1), raw(rows(0, 4))].concat();
    let mut asked = 0;
    session.host(&part);
    while session.repair.waits_for_more().is_some() {
        assert_eq!(session.owed(), request(false, rows(4, 44)));
        session.host(&part);
        asked += 1;
        assert!(asked < 10);
    }
    assert!(asked > 1);
    assert_eq!(session.host(&part), part);
    session.asks(false);
    session.host(&part);
    let mut got = Got::default();
    session.repair.give_up_waiting(&mut got);
    assert_eq!(got.own, last_rect(), "and silence is enough too");
}

#[test]
fn what_only_the_gateway_asked_for_is_left_out_and_counted() {
    let state = rectangle(Area::default(), Encoding::VMWARE_CURSOR_STATE, &[0, 3]);
    let lights = rectangle(Area::default(), Encoding::VMWARE_LED_STATE, &[0, 0, 0, 4]);
    let row = raw(rows(0, 1));
    let nothing = rectangle(Area::default(), Encoding::RAW, &[]);
    for piece in [1, 3, 7, 13, usize::MAX] {
        let mut session = Session::of(Repair::new(Habits::default(), false), piece);
        let first = [&head(3)[..], &state, &lights, &row].concat();
        assert_eq!(session.host(&first), [&head(1)[..], &row].concat());
        let later = [&head(2)[..], &row, &state].concat();
        assert_eq!(
            session.host(&later),
            [&head(2)[..], &row, &nothing].concat()
        );
        let alone = [&head(1)[..], &state].concat();
        assert_eq!(session.owed(), NOTHING);
        assert_eq!(session.host(&alone), NOTHING, "nothing is left of it");
        assert_eq!(
            session.owed(),
            request(true, EVERYTHING),
            "the viewer still waits"
        );
    }
}

#[test]
fn another_size_that_the_viewer_asked_for_is_asked_of_the_host_in_its_own_way() {
    let mut session = Session::vmware(Habits::default());
    let list = session.lists(&[Encoding::EXTENDED_DESKTOP_SIZE]);
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
    let heard = session.host(&[&head(1)[..], &row].concat());
    assert_eq!(heard, [&head(2)[..], &size(0, 64, 48), &row].concat());
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
