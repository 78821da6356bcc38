//! Pixel formats: which are sent to the host, and the converted pixels.

use rfb_proto::{Converter, PixelFormat};

use super::*;

const RGB565: PixelFormat = PixelFormat {
    bits_per_pixel: 16,
    depth: 16,
    red_max: 31,
    green_max: 63,
    blue_max: 31,
    red_shift: 11,
    green_shift: 5,
    ..PixelFormat::VMWARE
};
const MAPPED: PixelFormat = PixelFormat {
    bits_per_pixel: 8,
    depth: 8,
    true_colour: false,
    ..PixelFormat::VMWARE
};

fn converted(format: PixelFormat, pixels: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    let converter = Converter::new(PixelFormat::VMWARE, format).unwrap();
    assert_eq!(converter.convert(pixels, &mut output), pixels.len());
    output
}

#[test]
fn the_hosts_own_format_is_sent_to_it_with_a_true_colour_flag_of_one() {
    let mut session = Session::new(InputSettings::default());
    let mut asked = vec![0, 0, 0, 0];
    PixelFormat::VMWARE.write(&mut asked);
    let expected = asked.clone();
    asked[7] = 255;
    assert_eq!(session.viewer(&asked), expected);
}

#[test]
fn another_format_is_converted_and_only_convertible_encodings_are_listed() {
    let mut session = Session::new(InputSettings::default());
    let list = [
        Encoding::TIGHT,
        Encoding::HEXTILE,
        Encoding::ZRLE,
        Encoding(-23),
    ];
    // ServerCaps.
    let own = 1;
    assert_eq!(session.sets_encodings(&list).len(), list.len() + own);
    let received = session.viewer_sends(Message::SetPixelFormat(RGB565));
    let kept: Vec<Encoding> = encodings(&received).into_iter().take(2).collect();
    assert_eq!(kept, [Encoding::HEXTILE, Encoding(-23)]);
    let received = session.viewer_sends(Message::SetPixelFormat(PixelFormat::VMWARE));
    assert_eq!(encodings(&received[20..])[..4], list, "all of them again");
}

#[test]
fn pixels_are_converted_at_every_cut() {
    let picture = raw(rows(0, 2));
    let copy = rectangle(rows(5, 1), Encoding::COPY_RECT, &[0, 1, 0, 2]);
    let stream = [&head(2)[..], &picture, &copy].concat();
    let expected = [
        &head(2)[..],
        &picture[..12],
        &converted(RGB565, &picture[12..]),
        &copy,
    ]
    .concat();
    for piece in (1..40).chain([stream.len()]) {
        let mut session = Session::of(
            Dialogue::new(InputSettings::default(), false, HostKind::Vmware),
            piece,
        );
        session.viewer_sends(Message::SetPixelFormat(RGB565));
        assert_eq!(session.host(&stream), expected, "in pieces of {piece}");
    }
}

#[test]
fn the_format_changes_with_the_next_update_and_not_in_the_middle_of_one() {
    let mut session = Session::new(InputSettings::default());
    let picture = raw(rows(0, 1));
    let (front, back) = picture.split_at(30);
    assert_eq!(
        session.host(&[&head(1)[..], front].concat()),
        [&head(1)[..], front].concat()
    );
    session.viewer_sends(Message::SetPixelFormat(RGB565));
    assert_eq!(session.host(back), back);
    let received = session.host(&[&head(1)[..], &picture].concat());
    assert_eq!(received[16..], converted(RGB565, &picture[12..]));
}

#[test]
fn a_viewer_that_requests_a_colour_map_gets_one_before_the_first_pixel() {
    let mut session = Session::new(InputSettings::default());
    session.viewer_sends(Message::SetPixelFormat(MAPPED));
    let picture = raw(rows(0, 1));
    let stream = [&head(1)[..], &picture].concat();
    let mut map = Vec::new();
    Converter::new(PixelFormat::VMWARE, MAPPED)
        .unwrap()
        .colour_map(&mut map);
    assert_eq!(map[..6], [1, 0, 0, 0, 1, 0]);
    let update = [
        &head(1)[..],
        &picture[..12],
        &converted(MAPPED, &picture[12..]),
    ]
    .concat();
    assert_eq!(session.host(&stream), [&map[..], &update].concat());
    assert_eq!(session.host(&stream), update, "once");
}

#[test]
fn a_rectangle_that_cannot_be_converted_is_requested_again() {
    let mut session = Session::new(InputSettings::default());
    session.sets_encodings(&[Encoding::TIGHT]);
    session.viewer_sends(Message::SetPixelFormat(RGB565));
    // A fill of one colour.
    let tight = rectangle(rows(3, 4), Encoding::TIGHT, &[0x80, 1, 2, 3]);
    let received = session.host(&[&head(2)[..], &tight, &raw(rows(0, 1))].concat());
    assert_eq!(received[..4], head(1));
    let mut expected = BytesMut::new();
    Message::UpdateRequest(UpdateRequest {
        incremental: false,
        area: rows(3, 4),
    })
    .write(&mut expected);
    assert_eq!(session.pending(), expected);
    // Later rectangles in Tight depend on the one that the viewer has not received.
    let received = session.viewer_sends(Message::SetPixelFormat(PixelFormat::VMWARE));
    assert!(!encodings(&received[20..]).contains(&Encoding::TIGHT));
}

#[test]
fn an_unsound_format_is_refused() {
    let mut session = Session::new(InputSettings::default());
    let mut asked = vec![0, 0, 0, 0];
    let none = PixelFormat {
        red_max: 3,
        red_shift: 31,
        ..PixelFormat::VMWARE
    };
    none.write(&mut asked);
    let refused = session
        .dialogue
        .receive_from_viewer(&asked, &mut BytesMut::new());
    assert!(refused.is_err());
}
