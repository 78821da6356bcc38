//! Source addresses of viewers, as allow lists, limits and penalties use them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// Converts an IPv4-mapped address to IPv4: a socket that listens on `::` reports IPv4 peers as `::ffff:a.b.c.d`.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether `address` is in one of `networks`; either may be in IPv4-mapped form.
pub fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    let mapped = match address {
        IpAddr::V4(address) => Some(IpAddr::V6(address.to_ipv6_mapped())),
        IpAddr::V6(_) => None,
    };
    networks.iter().any(|network| {
        network.contains(&address) || mapped.is_some_and(|mapped| network.contains(&mapped))
    })
}

/// The source to which connections and failed logins are attributed: an IPv4 address, or the /64 of an IPv6 address, which a
/// customer has at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// One address.
    V4(Ipv4Addr),
    /// The upper half of an address.
    V6([u16; 4]),
}

impl Source {
    /// The networks by which it is counted: /32 for IPv4; /64, /56 and /48 for IPv6.
    pub fn networks(self) -> impl Iterator<Item = IpNet> {
        let (address, prefixes) = match self {
            Self::V4(address) => (IpAddr::V4(address), [32, 0, 0]),
            Self::V6([a, b, c, d]) => {
                let address = Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0);
                (IpAddr::V6(address), [64, 56, 48])
            }
        };
        let known = prefixes.into_iter().filter(|prefix| *prefix > 0);
        known.filter_map(move |prefix| Some(IpNet::new(address, prefix).ok()?.trunc()))
    }
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_both_forms_of_ipv4() {
        let networks = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| text.parse().unwrap())
                .collect::<Vec<IpNet>>()
        };
        for (list, address, inside) in [
            (&["10.0.0.0/8"][..], "10.1.2.3", true),
            (&["10.0.0.0/8"], "11.1.2.3", false),
            (&["::ffff:10.0.0.0/104"], "10.1.2.3", true),
            (&["fd00::/8", "::1/128"], "::1", true),
            (&["fd00::/8"], "::1", false),
            (&["0.0.0.0/0"], "::1", false),
            (&["::/0"], "::1", true),
        ] {
            assert_eq!(
                is_in(&networks(list), address.parse().unwrap()),
                inside,
                "{address} in {list:?}"
            );
        }
        let mapped: SocketAddr = "[::ffff:10.1.2.3]:5".parse().unwrap();
        assert_eq!(canonical(mapped).to_string(), "10.1.2.3:5");
    }

    #[test]
    fn addresses_of_one_ipv6_64_are_one_source() {
        let source = |text: &str| Source::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(source("fd00:1:2:3::1"), source("fd00:1:2:3:ffff::2"));
        assert_ne!(source("fd00:1:2:3::1"), source("fd00:1:2:4::1"));
        assert_eq!(source("::ffff:10.0.0.1"), source("10.0.0.1"));
        assert_ne!(source("10.0.0.1"), source("10.0.0.2"));
        let networks = |text: &str| -> Vec<String> {
            let networks = source(text).networks();
            networks.map(|network| network.to_string()).collect()
        };
        assert_eq!(networks("::ffff:10.0.0.1"), ["10.0.0.1/32"]);
        assert_eq!(
            networks("fd00:1:2:345::9"),
            ["fd00:1:2:345::/64", "fd00:1:2:300::/56", "fd00:1:2::/48"]
        );
    }
}
