//! The targets that a run may load: this machine, private networks, and hosts from `--allow-target`.

use crate::vocabulary::{Cidr, Failure, Phase, Reason};
use std::net::{IpAddr, SocketAddr};
use tokio::net::lookup_host;

/// Targets and guest addresses that the user allowed beyond private ones.
#[derive(Clone, Debug, Default)]
pub struct TargetPolicy {
    /// Hosts from `--allow-target`, as typed.
    pub allowed_hosts: Vec<String>,
    /// Blocks from `--allow-candidates`, for guests' candidates.
    pub allowed_candidates: Vec<Cidr>,
}

impl TargetPolicy {
    /// True if `address`, which `host` resolved to, may be loaded.
    pub fn allows(&self, host: &str, address: IpAddr) -> bool {
        is_private(address) || self.is_allowed_host(host)
    }

    /// True if `--allow-target` names `host`.
    pub fn is_allowed_host(&self, host: &str) -> bool {
        self.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }
}

/// True for loopback and private addresses (RFC 1918, RFC 4193). Link-local ones are excluded: cloud metadata services
/// use them.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_private(IpAddr::V4(mapped)),
            None => address.is_loopback() || address.is_unique_local(),
        },
    }
}

/// Resolves `host` to all its addresses, in the resolver's order.
///
/// # Errors
/// The name has no address, or the resolver can't be asked.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    // A URL writes an IPv6 address in brackets.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    match lookup_host((host, port)).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(Failure::new(Phase::Connect, Reason::Dns, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_private_networks_are_near() {
        let check = |address: &str, near: bool| assert_eq!(is_private(address.parse().unwrap()), near, "{address}");
        check("127.0.0.1", true);
        check("127.9.9.9", true);
        check("10.1.2.3", true);
        check("172.31.255.255", true);
        check("172.32.0.0", false);
        check("192.168.0.1", true);
        check("169.254.169.254", false);
        check("203.0.113.5", false);
        check("::1", true);
        check("fd00::1", true);
        check("fe80::1", false);
        check("2001:db8::1", false);
        check("::ffff:203.0.113.5", false);
        check("::ffff:127.0.0.1", true);
    }

    #[test]
    fn a_named_host_is_admitted_and_no_other() {
        let policy = TargetPolicy { allowed_hosts: vec!["Signal.example.org".to_owned()], ..TargetPolicy::default() };
        let far = "203.0.113.5".parse().unwrap();
        assert!(policy.allows("signal.example.org", far));
        assert!(!policy.allows("evil.example.org", far));
    }
}
