//! VMware's own client as the viewer: its messages pass in both directions.

use super::*;

/// What a real host has announced.
const REAL: u32 = 0x0210_20bf;

/// Of that, what passes: keys, acknowledgements, sizes.
const PASSED: u32 = 0xa2;

/// What the client lists (`docs/webmks.md` 1.3), as far as it matters here.
const LISTED: [Encoding; 5] = [
    Encoding::COPY_RECT,
    Encoding::DESKTOP_SIZE,
    Encoding::VMWARE_CURSOR_STATE,
    Encoding::VMWARE_LED_STATE,
    Encoding::VMWARE_SERVER_CAPS,
];

fn session(view_only: bool) -> Session {
    let dialogue = Dialogue::new(InputSettings::default(), view_only, HostKind::Vmware);
    let mut session = Session::of(dialogue, usize::MAX);
    let listed = session.sets_encodings(&LISTED);
    assert!(listed.contains(&Encoding::VMWARE_SERVER_CAPS));
    session
}

/// A session whose host has announced `bits`.
fn announced(bits: u32) -> Session {
    let mut session = session(false);
    session.host(&caps(bits));
    session.pending();
    session
}

fn written(command: Command) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    command.write(&mut bytes);
    bytes.to_vec()
}

fn ack(id: u8) -> Vec<u8> {
    written(Command::UpdateAck { id, took: 12 })
}

fn update(id: u8) -> Vec<u8> {
    [&[0, id, 0, 1][..], &raw(rows(0, 8))].concat()
}

fn pointer(buttons: u32, wheel: (i8, i8)) -> Vec<u8> {
    let (absolute, x, y) = (true, 30, 20);
    written(Command::Pointer {
        absolute,
        x,
        y,
        buttons,
        wheel,
    })
}

#[test]
fn it_is_told_the_capabilities_whose_messages_pass() {
    for (view_only, bits, passed) in [
        (false, REAL, PASSED),
        (false, 0x82, 0x82),
        (false, 0x0105_0308, 0),
        (true, REAL, 0x20),
    ] {
        let mut session = session(view_only);
        assert_eq!(session.host(&caps(bits)), caps(passed), "{bits:x}");
        assert_eq!(session.host(&caps(bits)), NOTHING, "it knows them");
    }
}

#[test]
fn a_client_that_lists_them_late_is_told_before_its_next_update() {
    let mut session = Session::new(InputSettings::default());
    assert_eq!(session.host(&caps(REAL)), NOTHING);
    session.sets_encodings(&LISTED);
    session.requests_everything(false);
    let expected = [caps(PASSED), update(1)].concat();
    assert_eq!(session.host(&update(1)), expected);
    assert_eq!(
        session.pending().get(..2),
        Some(&[2, 0][..]),
        "SetEncodings and no acknowledgement"
    );
    assert_eq!(session.viewer(&ack(1)), ack(1));
}

#[test]
fn it_acknowledges_each_update_itself() {
    let mut session = announced(REAL);
    session.requests_everything(false);
    for id in [1, 2, 200] {
        // Parts of a picture are not merged: it requests the next with its acknowledgement.
        assert_eq!(session.host(&update(id)), update(id));
        assert_eq!(session.pending(), NOTHING);
        assert_eq!(session.viewer(&ack(id)), ack(id));
    }
    // It cannot read an update without rectangles.
    assert_eq!(session.host(&[0, 5, 0, 0]), NOTHING);
    let received = session.pending();
    assert!(received.ends_with(&written(Command::UpdateAck { id: 5, took: 0 })));
}

#[test]
fn an_acknowledgement_is_a_request_to_a_host_that_wants_none() {
    let mut session = announced(0x82);
    let mut request = BytesMut::new();
    let (incremental, area) = (true, EVERYTHING);
    Message::UpdateRequest(UpdateRequest { incremental, area }).write(&mut request);
    assert_eq!(session.viewer(&ack(1)), request);
}

