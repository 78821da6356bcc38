//! Each mood does what it says.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failed test"
)]

mod support;

use std::num::NonZero;

use esxi_sim::{
    CursorShape, End, Formats, Host, KeyRepeat, Moods, PointerMode, ServerCaps, VmSettings, Wheel,
};
use support::screen::{
    BGRX, CURSOR, CURSOR_STATE, DESKTOP_SIZE, HEXTILE, KEY_REPEAT, LEDS, NATIVE, RGB565,
    SERVER_CAPS, Screen,
};
use support::{Viewer, console, host, soon, start};

async fn moody(change: impl FnOnce(&mut Moods)) -> Host {
    start(|settings| {
        let mut moods = Moods::default();
        change(&mut moods);
        settings.vms = vec![VmSettings {
            moods,
            ..VmSettings::desktop("vm08")
        }];
    })
    .await
}

async fn begun(host: &Host) -> Viewer {
    let mut viewer = console(host, "vm08").await;
    viewer.begin().await;
    viewer
}

/// Lists VMware's ServerCaps and takes the answer: the bits.
async fn ask_for_caps(viewer: &mut Viewer) -> u32 {
    viewer.list(&[SERVER_CAPS]).await;
    let message = viewer.take(8).await;
    assert_eq!(message[..4], [127, 0, 0, 8]);
    u32::from_be_bytes(message[4..].try_into().unwrap())
}

