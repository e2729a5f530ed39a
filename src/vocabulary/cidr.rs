//! Blocks of IP addresses in CIDR notation, such as `10.1.0.0/16`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An IPv4 or IPv6 prefix (RFC 4632 §3.1, RFC 4291 §2.3). A single address is a block of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

impl Cidr {
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let same_family = self.network.is_ipv4() == address.is_ipv4();
        same_family && share_prefix(address, self.network, self.prefix)
    }

    /// The lowest address of the block that a host can have.
    pub fn first_host(&self) -> IpAddr {
        match self.network {
            host if self.host_bits() < 2 => host,
            IpAddr::V4(network) => IpAddr::V4((network.to_bits() | 1).into()),
            IpAddr::V6(network) => IpAddr::V6((network.to_bits() | 1).into()),
        }
    }

    fn host_bits(&self) -> u32 {
        width(self.network) - u32::from(self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let network: IpAddr =
            address.parse().map_err(|_| format!("{address:?} is no IP address; write 192.168.1.0/24"))?;
        let most = width(network);
        let prefix = match prefix {
            None => most,
            Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= most).ok_or_else(|| {
                format!("{prefix:?} is no prefix length; after {address} it is a number from 0 to {most}")
            })?,
        };
        let block = Self { network, prefix: prefix as u8 };
        let host = bits(network) & !u128::MAX.checked_shl(block.host_bits()).unwrap_or(0);
        if host != 0 {
            return Err(format!("{address} has bits beyond its first {prefix}; write the block's first address"));
        }
        Ok(block)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// True if two addresses of one family have the same first `prefix` bits.
pub fn share_prefix(one: IpAddr, other: IpAddr, prefix: u8) -> bool {
    let rest = width(one).saturating_sub(prefix.into());
    (bits(one) ^ bits(other)).checked_shr(rest).unwrap_or(0) == 0
}

/// The number of bits of an address: 32 or 128.
pub fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_where_its_prefix_says() {
        let check = |block: &str, address: &str, expected: bool| {
            let block: Cidr = block.parse().unwrap();
            assert_eq!(block.contains(address.parse().unwrap()), expected, "{address} in {block}");
        };
        check("10.1.0.0/16", "10.1.255.255", true);
        check("10.1.0.0/16", "10.2.0.0", false);
        check("10.1.0.0/16", "::ffff:10.1.2.3", true);
        check("10.1.2.3", "10.1.2.3", true);
        check("10.1.2.3", "10.1.2.2", false);
        check("0.0.0.0/0", "255.255.255.255", true);
        check("0.0.0.0/0", "::1", false);
        check("fd00::/8", "fdff::1", true);
        check("fd00::/8", "fe00::1", false);
        check("::/0", "fe80::1", true);
    }

    #[test]
    fn what_is_no_block_is_told() {
        let check = |text: &str, part: &str| {
            let error = text.parse::<Cidr>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("lan", "no IP address");
        check("10.0.0.0/33", "from 0 to 32");
        check("10.0.0.0/x", "no prefix length");
        check("10.0.0.1/8", "first 8");
        check("fd00::/129", "from 0 to 128");
    }

    #[test]
    fn the_first_host_of_a_block_is_in_it() {
        for (block, host) in [
            ("10.1.0.0/16", "10.1.0.1"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("10.1.2.2/31", "10.1.2.2"),
            ("fd00::/8", "fd00::1"),
        ] {
            assert_eq!(block.parse::<Cidr>().unwrap().first_host(), host.parse::<IpAddr>().unwrap());
        }
    }
}
