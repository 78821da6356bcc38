//! Turns errors of the HTTP library into ours. They wrap their causes in several layers, and their own texts are the
//! library's: only texts of this crate and of the operating system get into a message.

use std::{error::Error as StdError, io, sync::Arc};

use crate::error::Error;
use error_words::{io_in_words, tls_in_words};

/// Turns the HTTP library's error into ours. A TLS error is found wherever it is wrapped, so that an error of the
/// caller's certificate verifier is reported as such. With a `proxy`, connections are made to that.
pub(super) fn explain(address: &str, proxy: Option<&str>, error: reqwest::Error) -> Error {
    let address = address.to_owned();
    // The message names the address already.
    let error = error.without_url();
    if error.is_timeout() && !error.is_connect() {
        return Error::Timeout { address };
    }
    match tls_error(&error) {
        Some(source @ rustls::Error::InvalidCertificate(_)) => Error::Certificate {
            address,
            reason: tls_in_words(&source),
            source,
        },
        Some(source) => Error::Tls {
            address,
            reason: tls_in_words(&source),
            source,
        },
        None => explain_other_than_tls(address, proxy, error),
    }
}

fn explain_other_than_tls(address: String, proxy: Option<&str>, error: reqwest::Error) -> Error {
    if let Some(answered) = not_http(&error) {
        return Error::NotAVsphere { address, answered };
    }
    let (reason, connecting) = (reason(&error), error.is_connect());
    let closed = is_closed(&error) && tunnel_error(&error).is_none();
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

/// The cause in a few words.
fn reason(error: &reqwest::Error) -> String {
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    match (io.last(), tunnel_error(error)) {
        (Some(io), _) => io_in_words(io),
        (None, Some(reason)) => reason.to_owned(),
        (None, None) if error.is_timeout() => "it does not answer".to_owned(),
        (None, None) => "the connection broke".to_owned(),
    }
}

/// Why the proxy opened no tunnel. The HTTP library does not export the type of this error, only its text.
fn tunnel_error(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let text = causes(error)
        .map(ToString::to_string)
        .find(|text| text.starts_with("tunnel error: "))?;
    Some(match text.as_str() {
        text if text.contains("authorization") => "it asks for a user name and a password",
        text if text.contains("too long") => "the head of its answer is too long",
        text if text.contains("end of file") => "it closed the connection",
        text if text.contains("unsuccessful") => "it refuses to connect, or is not an HTTP proxy",
        _ => "the connection to it broke",
    })
}

/// A short description of an answer that is not HTTP.
fn not_http(error: &(dyn StdError + 'static)) -> Option<String> {
    let http: &hyper::Error = causes(error).find_map(|cause| cause.downcast_ref())?;
    // How the library reports a chunk without a length.
    let bad_chunk = causes(http)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|io| {
            matches!(
                io.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
            )
        });
    let answered = match http.is_parse_too_large() {
        true => "with a head that is too long",
        false => "something other than HTTP",
    };
    (http.is_parse() || bad_chunk).then(|| answered.to_owned())
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

/// The error and its causes.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    // Five are usual.
    std::iter::successors(Some(error), |error| cause(*error)).take(32)
}

/// The source of an error. `io::Error::source` skips the error that it wraps, so that one is taken by `get_ref`.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
