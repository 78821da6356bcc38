//! The address at which a ticket's console is dialled, chosen from the names that the ticket and the configuration hold.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::net::lookup_host;
use vsphere::{ApiType, TicketParts};

use crate::address::{Address, HTTPS};
use crate::error::Error;

/// Every address at which the console may be, in the order in which they are tried: the replacements that
/// `console_address` has for the ticket's names, the ticket's `host`, the host of its `url`, and the API's address
/// where an ESXi issued the ticket (`docs/webmks.md` 2.1, "hostname trap").
pub(crate) fn candidates(
    ticket: &TicketParts,
    api: &Address,
    replacements: &BTreeMap<String, String>,
) -> Vec<Address> {
    let port = ticket.port.unwrap_or(HTTPS);
    let host = ticket.host.iter().map(|host| (host, port));
    let url = ticket
        .url_host
        .iter()
        .map(|(host, url_port)| (host, url_port.unwrap_or(port)));
    let named: Vec<_> = host.chain(url).collect();
    let replaced = named
        .iter()
        .filter_map(|(host, port)| Address::parse(replacements.get(*host)?, *port));
    let own = (ticket.from == ApiType::Esxi).then(|| api.clone());
    let mut candidates: Vec<Address> = replaced.collect();
    candidates.extend(named.iter().map(|(host, port)| Address {
        host: (*host).clone(),
        port: *port,
    }));
    candidates.extend(own);
    candidates.dedup();
    candidates
}

/// Likewise for a host of a vCenter without a ticket. A guess, since no real vCenter was tried: its tickets name the host as
/// the inventory does, and its consoles are on port 443.
pub(crate) fn without_ticket(host: &str, replacements: &BTreeMap<String, String>) -> Vec<Address> {
    let replaced = replacements.get(host);
    let replaced = replaced.and_then(|address| Address::parse(address, HTTPS));
    let named = Address {
        host: host.to_owned(),
        port: HTTPS,
    };
    replaced.into_iter().chain([named]).collect()
}

/// The first candidate, for a proxy, which resolves names itself.
pub(crate) fn unresolved(candidates: Vec<Address>) -> Result<Address, Error> {
    candidates.into_iter().next().ok_or_else(no_host)
}

/// The first candidate whose name resolves, and its addresses.
pub(crate) async fn resolve(candidates: Vec<Address>) -> Result<(Address, Vec<SocketAddr>), Error> {
    let mut names = Vec::new();
    for candidate in candidates {
        let found: Vec<SocketAddr> =
            match lookup_host((candidate.host.as_str(), candidate.port)).await {
                Ok(found) => found.collect(),
                Err(_) => Vec::new(),
            };
        if !found.is_empty() {
            return Ok((candidate, found));
        }
        names.push(candidate.host);
    }
    match names.is_empty() {
        true => Err(no_host()),
        false => Err(Error::Unresolvable {
            names: names.join(", "),
        }),
    }
}

fn no_host() -> Error {
    Error::Setup("the ticket has no host name: check that the VM's host is connected".into())
}