#[test]
fn its_keys_pass_and_are_released_when_it_leaves() {
    let mut session = announced(REAL);
    let typed = scans(&[(0x1d, true), (0x11c, true), (0x11c, true), (0x1d, false)]);
    assert_eq!(session.viewer(&typed), typed);
    assert!(session.dialogue.take_acted());
    assert_eq!(session.dialogue.release_all(), scans(&[(0x11c, false)]));
    assert_eq!(session.dialogue.release_all(), NOTHING);
    // Modifiers that it has not pressed, as when it connects.
    let first = scans(&[(0x15b, false), (0x2a, false)]);
    assert_eq!(session.viewer(&first), first);
}

#[test]
fn its_ctrl_alt_insert_is_ctrl_alt_delete() {
    let mut session = announced(REAL);
    let typed = [(0x1d, true), (0x38, true), (0x152, true), (0x152, false)];
    let expected = [(0x1d, true), (0x38, true), (0x153, true), (0x153, false)];
    assert_eq!(session.viewer(&scans(&typed)), scans(&expected));
}

#[test]
fn its_pointer_passes_and_its_button_is_released_when_it_leaves() {
    let mut session = announced(REAL);
    for bytes in [pointer(1, (0, 0)), pointer(0, (-1, 0))] {
        assert_eq!(session.viewer(&bytes), bytes);
    }
    assert_eq!(session.dialogue.release_all()[..], [5, 0, 0, 30, 0, 20]);
    let released = pointer(0, (0, 0));
    session.viewer(&pointer(1, (0, 0)));
    assert_eq!(session.viewer(&released), released);
    assert_eq!(session.dialogue.release_all(), NOTHING);
}

#[test]
fn what_the_host_has_not_announced_is_dropped() {
    let (width, height) = (800, 600);
    let size = written(Command::Resolution { width, height });
    let key = scans(&[(0x1e, true)]);
    let mut session = announced(0x20);
    for bytes in [&size, &key, &pointer(1, (0, 0))] {
        assert_eq!(session.viewer(bytes), NOTHING);
    }
    assert_eq!(session.dialogue.release_all(), NOTHING);
    let mut session = announced(REAL);
    assert_eq!(session.viewer(&size), size);
    // Capabilities of the client, the keys of 127/6, its cache, and a length that is wrong.
    for bytes in [
        &written(Command::ClientCaps(0x5100))[..],
        &[127, 6, 0, 10, 0, 0, 0, 97, 1, 0],
        &[127, 11, 0, 14, 0, 0, 1, 6, 4, 0, 0, 1, 0x90, 0],
        &[127, 0, 0, 6, 0, 0x1e],
    ] {
        assert_eq!(session.viewer(bytes), NOTHING);
    }
    // A message that it misreads.
    assert_eq!(session.host(&[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), NOTHING);
}

#[test]
fn one_that_may_only_watch_acknowledges_and_controls_nothing() {
    let mut session = session(true);
    session.host(&caps(REAL));
    let (width, height) = (800, 600);
    for bytes in [
        scans(&[(0x1e, true), (0x2a, false)]),
        pointer(1, (0, 0)),
        written(Command::Resolution { width, height }),
    ] {
        assert_eq!(session.viewer(&bytes), NOTHING);
    }
    assert_eq!(session.dialogue.release_all(), NOTHING);
    session.requests_everything(false);
    assert_eq!(session.host(&update(1)), update(1));
    assert_eq!(session.viewer(&ack(1)), ack(1));
}

#[test]
fn its_first_key_waits_for_the_capabilities_and_its_first_releases_do_not() {
    let dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Vmware);
    let mut session = Session {
        dialogue,
        piece: usize::MAX,
    };
    session.viewer(&[1]);
    let (up, down) = (scans(&[(0x1d, false)]), scans(&[(0x1d, true)]));
    assert_eq!(session.viewer(&up), NOTHING);
    let mut host = BytesMut::new();
    assert_eq!(
        session
            .dialogue
            .receive_from_viewer(&down, &mut host)
            .unwrap(),
        0
    );
    assert!(session.dialogue.holds_keys());
}
