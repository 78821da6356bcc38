//! The hosts that the page answers to. A page elsewhere can make its own name lead to this address (DNS rebinding); the
//! browser then sends that name as Host.

use std::net::IpAddr;

use axum::http::uri::Authority;

/// Whether a request with this Host, on a connection to the address `local`, is meant for the page: Host is that address,
/// `localhost` on loopback, or one of `hosts`. The port is not compared: a reverse proxy may have another.
pub(crate) fn is_ours(host: &str, local: IpAddr, hosts: &[String]) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    // A user name before the host would be part of it.
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host().to_ascii_lowercase();
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let local = local.to_canonical();
    match name.parse::<IpAddr>() {
        Ok(address) => {
            address.to_canonical() == local || hosts.iter().any(|host| host.parse() == Ok(address))
        }
        Err(_) => {
            local.is_loopback() && name == "localhost"
                || hosts.iter().any(|host| matches(host, name))
        }
    }
}

/// A first label `*` stands for one label.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => name
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest == domain),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_and_addresses_of_the_page_are_answered() {
        let hosts = ["consoles.example", "*.lab.example", "192.0.2.7"].map(str::to_owned);
        for (host, local, expected) in [
            ("127.0.0.1:8080", "127.0.0.1", true),
            ("localhost:8080", "127.0.0.1", true),
            ("localhost", "192.0.2.1", false),
            ("[::1]:8443", "::1", true),
            ("[::1]", "192.0.2.1", false),
            ("192.0.2.1:8443", "192.0.2.1", true),
            ("192.0.2.1:8443", "::ffff:192.0.2.1", true),
            ("192.0.2.2:8443", "192.0.2.1", false),
            ("192.0.2.7", "192.0.2.1", true),
            ("Consoles.Example", "192.0.2.1", true),
            ("consoles.example:443", "192.0.2.1", true),
            ("consoles.example.evil.example", "192.0.2.1", false),
            ("evil.example", "127.0.0.1", false),
            ("a.lab.example", "192.0.2.1", true),
            ("a.b.lab.example", "192.0.2.1", false),
            ("lab.example", "192.0.2.1", false),
            ("consoles.example@evil.example", "192.0.2.1", false),
            ("consoles.example, evil.example", "192.0.2.1", false),
            ("", "192.0.2.1", false),
        ] {
            assert_eq!(
                is_ours(host, local.parse().unwrap(), &hosts),
                expected,
                "{host:?} on {local}"
            );
        }
    }
}
