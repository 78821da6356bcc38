//! Every variant has a text that an operator can read.

use std::io;
use std::time::Duration;

use message_check::{assert_readable, every_variant};
use rfb_proto::Refusal;
use rfb_proto::server_messages::ScanError;
use rustls::InvalidMessage;
use ws_proto::UpgradeError;

use crate::error::{Blame, Error};

const ADDRESS: &str = "esxi01.lab.example.com:8443";

fn status(code: u16, reason: &str) -> UpgradeError {
    UpgradeError::Status {
        code,
        reason: reason.into(),
        location: None,
    }
}

fn every_error() -> Vec<Error> {
    let address = || ADDRESS.to_owned();
    let within = Duration::from_secs(30);
    let reason = || "it is not signed by a trusted authority".to_owned();
    every_variant!(Error {
        Error::VSphere(_) => Error::VSphere(vsphere::Error::Timeout { address: address() }),
        Error::ApiCertificate { .. } => Error::ApiCertificate { address: address(), reason: reason(), remedy: None },
        Error::Setup(_) => Error::Setup("the ticket has no host name: check that the VM's host is connected".into()),
        Error::Slow { .. } => Error::Slow { what: address(), blame: Blame::Esxi, within },
        Error::NoUpdate { .. } => Error::NoUpdate { which: "second", within },
        Error::KeysUnconfirmed(_) => Error::KeysUnconfirmed(within),
        Error::Unresolvable { .. } => Error::Unresolvable { names: "esxi01.lab.example.com, esxi01".into() },
        Error::HostFull { .. } => Error::HostFull { host: address(), limit: 100 },
        Error::Unreachable { .. } => Error::Unreachable { address: address(), source: io::ErrorKind::ConnectionRefused.into() },
        Error::Certificate { .. } => Error::Certificate { address: address(), reason: reason(), remedy: None, key: "console_trust" },
        Error::Tls { .. } => Error::Tls { address: address(), source: io::ErrorKind::UnexpectedEof.into() },
        Error::Upgrade { .. } => Error::Upgrade { address: address(), source: UpgradeError::NoProtocol("binary".into()) },
        Error::UrlRefused { .. } => Error::UrlRefused { address: address(), has_ticket: false, source: UpgradeError::NotConnectionUpgrade },
        Error::UrlCommand(_) => Error::UrlCommand("printed an invalid header (line 3: the value of the header Cookie has a control character)".into()),
        Error::HostClosed { .. } => Error::HostClosed { address: address(), how: "close code 1011, the VM is being moved".into() },
        Error::RfbRefused { .. } => Error::RfbRefused { address: address(), source: Refusal::NoCommonType(vec![16, 30]) },
        Error::VmPasswordNeeded { .. } => Error::VmPasswordNeeded { address: address() },
        Error::Framing(_) => Error::Framing(ws_proto::Violation::ReservedBits),
        Error::Unreadable(_) => Error::Unreadable(ScanError::Pixels(24)),
        Error::Text => Error::Text,
    })
}

#[test]
fn every_error_is_readable() {
    for error in every_error() {
        assert_readable(&error.to_string());
    }
}

#[test]
fn every_refused_upgrade_is_readable_and_has_its_own_remedy() {
    let statuses =
        [302, 400, 401, 403, 404, 500, 503].map(|code| status(code, "Words of the Server"));
    let protocol = UpgradeError::ProtocolNotOffered("uint8utf8".into());
    for source in statuses.into_iter().chain([protocol]) {
        let address = ADDRESS.to_owned();
        assert_readable(
            &Error::Upgrade {
                address: address.clone(),
                source: source.clone(),
            }
            .to_string(),
        );
        for has_ticket in [false, true] {
            let (address, source) = (address.clone(), source.clone());
            assert_readable(
                &Error::UrlRefused {
                    address,
                    has_ticket,
                    source,
                }
                .to_string(),
            );
        }
    }
    let ticket = |source| {
        Error::Upgrade {
            address: "esxi01:443".into(),
            source,
        }
        .to_string()
    };
    assert_eq!(
        ticket(status(503, "Service Unavailable")),
        "esxi01:443 has no console for this VM (HTTP 503): see the VM's log"
    );
    assert_eq!(
        ticket(status(404, "Not Found")),
        "esxi01:443 does not accept the ticket (HTTP 404): ticket used or expired, connect again for a new one"
    );
    let url = |has_ticket, source| {
        Error::UrlRefused {
            address: "esxi01:443".into(),
            has_ticket,
            source,
        }
        .to_string()
    };
    assert_eq!(
        url(true, status(404, "Not Found")),
        "esxi01:443 does not accept the ticket (HTTP 404): ticket used or expired, get a new one"
    );
    assert_eq!(
        url(false, status(404, "Not Found")),
        "esxi01:443 refused the WebSocket (the answer is HTTP status 404 Not Found): check the URL's path"
    );
}

#[test]
fn a_port_without_tls_is_called_that() {
    let tls = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
    let source = io::Error::new(io::ErrorKind::InvalidData, tls);
    let error = Error::Tls {
        address: "esxi01:80".into(),
        source,
    };
    assert_eq!(
        error.to_string(),
        "esxi01:80 does not speak TLS: check the port"
    );
}
