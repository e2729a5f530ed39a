//! Messages over open channels: numbered and timestamped, sent on an open-loop schedule, and echoed for pings.

use super::ports::{OutgoingMessage, Output};
use crate::vocabulary::{EdgeEvent, EventKind, PeerEvent, Seat, Seed};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The header's length in bytes: sequence (bit 31: echo) u32, began − due in µs u32, due in µs since the run's epoch
/// u64, all little-endian (docs/spec/measurement.md).
pub const HEADER_BYTES: usize = 16;

/// A message that is overdue by more than this is dropped instead of sent.
const LATE_MAX: Duration = Duration::from_secs(1);

const ECHO: u32 = 1 << 31;

/// The messages of one peer: pattern, rate and size.
#[derive(Clone, Debug)]
pub struct TrafficConfig {
    pub pattern: TrafficPattern,
    /// The time between two messages on one channel.
    pub interval: Duration,
    /// The least and greatest length of a message in bytes, header included; drawn uniformly.
    pub bytes: (u32, u32),
    /// Random bytes, longer than any message, of which payloads are slices.
    pub pool: Arc<[u8]>,
    /// Draws lengths and the first message's offset.
    pub draws: ChaCha8Rng,
}

impl TrafficConfig {
    /// A peer without messages.
    pub fn silent() -> Self {
        Self {
            pattern: TrafficPattern::Silence,
            interval: Duration::from_secs(1),
            bytes: (HEADER_BYTES as u32, HEADER_BYTES as u32),
            pool: Arc::from([]),
            draws: Seed(0).stream("talk", 0),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrafficPattern {
    Broadcast,
    PingPong,
    Silence,
}

/// The schedule and channels of one peer's messages.
pub(super) struct MessageTraffic {
    traffic: TrafficConfig,
    epoch: Instant,
    /// The next sequence number of each open channel.
    channels: BTreeMap<Seat, u32>,
    next_due: Option<Instant>,
}

impl MessageTraffic {
    /// `epoch` is the instant that message times count from, the same for all peers of a process.
    pub(super) fn new(traffic: TrafficConfig, epoch: Instant) -> Self {
        Self { traffic, epoch, channels: BTreeMap::new(), next_due: None }
    }

    pub(super) fn start(&mut self, now: Instant) {
        if self.traffic.pattern != TrafficPattern::Silence && self.next_due.is_none() {
            let offset = self.traffic.interval.mul_f64(self.traffic.draws.random::<f64>());
            self.next_due = Some(now + offset);
        }
    }

    pub(super) fn stop(&mut self) {
        self.next_due = None;
    }

    pub(super) fn opened(&mut self, seat: Seat) {
        self.channels.entry(seat).or_insert(0);
    }

    pub(super) fn closed(&mut self, seat: Seat) {
        self.channels.remove(&seat);
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        if self.channels.is_empty() { None } else { self.next_due }
    }

    /// Sends the messages due by `now`, each with its own due time; drops those overdue by more than `LATE_MAX`.
    pub(super) fn wake(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        while let Some(due) = self.next_due
            && due <= now
        {
            self.next_due = Some(due + self.traffic.interval);
            let (low, high) = self.traffic.bytes;
            let bytes = self.traffic.draws.random_range(low..=high) as usize;
            for (seat, sequence) in &mut self.channels {
                if now - due > LATE_MAX {
                    out.push_back(Output::Event(EventKind::Edge { other: *seat, event: EdgeEvent::MessageDropped }));
                    continue;
                }
                let payload = write(&self.traffic.pool, bytes, *sequence, due - self.epoch, now - self.epoch);
                out.push_back(Output::Send(OutgoingMessage {
                    to: *seat,
                    payload,
                    sequence: *sequence,
                    due,
                    echo: false,
                }));
                *sequence = (*sequence + 1) & !ECHO;
            }
        }
    }

    /// Handles a message from the channel to `from`.
    pub(super) fn received(&self, from: Seat, payload: Vec<u8>, out: &mut VecDeque<Output>) {
        let Some((word, due, waited)) = read(&payload) else {
            out.push_back(Output::Event(EventKind::Peer(PeerEvent::Surprise { other: Some(from) })));
            return;
        };
        let due = self.epoch + due;
        let began = due + waited;
        if word & ECHO != 0 {
            out.push_back(Output::Event(EventKind::Edge { other: from, event: EdgeEvent::Echoed { due, began } }));
            return;
        }
        let bytes = payload.len() as u32;
        out.push_back(Output::Event(EventKind::Edge {
            other: from,
            event: EdgeEvent::MessageReceived { sequence: word, due, began, bytes },
        }));
        if self.traffic.pattern == TrafficPattern::PingPong {
            let mut payload = payload;
            payload[..4].copy_from_slice(&(word | ECHO).to_le_bytes());
            out.push_back(Output::Send(OutgoingMessage { to: from, payload, sequence: word, due, echo: true }));
        }
    }
}

/// Encodes a message; `due` and `began` count from the epoch.
fn write(pool: &[u8], bytes: usize, sequence: u32, due: Duration, began: Duration) -> Vec<u8> {
    let mut payload = Vec::with_capacity(bytes);
    payload.extend_from_slice(&sequence.to_le_bytes());
    let waited = began.as_micros() - due.as_micros();
    payload.extend_from_slice(&(waited as u32).to_le_bytes());
    payload.extend_from_slice(&(due.as_micros() as u64).to_le_bytes());
    let start = sequence as usize % (pool.len() - bytes + 1);
    payload.extend_from_slice(&pool[start..start + bytes - HEADER_BYTES]);
    payload
}

fn read(payload: &[u8]) -> Option<(u32, Duration, Duration)> {
    let (sequence, rest) = payload.split_first_chunk::<4>()?;
    let (waited, rest) = rest.split_first_chunk::<4>()?;
    let (due, _) = rest.split_first_chunk::<8>()?;
    // A foreign message can hold a due time that overflows `Instant`.
    let due = u64::from_le_bytes(*due);
    let day = 24 * 3_600 * 1_000_000;
    (due < 100 * day).then(|| {
        let waited = u32::from_le_bytes(*waited);
        (u32::from_le_bytes(*sequence), Duration::from_micros(due), Duration::from_micros(waited.into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Seed;

    fn messages(pattern: TrafficPattern, epoch: Instant) -> MessageTraffic {
        let pool = Arc::from(vec![7; 4_096]);
        let interval = Duration::from_millis(500);
        let traffic = TrafficConfig { pattern, interval, bytes: (16, 64), pool, draws: Seed(1).stream("talk", 0) };
        MessageTraffic::new(traffic, epoch)
    }

    #[test]
    fn a_message_reads_back_as_it_was_written() {
        let epoch = Instant::now();
        let now = epoch + Duration::from_secs(10);
        let mut sender = messages(TrafficPattern::Broadcast, epoch);
        let mut out = VecDeque::new();
        sender.opened(Seat(1));
        sender.start(now);
        sender.wake(now + Duration::from_millis(499), &mut out);
        let Some(Output::Send(message)) = out.pop_front() else { panic!("nothing was sent") };
        assert_eq!(message.sequence, 0);
        assert!((16..=64).contains(&message.payload.len()));

        let receiver = messages(TrafficPattern::Broadcast, epoch);
        receiver.received(Seat(0), message.payload, &mut out);
        let Some(Output::Event(EventKind::Edge {
            event: EdgeEvent::MessageReceived { sequence: 0, due, began, .. },
            ..
        })) = out.pop_front()
        else {
            panic!("not read back: {out:?}")
        };
        let micros = |instant: Instant| (instant - epoch).as_micros();
        assert_eq!(micros(due), micros(message.due));
        assert_eq!(micros(began), (now + Duration::from_millis(499) - epoch).as_micros());
    }

    #[test]
    fn a_ping_is_echoed_and_an_echo_is_not() {
        let epoch = Instant::now();
        let mut out = VecDeque::new();
        let ping = write(&[0; 64], 16, 5, Duration::from_secs(1), Duration::from_secs(1));
        messages(TrafficPattern::PingPong, epoch).received(Seat(1), ping, &mut out);
        let Some(Output::Send(echo)) = out.pop_back() else { panic!("no echo") };
        assert!(echo.echo);
        out.clear();
        messages(TrafficPattern::PingPong, epoch).received(Seat(0), echo.payload, &mut out);
        assert!(
            matches!(out.as_slices().0, [Output::Event(EventKind::Edge { event: EdgeEvent::Echoed { .. }, .. })]),
            "{out:?}"
        );
    }

    #[test]
    fn what_is_due_for_a_second_is_sent_late_and_past_that_dropped() {
        let epoch = Instant::now();
        let mut messages = messages(TrafficPattern::Broadcast, epoch);
        let mut out = VecDeque::new();
        messages.opened(Seat(1));
        messages.start(epoch);
        let due = messages.wake_at().unwrap();
        messages.wake(due + LATE_MAX, &mut out);
        assert!(matches!(out.front(), Some(Output::Send(_))));
        out.clear();
        let due = messages.wake_at().unwrap();
        messages.wake(due + LATE_MAX + Duration::from_micros(1), &mut out);
        assert!(matches!(out.front(), Some(Output::Event(EventKind::Edge { event: EdgeEvent::MessageDropped, .. }))));
    }

    #[test]
    fn garbage_is_a_surprise() {
        let mut out = VecDeque::new();
        messages(TrafficPattern::Broadcast, Instant::now()).received(Seat(1), vec![0xff; 15], &mut out);
        messages(TrafficPattern::Broadcast, Instant::now()).received(Seat(1), vec![0xff; 64], &mut out);
        assert_eq!(out.len(), 2);
        assert!(out.iter().all(|output| matches!(output, Output::Event(EventKind::Peer(PeerEvent::Surprise { .. })))));
    }
}
