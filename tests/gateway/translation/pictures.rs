//! Pictures are complete and in the viewer's pixel format for every quirk of the host.

use std::num::NonZero;

use esxi_sim::PixelFormats;
use futures::future::join_all;
use rfb_proto::{Converter, PixelFormat};
use tokio_util::task::TaskTracker;

use super::*;
use crate::support::direct;
use crate::support::viewer::Desktop;
use crate::support::within;

/// Red, green, blue and an unused byte, as [`Viewer::picture`] requests.
const RGBX: PixelFormat = PixelFormat {
    red_shift: 0,
    blue_shift: 16,
    ..PixelFormat::VMWARE
};
const RGB565_BIG: PixelFormat = PixelFormat {
    bits_per_pixel: 16,
    depth: 16,
    big_endian: true,
    red_max: 31,
    green_max: 63,
    blue_max: 31,
    red_shift: 11,
    green_shift: 5,
    ..PixelFormat::VMWARE
};
const BGR233: PixelFormat = PixelFormat {
    bits_per_pixel: 8,
    depth: 8,
    red_max: 7,
    green_max: 7,
    blue_max: 3,
    red_shift: 0,
    green_shift: 3,
    blue_shift: 6,
    ..PixelFormat::VMWARE
};

/// The picture of a direct connection, in the host's own format.
async fn truth() -> Vec<u8> {
    let tasks = TaskTracker::new();
    // Without quirks: some would end this connection.
    let testbed = testbed_with(Quirks::default(), |console| console).await;
    let mut direct = direct::console(&testbed.host, "vm08", &tasks).await;
    let desktop = direct.open().await;
    let pixels = direct.picture(&desktop).await;
    testbed.end().await;
    let mut native = Vec::new();
    Converter::new(RGBX, PixelFormat::VMWARE)
        .unwrap()
        .convert(&pixels, &mut native);
    native
}

/// Reads one update with the whole picture in Raw.
async fn one_update(viewer: &mut Viewer, desktop: &Desktop, format: PixelFormat) -> Vec<u8> {
    let size = format.bytes_per_pixel().unwrap();
    let (width, height) = (usize::from(desktop.width), usize::from(desktop.height));
    let mut picture = vec![0; width * height * size];
    for _ in 0..viewer.update_head().await {
        let (area, encoding) = viewer.rectangle().await;
        if encoding == Encoding::LAST_RECT {
            break;
        }
        assert_eq!(encoding, Encoding::RAW);
        let row = usize::from(area.width) * size;
        for y in 0..usize::from(area.height) {
            let pixels = viewer.bytes(row).await;
            let start = ((usize::from(area.y) + y) * width + usize::from(area.x)) * size;
            picture[start..start + row].copy_from_slice(&pixels);
        }
    }
    picture
}

async fn shows_the_truth(testbed: &Testbed, list: &[Encoding], format: PixelFormat) {
    let truth = truth().await;
    let mut expected = Vec::new();
    Converter::new(PixelFormat::VMWARE, format)
        .unwrap()
        .convert(&truth, &mut expected);
    let mut viewer = testbed.viewer().await;
    let desktop = viewer.open().await;
    viewer.send_message(Message::SetPixelFormat(format)).await;
    viewer.set_encodings(list).await;
    viewer.request_update(false, EVERYTHING).await;
    let picture = one_update(&mut viewer, &desktop, format).await;
    assert!(picture == expected, "{format:?}");
}

#[tokio::test]
async fn every_pixel_format_has_the_right_colours_on_every_host() {
    within(async {
        for pixel_formats in [
            PixelFormats::Honoured,
            PixelFormats::OnlyNative,
            PixelFormats::Ignored,
        ] {
            let quirks = Quirks {
                pixel_formats,
                ..Quirks::default()
            };
            let testbed = testbed_with(quirks, |console| console).await;
            for format in [PixelFormat::VMWARE, RGBX, RGB565_BIG, BGR233] {
                shows_the_truth(&testbed, &[Encoding::RAW], format).await;
            }
            testbed.end().await;
        }
    })
    .await;
}

