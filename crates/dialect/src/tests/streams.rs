//! What a new host may send in encodings whose rectangles depend on earlier ones, and how it is changed.

use rfb_proto::server_messages::ScanError;

use super::host_lost::RGB565;
use super::splice::listed;
use super::*;
use crate::CannotContinue;

/// A rectangle that ends with a sync flush, and begins with the header of a stream with a window of 32 KiB or 16 KiB.
const FIRST: [u8; 9] = [0x78, 0x9c, 1, 2, 3, 0, 0, 0xff, 0xff];
const SMALLER: [u8; 9] = [0x68, 0x81, 1, 2, 3, 0, 0, 0xff, 0xff];
const LATER: [u8; 7] = [4, 5, 6, 0, 0, 0xff, 0xff];

const LIST: [Encoding; 9] = [
    Encoding::TIGHT,
    Encoding::ZRLE,
    Encoding::ZYWRLE,
    Encoding::ZLIB,
    Encoding::ZLIB_HEX,
    Encoding::JPEG,
    Encoding::H264,
    Encoding::TIGHT_PNG,
    Encoding::CURSOR_WITH_ALPHA,
];

fn begin(last_rect: bool) -> Session {
    let mut dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Unknown);
    dialogue.hold_rectangles();
    let mut session = Session::of(dialogue, usize::MAX);
    let more = [Encoding::LAST_RECT];
    session.sets_encodings(&[&LIST[..], &more[..usize::from(last_rect)]].concat());
    session
}

fn with_length(data: &[u8]) -> Vec<u8> {
    [&u32::try_from(data.len()).unwrap().to_be_bytes(), data].concat()
}

fn update(encoding: Encoding, content: &[u8]) -> Vec<u8> {
    [head(1), rectangle(rows(0, 4), encoding, content)].concat()
}

fn zrle(data: &[u8]) -> Vec<u8> {
    update(Encoding::ZRLE, &with_length(data))
}

/// The encodings of [`LIST`] that the next host is sent.
fn change_host(session: &mut Session) -> Vec<Encoding> {
    session.dialogue.host_lost(&mut Got::default()).unwrap();
    let back = session.dialogue.host_back(SIZE, PixelFormat::VMWARE);
    let mut sent = &back.unwrap()[..];
    if sent[0] == 0 {
        sent = &sent[20..];
    }
    let mut list = listed(sent);
    list.retain(|encoding| LIST.contains(encoding));
    list
}

/// What the next host is not sent after these updates.
fn missing(updates: &[Vec<u8>]) -> Vec<Encoding> {
    let mut session = begin(false);
    let sent = updates.concat();
    assert_eq!(session.host(&sent), sent);
    let list = change_host(&mut session);
    assert_eq!(change_host(&mut session), list, "also of the host after it");
    let all = LIST.into_iter();
    all.filter(|encoding| !list.contains(encoding)).collect()
}

#[test]
fn encodings_that_can_continue_stay_listed() {
    let tight = update(Encoding::TIGHT, &[&[0, 9][..], &FIRST].concat());
    let zlib = |data: &[u8]| update(Encoding::ZLIB, &with_length(data));
    let zywrle = update(Encoding::ZYWRLE, &with_length(&LATER));
    assert_eq!(missing(&[]), []);
    assert_eq!(missing(&[tight]), []);
    let (zrle_only, both) = ([zrle(&FIRST), zywrle], [zrle(&FIRST), zlib(&FIRST)]);
    assert_eq!(
        missing(&zrle_only),
        [Encoding::ZLIB],
        "perhaps in the same inflater"
    );
    assert_eq!(missing(&[zlib(&FIRST)]), [Encoding::ZRLE, Encoding::ZYWRLE]);
    assert_eq!(missing(&both), [], "it has two inflaters");
    let all = [Encoding::ZRLE, Encoding::ZYWRLE, Encoding::ZLIB];
    let unflushed = [&FIRST[..5], &[0xff]].concat();
    assert_eq!(missing(&[zrle(&unflushed)]), all, "not at a byte boundary");
    assert_eq!(missing(&[zrle(&FIRST), zrle(&[9; 8])]), all);
    assert_eq!(
        missing(&[zrle(&[])]),
        [],
        "nothing was sent to the inflater"
    );
}

