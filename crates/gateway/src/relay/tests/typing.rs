//! A viewer's clipboard on its way to ESXi: character by character, at a pace that a guest can read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWrite;
use tokio::time::Instant;
use ws_proto::{Decoder, Event, Role};

use super::super::debt::Debts;
use super::super::up::{End, Passage, Wire};
use super::super::{Rules, Traffic};
use super::stage::{Arriving, RULES, repair_of};
use crate::repair::Habits;
use console::mask_keys::MaskKeys;
use console::transport::Transport;

/// What goes to ESXi, and when.
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
async fn a_clipboard_is_typed_a_character_every_15_milliseconds() {
    let repair = repair_of(Habits {
        paste: true,
        ..Habits::default()
    });
    let mut viewer = Arriving {
        bytes: [&[6, 0, 0, 0, 0, 0, 0, 4][..], b"slow"].concat().into(),
        piece: usize::MAX,
        ends: false,
        calls: 0,
    };
    let rules = Rules {
        idle_timeout: Some(Duration::from_secs(1)),
        ..RULES
    };
    let (mut esxi, traffic) = (Timed::default(), Traffic::default());
    let wire = Wire::new(
        &mut esxi,
        &Transport::Plain,
        MaskKeys::new(),
        &traffic,
        rules,
        Passage::Repair(&repair),
    );
    let began = Instant::now();
    let end = wire.pump(&mut viewer, BytesMut::new(), &Debts::new()).await;
    assert!(matches!(end, End::Idle), "{end:?}");
    let heard: Vec<(u128, Vec<u8>)> = esxi.0[..4]
        .iter()
        .map(|(when, frame)| ((*when - began).as_millis(), payload(frame)))
        .collect();
    let key = |down: u8, character| [4, down, 0, 0, 0, 0, 0, character];
    let expected: Vec<(u128, Vec<u8>)> = [(15, b's'), (30, b'l'), (45, b'o'), (60, b'w')]
        .map(|(when, character)| (when, [key(1, character), key(0, character)].concat()))
        .into();
    assert_eq!(heard, expected);
    assert!(
        esxi.0[4..]
            .iter()
            .all(|(when, _)| *when - began >= Duration::from_secs(1)),
        "its end"
    );
}

/// A clipboard that takes longer to type than anybody may be idle.
#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_clipboard_is_not_idle() {
    let repair = repair_of(Habits {
        paste: true,
        ..Habits::default()
    });
    let text = [b'a'; 200];
    let mut viewer = Arriving::silent_after(
        [&[6, 0, 0, 0, 0, 0, 0, 200], &text[..]].concat(),
        usize::MAX,
    );
    let rules = Rules {
        idle_timeout: Some(Duration::from_secs(1)),
        ..RULES
    };
    let (mut esxi, traffic) = (Timed::default(), Traffic::default());
    let passage = Passage::Repair(&repair);
    let wire = Wire::new(
        &mut esxi,
        &Transport::Plain,
        MaskKeys::new(),
        &traffic,
        rules,
        passage,
    );
    let end = wire.pump(&mut viewer, BytesMut::new(), &Debts::new()).await;
    assert!(matches!(end, End::Idle), "{end:?}");
    assert!(esxi.0.len() >= 200, "{} characters", esxi.0.len());
}
