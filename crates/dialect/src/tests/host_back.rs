//! What a new host is sent after the first was lost, and what the viewer receives from it.

use super::host_lost::{RGB565, SCREEN, area, begun, go_on, lose, server_init};
use super::*;
use crate::CannotContinue;

#[test]
fn a_new_host_is_sent_format_encodings_and_a_request_for_everything() {
    let list = [Encoding::COPY_RECT, Encoding::ZRLE, Encoding::LAST_RECT];
    let request = |area: Area| {
        let mut bytes = BytesMut::new();
        let incremental = false;
        Message::UpdateRequest(UpdateRequest { incremental, area }).write(&mut bytes);
        bytes
    };
    let format_of = |format: PixelFormat| {
        let mut bytes = BytesMut::new();
        Message::SetPixelFormat(format).write(&mut bytes);
        bytes
    };
    // Encodings that depend on rectangles of the lost host are not listed.
    let mut encodings = BytesMut::new();
    let kept = [
        Encoding::COPY_RECT,
        Encoding::LAST_RECT,
        Encoding::VMWARE_SERVER_CAPS,
    ];
    client_messages::set_encodings(kept, &mut encodings);
    let back = |asked: Option<PixelFormat>, new: PixelFormat| {
        let mut session = Session::vmware(InputSettings::default());
        session.sets_encodings(&list);
        if let Some(format) = asked {
            session.viewer_sends(Message::SetPixelFormat(format));
        }
        session.dialogue.host_lost(&mut Got::default()).unwrap();
        assert!(!session.dialogue.has_pending());
        session.dialogue.host_back(SIZE, new).unwrap()
    };
    let plain = [&encodings[..], &request(EVERYTHING)].concat();
    let vmware = PixelFormat::VMWARE;
    assert_eq!(back(None, vmware), plain, "the viewer asked for no format");
    assert_eq!(back(None, RGB565), plain, "it is converted");
    assert_eq!(back(Some(RGB565), vmware), plain, "it is converted");
    let with_format = [&format_of(RGB565)[..], &plain].concat();
    assert_eq!(back(Some(RGB565), RGB565), with_format);
}

#[test]
fn pixels_of_a_new_host_are_converted_to_the_viewers_format() {
    let mut session = Session::vmware(InputSettings::default());
    session.dialogue.host_lost(&mut Got::default()).unwrap();
    session.dialogue.host_back(SIZE, RGB565).unwrap();
    let one = area(0, 0, 1, 1);
    let sent = [head(1), rectangle(one, Encoding::RAW, &[0, 0xf8])].concat();
    let got = [head(1), rectangle(one, Encoding::RAW, &[0, 0, 255, 0])].concat();
    // Merging: the update is held back until the rest is there, or does not come.
    assert_eq!(session.host(&sent), NOTHING);
    let mut viewer = Got::default();
    session.dialogue.stop_waiting(&mut viewer);
    session.dialogue.stop_waiting(&mut viewer);
    assert_eq!(viewer.own, got);
}

#[test]
fn a_new_size_is_sent_with_the_first_update_or_ends_the_session() {
    let size = (SCREEN.width, SCREEN.height);
    for list in [
        &[Encoding::DESKTOP_SIZE][..],
        &[Encoding::EXTENDED_DESKTOP_SIZE],
    ] {
        let init = server_init(EVERYTHING, PixelFormat::VMWARE);
        let (mut session, mut reader) = begun(HostKind::Vmware, &init, list, None);
        lose(&mut session, &mut reader).unwrap();
        session
            .dialogue
            .host_back(size, PixelFormat::VMWARE)
            .unwrap();
        go_on(&mut session, &mut reader, SCREEN);
        assert!(reader.is_between_messages());
        assert_eq!(
            reader.rectangles,
            [(SCREEN, list[0]), (SCREEN, Encoding::RAW)]
        );
    }
    let mut session = Session::vmware(InputSettings::default());
    session.dialogue.host_lost(&mut Got::default()).unwrap();
    let back = session.dialogue.host_back(size, PixelFormat::VMWARE);
    assert_eq!(back, Err(CannotContinue::Size));
}

#[test]
fn acknowledgements_are_reset_for_a_new_host() {
    let update = [head(1), raw(EVERYTHING)].concat();
    let mut session = Session::new(InputSettings::default());
    let _ = session.host(&caps(0x20));
    let _ = session.host(&update);
    assert!(session.dialogue.has_pending(), "an acknowledgement");
    session.dialogue.host_lost(&mut Got::default()).unwrap();
    assert_eq!(session.pending(), NOTHING);
    session
        .dialogue
        .host_back(SIZE, PixelFormat::VMWARE)
        .unwrap();
    let _ = session.host(&update);
    assert_eq!(session.pending(), NOTHING, "the new host wants none");
}

#[test]
fn extended_buttons_and_relative_movement_work_with_a_new_host() {
    let mut session = Session::vmware(InputSettings::default());
    let list = [
        Encoding::LAST_RECT,
        Encoding::EXTENDED_MOUSE_BUTTONS,
        Encoding::QEMU_POINTER_MOTION,
    ];
    session.sets_encodings(&list);
    let relative = rectangle(Area::default(), Encoding::VMWARE_CURSOR_STATE, &[0, 1]);
    let _ = session.host(&[head(2), relative, raw(EVERYTHING)].concat());
    session.requests_everything(true);
    session.dialogue.host_lost(&mut Got::default()).unwrap();
    session
        .dialogue
        .host_back(SIZE, PixelFormat::VMWARE)
        .unwrap();
    // Button 8, and a movement to the right.
    let step = [5, 0x80, 0x80, 0, 0x7f, 0xff, 1];
    assert_eq!(session.viewer(&step), NOTHING, "no position");
    let _ = session.host(&caps(0x82));
    assert_eq!(session.viewer(&step)[..2], [127, 2], "VMware's message");
}

#[test]
fn keys_are_reset_for_a_new_host() {
    let mut session = Session::vmware(InputSettings::default());
    assert_ne!(session.viewer_sends(key(true, 0x61)), NOTHING);
    session.dialogue.host_lost(&mut Got::default()).unwrap();
    session
        .dialogue
        .host_back(SIZE, PixelFormat::VMWARE)
        .unwrap();
    assert_eq!(session.dialogue.release_all(), NOTHING, "no key is down");
    assert!(!session.dialogue.holds_keys());
    let mut host = BytesMut::new();
    let mut press = BytesMut::new();
    key(true, 0x62).write(&mut press);
    let read = session.dialogue.receive_from_viewer(&press, &mut host);
    assert_eq!(read, Ok(0), "it waits for the capabilities of the host");
    assert!(session.dialogue.holds_keys());
    let _ = session.host(&caps(0x82));
    assert_eq!(session.viewer(&press), scans(&[(0x30, true)]));
}
