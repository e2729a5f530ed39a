//! The processes behind a listening TCP socket of this machine, by the socket's inode.

use super::connections::{LISTEN, tables};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// As many processes as share one listening socket, as those of a Node cluster do.
const PROCESSES_MAX: usize = 64;

/// Columns of proc_pid_net(5), counted from 0.
const LOCAL: usize = 1;
const STATE: usize = 3;
const INODE: usize = 9;

/// The pids of the processes, other than this one, that listen at `address`; empty if it is another machine's, or if
/// they are another user's.
pub(super) fn listening_processes(address: SocketAddr) -> Vec<u32> {
    if !is_local(address.ip()) {
        return vec![];
    }
    let mut inodes: Vec<(bool, String)> = tables().iter().flat_map(|table| listeners(table, address)).collect();
    // A socket bound to the very address goes before one that is bound to all.
    inodes.sort_by_key(|(is_exact, _)| !is_exact);
    inodes
        .into_iter()
        .map(|(_, inode)| holders(&format!("socket:[{inode}]")))
        .find(|pids| !pids.is_empty())
        .unwrap_or_default()
}

/// True for an address of this machine: no other can be bound.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

/// The inodes of sockets that listen at `address`, or at all addresses and its port; true for the former.
fn listeners(table: &str, address: SocketAddr) -> Vec<(bool, String)> {
    let listener = |line: &str| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let (ip, port) = columns.get(LOCAL)?.split_once(':')?;
        let (ip, port) = (parse_ip(ip)?, u16::from_str_radix(port, 16).ok()?);
        let listens = *columns.get(STATE)? == LISTEN && port == address.port();
        let is_exact = ip.to_canonical() == address.ip().to_canonical();
        (listens && (is_exact || ip.is_unspecified())).then(|| Some((is_exact, (*columns.get(INODE)?).to_owned())))?
    };
    table.lines().skip(1).filter_map(listener).collect()
}

/// Words of 32 bits in the machine's own order.
fn parse_ip(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(8 * at..8 * at + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// The processes that have the socket `link` open, other than this one.
fn holders(link: &str) -> Vec<u32> {
    let own = std::process::id();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).filter(|pid| *pid != own);
    let holds = |pid: &u32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        descriptors.into_iter().any(|entry| fs::read_link(entry.path()).is_ok_and(|to| to.as_os_str() == link))
    };
    pids.filter(holds).take(PROCESSES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const TABLE: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0
   1: 00000000:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4243 1 0
   2: 0100007F:2328 0100007F:8AE2 01 00000000:00000000 00:00000000 00000000  1000        0 4244 1 0
   3: 0200007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4245 1 0
   4: 0100007F:2329 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4246 1 0
";

    #[test]
    fn listeners_at_the_address_or_at_all_are_found_and_connections_are_not() {
        let found = |address: &str| listeners(TABLE, address.parse().unwrap());
        let named = |exact: bool, inode: &str| (exact, inode.to_owned());
        assert_eq!(found("127.0.0.1:9000"), [named(true, "4242"), named(false, "4243")]);
        assert_eq!(found("127.0.0.1:9001"), [named(true, "4246")]);
        assert_eq!(found("127.0.0.1:9002"), []);
    }

    #[test]
    fn addresses_of_both_families_are_read() {
        let check = |hex: &str, expected: Option<&str>| {
            assert_eq!(parse_ip(hex), expected.map(|text| text.parse().unwrap()), "{hex}");
        };
        if cfg!(target_endian = "little") {
            check("0100007F", Some("127.0.0.1"));
            check("00000000000000000000000001000000", Some("::1"));
        }
        check("00000000000000000000000000000000", Some("::"));
        check("0100", None);
    }

    #[test]
    fn a_socket_of_this_process_is_not_another_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(listening_processes(listener.local_addr().unwrap()).is_empty());
        assert!(listening_processes("192.0.2.1:9".parse().unwrap()).is_empty(), "no address of this machine");
    }
}
