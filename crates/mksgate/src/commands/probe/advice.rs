//! Remedies for a failed console at a URL, in terms of the command's options.

use rfb_proto::{Refusal, Violation};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use super::facts::{Facts, FailedStep, facts};
use super::steps::RFB;
use crate::commands::failure::Failure;
use crate::commands::trust;
use console::Error;
use console::address::Address;
use console::tls::Thumbprint;

/// Unused in practice: the address always has a port.
const HTTPS: u16 = 443;

/// Error and remedy for a failure at `step`.
pub(super) async fn for_failure(failure: &Error, step: &str) -> FailedStep {
    let sentence = match failure {
        Error::Certificate {
            address, reason, ..
        } => {
            let seen = untrusted_certificate(address, reason).await;
            let (known, sentence) = seen.unwrap_or_else(|| (Map::new(), failure.to_string()));
            return FailedStep {
                failure: Failure::of(failure, sentence),
                known,
            };
        }
        Error::Slow { what, within, .. } if step == RFB => format!(
            "{what} opened the WebSocket but sent no RFB version within {} s: check that the URL leads to a VNC server, or raise --handshake-timeout",
            within.as_secs()
        ),
        Error::RfbRefused {
            source: Refusal::PasswordNeeded,
            ..
        } => format!("{failure}: add --password-file"),
        Error::RfbRefused {
            source: Refusal::Violation(Violation::NotRfb),
            ..
        }
        | Error::Text => format!("{failure}: check that the URL leads to a VNC server"),
        other => other.to_string(),
    };
    Failure::of(failure, sentence).into()
}

/// Shows the rejected certificate, so that the user can compare and pin it.
async fn untrusted_certificate(address: &str, reason: &str) -> Option<Facts> {
    let certificate = trust::fetch_certificate(&Address::parse(address, HTTPS)?).await;
    let certificate = certificate.ok()?;
    let digest = Thumbprint::Sha256(Sha256::digest(&certificate).into()).to_string();
    let described = trust::describe(&certificate).ok()?;
    let sentence = untrusted(address, reason, &digest);
    let known = json!({
        "reason": reason,
        "subject": described.subject,
        "issuer": described.issuer,
        "not_before": described.not_before,
        "not_after": described.not_after,
        "thumbprint": digest,
    });
    Some(facts(known, sentence))
}

/// The reason is left out where names are so long that the sentence would be more than 200 characters: the facts have it.
fn untrusted(address: &str, reason: &str, digest: &str) -> String {
    let sentence = |reason: &str| {
        format!(
            "the certificate of {address} is not trusted{reason}: if it is right, add --trust {digest}"
        )
    };
    let full = sentence(&format!(" ({reason})"));
    match full.chars().count() <= 200 {
        true => full,
        false => sentence(""),
    }
}

#[cfg(test)]
mod tests {
    use message_check::assert_readable;

    use super::*;

    #[test]
    fn untrusted_certificates_are_described_in_200_characters() {
        let digest = Thumbprint::Sha256([0xab; 32]).to_string();
        let reason = "it is not signed by a trusted authority";
        let usual = untrusted("esxi01.example:443", reason, &digest);
        assert!(usual.contains(reason), "{usual}");
        assert_readable(&usual);
        let long = "esxi-with-a-rather-long-name.datacenter.example:8443";
        assert_readable(&untrusted(long, reason, &digest));
    }
}
