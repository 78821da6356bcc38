//! A host that is lost at any byte, and a new one in its place.

use bytes::BufMut;
use rfb_proto::server_messages::ServerScanner;

use super::reader::Reader;
use super::recorded::recordings;
use super::*;
use crate::CannotContinue;

/// Larger than one byte can count.
pub(super) const SCREEN: Area = area(0, 0, 600, 400);

pub(super) const RGB565: PixelFormat = PixelFormat {
    bits_per_pixel: 16,
    depth: 16,
    red_max: 31,
    green_max: 63,
    blue_max: 31,
    red_shift: 11,
    green_shift: 5,
    blue_shift: 0,
    ..PixelFormat::VMWARE
};

pub(super) fn server_init(size: Area, format: PixelFormat) -> Vec<u8> {
    let mut init = BytesMut::new();
    init.put_u16(size.width);
    init.put_u16(size.height);
    format.write(&mut init);
    init.put_slice(&[0, 0, 0, 2, b'v', b'm']);
    init.to_vec()
}

pub(super) const fn area(x: u16, y: u16, width: u16, height: u16) -> Area {
    Area {
        x,
        y,
        width,
        height,
    }
}

/// A session in which the host has sent ServerInit, and its viewer.
pub(super) fn begun(
    kind: HostKind,
    init: &[u8],
    list: &[Encoding],
    request: Option<Area>,
) -> (Session, Reader) {
    let mut session = Session {
        dialogue: Dialogue::new(InputSettings::default(), false, kind),
        piece: usize::MAX,
    };
    let mut reader = Reader::new();
    session.viewer(&[1]);
    reader.read(&session.host(init));
    session.sets_encodings(list);
    if let Some(area) = request {
        let incremental = false;
        session.viewer_sends(Message::UpdateRequest(UpdateRequest { incremental, area }));
    }
    (session, reader)
}

pub(super) fn lose(session: &mut Session, reader: &mut Reader) -> Result<usize, CannotContinue> {
    let mut got = Got::default();
    session.dialogue.host_lost(&mut got)?;
    got.bytes.append(&mut got.own);
    reader.read(&got.bytes);
    Ok(got.bytes.len())
}

/// What the viewer is shown while there is no host.
fn show_banner(session: &mut Session, reader: &mut Reader, context: &str) {
    let banner = session.dialogue.banner("the host was lost");
    reader.read(&banner.unwrap_or_else(|| panic!("no banner: {context}")));
    assert!(reader.is_between_messages(), "{context}");
    let (width, height) = reader.update.size();
    let (shown, encoding) = *reader.rectangles.last().unwrap();
    let right_bottom = (shown.x + shown.width, shown.y + shown.height);
    assert_eq!(right_bottom, (width, height), "{context}");
    assert_eq!(encoding, Encoding::RAW, "{context}");
}

/// A first update of a new host, which then sends nothing more.
pub(super) fn go_on(session: &mut Session, reader: &mut Reader, area: Area) {
    let pixels = vec![5; usize::try_from(area.pixels()).unwrap() * 4];
    let update = [head(1), rectangle(area, Encoding::RAW, &pixels)].concat();
    reader.read(&session.host(&update));
    let mut got = Got::default();
    // The first requests the rest, the second ends the update without it.
    session.dialogue.stop_waiting(&mut got);
    session.dialogue.stop_waiting(&mut got);
    reader.read(&got.own);
}

