//! Parts of the sentences of errors.

use error_words::{certificate_remedy, is_not_tls};

use crate::runtime_info::Power;

pub(super) fn remedy_for_certificate(error: &rustls::Error) -> &'static str {
    let known = match error {
        rustls::Error::InvalidCertificate(error) => certificate_remedy(error),
        _ => None,
    };
    known.unwrap_or("check the address, or change what is trusted")
}

pub(super) fn no_tls(address: &str, reason: &str, error: &rustls::Error) -> String {
    match is_not_tls(error) {
        true => format!("{address} does not speak TLS: check the port"),
        false => format!(
            "no TLS connection to {address} ({reason}): check that this is the HTTPS port of an ESXi or vCenter"
        ),
    }
}

pub(super) fn state_text(state: Option<Power>) -> &'static str {
    match state {
        Some(Power::Off) => "powered off",
        Some(Power::Suspended) => "suspended",
        Some(Power::On) => "changing its power state",
        None => "not powered on",
    }
}

pub(super) fn now_text(state: Option<Power>) -> &'static str {
    match state {
        Some(Power::On) => "powered on",
        Some(Power::Off) => "powered off",
        Some(Power::Suspended) => "suspended",
        None => "in its present state",
    }
}

/// The first three of many.
pub(super) fn few(texts: &[String]) -> String {
    match texts {
        [a, b, c, _, ..] => format!("{a}, {b}, {c}, …"),
        few => few.join(", "),
    }
}

pub(super) fn limit_text(limit: Option<u32>) -> String {
    limit.map_or_else(String::new, |limit| format!(" ({limit})"))
}

pub(super) fn holders_text(holders: &[String]) -> String {
    if holders.is_empty() {
        return ", or raise RemoteDisplay.maxConnections".to_owned();
    }
    format!(" of these: {}", few(holders))
}

pub(super) fn status_text(status: u16) -> &'static str {
    match status {
        503 => "it is overloaded or still starting; try again later",
        401 | 403 | 407 => "a server in front of it requires a login of its own",
        300..=399 => "it redirects; use the address that it redirects to",
        404 => "check the path, which is /sdk on every ESXi and vCenter",
        _ => "check the address, and its log",
    }
}

pub(super) fn after_colon(message: &str) -> String {
    match message {
        "" => String::new(),
        message => format!(": {message}"),
    }
}

pub(super) fn in_parentheses(message: &str) -> String {
    if message.is_empty() {
        return String::new();
    }
    format!(" ({message})")
}
