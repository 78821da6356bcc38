//! Concurrency is tested by counts, not by times.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};

use futures::future::join_all;
use tokio::sync::oneshot;

use super::*;

/// Parameters that are fast to compute.
fn cheap() -> Params {
    Params::new(8, 1, 1, None).unwrap()
}

fn stored(password: &str) -> String {
    hash_with(cheap(), password.as_bytes()).unwrap()
}

fn hashers() -> &'static Hashers {
    Box::leak(Box::new(Hashers::new()))
}

#[tokio::test]
async fn at_most_two_passwords_are_hashed_at_once() {
    let hashers = hashers();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    // Passed by two threads at a time only.
    let pair = Arc::new(Barrier::new(MAX_CONCURRENT));
    let all = (0..6 * MAX_CONCURRENT).map(|_| {
        let (running, most, pair) = (running.clone(), most.clone(), pair.clone());
        hashers.run(move || {
            most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
            pair.wait();
            running.fetch_sub(1, SeqCst);
        })
    });
    let ended = join_all(all).await;
    assert_eq!(ended.into_iter().flatten().count(), 6 * MAX_CONCURRENT);
    assert_eq!(most.load(SeqCst), MAX_CONCURRENT);
}

#[tokio::test]
async fn cancelled_hash_keeps_its_permit_until_it_has_ended() {
    let hashers = hashers();
    let (begin, begun) = oneshot::channel();
    let (end, ended) = mpsc::channel::<()>();
    let hashing = hashers.run(move || {
        begin.send(()).unwrap();
        // The sender is dropped below.
        let _ = ended.recv();
    });
    tokio::select! {
        _ = hashing => panic!("ended before the sender was dropped"),
        begun = begun => begun.unwrap(),
    }
    assert_eq!(hashers.0.available_permits(), MAX_CONCURRENT - 1);
    drop(end);
    let all = u32::try_from(MAX_CONCURRENT).unwrap();
    drop(hashers.0.acquire_many(all).await.unwrap());
}

#[tokio::test]
async fn panicking_work_returns_its_permit() {
    let hashers = hashers();
    for _ in 0..2 * MAX_CONCURRENT {
        assert_eq!(hashers.run(|| panic!("on purpose")).await, None::<()>);
    }
    assert_eq!(hashers.run(|| 1).await, Some(1));
}

#[tokio::test]
async fn hash_matches_its_own_password_only() {
    let stored = Arc::new(StoredHash::parse(&stored("lovelace")).unwrap());
    for (password, right) in [
        ("lovelace", true),
        ("Lovelace", false),
        ("lovelace ", false),
        ("", false),
    ] {
        let found = matches(Arc::clone(&stored), Password::new(password)).await;
        assert_eq!(found, right, "{password:?}");
    }
}

#[test]
fn new_hashes_use_the_parameters_that_owasp_recommends_and_a_fresh_salt() {
    let (one, other) = (hash(b"x").unwrap(), hash(b"x").unwrap());
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
    assert_ne!(one, other);
    assert!(StoredHash::parse(&one).is_ok());
}

#[test]
fn stored_hash_must_be_complete_argon2id_within_the_limits() {
    let good = stored("x");
    assert!(StoredHash::parse(&good).is_ok());
    let without_hash = good.rsplit_once('$').unwrap().0;
    let without_salt = without_hash.rsplit_once('$').unwrap().0;
    for (bad, words) in [
        ("", "is not an argon2id hash"),
        ("plain", "is not an argon2id hash"),
        (without_hash, "is not an argon2id hash"),
        (without_salt, "is not an argon2id hash"),
        (
            &good.replace("argon2id", "argon2i"),
            "is not an argon2id hash",
        ),
        (
            &good.replace("argon2id", "argon2d"),
            "is not an argon2id hash",
        ),
        (
            &good.replace("argon2id", "scrypt"),
            "is not an argon2id hash",
        ),
        (&good.replace("v=19", "v=16"), "is not an argon2id hash"),
        (&good.replace("$v=19", ""), "is not an argon2id hash"),
        (&good.replace("m=8", "m=7"), "is not an argon2id hash"),
        (&good.replace("t=1", "t=0"), "is not an argon2id hash"),
        (&good.replace("p=1", "p=2"), "is not an argon2id hash"),
        (&good.replace("p=1", "q=1"), "is not an argon2id hash"),
        (&good.replace("m=8", "m=262145"), "requires more than"),
        (&good.replace("t=1", "t=33"), "requires more than"),
        (&good.replace("t=1", "t=4294967295"), "requires more than"),
    ] {
        assert_ne!(bad, good);
        let error = StoredHash::parse(bad).err().unwrap();
        assert!(error.contains(words), "{bad} gives {error}");
        assert!(!error.contains('$'), "{error}");
    }
    for most in [good.replace("m=8", "m=262144"), good.replace("t=1", "t=32")] {
        assert!(StoredHash::parse(&most).is_ok(), "{most}");
    }
}

#[test]
fn reused_memory_does_not_change_the_result() {
    // Larger and smaller ones in turn, so that memory grows and is used in part.
    for memory in [8, 64, 8, 32, 64, 16] {
        let params = Params::new(memory, 1, 1, None).unwrap();
        let stored = StoredHash::parse(&hash_with(params, b"right").unwrap()).unwrap();
        assert!(stored.matches(&Password::new("right")));
        assert!(!stored.matches(&Password::new("wrong")));
        assert!(!stored.matches(&Password::new("")));
    }
}
