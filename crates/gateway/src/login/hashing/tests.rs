//! What is counted here is counted: nothing is timed.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};

use futures::future::join_all;
use tokio::sync::oneshot;

use super::*;

/// Cheap parameters: what is tested is not how hard it is.
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
async fn two_passwords_are_hashed_at_once_and_never_three() {
    let hashers = hashers();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    // Nobody gets past it alone.
    let pair = Arc::new(Barrier::new(AT_ONCE));
    let all = (0..6 * AT_ONCE).map(|_| {
        let (running, most, pair) = (running.clone(), most.clone(), pair.clone());
        hashers.run(move || {
            most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
            pair.wait();
            running.fetch_sub(1, SeqCst);
        })
    });
    let ended = join_all(all).await;
    assert_eq!(ended.into_iter().flatten().count(), 6 * AT_ONCE);
    assert_eq!(most.load(SeqCst), AT_ONCE);
}

#[tokio::test]
async fn a_hash_that_nobody_waits_for_any_more_keeps_its_place_until_it_has_ended() {
    let hashers = hashers();
    let (begin, begun) = oneshot::channel();
    let (end, ended) = mpsc::channel::<()>();
    let hashing = hashers.run(move || {
        begin.send(()).unwrap();
        // An error is the end, too.
        let _ = ended.recv();
    });
    tokio::select! {
        _ = hashing => panic!("it has not been told to end"),
        begun = begun => begun.unwrap(),
    }
    assert_eq!(hashers.0.available_permits(), AT_ONCE - 1);
    drop(end);
    let all = u32::try_from(AT_ONCE).unwrap();
    drop(hashers.0.acquire_many(all).await.unwrap());
}

#[tokio::test]
async fn work_that_panics_gives_its_place_back() {
    let hashers = hashers();
    for _ in 0..2 * AT_ONCE {
        assert_eq!(hashers.run(|| panic!("on purpose")).await, None::<()>);
    }
    assert_eq!(hashers.run(|| 1).await, Some(1));
}

#[tokio::test]
async fn a_hash_matches_its_own_password_only() {
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
fn a_new_password_is_hashed_as_owasp_recommends_and_never_twice_the_same() {
    let (one, other) = (hash(b"x").unwrap(), hash(b"x").unwrap());
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
    assert_ne!(one, other);
    assert!(StoredHash::parse(&one).is_ok());
}

#[test]
fn a_stored_hash_is_argon2id_whole_and_affordable() {
    let good = stored("x");
    assert!(StoredHash::parse(&good).is_ok());
    let without_hash = good.rsplit_once('$').unwrap().0;
    let without_salt = without_hash.rsplit_once('$').unwrap().0;
    for (bad, words) in [
        ("", "is no argon2id hash"),
        ("plain", "is no argon2id hash"),
        (without_hash, "is no argon2id hash"),
        (without_salt, "is no argon2id hash"),
        (&good.replace("argon2id", "argon2i"), "is no argon2id hash"),
        (&good.replace("argon2id", "argon2d"), "is no argon2id hash"),
        (&good.replace("argon2id", "scrypt"), "is no argon2id hash"),
        (&good.replace("v=19", "v=16"), "is no argon2id hash"),
        (&good.replace("$v=19", ""), "is no argon2id hash"),
        (&good.replace("m=8", "m=7"), "is no argon2id hash"),
        (&good.replace("t=1", "t=0"), "is no argon2id hash"),
        (&good.replace("p=1", "p=2"), "is no argon2id hash"),
        (&good.replace("p=1", "q=1"), "is no argon2id hash"),
        (&good.replace("m=8", "m=262145"), "asks for more than"),
        (&good.replace("t=1", "t=33"), "asks for more than"),
        (&good.replace("t=1", "t=4294967295"), "asks for more than"),
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
fn what_is_compared_in_a_used_area_is_compared_right() {
    // Larger and smaller ones in turn, so that areas grow and are used in part.
    for memory in [8, 64, 8, 32, 64, 16] {
        let params = Params::new(memory, 1, 1, None).unwrap();
        let stored = StoredHash::parse(&hash_with(params, b"right").unwrap()).unwrap();
        assert!(stored.is_of(&Password::new("right")));
        assert!(!stored.is_of(&Password::new("wrong")));
        assert!(!stored.is_of(&Password::new("")));
    }
}
