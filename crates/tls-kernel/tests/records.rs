//! Key updates, exhausted keys, and records that are refused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failed test"
)]

mod support;

use rustls::AlertDescription::{self, BadRecordMac, UnexpectedMessage};
use rustls::SupportedCipherSuite;
use support::clients::{Client, Ours, Theirs};
use support::forge::Peer;
use support::{Recording, SUITES, short_lived};
use tls_records::{AFTER, BEFORE, Refused};

fn tls13() -> impl Iterator<Item = SupportedCipherSuite> {
    SUITES.into_iter().filter(|suite| suite.tls13().is_some())
}

fn connected(suite: SupportedCipherSuite) -> (Ours, Peer) {
    let recording = Recording::of(suite);
    (Ours::new(recording.ours()), recording.peer())
}

/// The alert that was sent last. Checks that nothing more is sent after it.
fn alert(ours: &mut Ours, peer: &mut Peer) -> AlertDescription {
    assert!(ours.outcome().failed);
    let sent = peer.open(&ours.outcome().sent);
    let (kind, alert) = sent.last().unwrap();
    let (21, &[2, description]) = (*kind, &alert[..]) else {
        panic!("{sent:?}")
    };
    assert!(matches!(
        ours.records.open(&mut [0; 100], 0, &mut Vec::new()),
        Err(Refused::Failed)
    ));
    let mut alerts = Vec::new();
    ours.records.close(&mut alerts);
    assert!(alerts.is_empty());
    description.into()
}

#[test]
fn a_record_that_was_changed_in_any_byte_is_refused_after_all_before_it() {
    for suite in SUITES {
        let recording = Recording::of(suite);
        let good = recording.peer().data(b"good");
        let evil = {
            let mut peer = recording.peer();
            peer.data(b"good");
            peer.data(b"evil")
        };
        for at in 0..evil.len() {
            let (mut ours, mut peer) = (Ours::new(recording.ours()), recording.peer());
            let mut changed = evil.clone();
            changed[at] ^= 1;
            // Where the length has grown, more is waited for.
            ours.receive(&[&good[..], &changed, &[0; 300]].concat());
            assert_eq!(ours.outcome().data, b"good");
            let actual = alert(&mut ours, &mut peer);
            let expected = match at {
                0 if suite.tls13().is_some() => UnexpectedMessage,
                _ => BadRecordMac,
            };
            assert_eq!(actual, expected, "byte {at}, {suite:?}");
        }
    }
}

#[test]
fn a_record_that_is_cut_is_waited_for_and_never_opened() {
    for suite in SUITES {
        let (mut ours, mut peer) = connected(suite);
        let record = peer.data(b"all or nothing");
        for at in 0..record.len() {
            ours.receive(&record[at..=at]);
            let whole = at + 1 == record.len();
            assert_eq!(ours.outcome().data.is_empty(), !whole);
        }
        let cut = peer.data(b"first");
        // The next record fills the gap. A single byte could equal the missing one; the five of its header do not.
        ours.receive(&cut[..cut.len() - 5]);
        ours.receive(&peer.data(b"second"));
        assert_eq!(ours.outcome().data, b"all or nothing");
        assert_eq!(alert(&mut ours, &mut peer), BadRecordMac);
    }
}

#[test]
fn records_in_another_order_or_twice_or_not_at_all_are_refused() {
    for suite in SUITES {
        for order in [&[0, 2, 1][..], &[0, 0], &[0, 2], &[1]] {
            let (mut ours, mut peer) = connected(suite);
            let records = [peer.data(b"0"), peer.data(b"1"), peer.data(b"2")];
            for &record in order {
                ours.receive(&records[record]);
            }
            let good = order.iter().take_while(|at| **at == 0).count().min(1);
            assert_eq!(ours.outcome().data, b"0"[..good]);
            assert_eq!(alert(&mut ours, &mut peer), BadRecordMac);
        }
    }
}

#[test]
fn keys_change_on_either_side_in_the_middle_of_a_burst() {
    for suite in tls13() {
        let (mut ours, mut peer) = connected(suite);
        let (mut wire, mut data) = (Vec::new(), Vec::new());
        for round in 0..30_u8 {
            data.extend([round; 20_000]);
            wire.extend(peer.data(&[round; 12_000]));
            wire.extend(peer.key_update(round.is_multiple_of(3)).unwrap());
            wire.extend(peer.data(&[round; 8000]));
        }
        for piece in wire.chunks(100_000) {
            ours.receive(piece);
            ours.send(b"event");
        }
        assert!(ours.outcome().data == data);
        let sent = peer.open(&ours.outcome().sent);
        let events = sent.iter().filter(|sent| **sent == (23, b"event".to_vec()));
        assert_eq!(events.count(), wire.chunks(100_000).len());
        let updates = sent.iter().filter(|(kind, _)| *kind == 22).count();
        assert!((2..=10).contains(&updates), "{updates}");
    }
}

