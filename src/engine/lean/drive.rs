//! The random source and the buffers that an engine's connections use in turn, and the end of a connection.

use crate::vocabulary::EngineEvent;
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Output of a call, which the caller takes out before the next call of another connection.
pub struct Drive {
    pub random: ChaCha8Rng,
    /// Datagrams to send.
    pub out: Packets,
    pub events: Vec<EngineEvent>,
    /// SCTP packets that DTLS has opened, or has yet to seal; empty between calls.
    pub plain: Packets,
}

impl Drive {
    pub fn new(random: ChaCha8Rng) -> Self {
        Self { random, out: Packets::default(), events: Vec::new(), plain: Packets::default() }
    }
}

/// The end of a connection, or of one of its layers.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The other end has closed it.
    Closed,
    Failed(Cow<'static, str>),
}

impl Ended {
    pub(super) fn failed(why: &'static str) -> Self {
        Self::Failed(Cow::Borrowed(why))
    }
}

/// The destination of packets until `aim` sets one: none is sent there.
pub const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Packets stored back to back, each with its end in the buffer and its destination.
#[derive(Debug)]
pub struct Packets {
    bytes: Vec<u8>,
    packets: Vec<(usize, SocketAddr)>,
    to: SocketAddr,
}

impl Default for Packets {
    fn default() -> Self {
        Self { bytes: Vec::new(), packets: Vec::new(), to: NOWHERE }
    }
}

impl Packets {
    /// Sets the destination of the packets that are appended from now on.
    pub fn aim(&mut self, to: SocketAddr) {
        self.to = to;
    }

    /// Appends one packet; `fill` must only append to the buffer. An empty packet is not counted.
    pub fn write(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        fill(&mut self.bytes);
        if self.bytes.len() > start {
            self.packets.push((self.bytes.len(), self.to));
        }
    }

    /// Extends the last packet by `bytes` if it stays within `bytes_max` and has the same destination; else appends a
    /// packet.
    pub fn write_joined(&mut self, bytes: usize, bytes_max: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.packets.iter().rev().nth(1).map_or(0, |(end, _)| *end);
        let joins = |(end, to): &(usize, SocketAddr)| *to == self.to && end - start + bytes <= bytes_max;
        if self.packets.last().is_some_and(joins) {
            self.packets.pop();
        }
        self.write(fill);
    }

    /// Appends a copy of one packet.
    pub fn push(&mut self, packet: &[u8]) {
        self.write(|bytes| bytes.extend_from_slice(packet));
    }

    pub fn len(&self) -> usize {
        self.packets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Yields the packets in the order in which they were appended.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        let mut start = 0;
        self.packets.iter().map(move |(end, to)| {
            let packet = &self.bytes[start..*end];
            start = *end;
            (*to, packet)
        })
    }

    /// Removes all packets and keeps the memory for the next ones.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.packets.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_in_order_with_their_destinations() {
        let (one, two): (SocketAddr, SocketAddr) = ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        let mut packets = Packets::default();
        packets.aim(one);
        packets.push(b"first");
        packets.write(|_| {});
        packets.aim(two);
        packets.write_joined(6, 100, |bytes| bytes.extend_from_slice(b"second"));
        packets.write_joined(6, 12, |bytes| bytes.extend_from_slice(b" joins"));
        packets.write_joined(1, 12, |bytes| bytes.extend_from_slice(b"3"));
        let all: Vec<(SocketAddr, &[u8])> = packets.iter().collect();
        assert_eq!(all, [(one, b"first".as_slice()), (two, b"second joins"), (two, b"3")]);
        packets.clear();
        assert!(packets.is_empty());
        assert_eq!(packets.iter().count(), 0);
    }
}
