//! How long the gateway's own certificates are valid.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;

use crate::commands::trust::rfc3339;
use console::printable::printable;
use gateway::settings::Config;

const DAY: i64 = 24 * 60 * 60;

/// A certificate that expires within this time is to be renewed.
const SOON: i64 = 30 * DAY;

/// A certificate that is to be renewed, or is not valid yet.
pub(in crate::commands) struct CertificateProblem {
    /// The code, as docs/commands.md lists it.
    pub(in crate::commands) code: &'static str,
    pub(in crate::commands) message: String,
    /// Dates as in RFC 3339.
    pub(in crate::commands) not_before: String,
    pub(in crate::commands) not_after: String,
}

/// Each certificate that has expired, is not valid yet, or expires within 30 days.
pub(in crate::commands) fn problems(config: &Config, now: SystemTime) -> Vec<CertificateProblem> {
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(since_epoch).unwrap_or(i64::MAX);
    let mut seen = BTreeSet::new();
    let consoles = config.consoles.iter();
    let of_consoles = consoles.filter_map(|console| console.auth.certificate.as_ref());
    let of_page = config.web.iter().filter_map(|web| web.certificate.as_ref());
    let files = of_consoles.chain(of_page);
    files
        .filter(|file| seen.insert(&file.path))
        .flat_map(|file| {
            let chain = file.chain.certificates().iter();
            chain.filter_map(|certificate| problem(&file.path, certificate, now))
        })
        .collect()
}

fn problem(path: &Path, certificate: &CertificateDer<'_>, now: i64) -> Option<CertificateProblem> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let validity = parsed.validity();
    let (begins, ends) = (validity.not_before, validity.not_after);
    let (code, trouble) = if begins.timestamp() > now {
        let begins = date(&begins);
        let trouble =
            format!("is not valid before {begins}: see that this machine's clock is right");
        ("certificate-not-yet-valid", trouble)
    } else if ends.timestamp() < now {
        let trouble = format!("expired on {}: renew it", date(&ends));
        ("certificate-expired", trouble)
    } else if ends.timestamp() <= now.saturating_add(SOON) {
        let days = (ends.timestamp() - now) / DAY;
        let trouble = format!("expires on {}, in {days} days: renew it", date(&ends));
        ("certificate-expires-soon", trouble)
    } else {
        return None;
    };
    let subject = printable(&parsed.subject().to_string());
    Some(CertificateProblem {
        code,
        message: format!("{}: the certificate of {subject} {trouble}", path.display()),
        not_before: rfc3339(&begins),
        not_after: rfc3339(&ends),
    })
}

/// The day, as in RFC 3339.
fn date(time: &ASN1Time) -> String {
    time.to_datetime().date().to_string()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    /// 2026-06-15T00:00:00Z.
    const NOW: i64 = 1_781_481_600;

    #[test]
    fn certificate_is_to_be_renewed_thirty_days_before_it_expires() {
        let made = |from: (i32, u8, u8), to: (i32, u8, u8)| {
            let mut parameters = CertificateParams::new(["gw.example".into()]).unwrap();
            parameters.distinguished_name.push(DnType::CommonName, "gw");
            parameters.not_before = date_time_ymd(from.0, from.1, from.2);
            parameters.not_after = date_time_ymd(to.0, to.1, to.2);
            let certificate = parameters.self_signed(&KeyPair::generate().unwrap());
            certificate.unwrap().der().clone()
        };
        let message = |from, to| {
            let message = problem(Path::new("gw.pem"), &made(from, to), NOW)?.message;
            let message = message.strip_prefix("gw.pem: the certificate of CN=");
            Some(message.unwrap().split_once(' ').unwrap().1.to_owned())
        };
        let before = (2026, 1, 1);
        for (from, to, expected) in [
            (before, (2027, 1, 1), None),
            (before, (2026, 7, 16), None),
            (
                before,
                (2026, 7, 15),
                Some("expires on 2026-07-15, in 30 days: renew it"),
            ),
            (
                before,
                (2026, 6, 15),
                Some("expires on 2026-06-15, in 0 days: renew it"),
            ),
            (
                before,
                (2026, 6, 14),
                Some("expired on 2026-06-14: renew it"),
            ),
            (
                (2026, 6, 16),
                (2027, 1, 1),
                Some("is not valid before 2026-06-16: see that this machine's clock is right"),
            ),
        ] {
            assert_eq!(message(from, to).as_deref(), expected, "{to:?}");
        }
    }
}
