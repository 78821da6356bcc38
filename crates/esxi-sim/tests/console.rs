//! Consoles of a simulated host, with tokio-tungstenite as the client.

mod support;

use std::time::Duration;

use esxi_sim::{EndReason, Power, Screen, VmSettings};
use futures::{SinkExt, StreamExt};
use support::{Soap, Viewer, console, host, open, raw_console_at, soon, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{Error, Message};

#[tokio::test]
async fn a_viewer_sees_the_desktop_and_types_into_it() {
    let host = host().await;
    let mut viewer = console(&host, "vm08").await;
    assert_eq!(viewer.begin().await, (800, 600, "vm08".to_owned()));
    viewer.request(false, 0, 0, 800, 600).await;
    let update = viewer.update().await;
    let pixels: usize = update
        .iter()
        .map(|(_, _, width, height, _)| usize::from(*width) * usize::from(*height))
        .sum();
    assert_eq!(pixels, 800 * 600);
    let (_, _, _, _, first) = &update[0];
    assert_eq!(first[..4], [255, 255, 255, 0], "the first bar is white");
    for character in "hi!".chars() {
        viewer.key(u32::from(character)).await;
    }
    soon(host.typed_until("vm08", |typed| typed == "hi!")).await;
    viewer.send(&[5, 1, 0, 20, 0, 30]).await;
    let pointer = soon(host.pointer_until("vm08", |pointer| pointer.buttons == 1)).await;
    assert_eq!((pointer.x, pointer.y), (20, 30));
}

#[tokio::test]
async fn an_incremental_request_waits_for_a_change_and_shows_only_that() {
    let host = host().await;
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    viewer.request(false, 0, 0, 800, 600).await;
    viewer.update().await;
    viewer.request(true, 0, 0, 800, 600).await;
    let silent = tokio::time::timeout(Duration::from_millis(100), viewer.take(1)).await;
    assert!(silent.is_err(), "nothing has changed");
    viewer.send(&[5, 0, 0, 100, 0, 100]).await;
    let update = viewer.update().await;
    assert!(!update.is_empty());
    for (x, y, width, height, _) in update {
        assert!(
            x >= 64 && x + width <= 128 && y >= 64 && y + height <= 128,
            "{x} {y} {width} {height}"
        );
    }
}

#[tokio::test]
async fn the_clock_ticks_by_itself_in_its_corner() {
    let host = start(|settings| settings.clock = true).await;
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    viewer.request(false, 0, 0, 800, 600).await;
    viewer.update().await;
    viewer.request(true, 0, 0, 800, 600).await;
    let update = viewer.update().await;
    assert!(!update.is_empty());
    for (x, y, _, height, _) in update {
        assert!(x >= 800 - 128 && y + height <= 32, "{x} {y} {height}");
    }
}

#[tokio::test]
async fn equal_seeds_cut_equal_bytes_into_equal_messages() {
    let sizes = async |seed| {
        let host = start(|settings| settings.seed = seed).await;
        let mut viewer = console(&host, "vm08").await;
        viewer.begin().await;
        viewer.request(false, 0, 0, 800, 600).await;
        let mut sizes = Vec::new();
        while sizes.iter().sum::<usize>() < 800 * 600 * 4 {
            sizes.push(viewer.message().await.unwrap().len());
        }
        sizes
    };
    let first = sizes(7).await;
    assert_eq!(first, sizes(7).await);
    assert_ne!(first, sizes(8).await);
}

#[tokio::test]
async fn several_consoles_share_the_desktop() {
    let host = host().await;
    let mut first = console(&host, "vm08").await;
    first.begin().await;
    let mut second = console(&host, "vm08").await;
    second.begin().await;
    second.request(false, 0, 0, 800, 600).await;
    second.update().await;
    second.request(true, 0, 0, 800, 600).await;
    first.key(u32::from('a')).await;
    assert!(!second.update().await.is_empty());
}

#[tokio::test]
async fn the_first_message_is_the_12_byte_version_alone() {
    let host = host().await;
    for _ in 0..8 {
        let mut viewer = console(&host, "vm08").await;
        assert_eq!(viewer.message().await.unwrap(), b"RFB 003.008\n");
    }
}

/// The lengths of the TLS records that carry application data (RFC 8446 section 5.1).
fn records(mut bytes: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if *kind == 23 {
            lengths.push(length);
        }
        bytes = rest.get(length..).unwrap_or_default();
    }
    lengths
}

