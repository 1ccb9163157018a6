//! Which addresses a message may go to: public ones, and what the deployment allows in addition.
//!
//! The check is on the address of the socket, never on a host's name, so that neither a strange
//! spelling nor a name server that changes its mind gets past it.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The most networks that a deployment may list; more is a mistake and not a policy.
const NETWORKS_MAX: usize = 64;

/// IPv4 that is not a public host. Source: the IANA IPv4 Special-Purpose Address Registry, save
/// for the last line, which is the host agent that every machine of one cloud provider reaches.
const V4_CLOSED: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
    v4([168, 63, 129, 16], 32),
];

/// The only IPv6 block from which public hosts are numbered. Loopback, unique local, link-local,
/// multicast, IPv4-mapped, IPv4-compatible and NAT64 addresses all lie outside it.
const V6_OPEN: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Exceptions inside [`V6_OPEN`], from the IANA IPv6 Special-Purpose Address Registry: protocol
/// assignments (Teredo, benchmarking, ORCHID), 6to4, and both documentation blocks.
const V6_CLOSED: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(std::net::Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// True for addresses that are reachable from all of the internet.
///
/// Forms that carry an IPv4 address inside an IPv6 one are refused whatever they carry: no honest
/// receiver needs them.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !V4_CLOSED.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => {
            V6_OPEN.contains(&address) && !V6_CLOSED.iter().any(|net| net.contains(&address))
        }
    }
}

/// Networks that the deployment allows in addition to the public ones; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// A list of networks that cannot be read. The deployment has to be corrected.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NetworksError {
    /// An entry that is no network.
    #[error("entry {0} of the list is not a network such as 127.0.0.0/8")]
    NotANetwork(usize),
    /// An entry with bits set behind its prefix: probably not what was meant.
    #[error("entry {0} of the list has address bits behind its prefix")]
    LooseBits(usize),
    /// Too many entries.
    #[error("more than {NETWORKS_MAX} networks")]
    TooMany,
}

impl Networks {
    /// Reads a comma-separated list such as `127.0.0.0/8,::1/128`; an empty text is no network.
    ///
    /// # Errors
    /// Names the first entry (counted from 1) that is not a network.
    pub fn parse(list: &str) -> Result<Self, NetworksError> {
        let entries = list
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty());
        let networks = entries
            .enumerate()
            .map(|(at, entry)| network(at + 1, entry))
            .collect::<Result<Vec<_>, _>>()?;
        if networks.len() > NETWORKS_MAX {
            return Err(NetworksError::TooMany);
        }
        Ok(Self(networks))
    }

    /// Whether a message may go to this address. Without TLS only to a loopback address that the
    /// deployment lists: a message names a case, and anything between could read it.
    pub fn permit(&self, address: IpAddr, plain: bool) -> bool {
        let listed = self.0.iter().any(|net| net.contains(&address));
        if plain {
            listed && address.is_loopback()
        } else {
            listed || is_public(address)
        }
    }
}

fn network(at: usize, entry: &str) -> Result<IpNet, NetworksError> {
    let net: IpNet = entry.parse().map_err(|_| NetworksError::NotANetwork(at))?;
    if net.trunc() == net {
        Ok(net)
    } else {
        Err(NetworksError::LooseBits(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("the row is an address")
    }

    #[test]
    fn public_hosts_are_public() {
        let rows = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
        ];
        for row in rows {
            assert!(is_public(address(row)), "{row}");
        }
    }

    #[test]
    fn no_other_address_is_public() {
        let rows = [
            // this host, private, carrier-grade NAT, loopback, link-local and cloud metadata
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "168.63.129.16",
            // protocol assignments, documentation, 6to4 relay, benchmarking
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            // multicast, reserved, broadcast
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            // IPv6: unspecified, loopback, IPv4-compatible, IPv4-mapped, IPv4-translated
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            // NAT64, discard, Teredo, benchmarking, ORCHID, documentation, 6to4
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
            // unique local (and a cloud's metadata in it), link-local, site-local, multicast
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for row in rows {
            assert!(!is_public(address(row)), "{row}");
        }
    }

    #[test]
    fn a_listed_network_is_permitted_and_its_neighbour_is_not() {
        let networks = Networks::parse("10.1.0.0/16, ::1/128").expect("a list");
        assert!(networks.permit(address("10.1.2.3"), false));
        assert!(networks.permit(address("::1"), false));
        assert!(!networks.permit(address("10.2.0.0"), false));
        assert!(!networks.permit(address("127.0.0.1"), false));
    }

    #[test]
    fn plain_http_goes_to_listed_loopback_only() {
        let networks = Networks::parse("127.0.0.0/8,10.0.0.0/8").expect("a list");
        assert!(networks.permit(address("127.0.0.1"), true));
        assert!(!networks.permit(address("10.0.0.1"), true));
        assert!(!networks.permit(address("8.8.8.8"), true));
        assert!(!Networks::default().permit(address("127.0.0.1"), true));
    }

    #[test]
    fn a_listed_ipv4_network_does_not_admit_its_ipv6_disguises() {
        let networks = Networks::parse("127.0.0.0/8").expect("a list");
        for row in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            assert!(!networks.permit(address(row), false), "{row}");
            assert!(!networks.permit(address(row), true), "{row}");
        }
    }

    #[test]
    fn a_wrong_list_names_its_wrong_entry() {
        let rows = [
            ("127.0.0.0/8,localhost", NetworksError::NotANetwork(2)),
            ("127.0.0.1", NetworksError::NotANetwork(1)),
            ("10.0.0.1/8", NetworksError::LooseBits(1)),
        ];
        for (list, error) in rows {
            assert_eq!(Networks::parse(list), Err(error), "{list}");
        }
        assert_eq!(Networks::parse(" "), Ok(Networks::default()));
    }
}