/// Waits for the end of a console that broke a rule, and answers the rule.
async fn violation(mut viewer: Viewer, host: &Host, number: usize) -> String {
    assert_eq!(viewer.ended().await, Some(1002));
    drop(viewer);
    let counts = soon(host.counts_until(|counts| counts.ends.len() > number)).await;
    match &counts.ends[number].how {
        End::Violation(rule) => rule.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn server_caps_are_told_once_to_those_who_list_them() {
    let host = host().await;
    let mut viewer = begun(&host).await;
    viewer.list(&[0, DESKTOP_SIZE]).await;
    viewer.request(false, 0, 0, 1, 1).await;
    assert_eq!(viewer.update().await.len(), 1, "no message before it");
    let caps = ask_for_caps(&mut viewer).await;
    assert_eq!(caps, 0x0210_20bf);
    viewer.list(&[SERVER_CAPS]).await;
    viewer.request(false, 0, 0, 1, 1).await;
    assert_eq!(viewer.update().await.len(), 1, "not told again");
}

#[tokio::test]
async fn vmwares_messages_are_taken_once_they_are_announced() {
    let host = moody(|moods| moods.server_caps = Some(ServerCaps(0xaa))).await;
    let mut viewer = begun(&host).await;
    assert_eq!(ask_for_caps(&mut viewer).await, 0xaa);
    viewer.scan_codes(&[0x23, -0x23]).await;
    viewer.send(&[127, 3, 0, 8, 0, 0, 0x51, 0]).await;
    viewer.send(&[127, 4, 0, 8, 1, 0, 0, 9]).await;
    viewer
        .send(&[
            127, 2, 0, 19, 1, 0, 0, 0, 70, 0, 0, 0, 60, 0, 0, 0, 2, 255, 1,
        ])
        .await;
    viewer
        .send(&[
            127, 2, 0, 19, 0, 255, 255, 255, 250, 0, 0, 0, 1, 0, 0, 0, 0, 255, 0,
        ])
        .await;
    let pointer = soon(host.pointer_until("vm08", |pointer| pointer.y == 61)).await;
    assert_eq!((pointer.x, pointer.buttons), (64, 2));
    assert_eq!(
        host.wheel("vm08"),
        Wheel {
            vertical: -2,
            horizontal: 1
        }
    );
    assert_eq!(host.typed("vm08"), "h");
}

#[tokio::test]
async fn vmwares_messages_end_the_console_unless_they_were_announced() {
    let messages: [&[u8]; 5] = [
        &[127, 0, 0, 8, 0, 0x23, 1, 0],
        &[
            127, 2, 0, 19, 1, 0, 0, 0, 70, 0, 0, 0, 60, 0, 0, 0, 2, 255, 1,
        ],
        &[127, 3, 0, 8, 0, 0, 0x51, 0],
        &[127, 4, 0, 8, 1, 0, 0, 9],
        &[127, 5, 0, 8, 4, 0, 3, 0],
    ];
    let host = moody(|moods| moods.server_caps = None).await;
    for (number, message) in messages.iter().enumerate() {
        let mut viewer = begun(&host).await;
        viewer.list(&[SERVER_CAPS]).await;
        viewer.send(message).await;
        let rule = violation(viewer, &host, number).await;
        assert!(rule.contains("was not announced"), "{rule}");
    }
    let host = moody(|moods| moods.server_caps = Some(ServerCaps::PLAIN)).await;
    let mut viewer = begun(&host).await;
    ask_for_caps(&mut viewer).await;
    viewer.send(messages[2]).await;
    let rule = violation(viewer, &host, 0).await;
    assert!(rule.contains("127/3"), "a bit that is not set: {rule}");
    let mut viewer = begun(&host).await;
    ask_for_caps(&mut viewer).await;
    viewer.send(&[127, 13, 0, 10]).await;
    assert!(violation(viewer, &host, 1).await.contains("unknown"));
}

/// What VMware's client does with a host such as this one, in its order (`docs/webmks.md` 7.2).
#[tokio::test]
async fn what_vmwares_client_sends_by_itself_is_taken() {
    let host = host().await;
    let mut viewer = begun(&host).await;
    viewer
        .list(&[HEXTILE, DESKTOP_SIZE, CURSOR_STATE, SERVER_CAPS])
        .await;
    viewer.request(false, 0, 0, 800, 600).await;
    viewer
        .scan_codes(&[-0x15b, -0x15c, -0x1d, -0x11d, -0x2a, -0x36, -0x38, -0x138])
        .await;
    let caps = viewer.take(8).await;
    assert_eq!(caps[4..], [0x02, 0x10, 0x20, 0xbf]);
    viewer.send(&[127, 3, 0, 8, 0, 0, 0x51, 0]).await;
    viewer
        .send(&[127, 11, 0, 14, 0, 0, 1, 6, 4, 0, 0, 1, 0x90, 0])
        .await;
    let mut screen = Screen::new(800, 600);
    screen.update(&mut viewer).await;
    viewer.send(&[127, 4, 0, 8, 1, 0, 0, 20]).await;
    viewer.scan_codes(&[0x23, -0x23]).await;
    screen.update(&mut viewer).await;
    assert_eq!(host.typed("vm08"), "h");
    assert!(host.keys_down("vm08").is_empty());
}

#[tokio::test]
async fn modifiers_may_be_let_go_where_nothing_is_announced_and_no_key_be_pressed() {
    let host = moody(|moods| moods.server_caps = None).await;
    let mut viewer = begun(&host).await;
    viewer.scan_codes(&[-0x15b, -0x138]).await;
    viewer.request(false, 0, 0, 1, 1).await;
    assert_eq!(viewer.update().await.len(), 1);
    viewer.scan_code(0x38, true).await;
    let rule = violation(viewer, &host, 0).await;
    assert!(rule.contains("was not announced"), "{rule}");
}

#[tokio::test]
async fn a_turn_of_the_wheel_lets_go_of_no_button() {
    let host = host().await;
    let mut viewer = begun(&host).await;
    ask_for_caps(&mut viewer).await;
    viewer.send(&[5, 1, 0, 70, 0, 60]).await;
    viewer
        .send(&[127, 2, 0, 19, 1, 0, 0, 0, 71, 0, 0, 0, 60, 0, 0, 0, 0, 1, 0])
        .await;
    let pointer = soon(host.pointer_until("vm08", |pointer| pointer.x == 71)).await;
    assert_eq!(pointer.buttons, 1);
    viewer.send(&[5, 0, 0, 72, 0, 60]).await;
    let pointer = soon(host.pointer_until("vm08", |pointer| pointer.x == 72)).await;
    assert_eq!(pointer.buttons, 0);
}

#[tokio::test]
async fn a_resolution_request_resizes_the_desktop_and_desktop_size_says_so() {
    let host = host().await;
    let mut viewer = begun(&host).await;
    ask_for_caps(&mut viewer).await;
    viewer.list(&[HEXTILE, DESKTOP_SIZE, SERVER_CAPS]).await;
    let mut screen = Screen::new(800, 600);
    viewer.request(false, 0, 0, 800, 600).await;
    screen.update(&mut viewer).await;
    viewer.request(true, 0, 0, 800, 600).await;
    viewer.send(&[127, 5, 0, 8, 1, 0, 0, 100]).await;
    screen.update(&mut viewer).await;
    assert_eq!((screen.width, screen.height), (256, 100));
    assert_eq!(host.size("vm08"), (256, 100));
    viewer.request(false, 0, 0, 256, 100).await;
    screen.update(&mut viewer).await;
    assert!(!screen.pixels.contains(&u32::MAX));
}

#[tokio::test]
async fn updates_are_numbered_from_1_to_255() {
    let host = moody(|moods| moods.server_caps = None).await;
    let mut viewer = begun(&host).await;
    for expected in (1..=255).chain(1..=3) {
        viewer.request(false, 0, 0, 1, 1).await;
        let head = viewer.take(4 + 12 + 4).await;
        assert_eq!(head[..4], [0, expected, 0, 1]);
    }
}

#[tokio::test]
async fn any_byte_but_0_makes_a_request_incremental() {
    let host = host().await;
    let mut viewer = begun(&host).await;
    viewer.list(&[HEXTILE]).await;
    let mut screen = Screen::new(800, 600);
    viewer.request(false, 0, 0, 800, 600).await;
    screen.update(&mut viewer).await;
    viewer.send(&[3, 77, 0, 0, 0, 0, 3, 32, 2, 88]).await;
    let counts = soon(host.counts_until(|counts| counts.incremental_requests == 1)).await;
    assert_eq!((counts.whole_requests, counts.acknowledgements), (1, 0));
    let mut screen = Screen::new(800, 600);
    viewer.send(&[5, 0, 0, 50, 0, 50]).await;
    screen.update(&mut viewer).await;
    assert!(screen.pixels.contains(&u32::MAX), "only what has changed");
}

#[tokio::test]
async fn an_acknowledgement_asks_for_the_next_incremental_update() {
    let host = host().await;
    let mut viewer = begun(&host).await;
    viewer.list(&[HEXTILE, SERVER_CAPS]).await;
    viewer.take(8).await;
    let mut screen = Screen::new(800, 600);
    viewer.request(false, 0, 0, 800, 600).await;
    for number in 1..=3 {
        screen.update(&mut viewer).await;
        viewer.send(&[127, 4, 0, 8, number, 0, 0, 20]).await;
        viewer.send(&[5, 0, 0, 50 + number, 0, 50]).await;
    }
    screen.update(&mut viewer).await;
    let counts = host.counts();
    assert_eq!((counts.whole_requests, counts.acknowledgements), (1, 3));
    assert_eq!(counts.incremental_requests, 0);
}

/// Moves the pointer, so that there is something new to see.
async fn change(viewer: &mut Viewer, host: &Host, x: u8) {
    viewer.send(&[5, 0, 0, x, 0, 50]).await;
    soon(host.pointer_until("vm08", |pointer| pointer.x == u16::from(x))).await;
}

#[tokio::test]
async fn a_host_may_send_nothing_until_its_update_is_acknowledged() {
    let host = moody(|moods| moods.needs_acks = true).await;
    let mut viewer = begun(&host).await;
    viewer.list(&[HEXTILE, SERVER_CAPS]).await;
    viewer.take(8).await;
    let mut screen = Screen::new(800, 600);
    viewer.request(false, 0, 0, 800, 600).await;
    screen.update(&mut viewer).await;
    // Neither a request of either kind nor another update's number helps.
    viewer.request(true, 0, 0, 800, 600).await;
    change(&mut viewer, &host, 50).await;
    viewer.request(false, 0, 0, 800, 600).await;
    viewer.send(&[127, 4, 0, 8, 2, 0, 0, 20]).await;
    soon(host.counts_until(|counts| counts.acknowledgements == 1)).await;
    change(&mut viewer, &host, 51).await;
    viewer.send(&[127, 4, 0, 8, 1, 0, 0, 20]).await;
    // Had it answered any of that, the next update would hold only what had changed.
    let mut screen = Screen::new(800, 600);
    screen.update(&mut viewer).await;
    assert!(!screen.pixels.contains(&u32::MAX), "all was asked for");
    viewer.send(&[127, 4, 0, 8, 2, 0, 0, 20]).await;
    change(&mut viewer, &host, 52).await;
    screen.update(&mut viewer).await;
}

#[tokio::test]
async fn who_was_told_nothing_of_acknowledgements_need_not_send_any() {
    let host = moody(|moods| moods.needs_acks = true).await;
    let mut viewer = begun(&host).await;
    for _ in 0..2 {
        viewer.request(false, 0, 0, 1, 1).await;
        assert_eq!(viewer.update().await.len(), 1);
    }
    let host = moody(|moods| {
        moods.needs_acks = true;
        moods.server_caps = Some(ServerCaps::PLAIN);
    })
    .await;
    let mut viewer = begun(&host).await;
    ask_for_caps(&mut viewer).await;
    for _ in 0..2 {
        viewer.request(false, 0, 0, 1, 1).await;
        assert_eq!(viewer.update().await.len(), 1);
    }
}

#[tokio::test]
async fn cursor_lamps_and_key_repeat_are_told_to_those_who_list_them_when_they_change() {
    let host = host().await;
    let mut viewer = begun(&host).await;
    viewer
        .list(&[HEXTILE, CURSOR, CURSOR_STATE, KEY_REPEAT, LEDS, SERVER_CAPS])
        .await;
    viewer.take(8).await;
    let mut screen = Screen::new(800, 600);
    viewer.request(false, 0, 0, 800, 600).await;
    screen.update(&mut viewer).await;
    let rhythm = [0, 1, 0, 0, 0x82, 0x35, 0, 7, 0xa1, 0x20].to_vec();
    let cursor = screen.marks.pop_front().unwrap();
    assert_eq!((cursor.0, cursor.1.len()), (CURSOR, 8 * 8 * 4));
    assert_eq!(
        cursor.1[..8],
        [0, 0, 0, 0, 255, 0, 0, 255],
        "a clear corner, then red"
    );
    assert_eq!(
        screen.marks.drain(..).collect::<Vec<_>>(),
        [
            (KEY_REPEAT, rhythm),
            (CURSOR_STATE, vec![0, 3]),
            (LEDS, vec![0, 0, 0, 2])
        ]
    );
    viewer.request(true, 0, 0, 800, 600).await;
    viewer.scan_codes(&[0x3a, -0x3a]).await;
    screen.update(&mut viewer).await;
    assert_eq!(screen.marks.pop_front(), Some((LEDS, vec![0, 0, 0, 6])));
    assert_eq!(host.leds("vm08"), 6);
    viewer.request(true, 0, 0, 800, 600).await;
    host.set_pointer_mode("vm08", PointerMode::Relative);
    screen.update(&mut viewer).await;
    assert_eq!(screen.marks.pop_front(), Some((CURSOR_STATE, vec![0, 1])));
    assert!(screen.marks.is_empty());
}

#[tokio::test]
async fn a_cursor_can_be_drawn_by_masks_in_the_clients_format() {
    let host = moody(|moods| moods.cursor = CursorShape::Masks).await;
    let mut viewer = begun(&host).await;
    let mut screen = Screen::new(800, 600);
    screen.format = RGB565;
    viewer.send(&RGB565.set).await;
    viewer.list(&[HEXTILE, CURSOR]).await;
    viewer.request(false, 0, 0, 800, 600).await;
    screen.update(&mut viewer).await;
    let (_, shape) = screen.marks.pop_front().unwrap();
    assert_eq!(shape.len(), 2 * 8 * 8 * 2);
    assert_eq!(
        shape[..4],
        [255, 255, 0, 0],
        "AND: the corner stays, its neighbour does not"
    );
    assert_eq!(
        shape[128..132],
        [0, 0, 0, 0xf8],
        "XOR: the neighbour is red"
    );
}

#[tokio::test]
async fn where_a_mask_cursor_is_transparent_every_bit_is_set() {
    let host = moody(|moods| moods.cursor = CursorShape::Masks).await;
    let mut viewer = begun(&host).await;
    viewer.list(&[HEXTILE, CURSOR]).await;
    let mut screen = Screen::new(800, 600);
    viewer.request(false, 0, 0, 800, 600).await;
    screen.update(&mut viewer).await;
    let (_, shape) = screen.marks.pop_front().unwrap();
    assert_eq!(shape[..8], [255, 255, 255, 255, 0, 0, 0, 0]);
}

#[tokio::test]
async fn only_the_native_format_may_be_all_that_is_valid() {
    let host = moody(|moods| moods.formats = Formats::OnlyNative).await;
    let mut viewer = begun(&host).await;
    viewer.send(&NATIVE.set).await;
    viewer.request(false, 0, 0, 1, 1).await;
    assert_eq!(viewer.update().await.len(), 1);
    viewer.send(&BGRX.set).await;
    assert!(violation(viewer, &host, 0).await.contains("pixel format"));
    let mut viewer = begun(&host).await;
    viewer.send(&RGB565.set).await;
    violation(viewer, &host, 1).await;
}

#[tokio::test]
async fn a_format_may_be_ignored_but_not_an_invalid_one() {
    let host = moody(|moods| moods.formats = Formats::Ignored).await;
    let mut viewer = begun(&host).await;
    for format in [BGRX, RGB565] {
        viewer.send(&format.set).await;
        viewer.request(false, 500, 0, 100, 1).await;
        let pixels = &viewer.update().await[0].4;
        assert_eq!(
            pixels[..4],
            [0, 0, 255, 0],
            "red, in the desktop's own order"
        );
    }
    let mut invalid = BGRX.set;
    invalid[7] = 255;
    viewer.send(&invalid).await;
    assert!(violation(viewer, &host, 0).await.contains("true-colour"));
}

#[tokio::test]
async fn every_other_whole_picture_may_be_one_pixel() {
    let host = moody(|moods| moods.one_pixel_answers = true).await;
    let mut viewer = begun(&host).await;
    viewer.list(&[HEXTILE]).await;
    for _ in 0..2 {
        viewer.request(false, 0, 0, 800, 600).await;
        let head = viewer.take(4).await;
        assert_eq!((head[0], &head[2..]), (0, &[0, 1][..]));
        let raw_pixel = [0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 255, 255, 255, 0];
        assert_eq!(viewer.take(16).await, raw_pixel);
        viewer.request(false, 0, 0, 800, 600).await;
        let mut screen = Screen::new(800, 600);
        screen.update(&mut viewer).await;
        assert!(!screen.pixels.contains(&u32::MAX));
    }
    // What follows is only what changes.
    viewer.request(false, 0, 0, 800, 600).await;
    viewer.take(20).await;
    viewer.request(true, 0, 0, 800, 600).await;
    viewer.send(&[5, 0, 0, 50, 0, 50]).await;
    let mut screen = Screen::new(800, 600);
    screen.update(&mut viewer).await;
    assert!(screen.pixels.contains(&u32::MAX));
}

#[tokio::test]
async fn a_whole_picture_may_come_in_parts_that_have_to_be_asked_for() {
    let host = moody(|moods| moods.rows_per_answer = NonZero::new(100)).await;
    let mut viewer = begun(&host).await;
    viewer.list(&[HEXTILE]).await;
    let mut screen = Screen::new(800, 600);
    viewer.request(false, 0, 0, 800, 600).await;
    for part in 1..=6 {
        screen.update(&mut viewer).await;
        let lacking = screen.pixels.iter().position(|pixel| *pixel == u32::MAX);
        assert_eq!(
            lacking.map(|at| at / 800),
            Some(part * 100).filter(|rows| *rows < 600)
        );
        viewer.request(true, 0, 0, 800, 600).await;
    }
    viewer.send(&[5, 0, 0, 50, 0, 50]).await;
    screen.update(&mut viewer).await;
}

#[tokio::test]
async fn a_chatty_host_sends_what_nobody_asked_for() {
    let host = moody(|moods| moods.chatty = true).await;
    let mut viewer = begun(&host).await;
    for _ in 0..2 {
        viewer.request(false, 0, 0, 1, 1).await;
        assert_eq!(viewer.take(6).await, [127, 4, 0, 6, 0, 10]);
        assert_eq!(viewer.update().await.len(), 1);
        let head = viewer.take(36).await;
        assert_eq!(head[..8], [127, 3, 0, 36, 0, 0, 0, 64]);
        assert_eq!(viewer.take(64).await, [127; 64]);
    }
}

#[tokio::test]
async fn moods_change_nothing_for_a_desktop_that_has_none() {
    let host = start(|settings| {
        settings.vms = vec![
            VmSettings {
                moods: Moods {
                    chatty: true,
                    formats: Formats::OnlyNative,
                    key_repeat: Some(KeyRepeat::default()),
                    ..Moods::default()
                },
                ..VmSettings::desktop("moody")
            },
            VmSettings::desktop("vm08"),
        ];
    })
    .await;
    let mut viewer = begun(&host).await;
    viewer.send(&BGRX.set).await;
    viewer.request(false, 0, 0, 1, 1).await;
    assert_eq!(viewer.update().await.len(), 1);
}