#[tokio::test]
async fn the_version_shares_a_tls_record_with_the_response_to_the_upgrade() {
    let host = host().await;
    let tap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tap.local_addr().unwrap();
    let passed_on = async {
        let (mut client, _) = tap.accept().await.unwrap();
        let mut server = TcpStream::connect(host.console_address()).await.unwrap();
        let mut seen = Vec::new();
        let (mut up, mut down) = ([0; 4096], [0; 4096]);
        loop {
            tokio::select! {
                read = client.read(&mut up) => match read.unwrap_or(0) {
                    0 => return seen,
                    length => server.write_all(&up[..length]).await.unwrap(),
                },
                read = server.read(&mut down) => {
                    let length = read.unwrap();
                    seen.extend(&down[..length]);
                    client.write_all(&down[..length]).await.unwrap();
                }
            }
        }
    };
    let opened = async {
        let (stream, behind) = raw_console_at(&host, "vm08", address).await;
        assert_eq!(behind, b"\x82\x0cRFB 003.008\n");
        drop(stream);
    };
    let (seen, ()) = soon(async { tokio::join!(passed_on, opened) }).await;
    let records = records(&seen);
    let version_alone = 14 + 1 + 16;
    assert!(records.len() > 1, "{records:?}");
    assert!(!records.contains(&version_alone), "{records:?}");
}

#[tokio::test]
async fn later_bytes_are_cut_into_messages_anywhere() {
    let host = host().await;
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    viewer.request(false, 0, 0, 800, 600).await;
    let mut sizes = Vec::new();
    let mut left = 800 * 600 * 4;
    while left > 0 {
        let message = viewer.message().await.unwrap();
        left = usize::saturating_sub(left, message.len());
        sizes.push(message.len());
    }
    assert!(sizes.len() > 3, "{sizes:?}");
    assert!(sizes.iter().any(|size| size % 4 != 0), "{sizes:?}");
}

