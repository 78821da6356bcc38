//! Plain words for errors of other crates, whose own texts contain links to documentation and names of types.

use std::fmt::Debug;
use std::io;

use rustls::pki_types::pem;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// The text for an error of a connection, which may wrap a TLS error.
#[must_use]
pub fn io_in_words(error: &io::Error) -> String {
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<Error>() {
            return tls_in_words(tls);
        }
        if let Some(inner) = inner.downcast_ref::<io::Error>() {
            return io_in_words(inner);
        }
    }
    match error.kind() {
        // rustls explains at length why an end without close_notify is one (RFC 8446 section 6.1).
        io::ErrorKind::UnexpectedEof => "it was closed in the middle".into(),
        _ => match error.to_string() {
            text if is_plain(&text) => text,
            _ => error.kind().to_string(),
        },
    }
}

/// Whether a text has no link, no path of a Rust type and no `Debug` form.
fn is_plain(text: &str) -> bool {
    let marks = ["://", "::", "{", "Some(", "Other(", "Custom"];
    !marks.iter().any(|mark| text.contains(mark))
}

/// The text for a TLS error. "It" is the other side.
#[must_use]
pub fn tls_in_words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate_in_words(error),
        Error::AlertReceived(alert) => format!("it ended TLS: {}", alert_in_words(*alert)),
        Error::InvalidMessage(_) => "its answer is not valid TLS".into(),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "it sent a TLS message that is not allowed at this point".into()
        }
        Error::NoCertificatesPresented => "it sent no certificate".into(),
        Error::DecryptError => "what it sent cannot be decrypted".into(),
        Error::PeerIncompatible(why) => {
            format!("no TLS version or cipher in common: {}", spaced(why))
        }
        Error::PeerMisbehaved(why) => format!("it violated the TLS protocol: {}", spaced(why)),
        Error::PeerSentOversizedRecord => "it sent a record larger than TLS allows".into(),
        other => format!("TLS failed: {}", spaced(other)),
    }
}

/// The text for a certificate that was refused.
#[must_use]
pub fn certificate_in_words(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => "it is not signed by a trusted authority".into(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, by this machine's clock".into()
        }
        CertificateError::NotValidForName => "it is for another name".into(),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let expected = expected.to_str();
            match presented.is_empty() {
                true => format!("it is for no name, so not for {expected}"),
                false => {
                    let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
                    format!("it is for {}, not for {expected}", few(&names))
                }
            }
        }
        CertificateError::Revoked => "it was revoked".into(),
        // From the caller's verifier, or the name of an error of webpki.
        CertificateError::Other(own) => match own.to_string() {
            text if text == "CaUsedAsEndEntity" => {
                "it is a certificate authority's, not a server's".into()
            }
            text if text == UNSUPPORTED_VERSION => "it is X.509 v1".into(),
            text if text.contains(' ') => text,
            name => spaced_name(&name),
        },
        other => spaced(other),
    }
}

/// webpki's error for certificates of another version than 3; it has no variant in rustls.
const UNSUPPORTED_VERSION: &str = "UnsupportedCertVersion";

/// What helps against exactly this; `None` where only the operator can know whether the certificate is the right one.
#[must_use]
pub fn certificate_remedy(error: &CertificateError) -> Option<&'static str> {
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Some("use that name, or pin it")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Some("renew it, or pin it")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Some("check the clock of this machine")
        }
        CertificateError::Other(own) if own.to_string() == UNSUPPORTED_VERSION => {
            Some("reissue it as v3")
        }
        _ => None,
    }
}

/// Whether the other side sent something else than TLS, as a server does on a port for plain HTTP.
#[must_use]
pub const fn is_not_tls(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidMessage(InvalidMessage::InvalidContentType)
    )
}

/// The first three names of a certificate that may have a hundred.
fn few(names: &[&str]) -> String {
    match names {
        [a, b, c, _, ..] => format!("{a}, {b}, {c} and others"),
        few => few.join(", "),
    }
}

/// The name in `DnsName("esxi")`, as rustls presents the names of a certificate.
fn bare(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

/// The text for an error in a PEM file.
#[must_use]
pub fn pem_in_words(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no END line".into(),
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is cut".into(),
        pem::Error::Base64Decode(_) => "a section is not base64".into(),
        pem::Error::Io(error) => io_in_words(error),
        pem::Error::NoItemsFound => "it holds none".into(),
        _ => "a section is too long".into(),
    }
}

/// The name of an alert (RFC 8446 section 6).
fn alert_in_words(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::Unknown(number) => format!("alert {number}"),
        known => spaced(&known),
    }
}

/// The name of a variant without its fields, as words.
fn spaced(error: &impl Debug) -> String {
    spaced_name(&format!("{error:?}"))
}

