//! Every quirk has its documented effect.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failed test"
)]

mod support;

use std::num::NonZero;

use esxi_sim::{CursorShape, KeyRepeat, PixelFormats, PointerMode, Quirks, VmSettings};
use support::quirks::{begun, quirky, violation};
use support::screen::{
    BGRX, CURSOR, CURSOR_STATE, HEXTILE, KEY_REPEAT, LEDS, NATIVE, RGB565, SERVER_CAPS, Screen,
};
use support::{host, start};

/// The sequence of VMware's client with such a host (`docs/webmks.md` 7.2).
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
    let host = quirky(|quirks| quirks.cursor = CursorShape::Masks).await;
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
    let host = quirky(|quirks| quirks.cursor = CursorShape::Masks).await;
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
    let host = quirky(|quirks| quirks.pixel_formats = PixelFormats::OnlyNative).await;
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
    let host = quirky(|quirks| quirks.pixel_formats = PixelFormats::Ignored).await;
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
    let host = quirky(|quirks| quirks.one_pixel_answers = true).await;
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
    // Later updates hold only changes.
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
    let host = quirky(|quirks| quirks.rows_per_answer = NonZero::new(100)).await;
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
    let host = quirky(|quirks| quirks.chatty = true).await;
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
async fn quirks_change_nothing_for_a_desktop_without_them() {
    let host = start(|settings| {
        settings.vms = vec![
            VmSettings {
                quirks: Quirks {
                    chatty: true,
                    pixel_formats: PixelFormats::OnlyNative,
                    key_repeat: Some(KeyRepeat::default()),
                    ..Quirks::default()
                },
                ..VmSettings::desktop("quirky")
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
