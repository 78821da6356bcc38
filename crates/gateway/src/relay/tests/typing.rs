//! Timing of keys: a typed clipboard has a fixed interval, delayed keys keep the viewer's intervals.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};
use ws_proto::{Decoder, Event, Role};

use super::super::decrypted::Decrypted;
use super::super::input_path::InputPath;
use super::super::pending_reply::PendingReply;
use super::super::to_host::{HostWriter, ToHostEnd};
use super::super::{Traffic, ViewerPolicy};
use super::stage::{Arriving, POLICY, dialogue_of};
use crate::viewer_link::Clocks;
use console::mask_keys::MaskKeys;
use console::transport::Transport;
use dialect::InputSettings;

/// Records writes to ESXi and their times.
#[derive(Default)]
struct Timed(Vec<(Instant, Vec<u8>)>);

impl AsyncWrite for Timed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.push((Instant::now(), bytes.to_vec()));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn payload(frame: &[u8]) -> Vec<u8> {
    let mut frame = BytesMut::from(frame);
    match Decoder::new(Role::Server).decode(&mut frame) {
        Ok(Some(Event::Data { payload, .. })) => payload.to_vec(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn clipboard_is_typed_at_the_typing_interval() {
    let dialogue = dialogue_of(InputSettings {
        paste: true,
        ..InputSettings::default()
    });
    let mut viewer = Arriving {
        bytes: [&[6, 0, 0, 0, 0, 0, 0, 4][..], b"slow"].concat().into(),
        piece: usize::MAX,
        ends: false,
        calls: 0,
    };
    let policy = ViewerPolicy {
        idle_timeout: Some(Duration::from_secs(1)),
        ..POLICY
    };
    let (mut esxi, traffic) = (Timed::default(), Traffic::default());
    let mut clocks = Clocks::start();
    let writer = HostWriter::new(
        &mut esxi,
        &Transport::Plain,
        MaskKeys::new(),
        &traffic,
        policy,
        InputPath::Dialect(&dialogue),
        &mut clocks,
    );
    let began = Instant::now();
    let end = writer
        .pump(&mut viewer, BytesMut::new(), &PendingReply::new())
        .await;
    assert!(matches!(end, ToHostEnd::Idle), "{end:?}");
    let received: Vec<(u128, Vec<u8>)> = esxi.0[..4]
        .iter()
        .map(|(when, frame)| ((*when - began).as_millis(), payload(frame)))
        .collect();
    let key = |down: u8, character| [4, down, 0, 0, 0, 0, 0, character];
    let expected: Vec<(u128, Vec<u8>)> = [(15, b's'), (30, b'l'), (45, b'o'), (60, b'w')]
        .map(|(when, character)| (when, [key(1, character), key(0, character)].concat()))
        .into();
    assert_eq!(received, expected);
    assert!(
        esxi.0[4..]
            .iter()
            .all(|(when, _)| *when - began >= Duration::from_secs(1)),
        "its end"
    );
}

/// A clipboard that takes longer to type than `idle_timeout`.
#[tokio::test(start_paused = true)]
async fn typing_a_clipboard_resets_the_idle_timeout() {
    let dialogue = dialogue_of(InputSettings {
        paste: true,
        ..InputSettings::default()
    });
    let text = [b'a'; 200];
    let mut viewer = Arriving::silent_after(
        [&[6, 0, 0, 0, 0, 0, 0, 200], &text[..]].concat(),
        usize::MAX,
    );
    let policy = ViewerPolicy {
        idle_timeout: Some(Duration::from_secs(1)),
        ..POLICY
    };
    let (mut esxi, traffic) = (Timed::default(), Traffic::default());
    let path = InputPath::Dialect(&dialogue);
    let mut clocks = Clocks::start();
    let writer = HostWriter::new(
        &mut esxi,
        &Transport::Plain,
        MaskKeys::new(),
        &traffic,
        policy,
        path,
        &mut clocks,
    );
    let end = writer
        .pump(&mut viewer, BytesMut::new(), &PendingReply::new())
        .await;
    assert!(matches!(end, ToHostEnd::Idle), "{end:?}");
    assert!(esxi.0.len() >= 200, "{} characters", esxi.0.len());
}

/// Sends the keys of `pressed` at their times in milliseconds, and returns when the host receives them.
async fn received_keys(pressed: &[(u64, u8)], host_can_after: Option<u64>) -> Vec<(u128, u8)> {
    let dialogue = dialogue_of(InputSettings::default());
    let (mut viewer, mut hands) = tokio::io::duplex(1024);
    let (mut esxi, traffic) = (Timed::default(), Traffic::default());
    let path = InputPath::Dialect(&dialogue);
    let policy = ViewerPolicy {
        idle_timeout: Some(Duration::from_secs(10)),
        ..POLICY
    };
    let (pending, keys) = (PendingReply::new(), MaskKeys::new());
    let mut clocks = Clocks::start();
    let writer = HostWriter::new(
        &mut esxi,
        &Transport::Plain,
        keys,
        &traffic,
        policy,
        path,
        &mut clocks,
    );
    let began = Instant::now();
    let at = |millis| sleep_until(began + Duration::from_millis(millis));
    let typing = async {
        for &(millis, keysym) in pressed {
            at(millis).await;
            let key = [4, 1, 0, 0, 0, 0, 0, keysym];
            hands.write_all(&key).await.unwrap();
        }
        if let Some(millis) = host_can_after {
            at(millis).await;
            // ServerCaps without QEMU key events.
            let mut decrypted = Decrypted::default();
            decrypted.input.append(&[127, 0, 0, 8, 0, 0, 0, 0]);
            let received = decrypted.translate(0..8, |bytes, viewer| {
                dialogue.receive_from_host(bytes, viewer)
            });
            received.unwrap();
        }
    };
    let (end, ()) = tokio::join!(writer.pump(&mut viewer, BytesMut::new(), &pending), typing);
    assert!(matches!(end, ToHostEnd::Idle), "{end:?}");
    let mut received = Vec::new();
    for (when, frame) in &esxi.0 {
        let when = (*when - began).as_millis();
        for message in payload_or_none(frame).chunks(8) {
            if let [4, 1, .., keysym] = message {
                received.push((when, *keysym));
            }
        }
    }
    received
}

/// The payload of a data frame.
fn payload_or_none(frame: &[u8]) -> Vec<u8> {
    match frame.first() {
        Some(0x82) => payload(frame),
        _ => Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn delayed_keys_are_sent_half_a_second_after_the_first() {
    // No pause is as long as half a second.
    let pressed: Vec<(u64, u8)> = (0..6).map(|n| (400 * n, b'a')).collect();
    let received = received_keys(&pressed, None).await;
    assert_eq!(received.first(), Some(&(500, b'a')));
    assert_eq!(received.len(), pressed.len());
}

#[tokio::test(start_paused = true)]
async fn delayed_keys_keep_their_intervals() {
    let pressed = [(0, b'a'), (200, b'b'), (450, b'c'), (1000, b'd')];
    let received = received_keys(&pressed, None).await;
    assert_eq!(
        received,
        [(500, b'a'), (700, b'b'), (950, b'c'), (1000, b'd')]
    );
}

#[tokio::test(start_paused = true)]
async fn keys_received_behind_delayed_ones_catch_up() {
    let pressed = [
        (0, b'a'),
        (400, b'b'),
        (700, b'c'),
        (800, b'd'),
        (3000, b'e'),
    ];
    let received = received_keys(&pressed, None).await;
    assert_eq!(
        received,
        [
            (500, b'a'),
            (900, b'b'),
            (1050, b'c'),
            (1100, b'd'),
            (3000, b'e')
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn delayed_keys_keep_their_intervals_after_server_caps() {
    let received = received_keys(&[(0, b'a'), (100, b'b')], Some(300)).await;
    assert_eq!(received, [(300, b'a'), (400, b'b')]);
}
