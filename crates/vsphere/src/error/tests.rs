//! Every variant has a text that an operator can read.

use std::io;
use std::sync::Arc;

use message_check::{assert_readable, every_variant};
use rustls::CertificateError;
use rustls::pki_types::ServerName;

use crate::Error;

const ADDRESS: &str = "esxi01.lab.example.com:8443";
const USERNAME: &str = "mksgate@vsphere.local";

/// As long as a server's message may be.
fn message() -> String {
    "word ".repeat(crate::fault::MAX_MESSAGE / 5).trim().into()
}

fn vm() -> String {
    "web-frontend-01".into()
}

fn source() -> Arc<io::Error> {
    Arc::new(io::Error::other("unused"))
}

fn for_another_name() -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
        expected: ServerName::try_from("esxi01.lab.example.com").unwrap(),
        presented: vec!["DnsName(\"localhost.localdomain\")".into()],
    })
}

fn every_error() -> Vec<Error> {
    let (address, username) = (|| ADDRESS.to_owned(), || USERNAME.to_owned());
    let no_file = Error::NoFile {
        address: address(),
        answered: "HTTP status 403".into(),
    };
    let gone = rustls::Error::PeerSentOversizedRecord;
    every_variant!(Error {
        Error::Settings { .. } => Error::Settings { reason: "the vSphere address must not hold a user name or password: they have settings of their own".into() },
        Error::Unreachable { .. } => Error::Unreachable { address: address(), reason: "Connection refused (os error 111)".into(), source: source() },
        Error::Proxy { .. } => Error::Proxy { proxy: "proxy.example:3128".into(), address: address(), reason: "it refuses to connect, or is not an HTTP proxy".into(), source: source() },
        Error::Closed { .. } => Error::Closed { address: address(), when: "in the middle of the TLS handshake", source: source() },
        Error::Timeout { .. } => Error::Timeout { address: address() },
        Error::Certificate { .. } => Error::Certificate { address: address(), reason: crate::tls_in_words(&for_another_name()), source: for_another_name() },
        Error::Tls { .. } => Error::Tls { address: address(), reason: crate::tls_in_words(&gone), source: gone },
        Error::InvalidLogin { .. } => Error::InvalidLogin { username: username(), address: address() },
        Error::RefusedBefore { .. } => Error::RefusedBefore { username: username(), address: address() },
        Error::PasswordNeeded { .. } => Error::PasswordNeeded { username: username(), address: address() },
        Error::NotAuthenticated { .. } => Error::NotAuthenticated { username: username(), address: address() },
        Error::NoPermission { .. } => Error::NoPermission { username: username(), privilege: "VirtualMachine.Interact.ConsoleInteract".into(), object: vm() },
        Error::NoSuchVm { .. } => Error::NoSuchVm { what: "/Lab/vm/web/web-frontend-01".into(), username: username() },
        Error::AmbiguousName { .. } => Error::AmbiguousName { name: vm(), paths: (1..9).map(|n| format!("/Lab/vm/folder{n}/web-frontend-01")).collect() },
        Error::InvalidPowerState { .. } => Error::InvalidPowerState { vm: vm(), state: None },
        Error::InvalidState { .. } => Error::InvalidState { vm: vm(), message: message() },
        Error::ConnectionLimit { .. } => Error::ConnectionLimit { vm: vm(), limit: Some(40), holders: (1..40).map(|n| format!("LAB\\ann{n} from 192.0.2.{n}")).collect() },
        Error::HostDisconnected { .. } => Error::HostDisconnected { vm: vm(), message: message() },
        Error::Busy { .. } => Error::Busy { vm: vm(), message: message() },
        Error::CannotChangePower { .. } => Error::CannotChangePower { vm: vm(), action: crate::PowerAction::ShutDownGuest, state: Some(crate::Power::Suspended) },
        Error::NoGuestTools { .. } => Error::NoGuestTools { vm: vm() },
        Error::StillRunning { .. } => Error::StillRunning { vm: vm(), action: crate::PowerAction::On },
        Error::NoScreen { .. } => Error::NoScreen { address: address(), answered: "something other than a PNG".into() },
        Error::NotWritten { .. } => Error::NotWritten { vm: vm(), kind: "NoDiskSpace".into(), message: "Insufficient disk space on datastore 'datastore1'.".into() },
        Error::NotFetched { .. } => Error::NotFetched { path: "[datastore1] web-frontend-01/web-frontend-01-3.png".into(), cause: Box::new(no_file.clone()) },
        Error::NoFile { .. } => no_file,
        Error::Licence { .. } => Error::Licence { address: address(), message: message() },
        Error::NotSupported { .. } => Error::NotSupported { address: address(), message: message() },
        Error::NotAVsphere { .. } => Error::NotAVsphere { address: address(), answered: "HTTP status 404".into() },
        Error::Http { .. } => Error::Http { address: address(), status: 503 },
        Error::TooLarge { .. } => Error::TooLarge { address: address(), limit: 16 << 20 },
        Error::Malformed { .. } => Error::Malformed { address: address(), reason: "it has an element with more than 1000 attributes".into() },
        Error::Fault { .. } => Error::Fault { address: address(), kind: "ToolsUnavailable".into(), message: message() },
    })
}

#[test]
fn every_error_is_readable() {
    for error in every_error() {
        assert_readable(&error.to_string());
    }
    for status in [302, 401, 404, 500, 503] {
        assert_readable(
            &Error::Http {
                address: ADDRESS.into(),
                status,
            }
            .to_string(),
        );
    }
}

fn text_of(source: rustls::Error) -> String {
    let reason = crate::tls_in_words(&source);
    Error::Certificate {
        address: "esxi".into(),
        reason,
        source,
    }
    .to_string()
}

#[test]
fn a_certificate_that_can_be_replaced_has_a_remedy() {
    let version = CertificateError::Other(rustls::OtherError(Arc::new(Webpki)));
    for (error, text) in [
        (
            for_another_name(),
            "the certificate of esxi is not trusted (it is for localhost.localdomain, not for esxi01.lab.example.com): use that name, or pin it",
        ),
        (
            version.into(),
            "the certificate of esxi is not trusted (it is X.509 v1): reissue it as v3",
        ),
        (
            CertificateError::Expired.into(),
            "the certificate of esxi is not trusted (it has expired): renew it, or pin it",
        ),
        (
            CertificateError::UnknownIssuer.into(),
            "the certificate of esxi is not trusted (it is not signed by a trusted authority): check the address, or change what is trusted",
        ),
    ] {
        assert_eq!(text_of(error), text);
    }
}

/// As rustls wraps webpki's error for it.
#[derive(Debug, thiserror::Error)]
#[error("UnsupportedCertVersion")]
struct Webpki;