#[test]
fn encodings_that_cannot_be_reset_are_not_listed_after_they_were_used() {
    let jpeg = [0xff, 0xd8, 0xff, 0xd9];
    let hex = [&[64, 0, 9][..], &FIRST].concat();
    let hex = hex.repeat(4);
    let alpha = |encoding: Encoding, content: &[u8]| {
        let area = Area {
            width: 2,
            height: 1,
            ..Area::default()
        };
        let content = [&encoding.0.to_be_bytes()[..], content].concat();
        [
            head(1),
            rectangle(area, Encoding::CURSOR_WITH_ALPHA, &content),
        ]
        .concat()
    };
    let h264 = [&[0, 0, 0, 2, 0, 0, 0, 0][..], &[1, 2]].concat();
    assert_eq!(missing(&[update(Encoding::JPEG, &jpeg)]), [Encoding::JPEG]);
    assert_eq!(
        missing(&[update(Encoding::ZLIB_HEX, &hex)]),
        [Encoding::ZLIB_HEX]
    );
    assert_eq!(missing(&[update(Encoding::H264, &h264)]), [Encoding::H264]);
    assert_eq!(missing(&[alpha(Encoding::RAW, &[1; 8])]), []);
    let compressed = alpha(Encoding::ZRLE, &with_length(&FIRST));
    assert_eq!(missing(&[compressed]), [Encoding::CURSOR_WITH_ALPHA]);
    // Sent all the same.
    let mut session = begin(false);
    let _ = session.host(&update(Encoding::JPEG, &jpeg));
    change_host(&mut session);
    refused(&mut session, Encoding::JPEG, &update(Encoding::JPEG, &jpeg));
}

/// Nothing of it reaches the viewer.
fn refused(session: &mut Session, encoding: Encoding, sent: &[u8]) {
    let mut got = Got {
        run: sent.to_vec(),
        ..Got::default()
    };
    let error = session.dialogue.receive_from_host(sent, &mut got);
    assert_eq!(error, Err(ScanError::Continuation(encoding)));
    assert!(got.bytes.is_empty() && got.own.is_empty());
}

#[test]
fn the_header_of_a_new_stream_is_dropped_once() {
    for encoding in [Encoding::ZRLE, Encoding::ZYWRLE, Encoding::ZLIB] {
        let of = |data: &[u8]| update(encoding, &with_length(data));
        let mut session = begin(false);
        assert_eq!(session.host(&of(&FIRST)), of(&FIRST));
        for _ in 0..3 {
            assert!(change_host(&mut session).contains(&encoding));
            assert_eq!(session.host(&of(&[])), of(&[]), "not begun yet");
            // Whole in what was read, and followed by another one.
            let sent = [of(&FIRST), of(&LATER)].concat();
            assert_eq!(session.host(&sent), [of(&FIRST[2..]), of(&LATER)].concat());
            assert!(change_host(&mut session).contains(&encoding));
            assert_eq!(session.host(&of(&SMALLER)), of(&SMALLER[2..]));
        }
    }
}

#[test]
fn the_header_is_kept_for_an_inflater_that_has_received_nothing() {
    let mut session = begin(false);
    let sent = zrle(&FIRST);
    assert_eq!(session.host(&sent[..sent.len() - 1]), NOTHING);
    change_host(&mut session);
    assert_eq!(session.host(&sent), sent);
    // The header of this one was dropped, but it never reached the viewer.
    change_host(&mut session);
    assert_eq!(session.host(&sent[..sent.len() - 1]), NOTHING);
    change_host(&mut session);
    assert_eq!(session.host(&sent), zrle(&FIRST[2..]));
}

