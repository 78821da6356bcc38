//! VMware's messages 127 and update ids, as VMware's client uses them (`docs/webmks.md` 7.2).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failed test"
)]

mod support;

use esxi_sim::{Host, ServerCaps, Wheel};
use support::quirks::{ask_for_caps, begun, quirky, violation};
use support::screen::{CURSOR_STATE, DESKTOP_SIZE, HEXTILE, SERVER_CAPS, Screen};
use support::{Viewer, host, soon};

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
    let host = quirky(|quirks| quirks.server_caps = Some(ServerCaps(0xaa))).await;
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
    let host = quirky(|quirks| quirks.server_caps = None).await;
    for (number, message) in messages.iter().enumerate() {
        let mut viewer = begun(&host).await;
        viewer.list(&[SERVER_CAPS]).await;
        viewer.send(message).await;
        let rule = violation(viewer, &host, number).await;
        assert!(rule.contains("was not announced"), "{rule}");
    }
    let host = quirky(|quirks| quirks.server_caps = Some(ServerCaps::PLAIN)).await;
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
    let host = quirky(|quirks| quirks.server_caps = None).await;
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
    let host = quirky(|quirks| quirks.server_caps = None).await;
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

/// Moves the pointer, which changes the desktop.
async fn change(viewer: &mut Viewer, host: &Host, x: u8) {
    viewer.send(&[5, 0, 0, x, 0, 50]).await;
    soon(host.pointer_until("vm08", |pointer| pointer.x == u16::from(x))).await;
}

#[tokio::test]
async fn a_host_may_send_nothing_until_its_update_is_acknowledged() {
    let host = quirky(|quirks| quirks.needs_acks = true).await;
    let mut viewer = begun(&host).await;
    viewer.list(&[HEXTILE, SERVER_CAPS]).await;
    viewer.take(8).await;
    let mut screen = Screen::new(800, 600);
    viewer.request(false, 0, 0, 800, 600).await;
    screen.update(&mut viewer).await;
    // Neither requests nor an acknowledgement of another id release the next update.
    viewer.request(true, 0, 0, 800, 600).await;
    change(&mut viewer, &host, 50).await;
    viewer.request(false, 0, 0, 800, 600).await;
    viewer.send(&[127, 4, 0, 8, 2, 0, 0, 20]).await;
    soon(host.counts_until(|counts| counts.acknowledgements == 1)).await;
    change(&mut viewer, &host, 51).await;
    viewer.send(&[127, 4, 0, 8, 1, 0, 0, 20]).await;
    // If one of them had been answered, this update would hold only the changes since.
    let mut screen = Screen::new(800, 600);
    screen.update(&mut viewer).await;
    assert!(!screen.pixels.contains(&u32::MAX), "all was asked for");
    viewer.send(&[127, 4, 0, 8, 2, 0, 0, 20]).await;
    change(&mut viewer, &host, 52).await;
    screen.update(&mut viewer).await;
}

#[tokio::test]
async fn who_was_told_nothing_of_acknowledgements_need_not_send_any() {
    let host = quirky(|quirks| quirks.needs_acks = true).await;
    let mut viewer = begun(&host).await;
    for _ in 0..2 {
        viewer.request(false, 0, 0, 1, 1).await;
        assert_eq!(viewer.update().await.len(), 1);
    }
    let host = quirky(|quirks| {
        quirks.needs_acks = true;
        quirks.server_caps = Some(ServerCaps::PLAIN);
    })
    .await;
    let mut viewer = begun(&host).await;
    ask_for_caps(&mut viewer).await;
    for _ in 0..2 {
        viewer.request(false, 0, 0, 1, 1).await;
        assert_eq!(viewer.update().await.len(), 1);
    }
}
