//! Timeouts, on tokio's paused clock.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};
use ws_proto::{Decoder, Role};

use super::super::decrypted::Decrypted;
use super::super::input_path::InputPath;
use super::super::pending_reply::PendingReply;
use super::super::to_host::{HostWriter, ToHostEnd};
use super::super::to_viewer::{self, HostReader};
use super::super::view_only_filter::ViewOnlyFilter;
use super::super::{Traffic, ViewerPolicy};
use super::stage::{POLICY, dialogue, frame, shared, update};
use crate::viewer_link::Clocks;
use console::mask_keys::MaskKeys;
use console::transport::Transport;
use dialect::{HostKind, InputSettings};

const REQUEST: &[u8] = &[3, 1, 0, 0, 0, 0, 0, 64, 0, 48];
const POINTER: &[u8] = &[5, 0, 0, 7, 0, 9];
const SECOND: Duration = Duration::from_secs(1);

/// Sends ClientInit, then `message` every 400 ms. Returns how that ends within a minute, when, and ESXi's first byte.
async fn send_repeatedly(
    message: &[u8],
    path: InputPath<'_, 'static>,
    policy: ViewerPolicy,
    init: u8,
) -> (Option<ToHostEnd>, Duration, u8) {
    let (mut viewer, mut near) = duplex(1 << 16);
    let (mut esxi, mut console) = duplex(1 << 20);
    let (pending, traffic, transport) = (PendingReply::new(), Traffic::default(), Transport::Plain);
    let begun = Instant::now();
    let mut clocks = Clocks::start();
    let pump = HostWriter::new(
        &mut esxi,
        &transport,
        MaskKeys::new(),
        &traffic,
        policy,
        path,
        &mut clocks,
    )
    .pump(&mut near, BytesMut::new(), &pending);
    let person = async {
        viewer.write_all(&[init]).await.unwrap();
        loop {
            sleep(SECOND * 2 / 5).await;
            viewer.write_all(message).await.unwrap();
        }
    };
    let end = tokio::select! {
        end = timeout(SECOND * 60, pump) => end.ok(),
        () = person => unreachable!(),
    };
    let took = begun.elapsed();
    (end, took, unmasked(&mut console).await)
}

/// The first byte of the first frame, which is short.
async fn unmasked(console: &mut DuplexStream) -> u8 {
    let mut head = [0; 7];
    console.read_exact(&mut head).await.unwrap();
    head[6] ^ head[2]
}

#[tokio::test(start_paused = true)]
async fn only_input_events_reset_the_idle_timeout() {
    let policy = ViewerPolicy {
        idle_timeout: Some(SECOND),
        ..POLICY
    };
    let passages = || {
        let repaired = shared(InputSettings::default(), false, HostKind::Vmware);
        let looks = shared(InputSettings::default(), true, HostKind::Vmware);
        [Some(repaired), Some(looks), None]
    };
    for (message, stays) in [(REQUEST, false), (POINTER, true)] {
        for dialogue in passages() {
            let path = match &dialogue {
                Some(dialogue) => InputPath::Dialect(dialogue),
                None => InputPath::ViewOnly(ViewOnlyFilter::new()),
            };
            let (end, took, _) = send_repeatedly(message, path, policy, 1).await;
            match stays {
                true => assert!(end.is_none(), "{end:?} after {took:?}"),
                false => assert!(
                    matches!(end, Some(ToHostEnd::Idle)) && took == SECOND,
                    "{end:?}, {took:?}"
                ),
            }
        }
    }
    // Where messages are not parsed, any of them counts as input.
    let (end, ..) = send_repeatedly(REQUEST, InputPath::Unchanged, policy, 1).await;
    assert!(end.is_none(), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn shared_flag_is_set_unless_exclusive_access_is_allowed() {
    for may_be_exclusive in [false, true] {
        for init in [0, 1] {
            let policy = ViewerPolicy {
                may_be_exclusive,
                ..POLICY
            };
            let expected = if may_be_exclusive { init } else { 1 };
            let (_, _, received) =
                send_repeatedly(REQUEST, InputPath::Unchanged, policy, init).await;
            assert_eq!(received, expected);
            let dialogue = shared(InputSettings::default(), false, HostKind::Vmware);
            let (_, _, received) =
                send_repeatedly(REQUEST, InputPath::Dialect(&dialogue), policy, init).await;
            assert_eq!(received, expected);
            let (_, _, received) = send_repeatedly(
                REQUEST,
                InputPath::ViewOnly(ViewOnlyFilter::new()),
                policy,
                init,
            )
            .await;
            assert_eq!(received, expected);
        }
    }
}

/// Sends a part of an update, then only pings.
#[tokio::test(start_paused = true)]
async fn pings_do_not_extend_the_deadline_of_an_unfinished_update() {
    let dialogue = dialogue();
    let whole = [3, 0, 0, 0, 0, 0, 8, 0, 6, 0];
    dialogue
        .receive_from_viewer(&whole, &mut BytesMut::new())
        .unwrap();
    let (mut console, mut esxi) = duplex(1 << 16);
    let (mut near, _viewer) = duplex(1 << 20);
    let (pending, traffic, transport) = (PendingReply::new(), Traffic::default(), Transport::Plain);
    let source = HostReader {
        stream: &mut console,
        transport: &transport,
        decoder: Decoder::new(Role::Client),
        decrypted: Decrypted::default(),
        dialogue: Some(&dialogue),
    };
    let early = [BytesMut::new(), BytesMut::new()];
    let pump = to_viewer::pump(source, early, &mut near, &pending, &traffic);
    let host = async {
        esxi.write_all(&frame(&update(100))).await.unwrap();
        sleep(SECOND).await;
        assert!(dialogue.lock().waits_for_more().is_some());
        // Another part restarts the deadline.
        esxi.write_all(&frame(&update(100))).await.unwrap();
        for second in 0..4 {
            assert_eq!(
                dialogue.lock().waits_for_more().is_some(),
                second < 2,
                "{second} s"
            );
            esxi.write_all(&[0x89, 0]).await.unwrap();
            sleep(SECOND + SECOND / 100).await;
        }
    };
    tokio::select! {
        end = pump => panic!("{end:?}"),
        () = host => {}
    }
}
