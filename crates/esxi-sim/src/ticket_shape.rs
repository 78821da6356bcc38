//! The fields of tickets, to be chosen per host.

/// The fields of a ticket besides its secret (`docs/webmks.md` 3.1). Fields that the client's API version does not have
/// are always left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketShape {
    /// The field `host` (and with it `port`).
    pub host: TicketHost,
    /// The field `url`.
    pub url: TicketUrl,
    /// `sslThumbprint`, `certThumbprintList` and `sslCertificate`.
    pub thumbprint: Thumbprint,
}

/// The field `host` of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TicketHost {
    /// The address of the console port.
    #[default]
    Named,
    /// Absent, and `port` too, as a standalone 7.0.3 was seen to answer (`docs/webmks.md` 2.1, one report).
    Absent,
    /// This text.
    Other(String),
}

/// The field `url` of a ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TicketUrl {
    /// The URL of the console.
    #[default]
    Good,
    /// A URL whose host name never resolves (`.invalid`, RFC 6761 section 6.4).
    Unresolvable,
    /// Absent.
    Absent,
}

/// The thumbprint fields of a ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thumbprint {
    /// Those of the certificate that the console presents.
    #[default]
    Right,
    /// Thumbprints that no certificate has; no `sslCertificate`.
    Wrong,
    /// None ("can be enabled or disabled on the host", `docs/webmks.md` 3.1).
    Absent,
}
