//! The keys that are pressed in the guest: none that the viewer has released.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rfb_proto::client_messages::QemuKey;

use super::*;

/// Keysyms of Shift on either side, AltGr, either Alt, Ctrl, Insert, Delete, Caps Lock, and of characters that take
/// modifiers in one layout or another, or a dead key.
const KEYS: [u32; 22] = [
    0xffe1, 0xffe2, 0xfe03, 0xffea, 0xffe9, 0xffe3, 0xff63, 0xff9e, 0xffff, 0xffe5, 0x61, 0x41,
    0x40, 0x2f, 0x26, 0xe9, 0xea, 0x7b, 0xff0d, 0x20ac, 0xdf, 0x20,
];

/// The keys that are pressed at the host.
#[derive(Default)]
struct Down(BTreeSet<(u8, u32)>);

impl Down {
    fn receive(&mut self, bytes: &[u8]) {
        for message in bytes.chunks(8) {
            let (key, down) = match message {
                [127, _, _, _, high, low, down, _] => {
                    (u32::from_be_bytes([0, 0, *high, *low]), *down)
                }
                [4, down, _, _, keysym @ ..] => {
                    (u32::from_be_bytes(keysym.try_into().unwrap()), *down)
                }
                _ => panic!("{message:?}"),
            };
            let key = (message[0], key);
            let _ = if down == 0 {
                self.0.remove(&key)
            } else {
                self.0.insert(key)
            };
        }
    }
}

/// The keys that are pressed after these messages.
fn left_down(session: &mut Session, messages: &[Message<'static>]) -> BTreeSet<(u8, u32)> {
    let mut down = Down::default();
    for message in messages {
        down.receive(&session.viewer_sends(*message));
    }
    down.0
}

fn qemu(down: bool, keysym: u32, keycode: u32) -> Message<'static> {
    Message::QemuKey(QemuKey {
        down,
        keysym,
        keycode,
    })
}

#[test]
fn a_modifier_released_while_it_is_overridden_stays_released() {
    // "I " typed fast: Shift is released after the space bar is pressed, which needs no Shift.
    let typed = [
        key(true, 0xffe1),
        key(true, 0x49),
        key(false, 0x49),
        key(true, 0x20),
        key(false, 0xffe1),
        key(false, 0x20),
    ];
    let mut session = Session::vmware(InputSettings::default());
    assert_eq!(left_down(&mut session, &typed), BTreeSet::new());
    // @ on the viewer's US keyboard, AltGr and Q in the guest.
    let typed = [
        key(true, 0xffe1),
        key(true, 0x40),
        key(false, 0xffe1),
        key(false, 0x40),
    ];
    let mut session = Session::vmware(german());
    assert_eq!(left_down(&mut session, &typed), BTreeSet::new());
}

#[test]
fn a_key_pressed_by_keysym_is_released_by_scan_code() {
    for (keysym, place) in [(0xffe1, 0x2a), (0x40, 0x03), (0x61, 0x1e)] {
        for named in [keysym, 0, 0xff] {
            let mut session = Session::vmware(german());
            session.sets_encodings(&[Encoding::QEMU_EXTENDED_KEY]);
            let mut down = Down::default();
            down.receive(&session.viewer_sends(key(true, keysym)));
            session.host(&[&head(1)[..], &raw(rows(0, 1))].concat());
            down.receive(&session.viewer_sends(qemu(false, named, place)));
            // A key that cannot be identified as the same is released at the end at the latest.
            if named != keysym && place == 0x03 {
                down.receive(&session.dialogue.release_all());
            }
            assert_eq!(down.0, BTreeSet::new(), "{keysym:x} as {named:x}");
        }
    }
}

/// Ctrl, Alt, Insert, Delete, A and Shift by scan code, with keysyms, as viewers send them.
const PLACES: [(u32, u32); 7] = [
    (0xffe3, 0x1d),
    (0xffe9, 0x38),
    (0xffea, 0xb8),
    (0xff63, 0xd2),
    (0xffff, 0xd3),
    (0x61, 0x1e),
    (0xffe1, 0x2a),
];

#[derive(Debug, Clone)]
enum Act {
    /// Presses a key, or releases it if it is pressed.
    Toggle(usize),
    /// The same with one of [`PLACES`].
    TogglePlace(usize),
    Paste,
    /// One character of the clipboard is typed.
    Type,
    HostTakesPlaces,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (0..KEYS.len()).prop_map(Act::Toggle),
        6 => (0..PLACES.len()).prop_map(Act::TogglePlace),
        1 => Just(Act::Paste),
        2 => Just(Act::Type),
        1 => Just(Act::HostTakesPlaces),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_guest_holds_only_keys_that_the_viewer_holds_and_none_at_the_end(
        layout in prop::sample::select(vec![Layout::Us, Layout::De, Layout::Fr, Layout::Es, Layout::Uk, Layout::Jp]),
        places in any::<bool>(),
        ctrl_alt_insert in prop::sample::select(vec![CtrlAltInsert::Delete, CtrlAltInsert::AsIs]),
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let input_settings = InputSettings { layout, paste: true, ctrl_alt_insert, ..InputSettings::default() };
        let mut session = if places { Session::vmware(input_settings) } else { Session::new(input_settings) };
        let (mut held, mut down) = (BTreeSet::new(), Down::default());
        for act in acts {
            match act {
                Act::Toggle(at) => {
                    let pressed = held.insert(at) || !held.remove(&at);
                    down.receive(&session.viewer_sends(key(pressed, KEYS[at])));
                }
                Act::TogglePlace(at) => {
                    let (keysym, place) = PLACES[at];
                    let pressed = held.insert(KEYS.len() + at) || !held.remove(&(KEYS.len() + at));
                    down.receive(&session.viewer_sends(qemu(pressed, keysym, place)));
                }
                Act::Paste => down.receive(&session.viewer(&[6, 0, 0, 0, 0, 0, 0, 2, b'A', b'/'])),
                Act::Type => {
                    let mut host = BytesMut::new();
                    session.dialogue.type_next(&mut host);
                    down.receive(&host);
                }
                Act::HostTakesPlaces => drop(session.host(&caps(0x2))),
            }
            prop_assert!(!held.is_empty() || down.0.is_empty(), "{:x?}", down.0);
        }
        down.receive(&session.dialogue.release_all());
        prop_assert!(down.0.is_empty(), "{:x?}", down.0);
    }
}
