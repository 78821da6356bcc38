//! Typing of the clipboard.

use super::*;

fn cut_text(text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    [&[6, 0, 0, 0][..], &length.to_be_bytes(), text].concat()
}

fn typed(session: &mut Session) -> Vec<u8> {
    let mut host = BytesMut::new();
    session.dialogue.type_next(&mut host);
    host.to_vec()
}

#[test]
fn it_is_typed_on_the_guests_keyboard() {
    let mut session = Session::vmware(german());
    assert_eq!(session.viewer(&cut_text(b"z@\n")), NOTHING);
    assert_eq!(typed(&mut session), scans(&[(0x15, true), (0x15, false)]));
    let at = [(0x138, true), (0x10, true), (0x10, false), (0x138, false)];
    assert_eq!(typed(&mut session), scans(&at));
    assert_eq!(typed(&mut session), scans(&[(0x1c, true), (0x1c, false)]));
    assert!(!session.dialogue.is_typing());
}

#[test]
fn a_host_without_scan_codes_gets_keysyms_of_a_us_keyboard() {
    let mut session = Session::new(german());
    session.viewer(&cut_text("zÖ".as_bytes()));
    let mut expected = BytesMut::new();
    key(true, u32::from('y')).write(&mut expected);
    key(false, u32::from('y')).write(&mut expected);
    assert_eq!(typed(&mut session), expected);
    expected.clear();
    let colon = u32::from(':');
    for (down, keysym) in [
        (true, 0xffe1),
        (true, colon),
        (false, colon),
        (false, 0xffe1),
    ] {
        key(down, keysym).write(&mut expected);
    }
    assert_eq!(typed(&mut session), expected);
}

#[test]
fn without_scan_codes_characters_on_a_key_that_a_us_keyboard_lacks_are_left_out() {
    let mut session = Session::new(german());
    session.viewer(&cut_text(b"<z"));
    let mut expected = BytesMut::new();
    key(true, u32::from('y')).write(&mut expected);
    key(false, u32::from('y')).write(&mut expected);
    assert_eq!(typed(&mut session), expected);
    assert!(!session.dialogue.is_typing());
}

#[test]
fn escape_cancels_it_and_is_not_relayed() {
    let mut session = Session::vmware(german());
    session.viewer(&cut_text(b"a long text"));
    assert!(session.dialogue.is_typing());
    assert_eq!(session.viewer_sends(key(true, 0xff1b)), NOTHING);
    assert!(!session.dialogue.is_typing());
    session.viewer_sends(key(false, 0xff1b));
    assert_eq!(
        session.viewer_sends(key(true, 0xff1b)),
        scans(&[(0x01, true)])
    );
}

#[test]
fn it_is_dropped_unless_pasting_is_enabled() {
    let mut session = Session::vmware(InputSettings::default());
    assert_eq!(session.viewer(&cut_text(b"secret")), NOTHING);
    assert!(!session.dialogue.is_typing());
}

#[test]
fn it_may_arrive_in_any_pieces() {
    let mut session = Session::vmware(german());
    let message = cut_text(b"ab");
    let mut host = BytesMut::new();
    let mut waiting = Vec::new();
    for &byte in &message {
        waiting.push(byte);
        let received = session
            .dialogue
            .receive_from_viewer(&waiting, &mut host)
            .unwrap();
        waiting.drain(..received);
    }
    assert!(host.is_empty() && waiting.is_empty());
    assert_eq!(typed(&mut session), scans(&[(0x1e, true), (0x1e, false)]));
}