#[tokio::test]
async fn true_colour_flag_of_255_is_accepted() {
    within(async {
        let testbed = testbed_with(Quirks::default(), |console| console).await;
        let mut viewer = testbed.viewer().await;
        let desktop = viewer.open().await;
        let mut asked = vec![0; 4];
        PixelFormat::VMWARE.write(&mut asked);
        asked[7] = 255;
        viewer.send(&asked).await;
        viewer.request_update(false, EVERYTHING).await;
        one_update(&mut viewer, &desktop, PixelFormat::VMWARE).await;
        drop(viewer);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn single_request_gets_a_complete_picture_with_and_without_last_rect() {
    let quirks = [
        (true, None),
        (false, NonZero::new(7)),
        (true, NonZero::new(50)),
    ];
    let lists = [&[Encoding::RAW][..], &[Encoding::LAST_RECT]];
    let cases = quirks
        .into_iter()
        .flat_map(|quirk| lists.map(|list| (quirk, list)));
    // Partial answers depend on how many requests there were, so each case has its own host.
    within(join_all(cases.map(
        |((one_pixel_answers, rows_per_answer), list)| async move {
            let quirks = Quirks {
                one_pixel_answers,
                rows_per_answer,
                ..Quirks::default()
            };
            let truth = truth().await;
            let testbed = testbed_with(quirks.clone(), |console| console).await;
            let mut viewer = testbed.viewer().await;
            let desktop = viewer.open().await;
            viewer.set_encodings(list).await;
            viewer.request_update(false, EVERYTHING).await;
            let picture = one_update(&mut viewer, &desktop, PixelFormat::VMWARE).await;
            assert!(picture == truth, "{quirks:?} {list:?}");
            drop(viewer);
            testbed.end().await;
        },
    )))
    .await;
}

#[tokio::test]
async fn vmware_messages_do_not_reach_the_viewer() {
    within(async {
        let quirks = Quirks {
            chatty: true,
            ..Quirks::default()
        };
        let testbed = testbed_with(quirks, |console| console).await;
        shows_the_truth_of_a_chatty_host(&testbed).await;
        testbed.end().await;
    })
    .await;
}

async fn shows_the_truth_of_a_chatty_host(testbed: &Testbed) {
    let mut viewer = testbed.viewer().await;
    let desktop = viewer.open().await;
    let first = viewer.picture(&desktop).await;
    for _ in 0..5 {
        assert!(viewer.picture(&desktop).await == first);
    }
}

#[tokio::test]
async fn set_desktop_size_resizes_the_guest() {
    within(async {
        let testbed = testbed_with(Quirks::default(), |console| console).await;
        let mut viewer = testbed.viewer().await;
        let desktop = viewer.open().await;
        viewer
            .set_encodings(&[Encoding::EXTENDED_DESKTOP_SIZE])
            .await;
        viewer.request_update(false, EVERYTHING).await;
        let mut rectangles = viewer.update_head().await;
        let (area, encoding) = viewer.rectangle().await;
        assert_eq!(encoding, Encoding::EXTENDED_DESKTOP_SIZE);
        assert_eq!((area.width, area.height), (desktop.width, desktop.height));
        viewer.bytes(20).await;
        rectangles -= 1;
        for _ in 0..rectangles {
            let (area, encoding) = viewer.rectangle().await;
            assert_eq!(encoding, Encoding::RAW);
            viewer
                .bytes(4 * usize::try_from(area.pixels()).unwrap())
                .await;
        }
        let screen = [0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 0, 100, 0, 0, 0, 0];
        let ask = [&[251, 0, 0, 200, 0, 100, 1, 0][..], &screen].concat();
        viewer.request_update(true, EVERYTHING).await;
        viewer.send(&ask).await;
        viewer.update_head().await;
        let (told, encoding) = viewer.rectangle().await;
        assert_eq!(encoding, Encoding::EXTENDED_DESKTOP_SIZE);
        // Reason 1: requested by this viewer.
        assert_eq!((told.x, told.y, told.width, told.height), (1, 0, 200, 100));
        assert_eq!(testbed.host.size("vm08"), (200, 100));
        drop(viewer);
        testbed.end().await;
    })
    .await;
}
