//! Typed and pasted text arrives in guests with every keyboard layout, and no key stays down.

use esxi_sim::{Layout as Guest, PointerMode, ServerCaps, Wheel};
use futures::future::join_all;
use rfb_proto::PixelFormat;
use rfb_proto::client_messages::{Key, Pointer, QemuKey};
use rfb_proto::keys::{self, Layout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::support::esxi::Esxi;
use crate::support::{frame, within};

/// A guest's layout, text for it, and the part of the text on keys that US keyboards lack.
///
/// The text is absent from a US keyboard, on another key there, or needs AltGr or a dead key. Left out are characters that
/// the gateway's layouts (Windows) and the guests' (Linux) have on different keys.
const TEXTS: [(Guest, &str, &[char]); 6] = [
    (
        Guest::Us,
        "The quick brown fox; [jumps] {over} 'the' ~lazy~ \"dog\"! @#$%^&*()_+-=\\|<>?",
        &[],
    ),
    (
        Guest::German,
        "Füße: Zypern, Yacht. @ [a] {b} \\ | ~ € ß ´e ê è \"x\" #+*' <>",
        &['<', '>', '|'],
    ),
    (
        Guest::French,
        "Où ça? l été, à Noël: azerty; qwm, 1234 @ [a] {b} \\ | # € ù% <>",
        &['<', '>'],
    ),
    (
        Guest::British,
        "A \"quick\" @fox's £5 = €6: #1 ~2 ¬3 `4` ^5 \\ | [a] {b} & y-z; (q_w) *?",
        &['\\', '|'],
    ),
    (
        Guest::Spanish,
        "¿Qué pingüino? ¡Añádelo! ÑÇç ºª · @ # | \\ [a] {b} € ¬ ò Ê ´x ^` ¨ =/(y)-z_ <;:>",
        &['<', '>'],
    ),
    (
        Guest::Japanese,
        "\"quick\" @fox's: `a` ^~ [b] {c} = & (y) *+; |\\_ Q-z <>? #$%",
        &['\\', '|', '_'],
    ),
];

fn layout(guest: Guest) -> fn(ConsoleSettings) -> ConsoleSettings {
    match guest {
        Guest::Us => |console| typing(console, Layout::Us),
        Guest::German => |console| typing(console, Layout::De),
        Guest::French => |console| typing(console, Layout::Fr),
        Guest::British => |console| typing(console, Layout::Uk),
        Guest::Spanish => |console| typing(console, Layout::Es),
        Guest::Japanese => |console| typing(console, Layout::Jp),
    }
}

fn typing(console: ConsoleSettings, layout: Layout) -> ConsoleSettings {
    let input_settings = InputSettings {
        layout,
        paste: true,
        ..InputSettings::default()
    };
    ConsoleSettings {
        input_settings: Some(input_settings),
        ..console
    }
}

const RETURN: u32 = 0xff0d;

async fn press(viewer: &mut Viewer, keysym: u32) {
    for down in [true, false] {
        viewer
            .send_message(Message::Key(Key { down, keysym }))
            .await;
    }
}

#[tokio::test]
async fn typed_text_arrives_in_every_layout() {
    within(join_all(TEXTS.map(|(guest, text, _)| async move {
        let quirks = Quirks {
            layout: guest,
            ..Quirks::default()
        };
        let testbed = testbed_with(quirks, layout(guest)).await;
        let mut viewer = viewer_with_picture(&testbed, &[Encoding::RAW]).await;
        for character in text.chars() {
            press(&mut viewer, keys::keysym(character)).await;
        }
        press(&mut viewer, RETURN).await;
        let typed = testbed
            .host
            .typed_until("vm08", |typed| typed.ends_with('\n'))
            .await;
        assert_eq!(typed.trim_end(), text);
        drop(viewer);
        testbed.end().await;
    })))
    .await;
}

#[tokio::test]
async fn pasted_text_arrives_in_every_layout_by_scancode_and_by_keysym() {
    let cases = TEXTS.into_iter().flat_map(|(guest, text, not_us)| {
        // Keys that US keyboards lack cannot be sent as keysyms.
        let without = text.replace(not_us, "");
        [
            (guest, text.to_owned(), Some(ServerCaps::default())),
            (guest, without, None),
        ]
    });
    within(join_all(cases.map(
        |(guest, text, server_caps)| async move {
            let quirks = Quirks {
                layout: guest,
                server_caps,
                ..Quirks::default()
            };
            let testbed = testbed_with(quirks, layout(guest)).await;
            let mut viewer = viewer_with_picture(&testbed, &[Encoding::RAW]).await;
            let clipboard = format!("{text}\n");
            let length = u32::try_from(clipboard.len()).unwrap().to_be_bytes();
            let cut = [&[6, 0, 0, 0][..], &length, clipboard.as_bytes()].concat();
            viewer.send(&cut).await;
            let typed = testbed
                .host
                .typed_until("vm08", |typed| typed.ends_with('\n'))
                .await;
            assert_eq!(typed, clipboard, "{server_caps:?}");
            drop(viewer);
            testbed.end().await;
        },
    )))
    .await;
}

#[tokio::test]
async fn qemu_extended_keys_are_independent_of_the_guests_layout() {
    within(async {
        let quirks = Quirks {
            layout: Guest::German,
            ..Quirks::default()
        };
        // No layout is configured.
        let testbed = testbed_with(quirks, |console| console).await;
        let mut viewer = testbed.viewer().await;
        viewer.open().await;
        viewer.set_encodings(&[Encoding::QEMU_EXTENDED_KEY]).await;
        viewer.request_update(false, EVERYTHING).await;
        viewer.update_head().await;
        assert_eq!(viewer.rectangle().await.1, Encoding::QEMU_EXTENDED_KEY);
        // z, ß, and AltGr-q on a German keyboard.
        for (keysym, keycode) in [(0x7a, 0x15), (0xdf, 0x0c)] {
            for down in [true, false] {
                let key = QemuKey {
                    down,
                    keysym,
                    keycode,
                };
                viewer.send_message(Message::QemuKey(key)).await;
            }
        }
        for (down, keysym, keycode) in [
            (true, 0xfe03, 0xb8),
            (true, 0x40, 0x10),
            (false, 0x40, 0x10),
            (false, 0xfe03, 0xb8),
        ] {
            let key = QemuKey {
                down,
                keysym,
                keycode,
            };
            viewer.send_message(Message::QemuKey(key)).await;
        }
        let all = |typed: &str| typed.chars().count() == 3;
        assert_eq!(testbed.host.typed_until("vm08", all).await, "zß@");
        let by_scancode = testbed
            .host
            .keys("vm08")
            .iter()
            .all(|key| key.keysym.is_none());
        assert!(by_scancode, "no keysym has reached the host");
        drop(viewer);
        testbed.end().await;
    })
    .await;
}

/// The viewer waits for no picture: ServerCaps is not received yet when it types.
#[tokio::test]
async fn keys_sent_before_server_caps_arrive() {
    within(async {
        let quirks = Quirks {
            layout: Guest::German,
            ..Quirks::default()
        };
        let testbed = testbed_with(quirks, layout(Guest::German)).await;
        for visit in 1..=20 {
            let mut viewer = testbed.viewer().await;
            viewer.open().await;
            for character in "zy\n".chars() {
                press(&mut viewer, keys::keysym(character)).await;
            }
            // The viewer leaves before the host has sent ServerCaps.
            drop(viewer);
            let all = |typed: &str| typed.matches('\n').count() == visit;
            assert_eq!(
                testbed.host.typed_until("vm08", all).await,
                "zy\n".repeat(visit)
            );
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn key_release_is_not_delayed_by_a_viewer_that_does_not_read() {
    within(async {
        let esxi = Esxi::start().await;
        let mut setup = Setup::default().with_console_host(&esxi);
        setup.transparent = false;
        let testbed = setup.start().await;
        let (mut viewer, connection) = esxi.session(&testbed).await;
        let (mut reader, mut say) = connection.split();
        // A screen of 64 MiB that is not read: every buffer on the way fills.
        let mut init = vec![16, 0, 16, 0];
        PixelFormat::VMWARE.write(&mut init);
        init.extend([0; 4]);
        let update = [0, 0, 0, 1, 0, 0, 0, 0, 16, 0, 16, 0, 0, 0, 0, 0];
        let flood = async {
            for message in [&init[..], &update, &vec![7; 64 << 20]] {
                say.write_all(&frame::whole(frame::BINARY, message))
                    .await
                    .unwrap();
            }
            // Flushes what the TLS session has buffered.
            say.flush().await.unwrap();
        };
        let typing = async {
            viewer.stream.peek(&mut [0]).await.unwrap();
            press(&mut viewer, 0x61).await;
            let mut expected = Vec::new();
            for down in [true, false] {
                Message::Key(Key { down, keysym: 0x61 }).write(&mut expected);
            }
            // After the gateway's own SetEncodings with one encoding.
            assert_eq!(reader.bytes(8).await[..4], [2, 0, 0, 1]);
            assert_eq!(reader.bytes(16).await, expected);
            let mut picture = vec![0; 24 + update.len() + (64 << 20)];
            viewer.stream.read_exact(&mut picture).await.unwrap();
            assert!(picture.ends_with(&[7; 1000]));
        };
        tokio::join!(flood, typing);
        drop((viewer, reader, say));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn wheel_and_relative_pointer_arrive() {
    within(async {
        let testbed = testbed_with(Quirks::default(), |console| console).await;
        testbed.host.set_pointer_mode("vm08", PointerMode::Relative);
        let mut viewer = testbed.viewer().await;
        viewer.open().await;
        viewer.set_encodings(&[Encoding::QEMU_POINTER_MOTION]).await;
        // The gateway requests it once ServerCaps was received.
        let mut told = false;
        while !told {
            viewer.request_update(false, EVERYTHING).await;
            for _ in 0..viewer.update_head().await {
                let (area, encoding) = viewer.rectangle().await;
                match encoding {
                    Encoding::QEMU_POINTER_MOTION => {
                        assert_eq!(area.x, 0, "relative");
                        told = true;
                    }
                    Encoding::RAW => {
                        let pixels = usize::try_from(area.pixels()).unwrap();
                        viewer.bytes(4 * pixels).await;
                    }
                    _ => panic!("{encoding:?}"),
                }
            }
        }
        let steps = Pointer {
            buttons: 1,
            x: 0x7fff + 5,
            y: 0x7fff + 7,
        };
        viewer.send_message(Message::Pointer(steps)).await;
        testbed
            .host
            .pointer_until("vm08", |pointer| pointer.buttons == 1)
            .await;
        drop(viewer);
        testbed.end().await;
        let testbed = testbed_with(Quirks::default(), |console| console).await;
        let mut viewer = viewer_with_picture(&testbed, &[Encoding::RAW]).await;
        for buttons in [1 << 3, 0, 1 << 3, 0, 1 << 4, 0, 1 << 3, 0] {
            let pointer = Pointer {
                buttons,
                x: 3,
                y: 4,
            };
            viewer.send_message(Message::Pointer(pointer)).await;
        }
        press(&mut viewer, 0x61).await;
        testbed.host.typed_until("vm08", |typed| typed == "a").await;
        let Wheel { vertical, .. } = testbed.host.wheel("vm08");
        assert_eq!(vertical, 2);
        drop(viewer);
        testbed.end().await;
    })
    .await;
}
