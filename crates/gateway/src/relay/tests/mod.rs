//! The relay without sockets: data and ends from ESXi, numbers of calls, timing towards ESXi.

mod allocations;
mod copies;
mod counts;
mod stage;
mod time;
mod turns;
mod typing;

use rustls::AlertDescription;

use super::HostLost;
use super::to_viewer::ToViewerEnd;
use stage::{Host, KINDS, Numbers, TLS13, Viewer, frame, relay};

#[tokio::test]
async fn every_byte_arrives_for_all_sizes_of_records_frames_and_reads() {
    for kind in KINDS {
        for (piece, takes) in [(1, 0), (7, 3), (1000, 0), (20_000, 5000), (1 << 20, 0)] {
            let (mut host, session) = Host::connected(kind);
            let mut numbers = Numbers(piece as u64);
            let (mut sent, mut frames) = (Vec::new(), Vec::new());
            while sent.len() < if piece < 10 { 60_000 } else { 6 << 20 } {
                let size = numbers.size();
                let payload = numbers.bytes(size);
                frames.extend(frame(&payload));
                sent.extend(payload);
            }
            let mut records = Vec::new();
            let mut rest = &frames[..];
            while !rest.is_empty() {
                let (record, behind) = rest.split_at(rest.len().min(1 + numbers.below(40_000)));
                host.send(record);
                records.extend(host.records());
                rest = behind;
            }
            let mut viewer = Viewer {
                takes,
                ..Viewer::default()
            };
            let (end, _) = relay((&session, None), records, piece, &mut viewer).await;
            assert!(
                matches!(end, ToViewerEnd::HostLost(HostLost::Vanished)),
                "{end:?}"
            );
            assert!(viewer.bytes == sent, "{kind:?} in reads of {piece}");
        }
    }
}

#[tokio::test]
async fn repeated_key_updates_are_followed_and_answered() {
    for kind in TLS13 {
        let (mut host, session) = Host::connected(kind);
        let payload = Numbers(3).bytes(100_000);
        let (mut records, mut sent) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            host.send(&frame(&payload));
            sent.extend_from_slice(&payload);
            host.0.refresh_traffic_keys().unwrap();
            records.extend(host.records());
        }
        let mut viewer = Viewer::default();
        relay((&session, None), records, 100_000, &mut viewer).await;
        assert!(viewer.bytes == sent);
        // The requested update of the gateway's own keys goes with its next record.
        for event in [b"first", b"other"] {
            assert_eq!(host.receive(&session.seal(event).unwrap()).unwrap(), event);
        }
    }
}

#[tokio::test]
async fn all_bytes_before_close_notify_or_a_truncation_arrive() {
    for kind in KINDS {
        for in_order in [true, false] {
            let (mut host, session) = Host::connected(kind);
            host.send(&frame(b"last words"));
            let mut records = host.records();
            if in_order {
                host.0.send_close_notify();
                records.extend(host.records());
            } else {
                host.send(&frame(b"never whole"));
                records.extend_from_slice(&host.records()[..20]);
            }
            let mut viewer = Viewer::default();
            let (end, _) = relay((&session, None), records, 1 << 20, &mut viewer).await;
            assert!(
                matches!(end, ToViewerEnd::HostLost(HostLost::Vanished)),
                "{end:?}"
            );
            assert_eq!(viewer.bytes, b"last words");
            assert_eq!(
                host.receive(&session.seal(b"still").unwrap()).unwrap(),
                b"still"
            );
            host.receive(&session.closing_records()).unwrap();
        }
    }
}

#[tokio::test]
async fn forged_record_is_answered_with_an_alert_after_all_bytes_before_it() {
    for kind in KINDS {
        let (mut host, session) = Host::connected(kind);
        host.send(&frame(b"good"));
        let mut records = host.records();
        host.send(&frame(b"evil"));
        let mut evil = host.records();
        *evil.last_mut().unwrap() ^= 1;
        records.extend(evil);
        host.send(&frame(b"behind"));
        records.extend(host.records());
        let mut viewer = Viewer::default();
        let (end, _) = relay((&session, None), records, 1 << 20, &mut viewer).await;
        assert!(
            matches!(end, ToViewerEnd::HostLost(HostLost::Broke(_))),
            "{end:?}"
        );
        assert_eq!(viewer.bytes, b"good");
        assert!(session.seal(b"nothing more").is_err());
        let alert = host.receive(&session.closing_records()).unwrap_err();
        let bad = rustls::Error::AlertReceived(AlertDescription::BadRecordMac);
        assert_eq!(alert, bad);
    }
}

#[tokio::test]
async fn invalid_record_header_ends_the_session() {
    for kind in KINDS {
        let (_, session) = Host::connected(kind);
        let mut viewer = Viewer::default();
        let (end, _) = relay((&session, None), vec![0xff; 5000], 1 << 20, &mut viewer).await;
        assert!(
            matches!(end, ToViewerEnd::HostLost(HostLost::Broke(_))),
            "{end:?}"
        );
        assert_eq!(viewer.bytes, b"");
    }
}
