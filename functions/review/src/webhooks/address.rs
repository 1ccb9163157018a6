//! What can be told of a webhook's address from its text: enough to refuse a mistake at once.
//!
//! Whether it is called is decided by `alert`, on the address of the socket.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use records::WebhookUrl;
use url::{Host, Url};

/// Checks an address against the networks that the deployment allows in addition to public ones.
///
/// # Errors
/// The rule that it breaks.
pub(crate) fn check(url: &WebhookUrl, networks: &[IpNet]) -> Result<(), &'static str> {
    let url = Url::parse(url.as_str()).map_err(|_| "it is not a url")?;
    let allowed = |address: IpAddr| networks.iter().any(|network| network.contains(&address));
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(name)) if is_this_machine(name) => Some(Ipv4Addr::LOCALHOST.into()),
        Some(Host::Domain(_)) => None,
        None => return Err("it has no host"),
    };
    if literal.is_some_and(|address| !is_public(address) && !allowed(address)) {
        return Err("it is not a public address, and the deployment allows no such network");
    }
    // Messages hold case numbers: they travel in the clear only where the deployment says so.
    let stays_inside = literal.map_or(!networks.is_empty(), allowed);
    if url.scheme() == "http" && !stays_inside {
        return Err("its scheme is not https");
    }
    Ok(())
}

fn is_this_machine(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

/// The coarse check; `alert` has the fine one.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        // Public hosts are numbered from 2000::/3 (IANA IPv6 Address Space registry).
        IpAddr::V6(v6) => v6.segments()[0] & 0xe000 == 0x2000 && !is_documentation(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let closed = v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_documentation()
        || v4.is_multicast()
        || v4.octets()[0] == 0;
    !closed
}

fn is_documentation(v6: Ipv6Addr) -> bool {
    v6.segments()[..2] == [0x2001, 0xdb8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_in(networks: &[&str], url: &str, is_fine: bool) {
        let networks: Vec<IpNet> = networks
            .iter()
            .map(|text| text.parse().expect("a network"))
            .collect();
        let parsed = WebhookUrl::parse(url).expect("a url");
        assert_eq!(
            check(&parsed, &networks).is_ok(),
            is_fine,
            "{url} in {networks:?}"
        );
    }

    #[test]
    fn a_cloud_deployment_takes_public_https_only() {
        check_in(&[], "https://case.example/hook", true);
        check_in(&[], "https://93.184.216.34/", true);
        check_in(&[], "https://[2606:2800:220:1::1]/", true);
        check_in(&[], "http://case.example/hook", false);
        check_in(&[], "http://93.184.216.34/", false);
    }

    #[test]
    fn an_inner_address_is_refused_however_it_is_spelt() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "255.255.255.255",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[fd00::1]",
            "[fe80::1]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
        ] {
            check_in(&[], &format!("https://{host}/"), false);
        }
    }

    #[test]
    fn a_laptop_takes_loopback_and_no_other_inner_address() {
        let loopback = ["127.0.0.0/8", "::1/128"];
        check_in(&loopback, "http://127.0.0.1:8080/hook", true);
        check_in(&loopback, "http://localhost:8080/hook", true);
        check_in(&loopback, "http://[::1]:8080/hook", true);
        check_in(&loopback, "https://10.1.2.3/", false);
        check_in(&loopback, "http://93.184.216.34/", false);
    }
}
