//! Rectangles that are relayed only when they are whole: nothing else is delayed, and only their first bytes are copied.

use super::host_lost::RGB565;
use super::*;
use crate::bounds::measure;

fn begin(list: &[Encoding], kind: HostKind) -> Session {
    let mut dialogue = Dialogue::new(InputSettings::default(), false, kind);
    dialogue.hold_rectangles();
    let mut session = Session::of(dialogue, usize::MAX);
    session.sets_encodings(list);
    session
}

fn zrle(length: usize) -> Vec<u8> {
    let mut content = u32::try_from(length).unwrap().to_be_bytes().to_vec();
    content.extend((0..length).map(|n| (n % 251) as u8));
    rectangle(rows(0, 4), Encoding::ZRLE, &content)
}

#[test]
fn a_rectangle_that_is_whole_in_what_was_read_is_not_copied() {
    // The second update is incomplete, and has a rectangle that is whole.
    let stream = [head(1), zrle(400), head(2), zrle(300), head(0)].concat();
    let mut session = begin(&[Encoding::ZRLE], HostKind::Unknown);
    let mut got = Got {
        run: stream[..stream.len() - 4].to_vec(),
        ..Got::default()
    };
    let run = got.run.clone();
    session.dialogue.receive_from_host(&run, &mut got).unwrap();
    assert_eq!(got.bytes, run);
    assert_eq!((got.own_length, got.own.len()), (0, 0));
}

#[test]
fn only_the_rectangle_itself_waits() {
    let row = raw(rows(0, 1));
    let lone = [head(3), row.clone(), zrle(400), row.clone()].concat();
    let before = 4 + row.len();
    let whole = before + zrle(400).len();
    for cut in before..whole {
        let mut session = begin(&[Encoding::ZRLE], HostKind::Unknown);
        assert_eq!(session.host(&lone[..cut]), lone[..before], "cut at {cut}");
        // In the middle of the next.
        assert_eq!(
            session.host(&lone[cut..whole + 30]),
            lone[before..whole + 30]
        );
        assert_eq!(session.host(&lone[whole + 30..]), lone[whole + 30..]);
    }
    // Nor do pixels after an incomplete header.
    let mut session = begin(&[Encoding::ZRLE], HostKind::Unknown);
    assert_eq!(session.host(&lone[..10]), NOTHING);
    assert_eq!(session.host(&lone[10..30]), lone[..30]);
    // Pixels that can be completed do not wait, nor does anything without the setting.
    let mut session = begin(&[Encoding::ZRLE], HostKind::Unknown);
    assert_eq!(session.host(&lone[..before - 5]), lone[..before - 5]);
    let mut session = Session::new(InputSettings::default());
    assert_eq!(session.host(&lone[..before + 100]), lone[..before + 100]);
}

