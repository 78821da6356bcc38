//! Every encoding yields the same framebuffer in every pixel format, and the client's first known encoding is used.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failed test"
)]

mod support;

use std::collections::BTreeSet;

use esxi_sim::{Host, Screen as Display, VmSettings};
use support::screen::{
    BGRX, COPY_RECT, DESKTOP_SIZE, Format, HEXTILE, NATIVE, RAW, RGB565, RRE, Screen, TIGHT,
    TIGHT_PNG, ZRLE,
};
use support::{Viewer, console, soon, start};

const ENCODINGS: [i32; 6] = [RAW, RRE, HEXTILE, TIGHT, TIGHT_PNG, ZRLE];

/// Odd, so that the last tiles of every encoding are cut off at the edges.
const SIZE: (u16, u16) = (323, 241);

async fn host() -> Host {
    start(|settings| settings.vms = vec![sized(SIZE)]).await
}

fn sized((width, height): (u16, u16)) -> VmSettings {
    VmSettings {
        screen: Display::Desktop { width, height },
        ..VmSettings::desktop("vm08")
    }
}

async fn viewer(host: &Host, format: Format, encodings: &[i32]) -> (Viewer, Screen) {
    let mut viewer = console(host, "vm08").await;
    let (width, height, _) = viewer.begin().await;
    viewer.send(&format.set).await;
    viewer.list(encodings).await;
    let mut screen = Screen::new(width, height);
    screen.format = format;
    (viewer, screen)
}

async fn whole(viewer: &mut Viewer, screen: &mut Screen) {
    let (width, height) = (screen.width as u16, screen.height as u16);
    viewer.request(false, 0, 0, width, height).await;
    screen.update(viewer).await;
}

async fn changed(viewer: &mut Viewer, screen: &mut Screen) {
    let (width, height) = (screen.width as u16, screen.height as u16);
    viewer.request(true, 0, 0, width, height).await;
    screen.update(viewer).await;
}

/// The framebuffer as the host reports it.
fn picture(host: &Host) -> Vec<u32> {
    let file = host.picture("vm08").unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    bytes
        .chunks(3)
        .map(|rgb| u32::from_be_bytes([0, rgb[0], rgb[1], rgb[2]]))
        .collect()
}

#[tokio::test]
async fn each_encoding_shows_the_picture_pixel_for_pixel_and_goes_on_with_what_changes() {
    let host = host().await;
    for encoding in ENCODINGS {
        let (mut viewer, mut screen) = viewer(&host, NATIVE, &[encoding]).await;
        whole(&mut viewer, &mut screen).await;
        assert!(screen.pixels == picture(&host), "{encoding}");
        for at in [40_u8, 90, 200] {
            viewer.send(&[5, 0, 0, at, 0, at]).await;
            changed(&mut viewer, &mut screen).await;
            assert!(
                screen.pixels == picture(&host),
                "{encoding}, pointer at {at}"
            );
        }
        assert!(screen.encodings.contains(&encoding));
        let others: BTreeSet<i32> = screen
            .encodings
            .iter()
            .copied()
            .filter(|other| *other != encoding)
            .collect();
        // Raw is used where RRE would be longer.
        assert!(
            others.is_empty() || encoding == RRE && others == [RAW].into(),
            "{encoding}: {others:?}"
        );
    }
}

#[tokio::test]
async fn each_encoding_shows_the_same_in_other_pixel_formats() {
    let host = host().await;
    let expected = picture(&host);
    let five_six_five = |pixel: u32| {
        let part = |shift: u32, most: u32| ((pixel >> shift & 255) * most + 127) / 255;
        part(16, 31) << 16 | part(8, 63) << 8 | part(0, 31)
    };
    let reduced: Vec<u32> = expected.iter().copied().map(five_six_five).collect();
    for encoding in ENCODINGS {
        let (mut viewer, mut screen) = viewer(&host, BGRX, &[encoding]).await;
        whole(&mut viewer, &mut screen).await;
        assert!(screen.pixels == expected, "{encoding} with red lowest");
        if encoding != TIGHT_PNG {
            let (mut viewer, mut screen) = self::viewer(&host, RGB565, &[encoding]).await;
            whole(&mut viewer, &mut screen).await;
            assert!(screen.pixels == reduced, "{encoding} in 16 bits");
        }
    }
}

