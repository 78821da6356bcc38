//! Every variant has a text that a viewer's user or an operator can read.

use std::io;
use std::time::Duration;

use message_check::{assert_readable, every_variant};
use rfb_proto::server_messages::ScanError;
use rfb_proto::{Encoding, Violation};
use vsphere::ConnectionState;
use ws_proto::{Close, CloseCode};

use reconnect::{GaveUp, VmChange};

use crate::error::Failure;
use crate::relay::{HostLost, LostConsole};
use crate::start_error::StartError;

fn every_failure() -> Vec<Failure> {
    let time = Duration::from_secs(120);
    every_variant!(Failure {
        Failure::NotAllowed(_) => Failure::NotAllowed([192, 0, 2, 1].into()),
        Failure::NotProxied(_) => Failure::NotProxied("192.0.2.1 is in none of the networks of proxy_from".into()),
        Failure::Penalised(_) => Failure::Penalised(time),
        Failure::ConsolePenalised(_) => Failure::ConsolePenalised(time),
        Failure::LoginQueueFull => Failure::LoginQueueFull,
        Failure::GatewayEnds => Failure::GatewayEnds,
        Failure::GatewayFull { .. } => Failure::GatewayFull { limit: 1024 },
        Failure::VmFull { .. } => Failure::VmFull { vm: "web-frontend-01".into(), limit: 8 },
        Failure::ViewerTls(_) => Failure::ViewerTls("it ended TLS: unknown ca".into()),
        Failure::NotForUser { .. } => Failure::NotForUser { user: "ada".into() },
        Failure::NotAViewer(_) => Failure::NotAViewer(Violation::NotRfb),
        Failure::ViewerLeft => Failure::ViewerLeft,
        Failure::ViewerSilent => Failure::ViewerSilent,
        Failure::ViewerBroke(_) => Failure::ViewerBroke(io::ErrorKind::ConnectionReset.into()),
        Failure::ViewerSlow(_) => Failure::ViewerSlow(time),
        Failure::CheckSlow(_) => Failure::CheckSlow(time),
        Failure::ViewerUnfinished(_) => Failure::ViewerUnfinished(time),
        Failure::WrongPassword => Failure::WrongPassword,
        Failure::WrongLogin => Failure::WrongLogin,
        Failure::Console(_) => Failure::Console(console::Error::Text),
        Failure::Setup(_) => Failure::Setup("no authentication method is configured".into()),
    })
}

fn every_start_error() -> Vec<StartError> {
    let address = ([192, 0, 2, 1], 5901).into();
    let what = || "/Lab/vm/web/web-frontend-01".to_owned();
    every_variant!(StartError {
        StartError::Bind { .. } => StartError::Bind { address, what: what(), source: io::ErrorKind::AddrInUse.into() },
        StartError::Overlap { .. } => StartError::Overlap { address, what: what(), beside: address },
        StartError::Upstream { .. } => StartError::Upstream { name: "lab".into(), source: Box::new(console::Error::Text) },
        StartError::Threads(_) => StartError::Threads(io::ErrorKind::WouldBlock.into()),
    })
}

#[test]
fn every_failure_is_readable() {
    for failure in every_failure() {
        assert_readable(&failure.to_string());
    }
    for violation in [
        Violation::TooOldToEncrypt,
        Violation::Version(2),
        Violation::TooManyEncodings(2000),
        Violation::TooLong {
            what: "user name",
            length: 70_000,
        },
    ] {
        assert_readable(&Failure::NotAViewer(violation).to_string());
    }
}

#[test]
fn every_start_error_is_readable() {
    for error in every_start_error() {
        assert_readable(&error.to_string());
    }
    for kind in [
        io::ErrorKind::AddrNotAvailable,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::Other,
    ] {
        let address = ([192, 0, 2, 1], 901).into();
        let (what, source) = ("[admin]".to_owned(), kind.into());
        assert_readable(
            &StartError::Bind {
                address,
                what,
                source,
            }
            .to_string(),
        );
    }
}

#[test]
fn every_lost_host_is_readable() {
    let lost = every_variant!(HostLost {
        HostLost::Closed(_) => HostLost::Closed(Some(Close { code: CloseCode::GOING_AWAY, reason: "the VM is being moved".into() })),
        HostLost::Vanished => HostLost::Vanished,
        HostLost::Broke(_) => HostLost::Broke(io::ErrorKind::ConnectionReset.into()),
        HostLost::Framing(_) => HostLost::Framing(ws_proto::Violation::ReservedBits),
        HostLost::Text => HostLost::Text,
        HostLost::Unfollowable(_) => HostLost::Unfollowable(ScanError::Pixels(24)),
        HostLost::NotOpened(_) => HostLost::NotOpened(console::Error::Text.into()),
        HostLost::NotContinued(_) => HostLost::NotContinued(Encoding::ZRLE),
    });
    for lost in lost {
        assert_readable(&lost.to_string());
    }
    assert_readable(&HostLost::Closed(None).to_string());
}

#[test]
fn every_reason_to_give_up_is_readable() {
    let within = Duration::from_secs(600);
    let reasons = every_variant!(GaveUp {
        GaveUp::Deleted => GaveUp::Deleted,
        GaveUp::Refused(_) => GaveUp::Refused(console::Error::Text),
        GaveUp::TooLong { .. } => GaveUp::TooLong { within, last: Some("the console's host cannot be reached: try again later") },
        GaveUp::Viewer(_) => GaveUp::Viewer(dialect::CannotContinue::Size),
    });
    for gave_up in reasons {
        let lost = LostConsole {
            end: HostLost::Vanished,
            vm: Some(VmChange::Deleted),
            gave_up: Some(gave_up),
        };
        assert_readable(&lost.to_string());
    }
}

#[test]
fn every_change_of_a_vm_is_readable() {
    let changes = every_variant!(VmChange {
        VmChange::PoweredOff => VmChange::PoweredOff,
        VmChange::Suspended => VmChange::Suspended,
        VmChange::Moved => VmChange::Moved,
        VmChange::Deleted => VmChange::Deleted,
        VmChange::HostDisconnected => VmChange::HostDisconnected,
        VmChange::Inaccessible(_) => VmChange::Inaccessible(ConnectionState::Inaccessible),
        VmChange::None => VmChange::None,
    });
    for vm in changes.into_iter().map(Some) {
        let close = Close {
            code: CloseCode::GOING_AWAY,
            reason: "the console is closed".into(),
        };
        for end in [
            HostLost::Closed(Some(close)),
            HostLost::Closed(None),
            HostLost::Vanished,
            HostLost::Broke(io::ErrorKind::ConnectionReset.into()),
        ] {
            assert_readable(
                &LostConsole {
                    end,
                    vm,
                    gave_up: None,
                }
                .to_string(),
            );
        }
    }
}