#[test]
fn rectangles_of_every_kind_are_whole_at_every_cut() {
    let jpeg = [
        &[0xff, 0xd8, 0xff, 0xda, 0, 4, 1, 2][..],
        &[0x77; 300],
        &[0xff, 0xd9],
    ]
    .concat();
    let hex = [&[64, 0, 90][..], &[1; 90]].concat().repeat(4);
    let runs = [128, 1, 2, 3, 255, 0].repeat(4);
    let screens = [
        &[2, 0, 0, 0][..],
        &[0; 8],
        &[0, 64, 0, 48, 0, 0, 0, 0],
        &[0; 8],
        &[0, 1, 0, 1, 0, 0, 0, 0],
    ];
    let all = [
        rectangle(rows(0, 16), Encoding::JPEG, &jpeg),
        rectangle(rows(0, 16), Encoding::ZLIB_HEX, &hex),
        rectangle(rows(0, 16), Encoding::TRLE, &runs),
        rectangle(
            EVERYTHING,
            Encoding::EXTENDED_DESKTOP_SIZE,
            &screens.concat(),
        ),
        rectangle(
            rows(0, 1),
            Encoding::H264,
            &[&[0, 0, 0, 90, 0, 0, 0, 0][..], &[5; 90]].concat(),
        ),
        rectangle(
            rows(0, 2),
            Encoding::TIGHT,
            &[&[0, 0x8a, 1][..], &[5; 138]].concat(),
        ),
        rectangle(
            rows(0, 1),
            Encoding::VMWARE_CURSOR,
            &[&[1, 0][..], &[5; 256]].concat(),
        ),
    ];
    let list = [
        Encoding::JPEG,
        Encoding::ZLIB_HEX,
        Encoding::TRLE,
        Encoding::EXTENDED_DESKTOP_SIZE,
        Encoding::H264,
        Encoding::TIGHT,
        Encoding::VMWARE_CURSOR,
    ];
    for one in all {
        let sent = [head(1), one].concat();
        for cut in 5..sent.len() {
            let mut session = begin(&list, HostKind::Unknown);
            assert_eq!(session.host(&sent[..cut]), NOTHING, "cut at {cut}");
            assert_eq!(session.host(&sent[cut..]), sent, "cut at {cut}");
            let mut session = begin(&list, HostKind::Unknown);
            session.host(&sent[..cut]);
            let mut got = Got::default();
            session.dialogue.host_lost(&mut got).unwrap();
            assert_eq!(got.own, NOTHING, "cut at {cut}");
        }
    }
}

#[test]
fn what_is_announced_comes_before_a_kept_rectangle() {
    let list = [
        Encoding::ZRLE,
        Encoding::QEMU_EXTENDED_KEY,
        Encoding::LAST_RECT,
    ];
    let mut session = begin(&list, HostKind::Vmware);
    assert_eq!(session.host(&caps(0x82)), NOTHING);
    let sent = [head(1), zrle(90), head(1), zrle(30)].concat();
    assert_eq!(session.host(&sent[..50]), NOTHING);
    let offer = rectangle(Area::default(), Encoding::QEMU_EXTENDED_KEY, &[]);
    let got = session.host(&sent[50..120]);
    assert_eq!(got, [head(2), offer, zrle(90)].concat());
    assert_eq!(session.host(&sent[120..]), [head(1), zrle(30)].concat());
}

#[test]
fn unknown_rfb_after_a_kept_rectangle_is_relayed_unchanged() {
    // An unknown kind of compression, a rectangle without content, and an unknown encoding.
    let bad = rectangle(rows(0, 2), Encoding::TIGHT, &[0xc0, 1, 2, 3]);
    let unknown = rectangle(rows(0, 2), Encoding(1234), &[1; 40]);
    for last in [bad, unknown] {
        let sent = [head(3), last_rect(), head(2), zrle(40), last, vec![9; 700]].concat();
        for cut in 0..sent.len() {
            let mut session = begin(&[Encoding::ZRLE], HostKind::Unknown);
            let mut got = session.host(&sent[..cut]);
            got.extend(session.host(&sent[cut..]));
            assert_eq!(got, [head(0), sent[16..].to_vec()].concat(), "cut at {cut}");
        }
    }
}

/// What the viewer is sent in place of two rectangles that never came.
fn filler(list: &[Encoding], before: &[u8], announced: u16, converted: bool) -> Vec<u8> {
    let mut session = begin(list, HostKind::Unknown);
    if converted {
        session.viewer_sends(Message::SetPixelFormat(RGB565));
    }
    let sent = [&head(announced), before, &zrle(90)[..70]].concat();
    session.host(&sent);
    let mut got = Got::default();
    session.dialogue.host_lost(&mut got).unwrap();
    got.own
}

