//! The same records to rustls and to our record layer have the same result.

mod support;

use proptest::prelude::*;
use support::differ;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn both_accept_refuse_and_send_the_same(
        suite in 0..support::SUITES.len(),
        script in proptest::collection::vec(any::<u8>(), 1..300),
    ) {
        let script = [&[suite as u8][..], &script].concat();
        differ::run(&script);
    }
}

/// Found by fuzzing.
#[test]
fn a_request_to_renegotiate_with_something_in_it_is_declined_as_any_other() {
    let tls12 = 3;
    differ::run(&[tls12, 1, 7, 2, 0, 8, 0, 0, 0, 0, 0, 3, 0, 0, 106, 10, 17]);
}

/// Found by fuzzing.
#[test]
fn empty_records_are_counted_from_the_last_record_with_something_in_it() {
    let tls13 = 0;
    let empty = [4; 20];
    differ::run(&[&[tls13, 0], &empty[..], &[5, 0], &empty, &[0, 0, 9, 17]].concat());
}

/// Found by fuzzing.
#[test]
fn a_key_update_that_is_wrong_twice_is_refused_with_the_same_alert() {
    let tls13 = 2;
    differ::run(&[tls13, 0, 9, 243, 141, 71, 24, 0, 0, 1, 208, 0, 0, 0, 8]);
}
