//! Counts of parts become counts of the whole, and the figures that are read off them.

use crate::summary::counts::{Counts, Edges, Messages, Peers, Rooms, Signaling, Traffic};

impl Counts {
    pub fn add(&mut self, other: &Self) {
        self.peers.add(&other.peers);
        self.edges.add(&other.edges);
        for (name, count) in &other.guest_edges {
            *self.guest_edges.entry(name.clone()).or_default() += count;
        }
        self.rooms.add(&other.rooms);
        self.signaling.add(&other.signaling);
        self.messages.add(&other.messages);
    }

    /// A counter by its name among `summary::metric::COUNTERS`, such as `edges.failed`.
    pub fn named(&self, name: &str) -> Option<u64> {
        let counts = serde_json::to_value(self).ok()?;
        let (group, key) = name.split_once('.')?;
        counts.get(group)?.get(key)?.as_u64()
    }

    /// Bytes that peers wrote and read, for each edge that opened.
    pub fn signaling_bytes_per_edge(&self) -> Option<u64> {
        self.signaling.sent_bytes.saturating_add(self.signaling.received_bytes).checked_div(self.edges.opened)
    }
}

impl Peers {
    pub fn add(&mut self, other: &Self) {
        self.planned += other.planned;
        self.joined += other.joined;
        self.failed += other.failed;
        self.dropped += other.dropped;
        self.unfinished += other.unfinished;
        self.rejoins += other.rejoins;
        self.reconnects += other.reconnects;
    }
}

impl Edges {
    pub fn add(&mut self, other: &Self) {
        self.planned += other.planned;
        self.opened += other.opened;
        self.failed += other.failed;
        self.dropped += other.dropped;
        self.unfinished += other.unfinished;
        self.closed_early += other.closed_early;
        self.left += other.left;
        self.one_sided += other.one_sided;
        self.rejoins += other.rejoins;
        self.glare += other.glare;
        self.early += other.early;
        self.surprises += other.surprises;
        self.timed_out += other.timed_out;
    }
}

impl Rooms {
    pub fn add(&mut self, other: &Self) {
        self.planned += other.planned;
        self.complete += other.complete;
        self.incomplete += other.incomplete;
        self.timed_out += other.timed_out;
    }
}

impl Signaling {
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.sent_bytes += other.sent_bytes;
        self.received_bytes += other.received_bytes;
        self.concerned += other.concerned;
        self.elsewhere += other.elsewhere;
        for (name, traffic) in &other.by_type {
            self.by_type.entry(name.clone()).or_default().add(traffic);
        }
    }

    /// Frames read for each that concerned its reader; nothing, if none did.
    pub fn amplification(&self) -> Option<f64> {
        (self.concerned > 0).then(|| self.received as f64 / self.concerned as f64)
    }
}

impl Traffic {
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.sent_bytes += other.sent_bytes;
        self.received_bytes += other.received_bytes;
    }
}

impl Messages {
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.out_of_order += other.out_of_order;
        self.cut += other.cut;
        self.dropped += other.dropped;
        self.late += other.late;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_has_every_counter_of_its_parts() {
        let part = Counts {
            peers: Peers { planned: 1, joined: 2, failed: 3, dropped: 4, unfinished: 5, rejoins: 6, reconnects: 7 },
            edges: Edges {
                planned: 1,
                opened: 2,
                failed: 3,
                dropped: 4,
                unfinished: 5,
                closed_early: 6,
                one_sided: 7,
                left: 13,
                rejoins: 8,
                glare: 9,
                early: 10,
                surprises: 11,
                timed_out: 12,
            },
            rooms: Rooms { planned: 1, complete: 2, incomplete: 3, timed_out: 4 },
            messages: Messages {
                sent: 1,
                delivered: 2,
                lost: 3,
                duplicated: 4,
                out_of_order: 5,
                cut: 6,
                dropped: 7,
                late: 8,
            },
            ..Counts::default()
        };
        let mut whole = part.clone();
        whole.add(&part);
        for name in crate::summary::metric::COUNTERS {
            assert_eq!(whole.named(name), part.named(name).map(|count| 2 * count), "{name}");
        }
    }

    #[test]
    fn amplification_is_one_when_every_frame_concerns_its_reader() {
        let signaling = |received, concerned| Signaling { received, concerned, ..Signaling::default() };
        assert_eq!(signaling(6, 6).amplification(), Some(1.0));
        assert_eq!(signaling(90, 6).amplification(), Some(15.0));
        assert_eq!(signaling(90, 0).amplification(), None);
    }
}