#[test]
fn a_rectangle_that_never_came_is_replaced_by_one_that_changes_nothing() {
    let one = |x: u16, y: u16| Area {
        x,
        y,
        width: 1,
        height: 1,
    };
    let pixels = rectangle(
        Area { x: 7, ..rows(5, 1) },
        Encoding::RAW,
        &[&[255, 128, 64, 0][..], &[9; 252]].concat(),
    );
    let name = rectangle(Area::default(), Encoding::DESKTOP_NAME, &[0, 0, 0, 1, b'x']);
    let copy = rectangle(one(0, 0), Encoding::COPY_RECT, &[0; 4]).repeat(2);
    let known = rectangle(one(7, 5), Encoding::RAW, &[255, 128, 64, 0]).repeat(2);
    let black = rectangle(one(0, 0), Encoding::RAW, &[0; 4]).repeat(2);
    let ends = last_rect();
    assert_eq!(filler(&[Encoding::COPY_RECT], &pixels, 3, false), copy);
    assert_eq!(
        filler(
            &[Encoding::COPY_RECT, Encoding::LAST_RECT],
            &pixels,
            3,
            false
        ),
        ends
    );
    assert_eq!(filler(&[], &pixels, 3, false), known);
    assert_eq!(
        filler(&[], &[&pixels[..], &name].concat(), 4, false),
        known,
        "another kind after it"
    );
    assert_eq!(filler(&[], &name, 3, false), black, "no pixel is known");
    let other = rectangle(rows(1, 1), Encoding::RRE, &[0, 0, 0, 0, 7, 7, 7, 7]);
    assert_eq!(
        filler(&[], &[&pixels[..], &other].concat(), 4, false),
        black,
        "it may be drawn over"
    );
    let converted = rectangle(one(7, 5), Encoding::RAW, &[0x1f, 0x44]).repeat(2);
    assert_eq!(filler(&[], &pixels, 3, true), converted);
    // Pixels of a cut rectangle that the viewer has received.
    let mut session = begin(&[], HostKind::Unknown);
    session.host(&[head(2), pixels[..30].to_vec()].concat());
    let mut got = Got::default();
    session.dialogue.host_lost(&mut got).unwrap();
    let rest = 256 - (30 - 12);
    assert_eq!(got.own, [&vec![0; rest][..], &known[..16]].concat());
}

#[test]
fn a_pixel_that_was_drawn_over_is_not_known() {
    let mut session = begin(&[], HostKind::Unknown);
    let update = [head(1), raw(rows(5, 1))].concat();
    // In two pieces, and then as a whole.
    session.host(&update[..40]);
    session.host(&update[40..]);
    session.host(&[head(1), raw(rows(0, 9))].concat());
    let name = rectangle(Area::default(), Encoding::DESKTOP_NAME, &[0; 4]);
    session.host(&[&head(2), &name[..], &zrle(90)[..70]].concat());
    let mut got = Got::default();
    session.dialogue.host_lost(&mut got).unwrap();
    let one = Area {
        width: 1,
        height: 1,
        ..Area::default()
    };
    assert_eq!(got.own, rectangle(one, Encoding::RAW, &[0; 4]), "black");
}

#[test]
fn a_kept_rectangle_takes_no_more_memory_than_it_has_bytes() {
    let mut viewer = BytesMut::from(&[1][..]);
    client_messages::set_encodings([Encoding::ZRLE, Encoding::LAST_RECT], &mut viewer);
    let mut init = vec![0, 64, 0, 48];
    PixelFormat::VMWARE.write(&mut init);
    init.extend([0; 4]);
    let memory = |length: usize, sent: usize| {
        let update = [head(1), zrle(length)].concat();
        let host = [&init[..], &update[..sent]].concat();
        let measured = measure(&viewer, &[&host, &update[..20]], 16 * 1024);
        assert!(measured.is_bounded(), "{measured:?}");
        measured.memory.0
    };
    let whole = 4 + 16 + 1_000_000;
    assert!(
        memory(1_000_000, whole) < 1_001_000,
        "{}",
        memory(1_000_000, whole)
    );
    assert!(
        memory(4_000_000, 100_000) < 600_000,
        "not before they arrive"
    );
    assert!(
        memory(5_000_000, 3_000_000) < 64 * 1024,
        "longer ones are not kept"
    );
}