#[test]
fn a_rectangle_that_was_dropped_is_not_in_the_viewers_inflater() {
    let mut session = begin(true);
    assert_eq!(session.host(&zrle(&FIRST)), zrle(&FIRST));
    session.viewer_sends(Message::SetPixelFormat(RGB565));
    // Sent before the host received that ZRLE is not listed any more. It has no sync flush.
    assert_eq!(session.host(&zrle(&[1; 9])), NOTHING);
    session.viewer_sends(Message::SetPixelFormat(PixelFormat::VMWARE));
    assert!(change_host(&mut session).contains(&Encoding::ZRLE));
    assert_eq!(session.host(&zrle(&FIRST)), zrle(&FIRST[2..]));
}

#[test]
fn a_stream_that_cannot_follow_ends_the_session() {
    let header = |cmf: u8, flags: u8| {
        let check = 31 - (u16::from(cmf) * 256 + u16::from(flags)) % 31;
        let flags = flags + u8::try_from(check % 31).unwrap();
        [&[cmf, flags][..], &LATER].concat()
    };
    let unsound = [
        (&FIRST, header(0x88, 0), "a window of 64 KiB"),
        (&SMALLER, header(0x78, 0), "a larger window"),
        (&FIRST, header(0x79, 0), "another method"),
        (&FIRST, header(0x78, 0x20), "a preset dictionary"),
        (
            &FIRST,
            [&[0x78, 0x9d][..], &LATER].concat(),
            "a wrong check",
        ),
        (&FIRST, vec![0x78], "half a header"),
    ];
    for (first, next, why) in unsound {
        for piece in [1, usize::MAX] {
            let mut session = begin(false);
            session.host(&zrle(first));
            change_host(&mut session);
            let sent = zrle(&next);
            let (before, last) = sent.split_at(sent.len() - 1);
            session.piece = piece;
            assert_eq!(session.host(before), NOTHING, "{why}");
            refused(&mut session, Encoding::ZRLE, last);
        }
    }
}

#[test]
fn used_streams_of_tight_are_reset_once() {
    let fill = |resets: u8| update(Encoding::TIGHT, &[0x80 | resets, 1, 2, 3]);
    let basic = |control: u8| update(Encoding::TIGHT, &[&[control, 9][..], &FIRST].concat());
    let png = |resets: u8| update(Encoding::TIGHT_PNG, &[0xa0 | resets, 1, 5]);
    let mut session = begin(false);
    let first = [basic(0x00), basic(0x30), fill(0), png(0)].concat();
    assert_eq!(session.host(&first), first);
    change_host(&mut session);
    let sent = [fill(0), basic(0x20), fill(0)].concat();
    assert_eq!(
        session.host(&sent),
        [fill(0b1001), basic(0x20), fill(0)].concat()
    );
    change_host(&mut session);
    assert_eq!(
        session.host(&png(0)),
        png(0b0100),
        "the streams are the same"
    );
    change_host(&mut session);
    assert_eq!(session.host(&basic(0x10)), basic(0x10), "none is used");
    assert_eq!(session.host(&fill(0b0010)), fill(0b0010));
    change_host(&mut session);
    assert_eq!(session.host(&fill(0)), fill(0), "the host has reset it");
}

#[test]
fn a_longer_rectangle_passes_as_it_comes_and_ends_the_session_if_it_is_cut() {
    let length = 5 << 20;
    let mut data = vec![7; length];
    data[..2].copy_from_slice(&FIRST[..2]);
    data[length - 4..].copy_from_slice(&FIRST[5..]);
    let (sent, without) = (zrle(&data), zrle(&data[2..]));
    let mut session = begin(false);
    for expected in [&sent, &without] {
        for piece in [4 + 17, 4 + 18, 1000, 1 << 20] {
            let mut got = session.host(&sent[..piece]);
            let behind = match piece {
                // The beginning may have to be changed.
                ..22 => piece,
                _ if expected == &sent => 0,
                _ => 2,
            };
            assert_eq!(got.len(), piece - behind);
            got.extend(session.host(&sent[piece..]));
            assert!(got == *expected, "in pieces of {piece}");
            if expected == &without {
                change_host(&mut session);
            } else {
                data.fill(9);
                break;
            }
        }
        change_host(&mut session);
    }
    session.host(&sent[..9000]);
    let lost = session.dialogue.host_lost(&mut Got::default());
    assert_eq!(lost, Err(CannotContinue::Rectangle(Encoding::ZRLE)));
}
