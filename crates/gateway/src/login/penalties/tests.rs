//! What failures cost whom, by the clock of a test.

use proptest::prelude::*;

use super::counts::{DECAY, FIRST, MOST};
use super::pace::{FREE, PATIENCE, STEP};
use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn source(text: &str) -> Source {
    text.parse::<std::net::IpAddr>().unwrap().into()
}

/// Somebody `from` there, at a console's password.
fn at(penalties: &Penalties, console: &str, from: &str) -> Attempt {
    let subject = penalties.subject(console);
    Attempt {
        source: source(from),
        login: subject,
        console: subject,
    }
}

/// Fails so often, at once; how long the next attempt is refused then.
fn after(penalties: &Penalties, failures: u32, attempt: Attempt, now: Instant) -> Option<Duration> {
    (0..failures).for_each(|_| penalties.failed(attempt, now));
    penalties.wait(attempt, now)
}

#[test]
fn five_in_a_row_cost_a_minute_and_each_further_one_twice_as_much() {
    let (penalties, now) = (Penalties::new(), Instant::now());
    let here = at(&penalties, "a", "192.0.2.1");
    assert_eq!(after(&penalties, 4, here, now), None);
    assert_eq!(after(&penalties, 1, here, now), Some(MINUTE));
    assert_eq!(after(&penalties, 1, here, now), Some(2 * MINUTE));
    assert_eq!(after(&penalties, 100, here, now), Some(HOUR));
    assert_eq!(penalties.wait(at(&penalties, "a", "192.0.2.2"), now), None);
    assert_eq!(penalties.wait(here, now + HOUR), None);
}

#[test]
fn failures_are_forgotten_one_by_one() {
    let (penalties, now) = (Penalties::new(), Instant::now());
    let here = at(&penalties, "a", "192.0.2.1");
    after(&penalties, 4, here, now);
    assert_eq!(after(&penalties, 1, here, now + DECAY), None);
    assert_eq!(after(&penalties, 1, here, now + DECAY), Some(FIRST));
    // A penalty that has been served is not forgotten with it.
    let served = now + DECAY + FIRST;
    assert_eq!(after(&penalties, 1, here, served), Some(2 * FIRST));
    assert_eq!(after(&penalties, 4, here, now + 100 * DECAY), None);
}

#[test]
fn a_success_takes_back_failures_at_the_same_login_only() {
    let (penalties, now) = (Penalties::new(), Instant::now());
    let [own, other] = ["own", "other"].map(|console| at(&penalties, console, "192.0.2.1"));
    // A mistyped password costs nothing, however often it happens.
    for _ in 0..10 {
        assert_eq!(after(&penalties, 4, own, now), None);
        penalties.passed(own, now);
    }
    // Whoever may log in to one console and guesses at another is stopped as anybody is.
    for guess in 1..=5 {
        let wait = after(&penalties, 1, other, now);
        assert_eq!(wait, (guess == 5).then_some(MINUTE), "guess {guess}");
        penalties.passed(own, now);
    }
    assert_eq!(penalties.wait(own, now), None, "its own console stays open");
}

#[test]
fn a_users_failures_count_at_every_console() {
    let (penalties, now) = (Penalties::new(), Instant::now());
    let as_user = |console: &str, user: (&str, &str)| Attempt {
        login: penalties.subject(user),
        ..at(&penalties, console, "192.0.2.1")
    };
    let (staff, guests) = (("staff", "ada"), ("guests", "ada"));
    after(&penalties, 2, as_user("a", staff), now);
    assert_eq!(after(&penalties, 2, as_user("b", staff), now), None);
    penalties.passed(as_user("a", guests), now);
    assert_eq!(
        after(&penalties, 1, as_user("c", staff), now),
        Some(MINUTE),
        "another file's user of that name takes nothing back"
    );
}

#[test]
fn a_source_and_the_networks_around_it_are_counted_over_all_logins() {
    // How many failures, each at a login of its own, and the addresses that they come from in turn.
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
        let (penalties, now) = (Penalties::new(), Instant::now());
        for failure in 0..failures {
            let from = from[failure % from.len()];
            penalties.failed(at(&penalties, &failure.to_string(), from), now);
        }
        let wait = |from| penalties.wait(at(&penalties, "new", from), now);
        assert!(refused.is_none_or(|from| wait(from).is_some()), "{from:?}");
        assert_eq!(let_in.and_then(wait), None, "{failures} {from:?}");
    }
}

