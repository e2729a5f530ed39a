//! The `no_proxy` rules, as in curl: names with their subdomains, addresses, and networks.

use crate::vocabulary::{cidr::share_prefix, cidr::width};
use std::net::IpAddr;

/// True if an entry of `list`, separated by commas or blanks, matches `host`.
pub(super) fn exempts(list: &str, host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    let address = host.parse::<IpAddr>().ok();
    let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
    list.trim() == "*"
        || entries.into_iter().any(|entry| match address {
            Some(address) => matches_address(entry, address),
            None => matches_domain(entry, host),
        })
}

fn matches_domain(entry: &str, host: &str) -> bool {
    let name = entry.trim_start_matches('.').trim_end_matches('.');
    let Some(start) = host.len().checked_sub(name.len()) else { return false };
    let ends_alike = host.is_char_boundary(start) && host[start..].eq_ignore_ascii_case(name);
    !name.is_empty() && ends_alike && (start == 0 || host[..start].ends_with('.'))
}

/// Matches `10.0.0.1`, `[::1]` or `10.0.0.0/8`; as in curl, a network may have bits beyond its prefix.
fn matches_address(entry: &str, address: IpAddr) -> bool {
    let (network, prefix) = entry.split_once('/').map_or((entry, None), |(network, prefix)| (network, Some(prefix)));
    let Ok(network) = network.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() else { return false };
    let most = width(network);
    let prefix = prefix.map_or(Some(most), |prefix| prefix.parse().ok().filter(|prefix| *prefix <= most));
    network.is_ipv4() == address.is_ipv4() && prefix.is_some_and(|prefix| share_prefix(network, address, prefix as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, host: &str, expected: bool) {
        assert_eq!(exempts(list, host), expected, "{list} {host}");
    }

    #[test]
    fn a_name_exempts_itself_and_what_is_below_it() {
        check("a.example", "a.example", true);
        check("a.example", "A.Example.", true);
        check("a.example", "b.a.example", true);
        check(".a.example", "a.example", true);
        check("a.example", "ba.example", false);
        check("a.example", "example", false);
        check("x, a.example y", "a.example", true);
        check("", "a.example", false);
        check(".", "a.example", false);
        check("*", "a.example", true);
        check("*,b", "a.example", false);
    }

    #[test]
    fn an_address_is_exempt_by_itself_or_its_network() {
        check("10.0.0.1", "10.0.0.1", true);
        check("10.0.0.1", "10.0.0.11", false);
        check("10.0.0.0/8", "10.9.9.9", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("0.0.0.0/0", "11.0.0.0", true);
        check("10.0.0.0/33", "10.0.0.0", false);
        check("10.0.0.0/x", "10.0.0.0", false);
        check("::1", "[::1]", true);
        check("[fd00::]/8", "fd12::1", true);
        check("fd00::/8", "10.0.0.1", false);
        // An address is no name that could be below another.
        check(".1", "10.0.0.1", false);
    }
}
