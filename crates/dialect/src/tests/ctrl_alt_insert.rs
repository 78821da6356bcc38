//! Ctrl-Alt-Insert on the viewer's keyboard.

use rfb_proto::client_messages::QemuKey;

use super::*;

const CTRL: u32 = 0xffe3;
const ALT: u32 = 0xffe9;
const ALT_GR: u32 = 0xfe03;
const INSERT: u32 = 0xff63;
const DELETE: u32 = 0xffff;

fn qemu(down: bool, keysym: u32, keycode: u32) -> Message<'static> {
    Message::QemuKey(QemuKey {
        down,
        keysym,
        keycode,
    })
}

fn as_is() -> InputSettings {
    InputSettings {
        ctrl_alt_insert: CtrlAltInsert::AsIs,
        ..InputSettings::default()
    }
}

fn keysym(down: bool, keysym: u32) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    key(down, keysym).write(&mut bytes);
    bytes.to_vec()
}

#[test]
fn it_is_ctrl_alt_delete_by_scan_code() {
    for (input_settings, expected) in [(InputSettings::default(), 0x153), (as_is(), 0x152)] {
        let mut session = Session::vmware(input_settings);
        session.viewer_sends(key(true, CTRL));
        session.viewer_sends(key(true, ALT));
        for down in [true, true, false] {
            let received = session.viewer_sends(key(down, INSERT));
            assert_eq!(received, scans(&[(expected, down)]));
        }
        session.viewer_sends(qemu(true, CTRL, 0x1d));
        session.viewer_sends(qemu(true, ALT, 0x38));
        for down in [true, true, false] {
            let received = session.viewer_sends(qemu(down, INSERT, 0xd2));
            assert_eq!(received, scans(&[(expected, down)]));
        }
    }
}

#[test]
fn it_is_ctrl_alt_delete_by_keysym() {
    let by_keysym = |input_settings| InputSettings {
        scancodes: false,
        ..input_settings
    };
    let sessions = [
        (Session::new(InputSettings::default()), DELETE),
        (Session::vmware(by_keysym(InputSettings::default())), DELETE),
        (Session::vmware(by_keysym(as_is())), INSERT),
    ];
    for (mut session, expected) in sessions {
        session.viewer_sends(key(true, CTRL));
        session.viewer_sends(key(true, ALT));
        for down in [true, false] {
            assert_eq!(
                session.viewer_sends(key(down, INSERT)),
                keysym(down, expected)
            );
        }
    }
}

#[test]
fn insert_is_released_as_the_key_that_was_pressed() {
    let mut session = Session::vmware(InputSettings::default());
    session.viewer_sends(key(true, CTRL));
    session.viewer_sends(key(true, ALT));
    session.viewer_sends(key(true, INSERT));
    session.viewer_sends(key(false, ALT));
    session.viewer_sends(key(false, CTRL));
    assert_eq!(
        session.viewer_sends(key(false, INSERT)),
        scans(&[(0x153, false)])
    );
    // The reverse: it was pressed as Insert.
    session.viewer_sends(key(true, INSERT));
    session.viewer_sends(key(true, CTRL));
    session.viewer_sends(key(true, ALT));
    assert_eq!(
        session.viewer_sends(key(false, INSERT)),
        scans(&[(0x152, false)])
    );
    session.viewer_sends(key(true, INSERT));
    let released = scans(&[(0x1d, false), (0x38, false), (0x153, false)]);
    assert_eq!(session.dialogue.release_all(), released);
}

#[test]
fn it_needs_ctrl_and_alt_and_not_alt_gr() {
    for held in [&[CTRL][..], &[ALT], &[CTRL, ALT_GR], &[]] {
        let mut session = Session::vmware(InputSettings::default());
        for &keysym in held {
            session.viewer_sends(key(true, keysym));
        }
        assert_eq!(
            session.viewer_sends(key(true, INSERT)),
            scans(&[(0x152, true)])
        );
    }
}
