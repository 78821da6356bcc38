//! Alerts (RFC 8446 section 6, RFC 5246 section 7.2).

use crate::alert_description as description;
use crate::refused::Refused;
use crate::version::Version;

const WARNING: u8 = 1;
const FATAL: u8 = 2;

/// close_notify.
pub(crate) const CLOSE_NOTIFY: [u8; 2] = [WARNING, 0];

/// no_renegotiation, the answer to a HelloRequest of TLS 1.2 (RFC 5246 section 7.2.2).
pub(crate) const NO_RENEGOTIATION: [u8; 2] = [WARNING, 100];

/// A fatal alert.
pub(crate) const fn fatal(description: u8) -> [u8; 2] {
    [FATAL, description]
}

/// An alert that is not an error.
pub(crate) enum AlertKind {
    CloseNotify,
    Warning,
}

/// Parses an alert; a fatal one is an error. In TLS 1.3 the only warning is user_canceled.
pub(crate) fn read(version: Version, content: &[u8]) -> Result<AlertKind, Refused> {
    let &[level, description] = content else {
        return Err(Refused::Malformed("an alert"));
    };
    match (level, description) {
        (WARNING | FATAL, description::CLOSE_NOTIFY) => Ok(AlertKind::CloseNotify),
        (FATAL, other) => Err(Refused::Alert(other)),
        (WARNING, description::USER_CANCELED) => Ok(AlertKind::Warning),
        (WARNING, _) if version == Version::Tls12 => Ok(AlertKind::Warning),
        (WARNING, _) => Err(Refused::Malformed("a warning")),
        _ => Err(Refused::Illegal("an alert's level")),
    }
}
