//! Key and pointer events in the form that the host takes.

use rfb_proto::client_messages::{Pointer, QemuKey};

use super::*;

const SHIFT: u16 = 0x2a;
const ALT_GR: u16 = 0x138;

fn qemu(down: bool, keysym: u32, keycode: u32) -> Message<'static> {
    Message::QemuKey(QemuKey {
        down,
        keysym,
        keycode,
    })
}

fn pointer(buttons: u16, x: u16, y: u16) -> Message<'static> {
    Message::Pointer(Pointer { buttons, x, y })
}

#[test]
fn extended_key_events_are_announced_with_the_next_update() {
    let offer = rectangle(Area::default(), Encoding::QEMU_EXTENDED_KEY, &[]);
    let row = raw(rows(0, 1));
    let update = [&head(1)[..], &row].concat();
    let offered = [&head(2)[..], &offer, &row].concat();
    let knows = [Encoding::QEMU_EXTENDED_KEY];
    let mut session = Session::vmware(InputSettings::default());
    assert_eq!(session.host(&update), update, "it does not know them");
    session.sets_encodings(&knows);
    assert_eq!(session.host(&update), offered);
    assert_eq!(session.host(&update), update, "once");
    let mut session = Session::new(InputSettings::default());
    session.sets_encodings(&knows);
    assert_eq!(session.host(&update), update, "the host takes none");
    let mut session = Session::vmware(InputSettings {
        scancodes: false,
        ..InputSettings::default()
    });
    session.sets_encodings(&knows);
    assert_eq!(session.host(&update), update, "keysyms are wanted");
}

#[test]
fn scan_codes_are_sent_whatever_the_layout() {
    let mut session = Session::vmware(german());
    // AltGr and Q, Pause, PrintScreen, the right Ctrl.
    let keys = [
        (0xb8, 0x138),
        (0x10, 0x10),
        (0xc6, 0x100),
        (0x54, 0x137),
        (0x9d, 0x11d),
    ];
    for (xt, scan) in keys {
        for down in [true, true, false] {
            assert_eq!(
                session.viewer_sends(qemu(down, 0x40, xt)),
                scans(&[(scan, down)])
            );
        }
    }
    // A key whose scan code the viewer does not know.
    assert_eq!(
        session.viewer_sends(qemu(true, 0x61, 0)),
        scans(&[(0x1e, true)])
    );
    assert_eq!(
        session.viewer_sends(qemu(false, 0x61, 0)),
        scans(&[(0x1e, false)])
    );
}

#[test]
fn keysyms_become_the_keys_that_the_guests_layout_has_for_them() {
    let mut session = Session::vmware(german());
    // y is where z is on a US keyboard.
    assert_eq!(
        session.viewer_sends(key(true, 0x79)),
        scans(&[(0x2c, true)])
    );
    assert_eq!(
        session.viewer_sends(key(false, 0x79)),
        scans(&[(0x2c, false)])
    );
    // @ is Shift and 2 on the viewer's keyboard, AltGr and Q on the guest's.
    assert_eq!(
        session.viewer_sends(key(true, 0xffe1)),
        scans(&[(SHIFT, true)])
    );
    assert_eq!(
        session.viewer_sends(key(true, 0x40)),
        scans(&[(SHIFT, false), (ALT_GR, true), (0x10, true)])
    );
    assert_eq!(
        session.viewer_sends(key(true, 0x40)),
        scans(&[(0x10, true)]),
        "it repeats"
    );
    assert_eq!(
        session.viewer_sends(key(false, 0x40)),
        scans(&[(0x10, false), (ALT_GR, false), (SHIFT, true)])
    );
    assert_eq!(
        session.viewer_sends(key(false, 0xffe1)),
        scans(&[(SHIFT, false)])
    );
    // ê takes a dead key first.
    assert_eq!(
        session.viewer_sends(key(true, 0xea)),
        scans(&[(0x29, true), (0x29, false), (0x12, true)])
    );
    assert_eq!(
        session.viewer_sends(key(false, 0xea)),
        scans(&[(0x12, false)])
    );
}

#[test]
fn keysyms_that_the_layout_lacks_are_relayed() {
    let mut session = Session::vmware(InputSettings::default());
    let mut expected = BytesMut::new();
    key(true, 0xdf).write(&mut expected);
    assert_eq!(session.viewer_sends(key(true, 0xdf)), expected);
}

