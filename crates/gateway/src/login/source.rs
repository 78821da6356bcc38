//! Where a viewer comes from, as limits and penalties see it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// An address without its IPv4-mapped disguise: a socket that listens on `::` sees IPv4 as `::ffff:a.b.c.d`.
pub(crate) fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether `address` is in one of `networks`, whichever of the two is written in IPv4-mapped form.
pub(crate) fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    let mapped = match address {
        IpAddr::V4(address) => Some(IpAddr::V6(address.to_ipv6_mapped())),
        IpAddr::V6(_) => None,
    };
    networks.iter().any(|network| {
        network.contains(&address) || mapped.is_some_and(|mapped| network.contains(&mapped))
    })
}

/// Who is held responsible for a failed login: an IPv4 address, or the /64 of an IPv6 address, which is what
/// one customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// One address.
    V4(Ipv4Addr),
    /// The upper half of an address.
    V6([u16; 4]),
}

impl Source {
    /// The network that it is, and those around it by which IPv6 is counted as well: /64, /56 and /48.
    pub(crate) fn networks(self) -> impl Iterator<Item = IpNet> {
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
    fn networks_know_both_forms_of_ipv4() {
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
        assert_eq!(plain(mapped).to_string(), "10.1.2.3:5");
    }

    #[test]
    fn an_ipv6_neighbour_is_the_same_source() {
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
