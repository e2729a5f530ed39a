//! Which hosts `no_proxy` exempts: names with what is below them, addresses, and networks, as in curl.

use std::net::IpAddr;

/// Whether `list`, parted by commas or blanks, exempts `host`.
pub(super) fn exempts(list: &str, host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    let address = host.parse::<IpAddr>().ok();
    let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
    list.trim() == "*"
        || entries.into_iter().any(|entry| match address {
            Some(address) => holds(entry, address),
            None => is_or_is_above(entry, host),
        })
}

fn is_or_is_above(entry: &str, host: &str) -> bool {
    let name = entry.trim_start_matches('.').trim_end_matches('.');
    let Some(start) = host.len().checked_sub(name.len()) else { return false };
    let ends_alike = host.is_char_boundary(start) && host[start..].eq_ignore_ascii_case(name);
    !name.is_empty() && ends_alike && (start == 0 || host[..start].ends_with('.'))
}

/// `10.0.0.1`, `[::1]`, `10.0.0.0/8`.
fn holds(entry: &str, address: IpAddr) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => match bits.parse::<u32>() {
            Ok(bits) => (network, Some(bits)),
            Err(_) => return false,
        },
        None => (entry, None),
    };
    let network = network.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let (network, address, width) = match (network, address) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address)) => {
            (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
        _ => return false,
    };
    let bits = bits.unwrap_or(width);
    bits <= width && (bits == 0 || (network ^ address) >> (width - bits) == 0)
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