/// `HandshakeFailure` as `handshake failure`.
fn spaced_name(name: &str) -> String {
    let end = name.find(|c: char| !c.is_ascii_alphanumeric());
    let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
    let name = name.strip_suffix("Context").unwrap_or(name);
    let mut words = String::new();
    let mut rest = name.chars().peekable();
    let mut after_small = false;
    while let Some(letter) = rest.next() {
        let begins = letter.is_ascii_uppercase()
            && (after_small || rest.peek().is_some_and(char::is_ascii_lowercase));
        if begins && !words.is_empty() {
            words.push(' ');
        }
        after_small = !letter.is_ascii_uppercase();
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::{
        ContentType, HandshakeType, InconsistentKeys, OtherError, PeerIncompatible, PeerMisbehaved,
    };

    use super::*;

    fn tls_errors() -> Vec<Error> {
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1));
        let certificates = [
            CertificateError::BadEncoding,
            CertificateError::Expired,
            CertificateError::ExpiredContext {
                time,
                not_after: time,
            },
            CertificateError::NotValidYet,
            CertificateError::NotValidYetContext {
                time,
                not_before: time,
            },
            CertificateError::Revoked,
            CertificateError::UnhandledCriticalExtension,
            CertificateError::UnknownIssuer,
            CertificateError::UnknownRevocationStatus,
            CertificateError::ExpiredRevocationList,
            CertificateError::ExpiredRevocationListContext {
                time,
                next_update: time,
            },
            CertificateError::BadSignature,
            CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![1],
                supported_algorithms: Vec::new(),
            },
            CertificateError::NotValidForName,
            CertificateError::NotValidForNameContext {
                expected: ServerName::try_from("esxi.example").unwrap(),
                presented: vec!["DnsName(\"other.example\")".into()],
            },
            CertificateError::InvalidPurpose,
            CertificateError::InvalidOcspResponse,
            CertificateError::ApplicationVerificationFailure,
        ];
        let others = [
            Error::InappropriateMessage {
                expect_types: vec![ContentType::Handshake],
                got_type: ContentType::Alert,
            },
            Error::InappropriateHandshakeMessage {
                expect_types: vec![HandshakeType::ServerHello],
                got_type: HandshakeType::Finished,
            },
            Error::InvalidMessage(InvalidMessage::InvalidContentType),
            Error::InvalidMessage(InvalidMessage::MissingData("ServerHello")),
            Error::NoCertificatesPresented,
            Error::UnsupportedNameType,
            Error::DecryptError,
            Error::EncryptError,
            Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
            Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite),
            Error::General("at https://docs.rs/rustls, rustls::Error".into()),
            Error::FailedToGetCurrentTime,
            Error::FailedToGetRandomBytes,
            Error::HandshakeNotComplete,
            Error::PeerSentOversizedRecord,
            Error::NoApplicationProtocol,
            Error::BadMaxFragmentSize,
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch),
            Error::Other(OtherError(Arc::new(io::Error::other("x")))),
        ];
        let alerts = (0..=u8::MAX).map(|number| Error::AlertReceived(number.into()));
        let certificates = certificates.into_iter().map(Error::InvalidCertificate);
        certificates.chain(others).chain(alerts).collect()
    }

    /// No link, no name of a type or of a path to one, nothing as `Debug` writes it.
    fn assert_plain(text: &str) {
        for mark in ["://", "::", "{", "}", "Some(", "None", "rustls", "docs.rs"] {
            assert!(!text.contains(mark), "{text}");
        }
        let letters: Vec<char> = text.chars().collect();
        let camel = |pair: &[char]| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
        assert!(!letters.windows(2).any(camel), "{text}");
        assert!(text.contains(' '), "{text}");
    }

    #[test]
    fn tls_error_texts_have_no_links_or_type_names() {
        for error in tls_errors() {
            let words = tls_in_words(&error);
            assert_plain(&words);
            let wrapped = io::Error::new(io::ErrorKind::InvalidData, error.clone());
            assert_eq!(io_in_words(&wrapped), words);
            assert_eq!(io_in_words(&io::Error::other(wrapped)), words);
        }
        let alert = Error::AlertReceived(AlertDescription::HandshakeFailure);
        assert_eq!(tls_in_words(&alert), "it ended TLS: handshake failure");
        let expected = ServerName::try_from("esxi.example").unwrap();
        let presented = vec![
            "DnsName(\"other.example\")".into(),
            "IpAddress(192.0.2.1)".into(),
        ];
        let name = CertificateError::NotValidForNameContext {
            expected,
            presented,
        };
        let words = "it is for other.example, 192.0.2.1, not for esxi.example";
        assert_eq!(certificate_in_words(&name), words);
        assert_eq!(spaced_name("UnknownCA"), "unknown ca");
    }

    #[test]
    fn io_error_texts_have_no_links() {
        let close_notify = "peer closed connection without sending TLS close_notify: \
                            https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html";
        for kind in [
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::TimedOut,
            io::ErrorKind::InvalidData,
        ] {
            assert_plain(&io_in_words(&io::Error::new(kind, close_notify)));
            assert_plain(&io_in_words(&kind.into()));
        }
        let ours = io::Error::other("the proxy answered 502");
        assert_eq!(io_in_words(&ours), "the proxy answered 502");
    }
}
