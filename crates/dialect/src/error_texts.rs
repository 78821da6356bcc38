//! Every variant has a text that a viewer's user can read.

use message_check::{assert_readable, every_variant};
use rfb_proto::Encoding;

use crate::CannotContinue;

#[test]
fn every_error_is_readable() {
    let errors = every_variant!(CannotContinue {
        CannotContinue::NotParsed => CannotContinue::NotParsed,
        CannotContinue::Rectangle(_) => CannotContinue::Rectangle(Encoding(7)),
        CannotContinue::Message => CannotContinue::Message,
        CannotContinue::Format => CannotContinue::Format,
        CannotContinue::Size => CannotContinue::Size,
    });
    for error in errors {
        assert_readable(&error.to_string());
    }
}
