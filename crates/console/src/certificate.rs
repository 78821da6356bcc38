//! rustls errors about certificates, as text for error sentences.

use rustls::CertificateError;

/// Why rustls refused the peer's certificate, in words; `None` where the error is not about the certificate.
pub fn refusal_of(error: &rustls::Error) -> Option<String> {
    match error {
        rustls::Error::InvalidCertificate(error) => Some(match error {
            CertificateError::UnknownIssuer => "nobody who is trusted has signed it".into(),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "it has expired".into()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "it is not valid yet, by this machine's clock".into()
            }
            CertificateError::Other(inner) => sentence_of(&inner.to_string()),
            other => sentence_of(&other.to_string()),
        }),
        _ => None,
    }
}

/// rustls and webpki print a variant's name where they have no sentence: its words are separated.
fn sentence_of(text: &str) -> String {
    match text {
        "CaUsedAsEndEntity" => "it is an authority's own, and not one of a server".into(),
        text if text.contains(' ') => text.into(),
        name => {
            let mut words = String::new();
            for letter in name.chars() {
                if letter.is_uppercase() && !words.is_empty() {
                    words.push(' ');
                }
                words.extend(letter.to_lowercase());
            }
            words
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::KeyPair;
    use rustls::RootCertStore;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    #[test]
    fn certificate_errors_become_sentences() {
        let authority = rcgen::CertificateParams::new(["esxi.example".into()]);
        let mut authority = authority.unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = authority.self_signed(&key).unwrap().der().clone();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots),
            crate::crypto::provider(),
        )
        .build()
        .unwrap();
        let name = ServerName::try_from("esxi.example").unwrap();
        let judged = verifier.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now());
        assert_eq!(
            refusal_of(&judged.unwrap_err()).unwrap(),
            "it is an authority's own, and not one of a server"
        );
        for (error, words) in [
            (CertificateError::Expired, "it has expired"),
            (CertificateError::BadSignature, "bad signature"),
        ] {
            assert_eq!(refusal_of(&error.into()).unwrap(), words);
        }
    }
}