#[test]
fn pending_key_updates_are_answered_once_while_nothing_is_sent() {
    let (mut ours, mut peer) = connected(SUITES[0]);
    for _ in 0..30 {
        ours.receive(&peer.key_update(true).unwrap());
        ours.receive(&peer.data(b"x"));
    }
    let sent = peer.open(&ours.outcome().sent);
    assert_eq!(sent, [(22, vec![24, 0, 0, 1, 0])]);
}

#[test]
fn keys_that_are_used_up_are_renewed_as_rustls_does() {
    for suite in tls13() {
        let recording = Recording::of(short_lived(suite, 10));
        let mut ours = Ours::new(recording.ours());
        let mut theirs = Theirs::new(recording.theirs());
        for _ in 0..35 {
            ours.send(b"event");
            theirs.send(b"event");
            assert_eq!(ours.outcome().sent, theirs.outcome().sent);
        }
        let sent = recording.peer().open(&ours.outcome().sent);
        assert_eq!(sent.iter().filter(|(kind, _)| *kind == 22).count(), 3);
    }
}

#[test]
fn keys_that_are_used_up_and_cannot_be_renewed_seal_only_the_end() {
    for suite in SUITES.into_iter().filter(|suite| suite.tls13().is_none()) {
        // The handshake's Finished was the first.
        let recording = Recording::of(short_lived(suite, 10));
        let mut ours = recording.ours();
        let mut buffer = [0; BEFORE + 5 + AFTER];
        let mut sent = Vec::new();
        for _ in 1..10 {
            let record = ours.seal(&mut buffer, BEFORE..BEFORE + 5, &mut sent);
            sent.extend_from_slice(&buffer[record.unwrap()]);
        }
        let refused = ours.seal(&mut buffer, BEFORE..BEFORE + 5, &mut sent);
        assert_eq!(refused, Err(Refused::Exhausted));
        ours.close(&mut sent);
        let sent = recording.peer().open(&sent);
        assert_eq!(sent.len(), 10);
        assert_eq!(sent[9], (21, vec![1, 0]));
    }
}

#[test]
fn records_that_rustls_accepts_against_the_rfc_are_refused() {
    for suite in tls13() {
        // In TLS 1.3 a record header has a fixed type and version, which are authenticated.
        for (at, expected) in [(0, UnexpectedMessage), (1, BadRecordMac), (2, BadRecordMac)] {
            let (mut ours, mut peer) = connected(suite);
            let mut record = peer.data(b"evil");
            record[at] ^= 1;
            ours.receive(&record);
            assert_eq!(alert(&mut ours, &mut peer), expected);
        }
        let (mut ours, mut peer) = connected(suite);
        ours.receive(&peer.seal(22, &[], 0));
        assert_eq!(alert(&mut ours, &mut peer), UnexpectedMessage);
    }
}

#[test]
fn nothing_is_decrypted_after_close_notify() {
    for suite in SUITES {
        let (mut ours, mut peer) = connected(suite);
        let last = [peer.data(b"last"), peer.seal(21, &[1, 0], 0)].concat();
        ours.receive(&[last, peer.data(b"behind")].concat());
        assert!(ours.outcome().closed && !ours.outcome().failed);
        assert_eq!(ours.outcome().data, b"last");
        ours.send(b"still");
        assert_eq!(peer.open(&ours.outcome().sent), [(23, b"still".to_vec())]);
    }
}

#[test]
fn what_does_not_fit_is_not_sealed_and_changes_nothing() {
    for suite in SUITES {
        let (mut ours, mut peer) = connected(suite);
        let mut buffer = vec![7; BEFORE + 16_385 + AFTER];
        let end = buffer.len();
        for plain in [
            BEFORE - 1..BEFORE + 5,
            BEFORE..BEFORE + 16_385,
            BEFORE..end,
            end - AFTER - 4..end - AFTER + 1,
            end..end + 1,
        ] {
            let refused = ours.records.seal(&mut buffer, plain, &mut Vec::new());
            assert_eq!(refused, Err(Refused::NoSpace));
        }
        assert!(buffer.iter().all(|byte| *byte == 7));
        ours.send(&[5; 16_384]);
        assert_eq!(peer.open(&ours.outcome().sent), [(23, vec![5; 16_384])]);
    }
}