#[test]
fn one_console_is_guessed_at_slowly_whatever_the_number_of_sources() {
    let (penalties, now) = (Penalties::new(), Instant::now());
    let from = |number: u32| Attempt {
        source: Source::V4(number.into()),
        ..at(&penalties, "a", "192.0.2.1")
    };
    let known = from(1);
    penalties.passed(known, now);
    for number in 0..FREE {
        assert_eq!(penalties.turn(from(number + 2), now), Ok(Duration::ZERO));
        penalties.failed(from(number + 2), now);
    }
    // From then on guesses come one after the other.
    (0..1000).for_each(|number| penalties.failed(from(number + 1000), now));
    let waits: Vec<_> = (0..4).map(|_| penalties.turn(from(2), now)).collect();
    let step = 1000 * STEP;
    assert_eq!(waits, [0, 1, 2, 3].map(|turns| Ok(turns * step)));
    // In the long run there is one a second, and nobody waits long for being told so.
    (0..100_000).for_each(|number| penalties.failed(from(number + 5000), now));
    let later = now + MINUTE;
    let turns: Vec<_> = (0..20).map(|_| penalties.turn(from(2), later)).collect();
    let (taken, told): (Vec<_>, Vec<_>) = turns.into_iter().partition(Result::is_ok);
    assert_eq!(taken.len(), 11);
    assert!(told.iter().all(|told| *told == Err(PATIENCE + SLOWEST)));
    // Whoever has logged in there before waits for nobody, nor does anybody elsewhere, nor later.
    assert_eq!(penalties.turn(known, later), Ok(Duration::ZERO));
    let elsewhere = at(&penalties, "b", "192.0.2.9");
    assert_eq!(penalties.turn(elsewhere, later), Ok(Duration::ZERO));
    assert_eq!(penalties.turn(from(3), later + MINUTE), Ok(Duration::ZERO));
}

#[test]
fn on_a_private_port_a_neighbour_slows_and_locks_nobody_out() {
    let (penalties, mut now) = (Penalties::private(), Instant::now());
    let here = at(&penalties, "a", "127.0.0.1");
    penalties.passed(here, now);
    assert_eq!(after(&penalties, 100_000, here, now), None);
    assert_eq!(penalties.turn(here, now), Ok(Duration::ZERO));
    assert_eq!(penalties.turn(here, now), Ok(SLOWEST_PRIVATE));
    now += MINUTE;
    assert_eq!(penalties.turn(here, now), Ok(Duration::ZERO));
}

#[test]
fn memory_is_bounded_whatever_the_number_of_sources_and_the_worst_stay() {
    let (penalties, now) = (Penalties::new(), Instant::now());
    let worst = at(&penalties, "a", "2001:db8:ffff::1");
    after(&penalties, 5, worst, now);
    // Every address is in a /48 of its own, as for whoever has a /32; and every login is another.
    for number in 0..2 * u32::try_from(MOST).unwrap() {
        let [a, b] = [number >> 16, number & 0xffff].map(|half| u16::try_from(half).unwrap());
        let attempt = Attempt {
            source: Source::V6([0x2002, a, b, 0]),
            login: penalties.subject(number),
            ..worst
        };
        penalties.failed(attempt, now);
    }
    for number in 0..2 * u32::try_from(MOST_KNOWN).unwrap() {
        let source = Source::V4(number.into());
        penalties.passed(Attempt { source, ..worst }, now);
    }
    let state = penalties.lock();
    assert!(state.logins.len() <= MOST);
    assert!(state.networks.iter().all(|counts| counts.len() <= MOST));
    assert!(state.known.len() <= MOST_KNOWN);
    drop(state);
    assert_eq!(penalties.wait(worst, now), Some(FIRST));
}

/// One step of an attacker who may log in to console 0: at which console, from which /64, whether with the right password
/// (at console 0 only), and how many seconds later.
fn steps() -> impl Strategy<Value = Vec<(u8, u8, bool, u8)>> {
    prop::collection::vec((0..4_u8, 0..4_u8, any::<bool>(), 0..40_u8), 1..400)
}

proptest! {
    /// Guesses that are let through at each console from each source: four, and one for each time that a failure is
    /// forgotten or a penalty ends; whatever is done elsewhere in between.
    #[test]
    fn nothing_buys_further_guesses(steps in steps()) {
        let (penalties, begun) = (Penalties::new(), Instant::now());
        let mut now = begun;
        let mut guesses = HashMap::new();
        for (console, from, right, seconds) in steps {
            now += Duration::from_secs(seconds.into());
            let attempt = Attempt {
                source: Source::V6([0xfd00, 0, 0, from.into()]),
                ..at(&penalties, &console.to_string(), "192.0.2.1")
            };
            let wait = penalties.wait(attempt, now);
            prop_assert!(wait.is_none_or(|wait| wait <= HOUR));
            match (wait, console == 0 && right) {
                (Some(_), _) => {}
                (None, true) => penalties.passed(attempt, now),
                (None, false) => {
                    penalties.failed(attempt, now);
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
