//! The host repeats a held key and no other.

use esxi_sim::{KeyEvent, KeyRepeat, ServerCaps};
use futures::future::join_all;
use rfb_proto::client_messages::{Key, Pointer};

use super::*;
use crate::support::within;

const A: u32 = 0x61;
const B: u32 = 0x62;

/// Fast, since tests wait for repetitions.
const FAST: KeyRepeat = KeyRepeat {
    delay: Duration::from_millis(30),
    period: Duration::from_millis(5),
};

/// Longer than any test here takes, unless a release is delayed.
const SLOW: KeyRepeat = KeyRepeat {
    delay: Duration::from_secs(20),
    ..FAST
};

/// The pseudo-encoding with which VMware's client announces that it repeats keys itself.
const KEY_REPEAT: Encoding = Encoding(0x574d_5667);

/// The keys and whether they went down.
fn strokes(keys: &[KeyEvent]) -> Vec<(u16, bool)> {
    let codes = keys.iter();
    codes
        .map(|key| (key.scan_code.unwrap(), key.down))
        .collect()
}

async fn repeating(repeat: KeyRepeat, server_caps: Option<ServerCaps>) -> Testbed {
    let quirks = Quirks {
        key_repeat: Some(repeat),
        server_caps,
        ..Quirks::default()
    };
    testbed_with(quirks, pasting).await
}

fn pasting(console: ConsoleSettings) -> ConsoleSettings {
    let input_settings = InputSettings {
        paste: true,
        ..InputSettings::default()
    };
    ConsoleSettings {
        input_settings: Some(input_settings),
        ..console
    }
}

impl Viewer {
    async fn key(&mut self, keysym: u32, down: bool) {
        self.send_message(Message::Key(Key { down, keysym })).await;
    }

    async fn cut(&mut self, text: &[u8]) {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        self.send(&[&[6, 0, 0, 0][..], &length, text].concat())
            .await;
    }
}

#[tokio::test]
async fn held_key_is_repeated_by_the_host_until_its_release() {
    within(join_all([Some(ServerCaps::default()), None].map(
        |server_caps| async move {
            let testbed = repeating(FAST, server_caps).await;
            let mut viewer = viewer_with_picture(&testbed, &[Encoding::RAW]).await;
            // The viewer's key repeat encoding is not passed on: the next update would enable it.
            viewer.set_encodings(&[Encoding::RAW, KEY_REPEAT]).await;
            viewer.request_update(false, EVERYTHING).await;
            for _ in 0..viewer.update_head().await {
                let (area, encoding) = viewer.rectangle().await;
                assert_eq!(encoding, Encoding::RAW);
                let pixels = usize::try_from(area.pixels()).unwrap();
                viewer.bytes(4 * pixels).await;
            }
            viewer.key(A, true).await;
            let repeated = |typed: &str| typed.len() >= 4;
            testbed.host.typed_until("vm08", repeated).await;
            viewer.key(A, false).await;
            // Another key is typed once; by then the repetition of the first has ended.
            viewer.key(B, true).await;
            viewer.key(B, false).await;
            let keys = testbed
                .host
                .keys_until("vm08", |keys| strokes(keys).contains(&(0x30, false)))
                .await;
            let (down, rest) = keys.split_first().unwrap();
            assert_eq!((down.scan_code, down.repeated), (Some(0x1e), false));
            let rest = rest.iter().skip_while(|key| key.repeated);
            // On a busy machine the other key may repeat too.
            let rest = rest.filter(|key| key.scan_code != Some(0x30) || !key.repeated);
            let rest: Vec<KeyEvent> = rest.copied().collect();
            assert_eq!(strokes(&rest), [(0x1e, false), (0x30, true), (0x30, false)]);
            drop(viewer);
            testbed.end().await;
        },
    )))
    .await;
}

#[tokio::test]
async fn repeats_sent_by_the_viewer_are_single_presses() {
    within(join_all([Some(ServerCaps::default()), None].map(
        |server_caps| async move {
            let testbed = repeating(SLOW, server_caps).await;
            let mut viewer = viewer_with_picture(&testbed, &[Encoding::RAW]).await;
            for down in [true, true, true, false] {
                viewer.key(A, down).await;
            }
            let keys = testbed
                .host
                .keys_until("vm08", |keys| keys.last().is_some_and(|key| !key.down))
                .await;
            let held = [(0x1e, true); 3];
            assert_eq!(strokes(&keys), [&held[..], &[(0x1e, false)]].concat());
            assert_eq!(testbed.host.typed("vm08"), "aaa");
            drop(viewer);
            testbed.end().await;
        },
    )))
    .await;
}

#[tokio::test]
async fn key_release_overtakes_other_input_before_the_host_repeats_the_key() {
    within(async {
        let testbed = repeating(SLOW, Some(ServerCaps::default())).await;
        let mut viewer = viewer_with_picture(&testbed, &[Encoding::RAW]).await;
        viewer.key(A, true).await;
        // Many pointer events.
        for at in 0..20_000_u16 {
            let (x, y) = (at % 160, at % 120);
            viewer
                .send_message(Message::Pointer(Pointer { buttons: 0, x, y }))
                .await;
        }
        viewer.key(A, false).await;
        let keys = testbed
            .host
            .keys_until("vm08", |keys| keys.last().is_some_and(|key| !key.down))
            .await;
        assert_eq!(strokes(&keys), [(0x1e, true), (0x1e, false)]);
        // A clipboard that takes 30 s to type.
        let text = [b'b'; 2000];
        viewer.key(A, true).await;
        viewer.cut(&text).await;
        testbed
            .host
            .typed_until("vm08", |typed| typed.ends_with('b'))
            .await;
        viewer.key(A, false).await;
        let up = |keys: &[KeyEvent]| {
            let ups = keys.iter().filter(|key| !key.down);
            ups.filter(|key| key.scan_code == Some(0x1e)).count() == 2
        };
        let keys = testbed.host.keys_until("vm08", up).await;
        assert!(keys.iter().all(|key| !key.repeated), "{keys:?}");
        assert!(
            testbed.host.typed("vm08").len() < text.len(),
            "it went first"
        );
        drop(viewer);
        testbed.end().await;
    })
    .await;
}
