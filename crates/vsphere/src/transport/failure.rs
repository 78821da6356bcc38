//! Translates errors of the HTTP library, whose causes are wrapped in several layers.

use std::{error::Error as StdError, io, sync::Arc};

use crate::error::Error;
use crate::in_words::{io_in_words, tls_in_words};

/// Turns the HTTP library's error into ours. A TLS error is found wherever it is wrapped, so that the words of the caller's
/// certificate verifier come through. With a `proxy` on the way, that is where connections are made to.
pub(crate) fn explain(address: &str, proxy: Option<&str>, error: reqwest::Error) -> Error {
    let address = address.to_owned();
    // The error's own address makes the URL redundant.
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
            reason: tls_in_words(&source),
            source,
        },
        None => unencrypted(address, proxy, error),
    }
}

/// As above, for errors other than TLS errors.
fn unencrypted(address: String, proxy: Option<&str>, error: reqwest::Error) -> Error {
    let (reason, closed) = (
        innermost(&error),
        is_closed(&error) && !is_of_tunnel(&error),
    );
    if let Some(answered) = no_http(&error) {
        return Error::NotAVsphere { address, answered };
    }
    let connecting = error.is_connect();
    let source = Arc::new(error);
    match proxy {
        _ if closed => Error::Closed {
            address,
            when: match connecting {
                true => "in the middle of the TLS handshake",
                false => "before it had answered in full",
            },
            source,
        },
        Some(proxy) if connecting => Error::Proxy {
            proxy: proxy.to_owned(),
            address,
            reason,
            source,
        },
        _ => Error::Unreachable {
            address,
            reason,
            source,
        },
    }
}

/// Whether the proxy's tunnel failed. The HTTP library does not export this error's type.
fn is_of_tunnel(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| cause.to_string().starts_with("tunnel error"))
}

/// A short description of an answer that is not HTTP.
fn no_http(error: &(dyn StdError + 'static)) -> Option<String> {
    let error: &hyper::Error = causes(error).find_map(|cause| cause.downcast_ref())?;
    let answered = match error.is_parse_too_large() {
        true => "with a head that has no end",
        false => "something that is no HTTP",
    };
    error.is_parse().then(|| answered.to_owned())
}

/// Whether there was a connection, and the other side ended it.
fn is_closed(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| {
        let broken = cause.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
            )
        });
        let cut = cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_incomplete_message);
        broken || cut
    })
}

fn tls_error(error: &(dyn StdError + 'static)) -> Option<rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>().cloned())
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    let last = causes(error).last();
    last.map_or_else(String::new, |last| match last.downcast_ref() {
        Some(error) => io_in_words(error),
        None => last.to_string(),
    })
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

/// The certificate verifier's message where there is one.
fn certificate_reason(error: &rustls::Error) -> String {
    tls_in_words(error)
}
