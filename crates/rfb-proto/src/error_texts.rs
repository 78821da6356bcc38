//! Every variant has a text that a viewer's user or an operator can read.

use message_check::{assert_readable, every_variant};

use crate::server_messages::ScanError;
use crate::{Encoding, PasswordError, Refusal, Violation};

#[test]
fn every_violation_is_readable() {
    let violations = every_variant!(Violation {
        Violation::NotRfb => Violation::NotRfb,
        Violation::Version(_) => Violation::Version(2),
        Violation::NotOffered(_) => Violation::NotOffered(2),
        Violation::TooOldToEncrypt => Violation::TooOldToEncrypt,
        Violation::VencryptVersion { .. } => Violation::VencryptVersion { major: 0, minor: 1 },
        Violation::SubtypeNotOffered(_) => Violation::SubtypeNotOffered(256),
        Violation::TooLong { .. } => Violation::TooLong { what: "user name", length: u32::MAX },
        Violation::NotUtf8(_) => Violation::NotUtf8("password"),
        Violation::UnknownMessage { .. } => Violation::UnknownMessage { kind: 255, sub: Some(255) },
        Violation::TooManyEncodings(_) => Violation::TooManyEncodings(u16::MAX),
        Violation::Malformed(_) => Violation::Malformed("FramebufferUpdate"),
    });
    for violation in violations {
        assert_readable(&violation.to_string());
    }
}

#[test]
fn every_refusal_is_readable() {
    let refusals = every_variant!(Refusal {
        Refusal::Violation(_) => Refusal::Violation(Violation::NotRfb),
        Refusal::Refused(_) => Refusal::Refused("too many clients".into()),
        Refusal::NoCommonType(_) => Refusal::NoCommonType(vec![16, 30]),
        Refusal::NoCommonSubtype(_) => Refusal::NoCommonSubtype(vec![257, 258]),
        Refusal::PasswordNeeded => Refusal::PasswordNeeded,
    });
    for refusal in refusals {
        assert_readable(&refusal.to_string());
    }
    let types = Refusal::NoCommonType(vec![16, 30]).to_string();
    assert!(types.contains("security types 16, 30,"), "{types}");
    let many = Refusal::NoCommonType((0..=255).collect()).to_string();
    assert_readable(&many);
    assert!(many.contains("7 and others,"), "{many}");
}

#[test]
fn every_scan_error_is_readable() {
    let errors = every_variant!(ScanError {
        ScanError::Message(_) => ScanError::Message(Violation::Malformed("Bell")),
        ScanError::Encoding(_) => ScanError::Encoding(Encoding(i32::MIN)),
        ScanError::Pixels(_) => ScanError::Pixels(24),
        ScanError::Rectangle(_) => ScanError::Rectangle(Encoding(7)),
        ScanError::Continuation(_) => ScanError::Continuation(Encoding(16)),
    });
    for error in errors {
        assert_readable(&error.to_string());
    }
}

#[test]
fn every_password_error_is_readable() {
    let errors = every_variant!(PasswordError {
        PasswordError::Empty => PasswordError::Empty,
        PasswordError::TooLong => PasswordError::TooLong,
        PasswordError::NotAscii => PasswordError::NotAscii,
    });
    for error in errors {
        assert_readable(&error.to_string());
    }
}
