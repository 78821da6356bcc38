//! Penalties after sequences of failures and successes; the tests pass the times.

use proptest::prelude::*;

use super::counts::{DECAY, FIRST_PENALTY, MAX_RECORDS};
use super::pace::{FREE_FAILURES, INTERVAL_STEP, MAX_WAIT};
use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn source(text: &str) -> Source {
    text.parse::<std::net::IpAddr>().unwrap().into()
}

/// An attempt from address `from` at a console's password.
fn at(penalties: &Penalties, console: &str, from: &str) -> Attempt {
    let subject = penalties.hashed(console);
    Attempt {
        source: source(from),
        login: subject,
        console: subject,
    }
}

/// The penalty after that many failures at once.
fn after(penalties: &Penalties, failures: u32, attempt: Attempt, now: Instant) -> Option<Duration> {
    (0..failures).for_each(|_| penalties.record_failure(attempt, now));
    penalties.remaining(attempt, now)
}

#[test]
fn fifth_failure_has_a_penalty_of_a_minute_and_each_further_one_doubles_it() {
    let (penalties, now) = (Penalties::shared(), Instant::now());
    let here = at(&penalties, "a", "192.0.2.1");
    assert_eq!(after(&penalties, 4, here, now), None);
    assert_eq!(after(&penalties, 1, here, now), Some(MINUTE));
    assert_eq!(after(&penalties, 1, here, now), Some(2 * MINUTE));
    assert_eq!(after(&penalties, 100, here, now), Some(HOUR));
    assert_eq!(
        penalties.remaining(at(&penalties, "a", "192.0.2.2"), now),
        None
    );
    assert_eq!(penalties.remaining(here, now + HOUR), None);
}

#[test]
fn failures_expire_one_by_one() {
    let (penalties, now) = (Penalties::shared(), Instant::now());
    let here = at(&penalties, "a", "192.0.2.1");
    after(&penalties, 4, here, now);
    assert_eq!(after(&penalties, 1, here, now + DECAY), None);
    assert_eq!(after(&penalties, 1, here, now + DECAY), Some(FIRST_PENALTY));
    // The failures that led to a penalty are still counted when it has ended.
    let served = now + DECAY + FIRST_PENALTY;
    assert_eq!(after(&penalties, 1, here, served), Some(2 * FIRST_PENALTY));
    assert_eq!(after(&penalties, 4, here, now + 100 * DECAY), None);
}

#[test]
fn success_clears_failures_at_the_same_login_only() {
    let (penalties, now) = (Penalties::shared(), Instant::now());
    let [own, other] = ["own", "other"].map(|console| at(&penalties, console, "192.0.2.1"));
    // Fewer than five failures before each success never lead to a penalty.
    for _ in 0..10 {
        assert_eq!(after(&penalties, 4, own, now), None);
        penalties.record_success(own, now);
    }
    // Successes at one console do not clear failures at another.
    for guess in 1..=5 {
        let wait = after(&penalties, 1, other, now);
        assert_eq!(wait, (guess == 5).then_some(MINUTE), "guess {guess}");
        penalties.record_success(own, now);
    }
    assert_eq!(
        penalties.remaining(own, now),
        None,
        "no penalty at its own console"
    );
}

#[test]
fn failures_of_a_user_count_at_every_console() {
    let (penalties, now) = (Penalties::shared(), Instant::now());
    let as_user = |console: &str, user: (&str, &str)| Attempt {
        login: penalties.hashed(user),
        ..at(&penalties, console, "192.0.2.1")
    };
    let (staff, guests) = (("staff", "ada"), ("guests", "ada"));
    after(&penalties, 2, as_user("a", staff), now);
    assert_eq!(after(&penalties, 2, as_user("b", staff), now), None);
    penalties.record_success(as_user("a", guests), now);
    assert_eq!(
        after(&penalties, 1, as_user("c", staff), now),
        Some(MINUTE),
        "a success of the same name in another users file clears nothing"
    );
}

#[test]
fn sources_and_their_networks_are_counted_over_all_logins() {
    // The number of failures, each at another login, and the addresses that they come from in turn.
    for (failures, from, refused, let_in) in [
        (9, vec!["192.0.2.1"], None, Some("192.0.2.1")),
        (10, vec!["192.0.2.1"], Some("192.0.2.1"), Some("192.0.2.2")),
        (9, vec!["fd00:0:0:101::1"], None, Some("fd00:0:0:101::2")),
        (
            10,
            vec!["fd00:0:0:101::1", "fd00:0:0:101:2::"],
            Some("fd00:0:0:101::3"),
            Some("fd00:0:0:102::1"),
        ),
        (
            19,
            vec!["fd00:0:0:101::1", "fd00:0:0:102::1", "fd00:0:0:103::1"],
            None,
            Some("fd00:0:0:104::1"),
        ),
        (
            20,
            vec!["fd00:0:0:101::1", "fd00:0:0:102::1", "fd00:0:0:103::1"],
            Some("fd00:0:0:1ff::1"),
            Some("fd00:0:0:200::1"),
        ),
        (
            40,
            vec!["fd00:0:0:101::1", "fd00:0:0:201::1", "fd00:0:0:301::1"],
            Some("fd00:0:0:ff00::1"),
            Some("fd00:0:1:101::1"),
        ),
    ] {
        let (penalties, now) = (Penalties::shared(), Instant::now());
        for failure in 0..failures {
            let from = from[failure % from.len()];
            penalties.record_failure(at(&penalties, &failure.to_string(), from), now);
        }
        let wait = |from| penalties.remaining(at(&penalties, "new", from), now);
        assert!(refused.is_none_or(|from| wait(from).is_some()), "{from:?}");
        assert_eq!(let_in.and_then(wait), None, "{failures} {from:?}");
    }
}

