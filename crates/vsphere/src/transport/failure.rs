//! Why an HTTP exchange failed, dug out of the layers that wrap the cause.

use std::{error::Error as StdError, io, sync::Arc};

use crate::Error;

/// Turns the HTTP library's error into ours. A TLS error is found wherever it is wrapped, so that the words of the caller's
/// certificate verifier come through.
pub(crate) fn explain(address: &str, error: reqwest::Error) -> Error {
    let address = address.to_owned();
    // The URL has nothing to add to the address.
    let error = error.without_url();
    if error.is_timeout() && !error.is_connect() {
        return Error::Timeout { address };
    }
    match tls_error(&error) {
        Some(source @ rustls::Error::InvalidCertificate(_)) => Error::Certificate {
            address,
            reason: certificate_reason(&source),
            source,
        },
        Some(source) => Error::Tls {
            address,
            reason: source.to_string(),
            source,
        },
        None => Error::Unreachable {
            address,
            reason: innermost(&error),
            source: Arc::new(error),
        },
    }
}

fn tls_error(error: &(dyn StdError + 'static)) -> Option<rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>().cloned())
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error)
        .last()
        .map_or_else(String::new, ToString::to_string)
}

/// Every error of the chain.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    // Chains that are seen have five links.
    std::iter::successors(Some(error), |error| cause(*error)).take(32)
}

/// `io::Error` skips the error that it was made of when asked for its source, so it is asked in its own way.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The verifier's own words where it has some; else the TLS library's.
fn certificate_reason(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(own)) => own.to_string(),
        rustls::Error::InvalidCertificate(cause) => cause.to_string(),
        other => other.to_string(),
    }
}
