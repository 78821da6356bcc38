//! Alerts (RFC 8446 section 6, RFC 5246 section 7.2).

use rustls::AlertDescription;

use crate::Refused;
use crate::key::Version;

const WARNING: u8 = 1;
const FATAL: u8 = 2;

/// The end of what we send.
pub(crate) const CLOSE_NOTIFY: [u8; 2] = [WARNING, 0];

/// The answer to who wants another handshake in TLS 1.2.
pub(crate) const NO_RENEGOTIATION: [u8; 2] = [WARNING, 100];

/// The end of everything.
pub(crate) fn fatal(description: AlertDescription) -> [u8; 2] {
    [FATAL, description.into()]
}

/// What an alert means where it is not an error.
pub(crate) enum Said {
    Closed,
    Warned,
}

/// What the peer says. In TLS 1.3 only user_canceled is a warning.
pub(crate) fn read(version: Version, content: &[u8]) -> Result<Said, Refused> {
    let &[level, description] = content else {
        return Err(Refused::Malformed("an alert"));
    };
    let description = AlertDescription::from(description);
    match (level, description) {
        (WARNING | FATAL, AlertDescription::CloseNotify) => Ok(Said::Closed),
        (FATAL, description) => Err(Refused::Alert(description)),
        (WARNING, AlertDescription::UserCanceled) => Ok(Said::Warned),
        (WARNING, _) if version == Version::Tls12 => Ok(Said::Warned),
        (WARNING, _) => Err(Refused::Malformed("a warning")),
        _ => Err(Refused::Illegal("an alert's level")),
    }
}
