//! Every variant has a text that an operator can read.

use message_check::{assert_readable, every_variant};

use crate::{BadRequest, UpgradeError, Violation};

#[test]
fn every_violation_is_readable() {
    let violations = every_variant!(Violation {
        Violation::ReservedBits => Violation::ReservedBits,
        Violation::ReservedOpcode(_) => Violation::ReservedOpcode(3),
        Violation::FragmentedControl => Violation::FragmentedControl,
        Violation::OversizedControl => Violation::OversizedControl,
        Violation::LengthNotMinimal => Violation::LengthNotMinimal,
        Violation::LengthTopBit => Violation::LengthTopBit,
        Violation::MaskedByServer => Violation::MaskedByServer,
        Violation::UnmaskedByClient => Violation::UnmaskedByClient,
        Violation::NothingToContinue => Violation::NothingToContinue,
        Violation::MessageInsideMessage => Violation::MessageInsideMessage,
        Violation::CloseTooShort => Violation::CloseTooShort,
        Violation::CloseCode(_) => Violation::CloseCode(1005),
        Violation::CloseReason => Violation::CloseReason,
    });
    for violation in violations {
        assert_readable(&violation.to_string());
    }
}

#[test]
fn every_refused_upgrade_is_readable() {
    let errors = every_variant!(UpgradeError {
        UpgradeError::HeadTooLarge => UpgradeError::HeadTooLarge,
        UpgradeError::Malformed => UpgradeError::Malformed,
        UpgradeError::Status { .. } => UpgradeError::Status { code: 404, reason: "Not Found".into(), location: None },
        UpgradeError::NotUpgraded => UpgradeError::NotUpgraded,
        UpgradeError::NotConnectionUpgrade => UpgradeError::NotConnectionUpgrade,
        UpgradeError::WrongAccept => UpgradeError::WrongAccept,
        UpgradeError::NoProtocol(_) => UpgradeError::NoProtocol("binary".into()),
        UpgradeError::ProtocolNotOffered(_) => UpgradeError::ProtocolNotOffered("base64".into()),
        UpgradeError::ExtensionNotOffered => UpgradeError::ExtensionNotOffered,
    });
    for error in errors {
        assert_readable(&error.to_string());
    }
    assert_readable(&BadRequest("subprotocol").to_string());
}
