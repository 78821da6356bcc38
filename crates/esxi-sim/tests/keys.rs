//! Key events in the guest, by keysym and by scan code, and the text that they type.

mod support;

use std::time::Duration;

use esxi_sim::{Host, KeyEvent, KeyRepeat, Layout, Quirks, VmSettings};
use support::screen::{HEXTILE, KEY_REPEAT, SERVER_CAPS, Screen};
use support::{Viewer, console, host, soon, start};

async fn guest(layout: Layout, key_repeat: Option<KeyRepeat>) -> Host {
    start(|settings| {
        settings.vms = vec![VmSettings {
            quirks: Quirks {
                layout,
                key_repeat,
                ..Quirks::default()
            },
            ..VmSettings::desktop("vm08")
        }];
    })
    .await
}

async fn viewer(host: &Host) -> Viewer {
    let mut viewer = console(host, "vm08").await;
    viewer.begin().await;
    viewer.list(&[SERVER_CAPS]).await;
    viewer.take(8).await;
    viewer
}

/// The text of pressed scan codes; a negative one is a release.
async fn typed_by_scan_code(layout: Layout, codes: &[i32]) -> String {
    let host = guest(layout, None).await;
    viewer(&host).await.scan_codes(codes).await;
    soon(host.keys_until("vm08", |keys| keys.len() == codes.len())).await;
    host.typed("vm08")
}

#[tokio::test]
async fn scan_codes_type_what_the_guests_layout_has_at_that_key() {
    let (shift, alt_gr) = (0x2a, 0x138);
    let same = [0x2c, 0x15, shift, 0x03, -shift, 0x27];
    assert_eq!(typed_by_scan_code(Layout::Us, &same).await, "zy@;");
    assert_eq!(typed_by_scan_code(Layout::German, &same).await, "yz\"ö");
    assert_eq!(typed_by_scan_code(Layout::French, &same).await, "wy2m");
    assert_eq!(typed_by_scan_code(Layout::British, &same).await, "zy\";");
    assert_eq!(typed_by_scan_code(Layout::Spanish, &same).await, "zy\"ñ");
    assert_eq!(typed_by_scan_code(Layout::Japanese, &same).await, "zy\";");
    let third_level = [alt_gr, 0x10, 0x08, 0x0b, -alt_gr];
    assert_eq!(typed_by_scan_code(Layout::Us, &third_level).await, "");
    assert_eq!(
        typed_by_scan_code(Layout::German, &third_level).await,
        "@{}"
    );
    assert_eq!(typed_by_scan_code(Layout::French, &third_level).await, "`@");
    let dead = [0x1a, 0x12, shift, 0x1a, -shift, 0x17];
    assert_eq!(typed_by_scan_code(Layout::French, &dead).await, "êï");
    let caps = [0x3a, -0x3a, 0x1e, 0x03, 0x27];
    assert_eq!(typed_by_scan_code(Layout::German, &caps).await, "A2Ö");
}

#[tokio::test]
async fn keysyms_go_through_a_us_layout_so_that_a_german_guest_types_something_else() {
    let host = guest(Layout::German, None).await;
    let mut viewer = viewer(&host).await;
    for character in "zy-@ö".chars() {
        viewer.key(u32::from(character)).await;
    }
    viewer.key(u32::from('.')).await;
    soon(host.typed_until("vm08", |typed| typed.ends_with('.'))).await;
    assert_eq!(host.typed("vm08"), "yzß\".");
}

#[tokio::test]
async fn the_log_tells_keys_by_scan_code_and_by_keysym_in_order() {
    let host = host().await;
    let mut viewer = viewer(&host).await;
    viewer.key(u32::from('a')).await;
    viewer.key(0xe9).await;
    viewer.scan_codes(&[0x11d, 0x1e, -0x1e]).await;
    let event = |scan_code, keysym, down| KeyEvent {
        scan_code,
        keysym,
        down,
        repeated: false,
    };
    let keys = soon(host.keys_until("vm08", |keys| keys.len() == 7)).await;
    assert_eq!(
        keys,
        [
            event(Some(0x1e), Some(0x61), true),
            event(Some(0x1e), Some(0x61), false),
            event(None, Some(0xe9), true),
            event(None, Some(0xe9), false),
            event(Some(0x11d), None, true),
            event(Some(0x1e), None, true),
            event(Some(0x1e), None, false),
        ]
    );
    assert_eq!(host.keys_down("vm08"), [0x11d]);
    assert_eq!(host.typed("vm08"), "a", "Control and A is no text");
}

#[tokio::test]
async fn keys_stay_down_when_their_console_ends() {
    let host = host().await;
    let mut viewer = viewer(&host).await;
    viewer.scan_codes(&[0x2a, 0x1e]).await;
    soon(host.keys_until("vm08", |keys| keys.len() == 2)).await;
    drop(viewer);
    soon(host.counts_until(|counts| counts.consoles_open == 0)).await;
    assert_eq!(host.keys_down("vm08"), [0x1e, 0x2a]);
}

const FAST: KeyRepeat = KeyRepeat {
    delay: Duration::from_millis(30),
    period: Duration::from_millis(5),
};

#[tokio::test]
async fn a_held_key_repeats_until_it_goes_up() {
    let host = guest(Layout::Us, Some(FAST)).await;
    let mut viewer = viewer(&host).await;
    viewer.scan_code(0x1e, true).await;
    let typed = soon(host.typed_until("vm08", |typed| typed.len() >= 4)).await;
    assert!(typed.bytes().all(|byte| byte == b'a'), "{typed}");
    viewer.scan_code(0x1e, false).await;
    let is_up = |keys: &[KeyEvent]| keys.last().is_some_and(|key| !key.down);
    let keys = soon(host.keys_until("vm08", is_up)).await;
    assert!(
        !keys[0].repeated && keys[1].repeated && keys[1].down,
        "{keys:?}"
    );
    // The second key appears only once, so the first one no longer repeats.
    viewer.scan_codes(&[0x30, -0x30]).await;
    let keys = soon(host.keys_until("vm08", |keys| {
        keys.last()
            .is_some_and(|key| key.scan_code == Some(0x30) && !key.down)
    }))
    .await;
    let after = keys.iter().skip_while(|key| key.down).skip(1);
    assert!(
        after.clone().all(|key| key.scan_code == Some(0x30)),
        "{keys:?}"
    );
}

#[tokio::test]
async fn a_client_that_was_told_to_repeat_keys_gets_no_repetition() {
    let host = guest(Layout::Us, Some(FAST)).await;
    let mut viewer = viewer(&host).await;
    viewer.list(&[HEXTILE, KEY_REPEAT]).await;
    viewer.request(false, 0, 0, 800, 600).await;
    Screen::new(800, 600).update(&mut viewer).await;
    viewer.scan_code(0x1e, true).await;
    // The other client's key repeats: by then the first one would have repeated, too.
    let mut other = self::viewer(&host).await;
    other.scan_code(0x30, true).await;
    let typed = soon(host.typed_until("vm08", |typed| typed.matches('b').count() >= 3)).await;
    assert_eq!(typed.matches('a').count(), 1, "{typed}");
}
