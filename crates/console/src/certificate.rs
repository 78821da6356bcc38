//! rustls errors about certificates, as text for error sentences.

/// Why rustls refused the peer's certificate, in words; `None` where the error is not about the certificate.
pub fn refusal_of(error: &rustls::Error) -> Option<String> {
    match error {
        rustls::Error::InvalidCertificate(error) => Some(vsphere::certificate_in_words(error)),
        _ => None,
    }
}

/// What helps against exactly this; `None` where that is not known.
pub fn remedy_for(error: &rustls::Error) -> Option<&'static str> {
    match error {
        rustls::Error::InvalidCertificate(error) => vsphere::certificate_remedy(error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::KeyPair;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::{CertificateError, RootCertStore};

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
            "it is a certificate authority's, not a server's"
        );
        for (error, words) in [
            (CertificateError::Expired, "it has expired"),
            (CertificateError::BadSignature, "bad signature"),
        ] {
            assert_eq!(refusal_of(&error.into()).unwrap(), words);
        }
    }
}
