//! Every variant has a text that an operator can read.

use message_check::{assert_readable, every_variant};

use crate::Refused;

#[test]
fn every_error_is_readable() {
    let errors = every_variant!(Refused {
        Refused::BadMac => Refused::BadMac,
        Refused::Overflow => Refused::Overflow,
        Refused::Unexpected(_) => Refused::Unexpected("a handshake message"),
        Refused::Malformed(_) => Refused::Malformed("an alert"),
        Refused::Illegal(_) => Refused::Illegal("a KeyUpdate"),
        Refused::Alert(_) => Refused::Alert(40),
        Refused::Tls { .. } => Refused::Tls {
            reason: "cannot decrypt peer's message".into(),
            is_malformed: false,
        },
        Refused::Exhausted => Refused::Exhausted,
        Refused::Failed => Refused::Failed,
        Refused::NoSpace => Refused::NoSpace,
        Refused::Unsupported => Refused::Unsupported,
    });
    for error in errors {
        assert_readable(&error.to_string());
    }
}
