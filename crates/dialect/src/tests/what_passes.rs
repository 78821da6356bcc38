//! Which messages are relayed and which are dropped.

use rfb_proto::client_messages::{Message, Pointer};
use rfb_proto::server_messages::ScanError;
use rfb_proto::{Area, Encoding, PixelFormat};

use super::*;

#[test]
fn only_safe_encodings_are_listed_in_the_viewers_order() {
    let mut session = Session::new(InputSettings::default());
    let unsafe_ones = [
        0x574d_5667,
        0x574d_5669,
        0x574d_566a,
        0x574d_567b,
        0x574d_567c,
        0x574d_567e,
        0x574d_567f,
        0x574d_5680,
        0x574d_5681,
        -258,
        -259,
        -305,
        -309,
        -312,
        -313,
        -316,
        0xc0a1_e5ce_u32.cast_signed(),
        12_345,
    ];
    let safe = [
        16,
        7,
        5,
        0,
        -23,
        -250,
        -223,
        -224,
        -239,
        0x574d_5664,
        1,
        -260,
    ];
    let mixed: Vec<Encoding> = safe
        .iter()
        .zip(unsafe_ones.iter().cycle().take(safe.len()))
        .flat_map(|(&good, &bad)| [Encoding(good), Encoding(bad)])
        .chain(unsafe_ones.map(Encoding))
        .collect();
    let own = [0x574d_567a];
    let expected: Vec<Encoding> = safe.into_iter().chain(own).map(Encoding).collect();
    assert_eq!(session.sets_encodings(&mixed), expected);
}

#[test]
fn server_caps_are_requested_even_if_the_viewer_lists_nothing() {
    let dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Vmware);
    let mut session = Session { dialogue, piece: 3 };
    session.viewer(&[1]);
    assert_eq!(session.pending(), NOTHING);
    let mut init = vec![0, 64, 0, 48];
    PixelFormat::VMWARE.write(&mut init);
    init.extend([0, 0, 0, 0]);
    assert_eq!(session.host(&init), init);
    assert!(encodings(&session.pending()).contains(&Encoding::VMWARE_SERVER_CAPS));
}

#[test]
fn messages_that_the_host_has_not_announced_are_dropped() {
    let mut session = Session::vmware(InputSettings::default());
    let messages: [&[u8]; 9] = [
        &[127, 3, 0, 8, 0, 0, 0x51, 0],
        &[150, 1, 0, 0, 0, 0, 0, 9, 0, 9],
        &[248, 0, 0, 0, 0x80, 0, 0, 0, 2, 1, 2],
        &[250, 0, 1, 2],
        &[
            251, 0, 0, 9, 0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 9, 0, 0, 0, 0,
        ],
        &[253, 0x81, 0, 2, 1, 2],
        &[255, 1, 0, 0],
        &[6, 0, 0, 0, 0, 0, 0, 5, b'h', b'e', b'l', b'l', b'o'],
        // An extended clipboard: four bytes of flags and three of text.
        &[6, 0, 0, 0, 0xff, 0xff, 0xff, 0xf9, 0, 0, 0, 1, 1, 2, 3],
    ];
    for message in messages {
        assert_eq!(session.viewer(message), NOTHING, "{message:?}");
    }
    let bell = session.host(&[2]);
    assert_eq!(bell, [2], "and the stream is still in step");
    assert_eq!(session.viewer(&[3, 1, 0, 0, 0, 0, 0, 9, 0, 9]).len(), 10);
}

#[test]
fn vmwares_messages_do_not_reach_the_viewer_at_any_cut() {
    let audio = [
        &[127, 3, 0, 36][..],
        &5_u32.to_be_bytes(),
        &[9; 28],
        b"sound",
    ]
    .concat();
    let stream = [
        &caps(0x2)[..],
        &[127, 4, 0, 6, 0, 9],
        &audio,
        &[2],
        &[127, 6, 0, 9],
        b"token",
        &[3, 0, 0, 0, 0, 0, 0, 2, b'h', b'i'],
    ]
    .concat();
    for piece in 1..stream.len() {
        let mut session = Session::of(
            Dialogue::new(InputSettings::default(), false, HostKind::Vmware),
            piece,
        );
        let expected = [2, 3, 0, 0, 0, 0, 0, 0, 2, b'h', b'i'];
        assert_eq!(session.host(&stream), expected, "in pieces of {piece}");
    }
}