#[tokio::test]
async fn without_the_subprotocol_binary_the_connection_is_dropped_unanswered() {
    let host = host().await;
    let ticket = Soap::logged_in(&host).await.ticket("vm08").await;
    for offer in [None, Some("vmware-vvc"), Some("binaryx")] {
        let error = open(&host, &ticket, offer).await.unwrap_err();
        assert!(!matches!(error, Error::Http(_)), "{error:?}");
    }
    assert_eq!(host.counts().binary_missing, 3);
    assert!(
        open(&host, &ticket, Some("vmware-vvc, binary"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_ticket_opens_one_console() {
    let host = host().await;
    let ticket = Soap::logged_in(&host).await.ticket("vm08").await;
    let _first = open(&host, &ticket, Some("binary")).await.unwrap();
    for ticket in [ticket.as_str(), "0123456789abcdef"] {
        match open(&host, ticket, Some("binary")).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 404),
            other => panic!("{other:?}"),
        }
    }
    let counts = host.counts();
    assert_eq!(
        (
            counts.tickets_issued,
            counts.tickets_spent,
            counts.tickets_refused
        ),
        (1, 1, 2)
    );
}

#[tokio::test]
async fn a_ticket_expires() {
    let host = start(|settings| settings.ticket_lifetime = Duration::ZERO).await;
    let ticket = Soap::logged_in(&host).await.ticket("vm08").await;
    let refused = open(&host, &ticket, Some("binary")).await;
    assert!(matches!(refused, Err(Error::Http(response)) if response.status() == 404));
}

#[tokio::test]
async fn pings_are_never_answered() {
    let host = host().await;
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    for _ in 0..3 {
        viewer
            .socket
            .send(Message::Ping("are you there".into()))
            .await
            .unwrap();
    }
    soon(host.counts_until(|counts| counts.pings == 3)).await;
    viewer.request(false, 0, 0, 800, 600).await;
    let mut left = 4 + 12 + 800 * 600 * 4;
    let mut messages = 0;
    while left > 0 {
        match soon(viewer.socket.next()).await.unwrap().unwrap() {
            Message::Binary(bytes) => left = usize::saturating_sub(left, bytes.len()),
            other => panic!("{other:?}"),
        }
        messages += 1;
    }
    assert!(messages > 0);
}

#[tokio::test]
async fn what_a_real_host_refuses_ends_the_console() {
    let pixel_format = |flag: u8| {
        [
            0, 0, 0, 0, 32, 24, 0, flag, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0,
        ]
        .to_vec()
    };
    let wrong = [
        pixel_format(255),
        pixel_format(0),
        vec![127, 4, 0, 8, 0, 0, 0, 0],
        vec![248],
        vec![6, 0, 0, 0, 255, 255, 255, 0],
    ];
    let host = host().await;
    for (number, message) in wrong.into_iter().enumerate() {
        let mut viewer = console(&host, "vm08").await;
        viewer.begin().await;
        viewer.send(&pixel_format(1)).await;
        viewer.send(&message).await;
        assert_eq!(viewer.ended().await, Some(1002));
        drop(viewer);
        let counts = soon(host.counts_until(|counts| counts.ends.len() > number)).await;
        assert!(
            matches!(counts.ends[number].reason, EndReason::Violation(_)),
            "{:?}",
            counts.ends[number]
        );
    }
}

#[tokio::test]
async fn a_text_message_ends_the_console() {
    let host = host().await;
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    viewer.socket.send(Message::text("RFB")).await.unwrap();
    assert_eq!(viewer.ended().await, Some(1002));
}

#[tokio::test]
async fn smaller_pixels_are_sent_when_they_are_asked_for() {
    let host = host().await;
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    viewer
        .send(&[
            0, 0, 0, 0, 16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0,
        ])
        .await;
    viewer.request(false, 0, 300, 100, 1).await;
    viewer.take(4).await;
    let head = viewer.take(12).await;
    assert_eq!(head[..8], [0, 0, 1, 44, 0, 100, 0, 1]);
    let pixels = viewer.take(200).await;
    assert_eq!(pixels[..2], [0xff, 0xff], "white in 5-6-5");
    assert_eq!(pixels[2 * 20..][..2], [0, 0], "the black of the text area");
}

#[tokio::test]
async fn powering_off_ends_the_consoles() {
    let host = host().await;
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    host.set_power("vm08", Power::Off);
    assert_eq!(viewer.ended().await, Some(1001));
}

#[tokio::test]
async fn every_way_of_ending_leaves_no_connection_behind() {
    let host = host().await;
    let mut closed = console(&host, "vm08").await;
    closed.begin().await;
    closed.socket.close(None).await.unwrap();
    closed.ended().await;
    drop(closed);
    let lost = console(&host, "vm08").await;
    drop(lost);
    let counts =
        soon(host.counts_until(|counts| counts.ends.len() == 2 && counts.connections_open == 0))
            .await;
    let ends: Vec<&EndReason> = counts.ends.iter().map(|end| &end.reason).collect();
    assert!(ends.contains(&&EndReason::ClosedByClient(None)), "{ends:?}");
    assert!(ends.contains(&&EndReason::LostClient), "{ends:?}");
    assert_eq!(counts.consoles_open, 0);
}

#[tokio::test]
async fn stopping_ends_open_consoles_and_frees_the_port() {
    let host = host().await;
    let address = host.address();
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    soon(host.stop()).await;
    viewer.ended().await;
    assert!(TcpListener::bind(address).await.is_ok());
}

#[tokio::test]
async fn dropping_the_host_frees_its_port_by_itself() {
    let host = host().await;
    let address = host.address();
    let mut viewer = console(&host, "vm08").await;
    viewer.begin().await;
    drop(host);
    viewer.ended().await;
    soon(async { while TcpStream::connect(address).await.is_ok() {} }).await;
}

#[tokio::test]
async fn a_full_frame_of_100_mib_can_be_one_message() {
    let host = start(|settings| {
        settings.vms = vec![VmSettings {
            screen: Screen::Desktop {
                width: 5120,
                height: 5120,
            },
            ..VmSettings::desktop("big")
        }];
    })
    .await;
    host.misbehave(esxi_sim::Misbehaviour::OneMessagePerTurn);
    let mut viewer: Viewer = console(&host, "big").await;
    assert_eq!(viewer.begin().await, (5120, 5120, "big".to_owned()));
    viewer.request(false, 0, 0, 5120, 5120).await;
    let message = viewer.message().await.unwrap();
    assert!(message.len() > 100 * 1024 * 1024, "{}", message.len());
}
