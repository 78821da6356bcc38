//! Which addresses conflict when both are bound.

use std::net::{IpAddr, SocketAddr};

/// Whether both conflict on every system: they are equal, or one is its family's wildcard address.
pub fn overlap(one: &SocketAddr, other: &SocketAddr) -> bool {
    let [a, b] = [one, other].map(|address| address.ip().to_canonical());
    let same_family = a.is_ipv4() == b.is_ipv4();
    one.port() == other.port()
        && same_family
        && (a == b || a.is_unspecified() || b.is_unspecified())
}

/// Whether both conflict on some systems: `[::]` accepts IPv4 too, unless IPV6_V6ONLY is set (RFC 3493 section 5.3).
pub fn may_overlap(one: &SocketAddr, other: &SocketAddr) -> bool {
    let is_wildcard =
        |address: &SocketAddr| matches!(address.ip(), IpAddr::V6(ip) if ip.is_unspecified());
    overlap(one, other) || (one.port() == other.port() && (is_wildcard(one) || is_wildcard(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcard_addresses_conflict_with_each_address() {
        for (one, other, always, maybe) in [
            ("127.0.0.1:1", "127.0.0.1:1", true, true),
            ("127.0.0.1:1", "0.0.0.0:1", true, true),
            ("[::1]:1", "[::]:1", true, true),
            ("[::ffff:127.0.0.1]:1", "0.0.0.0:1", true, true),
            ("127.0.0.1:1", "[::]:1", false, true),
            ("0.0.0.0:1", "[::]:1", false, true),
            ("127.0.0.1:1", "127.0.0.2:1", false, false),
            ("127.0.0.1:1", "0.0.0.0:2", false, false),
            ("[::]:1", "[::]:2", false, false),
            ("[::1]:1", "0.0.0.0:1", false, false),
        ] {
            let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
            for (one, other) in [(&one, &other), (&other, &one)] {
                assert_eq!(overlap(one, other), always, "{one} {other}");
                assert_eq!(may_overlap(one, other), maybe, "{one} {other}");
            }
        }
    }
}