#[test]
fn a_view_only_viewer_sends_no_input() {
    let dialogue = Dialogue::new(german(), true, HostKind::Vmware);
    let mut session = Session::of(dialogue, usize::MAX);
    session.host(&caps(0x82));
    let pointer = Pointer {
        buttons: 1,
        x: 1,
        y: 1,
    };
    for message in [key(true, 0x61), Message::Pointer(pointer)] {
        assert_eq!(session.viewer_sends(message), NOTHING);
    }
    assert_eq!(session.viewer(&[6, 0, 0, 0, 0, 0, 0, 1, b'x']), NOTHING);
    assert!(!session.dialogue.is_typing());
    assert_eq!(session.sets_encodings(&[Encoding::RAW]), [Encoding::RAW]);
    session.requests_everything(true);
    assert_eq!(session.dialogue.release_all(), NOTHING);
}

#[test]
fn unknown_rfb_of_a_host_is_relayed_unchanged() {
    for (unknown, piece) in [(77, 1), (77, 5), (-9999, 1000)] {
        let mut session = Session::of(
            Dialogue::new(InputSettings::default(), false, HostKind::Vmware),
            piece,
        );
        let stream = [
            &head(2)[..],
            &raw(rows(0, 1)),
            &rectangle(Area::default(), Encoding(unknown), b"anything at all"),
            b"\xff\xfe\xfd and so on",
        ]
        .concat();
        assert_eq!(
            session.host(&stream),
            stream,
            "{unknown} in pieces of {piece}"
        );
        let first = [
            &head(1)[..],
            &rectangle(Area::default(), Encoding(unknown), b"x"),
        ]
        .concat();
        let mut session = Session::of(
            Dialogue::new(InputSettings::default(), false, HostKind::Vmware),
            piece,
        );
        assert_eq!(
            session.host(&first),
            first,
            "{unknown} in pieces of {piece}"
        );
    }
}

#[test]
fn unknown_rfb_ends_a_merged_update_and_is_relayed() {
    let row = raw(rows(0, 1));
    let unknown = rectangle(Area::default(), Encoding(77), b"anything");
    let first = [&head(1)[..], &row].concat();
    let second = [&head(3)[..], &row, &unknown, b"and so on"].concat();
    for piece in [1, 5, usize::MAX] {
        let gathers = |list: &[Encoding]| {
            let dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Vmware);
            let mut session = Session::of(dialogue, piece);
            session.sets_encodings(list);
            session.requests_everything(false);
            [session.host(&first), session.host(&second)].concat()
        };
        let parts = [
            &head(u16::MAX)[..],
            &row,
            &row,
            &last_rect(),
            &head(2),
            &unknown,
            b"and so on",
        ];
        assert_eq!(gathers(&[Encoding::LAST_RECT]), parts.concat());
        let whole = [&head(4)[..], &row, &row, &unknown, b"and so on"];
        assert_eq!(gathers(&[]), whole.concat());
    }
}

#[test]
fn unknown_rfb_while_pixels_are_converted_ends_the_session() {
    let mut session = Session::new(InputSettings::default());
    let swapped = PixelFormat {
        red_shift: 0,
        blue_shift: 16,
        ..PixelFormat::VMWARE
    };
    session.viewer_sends(Message::SetPixelFormat(swapped));
    let stream = [
        &head(2)[..],
        &raw(rows(0, 1)),
        &rectangle(Area::default(), Encoding(77), b""),
    ]
    .concat();
    let mut got = Got {
        run: stream.clone(),
        ..Got::default()
    };
    let lost = session.dialogue.receive_from_host(&stream, &mut got);
    assert_eq!(lost, Err(ScanError::Encoding(Encoding(77))));
}

#[test]
fn unknown_rfb_is_relayed_after_all_that_came_before_it() {
    let unknown = [254, 1, 2, 3, 4];
    let lights = rectangle(Area::default(), Encoding::VMWARE_LED_STATE, &[0, 0, 0, 4]);
    let whole = [head(1), raw(EVERYTHING)].concat();
    let hidden_last = [&head(2)[..], &raw(rows(0, 1)), &lights].concat();
    let vmware = [127, 4, 0, 6, 0, 9];
    for (asked, before) in [
        (true, NOTHING),
        (true, &whole),
        (false, &hidden_last),
        (true, &vmware),
    ] {
        let mut session = Session::new(InputSettings::default());
        if asked {
            session.requests_everything(false);
        }
        session.host(before);
        assert_eq!(session.host(&unknown), unknown);
        assert_eq!(session.host(b"whatever"), b"whatever");
    }
}
