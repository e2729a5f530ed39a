//! The probe's own connections, two aged and any number of fresh ones, and checks of deliveries between them.

use super::super::environment::{Environment, LineEvent, RawConnection};
use super::frames::{self, Address};
use crate::diagnosis::{AGED, CheckedDelivery, CheckedMessage, DeliveryCheck, TrialOutcome};
use crate::vocabulary::{Failure, Phase};
use std::time::{Duration, Instant};

/// The most time to wait for a message that may never arrive.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// The least time to wait for it.
const WAIT_MIN: Duration = Duration::from_millis(400);
/// Pings that measure the round trip.
const PINGS: u32 = 3;

/// The connections that experiments share.
pub(crate) struct RawConnections<'w> {
    pub environment: &'w mut dyn Environment,
    pub room: String,
    prefix: String,
    /// Addresses so far, so that each check has a sender id of its own.
    addresses: u32,
    pub sender: RawConnection,
    pub receiver: RawConnection,
    /// Time at which `sender` and `receiver` had subscribed.
    since: Instant,
    rtt: Option<Duration>,
}

impl<'w> RawConnections<'w> {
    /// Opens and subscribes `sender` and `receiver`.
    ///
    /// # Errors
    /// A connection failed, or did not open within `timeout`.
    pub(crate) fn open(environment: &'w mut dyn Environment, prefix: &str, timeout: Duration) -> Result<Self, Failure> {
        let (sender, receiver) = (environment.open_connection(), environment.open_connection());
        let since = environment.now();
        let room = format!("{prefix}-lab");
        let mut raw =
            Self { environment, room, prefix: prefix.to_owned(), addresses: 0, sender, receiver, since, rtt: None };
        raw.wait_open(&[sender, receiver], timeout)?;
        for line in [sender, receiver] {
            raw.subscribe(line);
        }
        raw.since = raw.environment.now();
        Ok(raw)
    }

    /// Waits until the connections are open.
    ///
    /// # Errors
    /// One failed, or did not open within `timeout`.
    fn wait_open(&mut self, lines: &[RawConnection], timeout: Duration) -> Result<(), Failure> {
        let until = self.environment.now() + timeout;
        let mut missing = lines.to_vec();
        while !missing.is_empty() {
            let Some(event) = self.environment.next_event(until) else {
                return Err(Failure::timed_out(Phase::Connect));
            };
            match event.event {
                LineEvent::Up => missing.retain(|line| *line != event.line),
                LineEvent::Down(failure) if lines.contains(&event.line) => return Err(failure),
                _ => {}
            }
        }
        Ok(())
    }

    /// Opens a connection; `None` if that fails or takes too long.
    pub(crate) fn open_fresh(&mut self) -> Option<RawConnection> {
        let line = self.environment.open_connection();
        self.wait_open(&[line], WAIT_MAX).is_ok().then_some(line)
    }

    /// Opens `size` connections; none if one of them fails or takes too long.
    pub(crate) fn open_many(&mut self, size: u32) -> Vec<RawConnection> {
        let lines: Vec<RawConnection> = (0..size).map(|_| self.environment.open_connection()).collect();
        let complete = self.wait_open(&lines, WAIT_MAX).is_ok();
        if complete { lines } else { vec![] }
    }

    /// Subscribes to all channels.
    pub(crate) fn subscribe(&mut self, line: RawConnection) {
        for text in frames::subscriptions() {
            self.environment.send_text(line, text);
        }
    }

    /// Waits until `sender` and `receiver` are aged, and measures the round trip.
    pub(crate) fn wait_until_aged(&mut self) {
        let until = self.since + AGED;
        while self.environment.next_event(until).is_some() {}
        let rtts: Vec<Duration> = (0..PINGS).filter_map(|_| self.ping(self.sender, WAIT_MIN)).collect();
        self.rtt = rtts.into_iter().min();
    }

    /// Tells if the server has answered a ping.
    pub(crate) fn answers_pings(&self) -> bool {
        self.rtt.is_some()
    }

    /// The time to wait for a message that may never arrive, from the round trip.
    pub(crate) fn wait_max(&self) -> Duration {
        self.rtt.map_or(2 * WAIT_MIN, |rtt| (8 * rtt).clamp(WAIT_MIN, WAIT_MAX))
    }

