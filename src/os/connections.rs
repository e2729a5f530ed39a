//! TCP connections of this machine, from `/proc/net`.

use std::fs;

/// The state of a socket that listens, in the tables.
pub(super) const LISTEN: &str = "0A";

/// The tables of this machine's TCP sockets, of IPv4 and of IPv6 (proc_pid_net(5)); empty where there is none.
pub(super) fn tables() -> [String; 2] {
    ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default())
}

/// Counts connections from or to `port`; those in TIME_WAIT are over.
pub fn connections(port: u16) -> usize {
    tables().iter().map(|table| count(table, port)).sum()
}

/// Columns of proc_pid_net(5): number, local, remote, state.
fn count(table: &str, port: u16) -> usize {
    const TIME_WAIT: &str = "06";
    let end = format!(":{port:04X}");
    let is_open = |line: &&str| {
        let columns: Vec<&str> = line.split_ascii_whitespace().take(4).collect();
        let [_, local, remote, state] = columns[..] else { return false };
        (local.ends_with(&end) || remote.ends_with(&end)) && ![TIME_WAIT, LISTEN].contains(&state)
    };
    table.lines().skip(1).filter(is_open).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue
   0: 0100007F:2328 00000000:0000 0A 00000000:00000000
   1: 0100007F:2328 0100007F:8AE2 01 00000000:00000000
   2: 0100007F:8AE2 0100007F:2328 01 00000000:00000000
   3: 0100007F:8AE4 0100007F:2328 06 00000000:00000000
   4: 0100007F:8AE6 0100007F:2329 01 00000000:00000000
";

    #[test]
    fn both_ends_of_a_connection_count_and_listeners_and_the_past_do_not() {
        assert_eq!(count(TABLE, 9_000), 2);
        assert_eq!(count(TABLE, 9_001), 1);
        assert_eq!(count("", 9_000), 0);
    }

    #[test]
    fn a_real_connection_is_seen_and_gone_when_it_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // The kernel hands the table out page by page: a reading may miss or repeat a row of a table that changes.
        let is_seen = |count: std::ops::Range<usize>| (0..100).any(|_| count.contains(&connections(port)));
        assert!(is_seen(0..1));
        let ends = (TcpStream::connect(("127.0.0.1", port)).unwrap(), listener.accept().unwrap());
        assert!(is_seen(2..3));
        drop(ends);
        assert!(is_seen(0..2));
    }
}
