//! A console ticket: the one-time credential, the console's address, and the expected certificate.

use std::fmt;

use secrecy::SecretString;
use url::Url;

use crate::{about::ApiType, uuid::hex_bytes, vm::Vm, xml::Element};

/// A one-time `webmks` ticket. Neither `Clone` nor shown by `Debug`; consumed by [`Ticket::into_parts`].
pub struct Ticket {
    parts: TicketParts,
}

/// What a ticket is made of (`docs/webmks.md` 3.1, `VirtualMachineTicket`).
pub struct TicketParts {
    /// The last segment of `/ticket/…`: printable ASCII without spaces.
    pub ticket: SecretString,
    /// The host to connect to, an IPv6 address without brackets; a standalone ESXi may leave it out.
    pub host: Option<String>,
    /// Its port; 443 where absent.
    pub port: Option<u16>,
    /// Host and port of the WebSocket URL that newer servers add; a hint only, it may not resolve (`docs/webmks.md` 2.1).
    pub url_host: Option<(String, Option<u16>)>,
    /// Digests of the host's certificate.
    pub thumbprints: Thumbprints,
    /// The host's certificate itself, as PEM, since 9.0.
    pub certificate_pem: Option<String>,
    /// The VM.
    pub vm: Vm,
    /// Whether an ESXi or a vCenter gave it: only an ESXi's own address is a place where its consoles are.
    pub from: ApiType,
}

/// Hashes of a certificate in its DER form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Thumbprints {
    /// SHA-1, from `sslThumbprint`.
    pub sha1: Option<[u8; 20]>,
    /// SHA-256, from `certThumbprintList`, since 7.0.3.1.
    pub sha256: Option<[u8; 32]>,
}

impl Ticket {
    /// Reads the `returnval` of AcquireTicket; the error does not contain the ticket.
    pub(crate) fn read(value: &Element, vm: Vm, from: ApiType) -> Result<Self, &'static str> {
        let ticket = value
            .text_of("ticket")
            .map(str::trim)
            .filter(|ticket| is_ticket(ticket));
        let port = value
            .text_of("port")
            .and_then(|port| port.trim().parse().ok());
        Ok(Self {
            parts: TicketParts {
                ticket: ticket
                    .map(SecretString::from)
                    .ok_or("its ticket has characters that a URL cannot have")?,
                host: value.text_of("host").and_then(host),
                port: port.filter(|port| *port != 0),
                url_host: value.text_of("url").and_then(url_host),
                thumbprints: Thumbprints::read(value)?,
                certificate_pem: value
                    .text_of("sslCertificate")
                    .map(certificate)
                    .transpose()?,
                vm,
                from,
            },
        })
    }

    /// The VM.
    pub fn vm(&self) -> &Vm {
        &self.parts.vm
    }

    /// Digests of the console's certificate.
    pub const fn thumbprints(&self) -> &Thumbprints {
        &self.parts.thumbprints
    }

    /// The parts, for the one dial that the ticket is good for.
    pub fn into_parts(self) -> TicketParts {
        self.parts
    }
}

impl fmt::Debug for Ticket {
    /// Everything but the ticket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.parts, f)
    }
}

impl fmt::Debug for TicketParts {
    /// Everything but the ticket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("vm", &self.vm.name)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("url_host", &self.url_host)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl Thumbprints {
    /// A malformed thumbprint is an error: without it, less would be pinned.
    fn read(value: &Element) -> Result<Self, &'static str> {
        let listed = value.children("certThumbprintList").find(|listed| {
            let algorithm = listed.text_of("hashAlgorithm").unwrap_or_default().trim();
            algorithm.eq_ignore_ascii_case("sha256")
        });
        let sha256 = listed.and_then(|listed| listed.text_of("thumbprint"));
        Ok(Self {
            sha1: thumbprint(value.text_of("sslThumbprint"))?,
            sha256: thumbprint(sha256)?,
        })
    }
}

fn thumbprint<const N: usize>(text: Option<&str>) -> Result<Option<[u8; N]>, &'static str> {
    match text.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => hex_bytes(text.chars().filter(|c| *c != ':'))
            .map(Some)
            .ok_or("its ticket has an invalid thumbprint"),
    }
}

/// Whether a ticket can be part of a URL in a request line.
fn is_ticket(text: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'?' | b'#' | b'\\');
    !text.is_empty() && text.len() <= MAX_TICKET && text.bytes().all(safe)
}

/// A name or an address, that one without the brackets that it has in a URL.
fn host(text: &str) -> Option<String> {
    let host = text.trim();
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte);
    (!host.is_empty() && host.len() <= MAX_HOST && host.bytes().all(safe)).then(|| host.to_owned())
}

fn url_host(text: &str) -> Option<(String, Option<u16>)> {
    let url = Url::parse(text.trim()).ok()?;
    Some((host(url.host_str()?)?, url.port()))
}

fn certificate(pem: &str) -> Result<String, &'static str> {
    if pem.len() > MAX_PEM || !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err("its ticket has an invalid certificate");
    }
    Ok(pem.to_owned())
}

/// Tickets seen are 16 to 120 characters long.
const MAX_TICKET: usize = 1024;

/// A DNS name has at most 253 characters (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;

/// One certificate with many names has some 10 kB.
const MAX_PEM: usize = 64 << 10;
