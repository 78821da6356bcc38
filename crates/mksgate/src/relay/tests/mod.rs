//! The relay's path from ESXi, driven without sockets: every byte, every end, and how many calls that takes.

mod allocations;
mod stage;

use bytes::BytesMut;
use rustls::AlertDescription;
use ws_proto::{Decoder, Role};

use super::Traffic;
use super::debt::Debts;
use super::down::{self, End, Source};
use super::plain::Plain;
use crate::tls_session;
use stage::{Arriving, Host, KINDS, Numbers, TLS13, Viewer, frame, relay};

#[tokio::test]
async fn every_byte_arrives_whatever_records_frames_and_reads_it_is_cut_into() {
    for kind in KINDS {
        for (piece, takes) in [(1, 0), (7, 3), (1000, 0), (20_000, 5000), (1 << 20, 0)] {
            let (mut host, session) = Host::met(kind);
            let mut numbers = Numbers(piece as u64);
            let (mut sent, mut frames) = (Vec::new(), Vec::new());
            while sent.len() < if piece < 10 { 60_000 } else { 6 << 20 } {
                let size = numbers.size();
                let payload = numbers.bytes(size);
                frames.extend(frame(&payload));
                sent.extend(payload);
            }
            let mut wire = Vec::new();
            let mut rest = &frames[..];
            while !rest.is_empty() {
                let (record, behind) = rest.split_at(rest.len().min(1 + numbers.below(40_000)));
                host.say(record);
                wire.extend(host.wire());
                rest = behind;
            }
            let mut viewer = Viewer {
                takes,
                ..Viewer::default()
            };
            let (end, _) = relay(&session, wire, piece, &mut viewer).await;
            assert!(matches!(end, End::Vanished), "{end:?}");
            assert!(viewer.bytes == sent, "{kind:?} in reads of {piece}");
        }
    }
}

#[tokio::test]
async fn keys_that_are_renewed_in_a_burst_are_followed_and_answered() {
    for kind in TLS13 {
        let (mut host, session) = Host::met(kind);
        let payload = Numbers(3).bytes(100_000);
        let (mut wire, mut sent) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            host.say(&frame(&payload));
            sent.extend_from_slice(&payload);
            host.0.refresh_traffic_keys().unwrap();
            wire.extend(host.wire());
        }
        let mut viewer = Viewer::default();
        relay(&session, wire, 100_000, &mut viewer).await;
        assert!(viewer.bytes == sent);
        // Our own keys are renewed with the next bytes, and the host follows.
        for event in [b"first", b"other"] {
            assert_eq!(host.hear(&session.seal(event).unwrap()).unwrap(), event);
        }
    }
}

#[tokio::test]
async fn a_close_notify_and_a_cut_are_both_ends_after_all_bytes() {
    for kind in KINDS {
        for in_order in [true, false] {
            let (mut host, session) = Host::met(kind);
            host.say(&frame(b"last words"));
            let mut wire = host.wire();
            if in_order {
                host.0.send_close_notify();
                wire.extend(host.wire());
            } else {
                host.say(&frame(b"never whole"));
                wire.extend_from_slice(&host.wire()[..20]);
            }
            let mut viewer = Viewer::default();
            let (end, _) = relay(&session, wire, 1 << 20, &mut viewer).await;
            assert!(matches!(end, End::Vanished), "{end:?}");
            assert_eq!(viewer.bytes, b"last words");
            assert_eq!(
                host.hear(&session.seal(b"still").unwrap()).unwrap(),
                b"still"
            );
            host.hear(&session.last_words()).unwrap();
        }
    }
}

#[tokio::test]
async fn a_record_that_was_tampered_with_ends_the_session_with_an_alert_after_all_bytes_before_it()
{
    for kind in KINDS {
        let (mut host, session) = Host::met(kind);
        host.say(&frame(b"good"));
        let mut wire = host.wire();
        host.say(&frame(b"evil"));
        let mut evil = host.wire();
        *evil.last_mut().unwrap() ^= 1;
        wire.extend(evil);
        host.say(&frame(b"behind"));
        wire.extend(host.wire());
        let mut viewer = Viewer::default();
        let (end, _) = relay(&session, wire, 1 << 20, &mut viewer).await;
        assert!(matches!(end, End::Broke(_)), "{end:?}");
        assert_eq!(viewer.bytes, b"good");
        assert!(session.seal(b"nothing more").is_err());
        let told = host.hear(&session.last_words()).unwrap_err();
        let bad = rustls::Error::AlertReceived(AlertDescription::BadRecordMac);
        assert_eq!(told, bad);
    }
}

#[tokio::test]
async fn what_is_no_record_at_all_ends_the_session() {
    for kind in KINDS {
        let (_, session) = Host::met(kind);
        let mut viewer = Viewer::default();
        let (end, _) = relay(&session, vec![0xff; 5000], 1 << 20, &mut viewer).await;
        assert!(matches!(end, End::Broke(_)), "{end:?}");
        assert_eq!(viewer.bytes, b"");
    }
}

#[tokio::test]
async fn one_read_is_one_write_however_small_the_frames() {
    const MUCH: usize = 16 << 20;
    for (kind, own_records) in [
        (TLS13[0], false),
        (TLS13[0], true),
        (TLS13[1], false),
        (TLS13[1], true),
    ] {
        for size in [125, 1500, 0] {
            let (mut host, session) = Host::met(kind);
            let mut numbers = Numbers(5);
            let (mut wire, mut sent) = (Vec::new(), 0);
            while sent < MUCH {
                let size = if size == 0 { numbers.size() } else { size };
                host.say(&frame(&numbers.bytes(size)));
                if own_records {
                    wire.extend(host.wire());
                }
                sent += size;
            }
            wire.extend(host.wire());
            let mut viewer = Viewer::default();
            let (_, reads) = relay(&session, wire, 1 << 20, &mut viewer).await;
            assert_eq!(viewer.bytes.len(), sent);
            assert!(viewer.calls <= reads, "{} for {reads}", viewer.calls);
            let per_mib = (reads + viewer.calls) * (1 << 20) / sent;
            assert!(per_mib <= 12, "{per_mib} calls per MiB, frames of {size}");
        }
    }
}

#[tokio::test]
async fn an_idle_session_holds_no_buffer() {
    for kind in KINDS {
        let (mut host, session) = Host::met(kind);
        host.say(&frame(&[7; 300_000]));
        let mut stream = Arriving {
            bytes: host.wire().into(),
            piece: tls_session::READ,
            ends: false,
            calls: 0,
        };
        let mut viewer = Viewer::default();
        {
            let source = Source {
                stream: &mut stream,
                transport: &session,
                decoder: Decoder::new(Role::Client),
                plain: Plain::default(),
                repair: None,
            };
            let early = [BytesMut::new(), BytesMut::new()];
            let (debts, traffic) = (Debts::new(), Traffic::default());
            let mut pump = Box::pin(down::pump(source, early, &mut viewer, &debts, &traffic));
            assert!(size_of_val(&*pump) < 1024, "{} bytes", size_of_val(&*pump));
            for _ in 0..10 {
                assert!(futures::poll!(&mut pump).is_pending());
            }
            assert!(session.holds_nothing());
        }
        assert_eq!(viewer.bytes, [7; 300_000]);
    }
}