#[test]
fn attempts_at_one_console_are_spaced_out_over_all_sources() {
    let (penalties, now) = (Penalties::shared(), Instant::now());
    let from = |number: u32| Attempt {
        source: Source::V4(number.into()),
        ..at(&penalties, "a", "192.0.2.1")
    };
    let known = from(1);
    penalties.record_success(known, now);
    for number in 0..FREE_FAILURES {
        assert_eq!(
            penalties.reserve_turn(from(number + 2), now),
            Ok(Duration::ZERO)
        );
        penalties.record_failure(from(number + 2), now);
    }
    // After many failures, attempts get one turn after the other.
    (0..1000).for_each(|number| penalties.record_failure(from(number + 1000), now));
    let waits: Vec<_> = (0..4)
        .map(|_| penalties.reserve_turn(from(2), now))
        .collect();
    let step = 1000 * INTERVAL_STEP;
    assert_eq!(waits, [0, 1, 2, 3].map(|turns| Ok(turns * step)));
    // At the slowest there is one attempt per second, and one that would wait longer than MAX_WAIT is refused.
    (0..100_000).for_each(|number| penalties.record_failure(from(number + 5000), now));
    let later = now + MINUTE;
    let turns: Vec<_> = (0..20)
        .map(|_| penalties.reserve_turn(from(2), later))
        .collect();
    let (taken, refused): (Vec<_>, Vec<_>) = turns.into_iter().partition(Result::is_ok);
    assert_eq!(taken.len(), 11);
    assert!(
        refused
            .iter()
            .all(|refused| *refused == Err(MAX_WAIT + MAX_INTERVAL))
    );
    // No wait for a source that has logged in there before, at another console, or later.
    assert_eq!(penalties.reserve_turn(known, later), Ok(Duration::ZERO));
    let elsewhere = at(&penalties, "b", "192.0.2.9");
    assert_eq!(penalties.reserve_turn(elsewhere, later), Ok(Duration::ZERO));
    assert_eq!(
        penalties.reserve_turn(from(3), later + MINUTE),
        Ok(Duration::ZERO)
    );
}

#[test]
fn on_a_private_port_failures_delay_attempts_and_never_refuse_them() {
    let (penalties, mut now) = (Penalties::private(), Instant::now());
    let here = at(&penalties, "a", "127.0.0.1");
    penalties.record_success(here, now);
    assert_eq!(after(&penalties, 100_000, here, now), None);
    assert_eq!(penalties.reserve_turn(here, now), Ok(Duration::ZERO));
    assert_eq!(penalties.reserve_turn(here, now), Ok(MAX_INTERVAL_PRIVATE));
    now += MINUTE;
    assert_eq!(penalties.reserve_turn(here, now), Ok(Duration::ZERO));
}

#[test]
fn memory_is_bounded_and_records_with_the_most_failures_stay() {
    let (penalties, now) = (Penalties::shared(), Instant::now());
    let worst = at(&penalties, "a", "2001:db8:ffff::1");
    after(&penalties, 5, worst, now);
    // Every address is in another /48, as for an attacker with a /32, and every login is different.
    for number in 0..2 * u32::try_from(MAX_RECORDS).unwrap() {
        let [a, b] = [number >> 16, number & 0xffff].map(|half| u16::try_from(half).unwrap());
        let attempt = Attempt {
            source: Source::V6([0x2002, a, b, 0]),
            login: penalties.hashed(number),
            ..worst
        };
        penalties.record_failure(attempt, now);
    }
    for number in 0..2 * u32::try_from(MAX_KNOWN).unwrap() {
        let source = Source::V4(number.into());
        penalties.record_success(Attempt { source, ..worst }, now);
    }
    let state = penalties.lock();
    assert!(state.logins.len() <= MAX_RECORDS);
    assert!(
        state
            .networks
            .iter()
            .all(|counts| counts.len() <= MAX_RECORDS)
    );
    assert!(state.known.len() <= MAX_KNOWN);
    drop(state);
    assert_eq!(penalties.remaining(worst, now), Some(FIRST_PENALTY));
}

/// Attempts of an attacker who has the password of console 0: the console, the /64, whether the password is right (console
/// 0 only), and the seconds since the attempt before.
fn steps() -> impl Strategy<Value = Vec<(u8, u8, bool, u8)>> {
    prop::collection::vec((0..4_u8, 0..4_u8, any::<bool>(), 0..40_u8), 1..400)
}

proptest! {
    /// Each source gets at each console four attempts, and one for each time that a failure expires or a penalty ends,
    /// whatever it does at other consoles in between.
    #[test]
    fn no_sequence_of_attempts_gains_further_guesses(steps in steps()) {
        let (penalties, begun) = (Penalties::shared(), Instant::now());
        let mut now = begun;
        let mut guesses = HashMap::new();
        for (console, from, right, seconds) in steps {
            now += Duration::from_secs(seconds.into());
            let attempt = Attempt {
                source: Source::V6([0xfd00, 0, 0, from.into()]),
                ..at(&penalties, &console.to_string(), "192.0.2.1")
            };
            let wait = penalties.remaining(attempt, now);
            prop_assert!(wait.is_none_or(|wait| wait <= HOUR));
            match (wait, console == 0 && right) {
                (Some(_), _) => {}
                (None, true) => penalties.record_success(attempt, now),
                (None, false) => {
                    penalties.record_failure(attempt, now);
                    *guesses.entry((console, from)).or_insert(0) += 1;
                }
            }
        }
        let minutes = (now - begun).as_secs() / MINUTE.as_secs();
        for ((console, _), guesses) in guesses {
            prop_assert!(console == 0 || guesses <= 5 + minutes, "{guesses} in {minutes} min");
        }
    }
}