#[tokio::test]
async fn the_picture_makes_use_of_every_kind_of_tile() {
    let host = host().await;
    let kinds = async |encoding: i32| {
        let (mut viewer, mut screen) = viewer(&host, NATIVE, &[encoding]).await;
        whole(&mut viewer, &mut screen).await;
        screen
            .kinds
            .iter()
            .map(|(_, kind)| *kind)
            .collect::<BTreeSet<u8>>()
    };
    let hextile = kinds(HEXTILE).await;
    assert!(hextile.contains(&1) && hextile.contains(&0), "{hextile:?}");
    assert!(
        hextile.iter().any(|kind| kind & 8 != 0 && kind & 16 == 0),
        "{hextile:?}"
    );
    assert!(hextile.iter().any(|kind| kind & 16 != 0), "{hextile:?}");
    let zrle = kinds(ZRLE).await;
    assert!(zrle.contains(&0) && zrle.contains(&1), "{zrle:?}");
    assert!(zrle.iter().any(|kind| (2..=16).contains(kind)), "{zrle:?}");
    assert!(zrle.iter().any(|kind| *kind >= 128), "{zrle:?}");
    assert_eq!(kinds(TIGHT).await, [0x00, 0x50, 0x60, 0x80].into());
    assert_eq!(kinds(TIGHT_PNG).await, [0x80, 0xa0].into());
}

#[tokio::test]
async fn a_wide_screen_comes_in_rectangles_no_wider_than_tight_allows() {
    let host = start(|settings| settings.vms = vec![sized((2500, 70))]).await;
    for encoding in [TIGHT, TIGHT_PNG] {
        let (mut viewer, mut screen) = viewer(&host, NATIVE, &[encoding]).await;
        whole(&mut viewer, &mut screen).await;
        assert!(screen.pixels == picture(&host), "{encoding}");
    }
}

#[tokio::test]
async fn the_first_encoding_in_the_clients_order_is_used_and_may_change() {
    let host = host().await;
    let (mut viewer, mut screen) = viewer(&host, NATIVE, &[COPY_RECT, 99, ZRLE, HEXTILE]).await;
    for (listed, used) in [
        (None, ZRLE),
        (Some([HEXTILE, ZRLE]), HEXTILE),
        (Some([99, 98]), RAW),
    ] {
        if let Some(listed) = listed {
            viewer.list(&listed).await;
        }
        screen.encodings.clear();
        whole(&mut viewer, &mut screen).await;
        assert!(
            screen.encodings.iter().all(|encoding| *encoding == used),
            "{used}: {:?}",
            screen.encodings
        );
        assert!(screen.pixels == picture(&host));
    }
}

#[tokio::test]
async fn lines_that_scroll_come_as_copies_to_those_who_list_them() {
    let host = host().await;
    let (mut copying, mut screen) = viewer(&host, NATIVE, &[COPY_RECT, HEXTILE]).await;
    let (mut plain, mut other) = viewer(&host, NATIVE, &[HEXTILE]).await;
    whole(&mut copying, &mut screen).await;
    whole(&mut plain, &mut other).await;
    for line in 0..12_u8 {
        for keysym in [b'a' + line, b'b'] {
            copying.key(keysym.into()).await;
            changed(&mut copying, &mut screen).await;
        }
        copying.key(0xff0d).await;
        changed(&mut copying, &mut screen).await;
        let lines = usize::from(line) + 1;
        soon(host.typed_until("vm08", |typed| typed.matches('\n').count() == lines)).await;
        changed(&mut plain, &mut other).await;
        assert!(other.pixels == picture(&host), "line {line}");
    }
    // Whatever was sent between a key's press and its release.
    copying.request(false, 0, 0, 1, 1).await;
    screen.update(&mut copying).await;
    assert!(screen.pixels == picture(&host));
    let copies = screen
        .encodings
        .iter()
        .filter(|encoding| **encoding == COPY_RECT)
        .count();
    assert!(copies >= 5, "{copies}");
    assert!(!other.encodings.contains(&COPY_RECT));
}

#[tokio::test]
async fn a_guest_that_changes_its_resolution_tells_those_who_list_desktop_size() {
    let host = host().await;
    let (mut told, mut screen) = viewer(&host, NATIVE, &[ZRLE, DESKTOP_SIZE]).await;
    let (mut untold, mut other) = viewer(&host, NATIVE, &[ZRLE]).await;
    whole(&mut told, &mut screen).await;
    host.resize("vm08", 400, 300);
    assert_eq!(host.size("vm08"), (400, 300));
    changed(&mut told, &mut screen).await;
    assert_eq!((screen.width, screen.height), (400, 300));
    changed(&mut told, &mut screen).await;
    assert!(screen.pixels == picture(&host));
    whole(&mut untold, &mut other).await;
    assert!(
        !other.pixels.contains(&u32::MAX),
        "all that it has room for"
    );
}