#[test]
fn caps_lock_inverts_shift_for_letters_only() {
    let mut session = Session::vmware(InputSettings::default());
    session.viewer_sends(key(true, 0xffe5));
    session.viewer_sends(key(false, 0xffe5));
    assert_eq!(
        session.viewer_sends(key(true, 0x41)),
        scans(&[(0x1e, true)]),
        "A"
    );
    session.viewer_sends(key(false, 0x41));
    assert_eq!(
        session.viewer_sends(key(true, 0x61)),
        scans(&[(SHIFT, true), (0x1e, true)]),
        "a"
    );
    session.viewer_sends(key(false, 0x61));
    assert_eq!(
        session.viewer_sends(key(true, 0x31)),
        scans(&[(0x02, true)]),
        "1"
    );
    session.viewer_sends(key(false, 0x31));
    // The LED state of the host is used.
    let off = rectangle(Area::default(), Encoding::VMWARE_LED_STATE, &[0, 0, 0, 0]);
    session.host(&[&head(1)[..], &off].concat());
    assert_eq!(
        session.viewer_sends(key(true, 0x61)),
        scans(&[(0x1e, true)]),
        "a"
    );
}

#[test]
fn keysyms_are_relayed_if_configured_or_if_the_host_takes_no_scan_codes() {
    let wanted = InputSettings {
        scancodes: false,
        ..german()
    };
    for mut session in [Session::vmware(wanted), Session::new(german())] {
        for message in [
            key(true, 0x79),
            key(true, 0x79),
            key(false, 0x79),
            key(false, 0x78),
        ] {
            let mut expected = BytesMut::new();
            message.write(&mut expected);
            assert_eq!(session.viewer_sends(message), expected);
        }
    }
}

#[test]
fn keys_are_delayed_until_the_host_has_sent_its_capabilities() {
    let update = [head(1), raw(rows(0, 1))].concat();
    let mut keysyms = BytesMut::new();
    key(true, 0x61).write(&mut keysyms);
    let answers = [
        (caps(0x2), scans(&[(0x1e, true)])),
        (update, keysyms.to_vec()),
    ];
    for (answer, expected) in answers {
        let mut session = Session {
            dialogue: Dialogue::new(InputSettings::default(), false, HostKind::Vmware),
            piece: usize::MAX,
        };
        session.viewer(&[1]);
        let mut init = vec![0, 64, 0, 48];
        PixelFormat::VMWARE.write(&mut init);
        init.extend([0, 0, 0, 0]);
        session.host(&init);
        let mut sent = Vec::new();
        pointer(0, 1, 2).write(&mut sent);
        let before_keys = sent.clone();
        key(true, 0x61).write(&mut sent);
        pointer(0, 3, 4).write(&mut sent);
        let mut received = BytesMut::new();
        let read = session
            .dialogue
            .receive_from_viewer(&sent, &mut received)
            .unwrap();
        assert_eq!(received, before_keys);
        assert!(session.dialogue.holds_keys());
        session.host(&answer);
        let rest = session.viewer(&sent[read..]);
        assert!(rest.starts_with(&expected), "{rest:?}");
        assert_eq!(rest.len(), expected.len() + 6, "and what came after it");
        assert!(!session.dialogue.holds_keys());
    }
}

#[test]
fn a_key_is_released_in_the_form_in_which_it_was_pressed() {
    let mut session = Session::new(InputSettings::default());
    session.viewer_sends(key(true, 0x61));
    session.host(&caps(0x2));
    let mut expected = BytesMut::new();
    key(false, 0x61).write(&mut expected);
    assert_eq!(session.viewer_sends(key(false, 0x61)), expected);
    assert_eq!(
        session.viewer_sends(key(true, 0x61)),
        scans(&[(0x1e, true)])
    );
}

#[test]
fn nothing_stays_pressed_at_the_end() {
    let mut session = Session::new(InputSettings::default());
    session.viewer_sends(key(true, 0x62));
    session.host(&caps(0x2));
    session.viewer_sends(key(true, 0xffe3));
    session.viewer_sends(qemu(true, 0x63, 0x2e));
    session.viewer_sends(pointer(5, 3, 4));
    let mut expected = BytesMut::new();
    key(false, 0x62).write(&mut expected);
    expected.extend_from_slice(&scans(&[(0x1d, false), (0x2e, false)]));
    pointer(0, 3, 4).write(&mut expected);
    assert_eq!(session.dialogue.release_all(), expected);
    assert_eq!(session.dialogue.release_all(), NOTHING);
}