    /// The most time for the ping of a fresh connection: after more it is not fresh any more.
    pub(crate) fn ping_max(&self) -> Duration {
        self.rtt.map_or(Duration::from_millis(150), |rtt| (6 * rtt).max(Duration::from_millis(150)))
    }

    /// Sends a ping and times its answer. An answer shows that the server has read all frames before it.
    pub(crate) fn ping(&mut self, line: RawConnection, at_most: Duration) -> Option<Duration> {
        let began = self.environment.now();
        self.environment.send_text(line, frames::ping());
        let pong = self.wait_for(line, at_most, |text| frames::is_pong(text).then_some(()));
        pong.map(|((), at)| at.saturating_duration_since(began))
    }

    /// Waits for the first frame of a connection for which `wanted` returns a value, and returns it with its time.
    pub(crate) fn wait_for<T>(
        &mut self,
        line: RawConnection,
        at_most: Duration,
        mut wanted: impl FnMut(&str) -> Option<T>,
    ) -> Option<(T, Instant)> {
        let until = self.environment.now() + at_most;
        while let Some(next) = self.environment.next_event(until) {
            if let (true, LineEvent::Frame(text)) = (next.line == line, &next.event)
                && let Some(found) = wanted(text)
            {
                return Some((found, next.at));
            }
        }
        None
    }

    /// An address with a sender id that no earlier check has used.
    pub(crate) fn address(&mut self) -> Address {
        self.addresses += 1;
        Address { room: self.room.clone(), from: self.name(self.addresses), to: self.name(0) }
    }

    fn name(&self, number: u32) -> String {
        format!("{}-lab{number:02}", self.prefix)
    }

    /// Sends `participant-joined` for a connection, for a server that routes by room.
    pub(crate) fn join_room(&mut self, line: RawConnection) {
        let address = Address { room: self.room.clone(), from: self.name(0), to: String::new() };
        self.environment.send_text(line, frames::frame(CheckedMessage::MemberJoined, &address));
    }

    /// Reads what is still on its way on a machine that stands still: a server that has answered a ping of the sender has
    /// read all that it said, and one that has then answered the receiver has written all that it relays at once.
    fn drain(&mut self, from: RawConnection, to: RawConnection, take: &mut impl FnMut(&str) -> Option<()>) {
        for pinged in [from, to] {
            self.environment.send_text(pinged, frames::ping());
            let until = self.environment.now() + self.wait_max();
            let is_answered = loop {
                let Some(next) = self.environment.next_event(until) else { break false };
                let LineEvent::Frame(text) = &next.event else { continue };
                if next.line == pinged && frames::is_pong(text) {
                    break true;
                }
                if next.line == to && take(text).is_some() {
                    return;
                }
            };
            if !is_answered {
                return;
            }
        }
    }

    /// Sends one message of each type, and waits until all of `wanted` have arrived, at most for `wait_max`.
    pub(crate) fn deliveries(
        &mut self,
        from: RawConnection,
        to: RawConnection,
        wanted: &[CheckedMessage],
    ) -> DeliveryCheck {
        let address = self.address();
        if from == self.sender {
            self.environment.send_text(from, frames::room_created(&self.room, &address.from));
        }
        for message in CheckedMessage::ALL {
            self.environment.send_text(from, frames::frame(message, &address));
        }
        let mut outcomes: Vec<Option<TrialOutcome>> = vec![None; CheckedMessage::ALL.len()];
        let wait_max = self.wait_max();
        let mut take = |text: &str| {
            let (message, outcome) = frames::recognise(text, &address)?;
            outcomes[message as usize].get_or_insert(outcome);
            wanted.iter().all(|message| outcomes[*message as usize].is_some()).then_some(())
        };
        if self.wait_for(to, wait_max, &mut take).is_none() {
            self.drain(from, to, &mut take);
        }
        let delivery = |(word, outcome): (CheckedMessage, Option<TrialOutcome>)| CheckedDelivery {
            word,
            outcome: outcome.unwrap_or(TrialOutcome::Lost),
        };
        DeliveryCheck(CheckedMessage::ALL.into_iter().zip(outcomes).map(delivery).collect())
    }
}