/// Every plain encoding twice, with something else before, between and after.
fn stream() -> Vec<u8> {
    let rre = |count: u32, pieces: &[[u16; 4]], side: usize| {
        let mut bytes = BytesMut::new();
        bytes.put_u32(count);
        bytes.put_slice(&[1, 2, 3, 0]);
        for piece in pieces {
            bytes.put_slice(&[4, 5, 6, 0]);
            for number in piece {
                bytes.put_slice(&number.to_be_bytes()[2 - side..]);
            }
        }
        bytes.to_vec()
    };
    // Background and two subrectangles; raw; coloured subrectangles; nothing new.
    let tiles = [
        &[2 | 4 | 8, 1, 1, 1, 0, 2, 2, 2, 0, 2, 0x11, 0x22, 0x33, 0][..],
        &[1][..],
        &[7; 4 * 16 * 4],
        &[2 | 8 | 16, 9, 9, 9, 0, 1, 3, 3, 3, 0, 0x12, 0x23],
        &[0],
    ]
    .concat();
    let mut size = vec![1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    size.extend([2, 88, 1, 144, 0, 0, 0, 0]);
    let large = [[0, 0, 0x0100, 0x0100], [0x0108, 0x80, 0x0100, 1]];
    let rectangles = [
        raw(area(5, 5, 3, 2)),
        rectangle(
            area(300, 270, 200, 100),
            Encoding::COPY_RECT,
            &[1, 0x80, 1, 3],
        ),
        rectangle(area(10, 10, 520, 300), Encoding::RRE, &rre(2, &large, 2)),
        rectangle(
            area(0, 0, 200, 20),
            Encoding::CORRE,
            &rre(2, &[[0, 0, 200, 20], [199, 19, 1, 1]], 1),
        ),
        rectangle(area(0, 0, 20, 20), Encoding::HEXTILE, &tiles),
        rectangle(area(1, 1, 9, 2), Encoding::CURSOR, &[3; 9 * 2 * 4 + 4]),
        rectangle(area(1, 1, 9, 2), Encoding::X_CURSOR, &[3; 6 + 8]),
        rectangle(
            Area::default(),
            Encoding::DESKTOP_NAME,
            &[0, 0, 0, 3, b'a', b'b', b'c'],
        ),
        rectangle(SCREEN, Encoding::EXTENDED_DESKTOP_SIZE, &size),
    ];
    let hello = [3, 0, 0, 0, 0, 0, 0, 2, b'h', b'i'];
    [
        &hello[..],
        &head(9),
        &rectangles.concat(),
        &[2],
        &head(1),
        &rectangles[2],
    ]
    .concat()
}

#[test]
fn a_viewer_is_between_messages_after_every_cut_in_plain_encodings() {
    let init = server_init(SCREEN, PixelFormat::VMWARE);
    let stream = stream();
    let lists = [
        vec![],
        vec![Encoding::LAST_RECT],
        vec![Encoding::COPY_RECT],
        vec![Encoding::COPY_RECT, Encoding::EXTENDED_DESKTOP_SIZE],
    ];
    for list in lists {
        for (kind, request) in [
            (HostKind::Vmware, Some(SCREEN)),
            (HostKind::Vmware, None),
            (HostKind::Unknown, None),
        ] {
            for converted in [false, true] {
                for cut in 0..=stream.len() {
                    let (mut session, mut reader) = begun(kind, &init, &list, request);
                    if converted {
                        session.viewer_sends(Message::SetPixelFormat(RGB565));
                        reader.update.set_pixel_format(RGB565);
                    }
                    reader.read(&session.host(&stream[..cut]));
                    let context = format!("{list:?} {kind:?} {request:?} {converted} {cut}");
                    let length = lose(&mut session, &mut reader);
                    let length = length.unwrap_or_else(|error| panic!("{context}: {error}"));
                    assert!(reader.is_between_messages(), "{context}");
                    assert!(
                        request.is_some() || length < 9 * 16 + 1600,
                        "{length} {context}"
                    );
                    let last_rect = (Area::default(), Encoding::LAST_RECT);
                    let knows_it = list.contains(&Encoding::LAST_RECT);
                    assert!(knows_it || !reader.rectangles.contains(&last_rect));
                    show_banner(&mut session, &mut reader, &context);

                    let size = (SCREEN.width, SCREEN.height);
                    session
                        .dialogue
                        .host_back(size, PixelFormat::VMWARE)
                        .unwrap();
                    let before = reader.rectangles.len();
                    let one = area(3, 2, 1, 1);
                    go_on(&mut session, &mut reader, one);
                    assert!(reader.is_between_messages(), "{context}");
                    assert_eq!(reader.rectangles[before], (one, Encoding::RAW), "{context}");
                }
            }
        }
    }
}

/// Whether a server that has sent `bytes` is inside of a rectangle, of which its viewer has the header.
fn is_in_rectangle(bytes: &[u8]) -> bool {
    let (mut update, mut at) = (ServerScanner::new(), 0);
    while let Some(piece) = update.scan(&bytes[at..]).unwrap() {
        at += piece.bytes.len();
    }
    !update.is_between_rectangles()
}

#[test]
fn recorded_sessions_go_on_after_every_cut_that_can_be_completed() {
    let (mut plain, mut compressed) = (0, 0);
    for (name, recorded) in recordings("rfb") {
        let (format, bytes) = recorded.split_first_chunk::<16>().unwrap();
        let mut bytes = bytes.to_vec();
        bytes[4..20].copy_from_slice(format);
        let format = PixelFormat::parse(format);
        let init = 24 + usize::from(bytes[23]);
        let size = Area {
            width: u16::from_be_bytes([bytes[0], bytes[1]]),
            height: u16::from_be_bytes([bytes[2], bytes[3]]),
            ..Area::default()
        };
        let is_plain = ["raw", "rre", "hextile"]
            .iter()
            .any(|encoding| name.contains(encoding));
        // Every seventh cut in long recordings, to bound the time of the test.
        let step = if bytes.len() > 8000 { 7 } else { 1 };
        for cut in (init..bytes.len()).step_by(step) {
            let list = [Encoding::LAST_RECT];
            let (mut session, mut reader) = begun(HostKind::Vmware, &bytes[..init], &list, None);
            reader.read(&session.host(&bytes[init..cut]));
            let lost = lose(&mut session, &mut reader);
            if lost.is_err() {
                assert!(!is_plain && is_in_rectangle(&bytes[..cut]), "{name} {cut}");
                assert!(matches!(lost, Err(CannotContinue::Rectangle(_))));
                compressed += 1;
                continue;
            }
            plain += 1;
            assert!(reader.is_between_messages(), "{name} cut at {cut}");
            show_banner(&mut session, &mut reader, &format!("{name} cut at {cut}"));
            let size_now = (size.width, size.height);
            session.dialogue.host_back(size_now, format).unwrap();
            let copy = rectangle(area(0, 0, 1, 1), Encoding::COPY_RECT, &[0; 4]);
            reader.read(&session.host(&[head(1), copy].concat()));
            let mut got = Got::default();
            session.dialogue.stop_waiting(&mut got);
            session.dialogue.stop_waiting(&mut got);
            reader.read(&got.own);
            assert!(reader.is_between_messages(), "{name} cut at {cut}");
        }
    }
    assert!(
        plain > 20_000 && compressed > 10_000,
        "{plain} {compressed}"
    );
}

#[test]
fn a_compressed_rectangle_that_is_cut_ends_the_session_unless_it_was_held_back() {
    let init = server_init(SCREEN, PixelFormat::VMWARE);
    let zrle = rectangle(SCREEN, Encoding::ZRLE, &[0, 0, 0, 9, 0x78]);
    let cut = [head(2), raw(area(0, 0, 1, 1)), zrle].concat();
    let (mut session, mut reader) = begun(HostKind::Vmware, &init, &[Encoding::ZRLE], None);
    reader.read(&session.host(&cut));
    let lost = lose(&mut session, &mut reader);
    assert_eq!(lost, Err(CannotContinue::Rectangle(Encoding::ZRLE)));
    let error = lost.unwrap_err().to_string();
    let expected = "the host was lost inside a rectangle in encoding 16, which cannot be completed";
    assert_eq!(error, expected);

    let request = Some(SCREEN);
    let (mut session, mut reader) = begun(HostKind::Vmware, &init, &[Encoding::ZRLE], request);
    reader.read(&session.host(&cut));
    lose(&mut session, &mut reader).unwrap();
    assert!(reader.is_between_messages());
    assert_eq!(reader.rectangles, [(area(0, 0, 1, 1), Encoding::RAW)]);
}

#[test]
fn a_rectangle_that_is_too_long_to_complete_ends_the_session() {
    let init = server_init(SCREEN, PixelFormat::VMWARE);
    let whole = area(0, 0, u16::MAX, u16::MAX);
    for encoding in [Encoding::RAW, Encoding::RRE] {
        let (mut session, _) = begun(HostKind::Unknown, &init, &[], None);
        let _ = session.host(&[head(1), rectangle(whole, encoding, &[0xff; 4])].concat());
        let lost = session.dialogue.host_lost(&mut Got::default());
        assert_eq!(lost, Err(CannotContinue::Rectangle(encoding)));
    }
}

#[test]
fn a_lost_host_whose_rfb_could_not_be_parsed_ends_the_session() {
    let init = server_init(SCREEN, PixelFormat::VMWARE);
    let (mut session, _) = begun(HostKind::Vmware, &init, &[], None);
    let _ = session.host(&[99]);
    let lost = session.dialogue.host_lost(&mut Got::default());
    assert_eq!(lost, Err(CannotContinue::NotParsed));
}

#[test]
fn a_host_lost_before_or_within_server_init_ends_the_session() {
    let init = server_init(SCREEN, PixelFormat::VMWARE);
    for cut in [0, 10, init.len() - 1] {
        let mut dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Vmware);
        let mut got = Got {
            run: init[..cut].to_vec(),
            ..Got::default()
        };
        dialogue.receive_from_host(&init[..cut], &mut got).unwrap();
        assert_eq!(dialogue.host_lost(&mut got), Err(CannotContinue::Message));
    }
}