#[test]
fn the_number_of_pressed_keys_is_bounded() {
    let mut session = Session::vmware(InputSettings::default());
    for code in 1..=100 {
        session.viewer_sends(qemu(true, 0, code));
    }
    assert!(session.dialogue.release_all().len() < 30 * 8);
}

#[test]
fn the_wheel_is_sent_in_vmwares_message_if_the_host_takes_it() {
    let mut session = Session::vmware(InputSettings::default());
    let mut moved = BytesMut::new();
    pointer(0, 9, 8).write(&mut moved);
    assert_eq!(session.viewer_sends(pointer(0, 9, 8)), moved);
    let turned = |buttons: u8, up: u8, right: u8| {
        [
            &[127, 2, 0, 19, 1, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0][..],
            &[buttons, up, right],
        ]
        .concat()
    };
    let minus = 255;
    assert_eq!(session.viewer_sends(pointer(1 << 3, 9, 8)), turned(0, 1, 0));
    assert_eq!(session.viewer_sends(pointer(0, 9, 8)), NOTHING);
    assert_eq!(
        session.viewer_sends(pointer(1 << 4, 9, 8)),
        turned(0, minus, 0)
    );
    assert_eq!(session.viewer_sends(pointer(1 << 6, 9, 8)), turned(0, 0, 1));
    assert_eq!(
        session.viewer_sends(pointer(1 << 7, 9, 8)),
        turned(8, 0, 0),
        "back"
    );
    let mut session = Session::new(InputSettings::default());
    let mut plain = BytesMut::new();
    pointer(1 << 3, 9, 8).write(&mut plain);
    assert_eq!(session.viewer_sends(pointer(1 << 3, 9, 8)), plain);
}

#[test]
fn a_relative_pointer_gets_movements_from_a_viewer_that_supports_them() {
    let relative = rectangle(Area::default(), Encoding::VMWARE_CURSOR_STATE, &[0, 1]);
    let mut session = Session::vmware(InputSettings::default());
    session.sets_encodings(&[Encoding::QEMU_POINTER_MOTION]);
    let announced = rectangle(EVERYTHING, Encoding::QEMU_POINTER_MOTION, &[]);
    let row = raw(rows(0, 1));
    let received = session.host(&[&head(2)[..], &row, &relative].concat());
    assert_eq!(received, [&head(2)[..], &row, &announced].concat());
    let steps = [
        &[127, 2, 0, 19, 0][..],
        &3_i32.to_be_bytes(),
        &(-2_i32).to_be_bytes(),
        &[0, 0, 0, 1, 0, 0],
    ]
    .concat();
    assert_eq!(
        session.viewer_sends(pointer(1, 0x7fff + 3, 0x7fff - 2)),
        steps
    );
    // A viewer without that sends positions as before.
    let mut session = Session::vmware(InputSettings::default());
    session.host(&[&head(2)[..], &row, &relative].concat());
    let mut place = BytesMut::new();
    pointer(1, 3, 2).write(&mut place);
    assert_eq!(session.viewer_sends(pointer(1, 3, 2)), place);
}

#[test]
fn releasing_the_buttons_does_not_move_a_relative_pointer() {
    let mut session = Session::vmware(InputSettings::default());
    session.sets_encodings(&[Encoding::QEMU_POINTER_MOTION]);
    let state = rectangle(Area::default(), Encoding::VMWARE_CURSOR_STATE, &[0, 1]);
    session.host(&[&head(2)[..], &state, &raw(rows(0, 1))].concat());
    session.host(&[&head(1)[..], &raw(rows(0, 1))].concat());
    session.viewer_sends(pointer(1, 0x7fff + 50, 0x7fff));
    let released = Command::Pointer {
        absolute: false,
        x: 0,
        y: 0,
        buttons: 0,
        wheel: (0, 0),
    };
    let mut expected = BytesMut::new();
    released.write(&mut expected);
    assert_eq!(session.dialogue.release_all(), expected);
}
