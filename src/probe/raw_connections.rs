//! The probe's own connections: two that age while other things happen, fresh ones, and volleys between them.

use super::environment::{Environment, LineEvent, RawConnection};
use super::frames::{self, Address};
use crate::diagnosis::{AGED, CheckedDelivery, CheckedMessage, DeliveryCheck, TrialOutcome};
use crate::vocabulary::failure::Failure;
use crate::vocabulary::phase::Phase;
use std::time::{Duration, Instant};

/// The longest that a round trip is taken to be, and the shortest wait for what may never come.
const PATIENCE_MAX: Duration = Duration::from_secs(2);
const PATIENCE_MIN: Duration = Duration::from_millis(400);
const PINGS: u32 = 3;

/// Everything that the experiments share.
pub struct RawConnections<'w> {
    pub environment: &'w mut dyn Environment,
    pub room: String,
    prefix: String,
    /// Volleys so far, so that each has an author of its own.
    delivery_checks: u32,
    pub sender: RawConnection,
    pub receiver: RawConnection,
    /// When the two were connected and subscribed.
    since: Instant,
    rtt: Option<Duration>,
}

impl<'w> RawConnections<'w> {
    /// Connects and subscribes the two that will age.
    ///
    /// # Errors
    /// Why there is no connection.
    pub fn open(environment: &'w mut dyn Environment, prefix: &str, timeout: Duration) -> Result<Self, Failure> {
        let (sender, receiver) = (environment.dial(), environment.dial());
        let since = environment.now();
        let room = format!("{prefix}-lab");
        let mut raw = Self {
            environment,
            room,
            prefix: prefix.to_owned(),
            delivery_checks: 0,
            sender,
            receiver,
            since,
            rtt: None,
        };
        raw.await_up(&[sender, receiver], timeout)?;
        for line in [sender, receiver] {
            raw.subscribe(line);
        }
        raw.since = raw.environment.now();
        Ok(raw)
    }

    /// Waits until the lines are open.
    fn await_up(&mut self, lines: &[RawConnection], timeout: Duration) -> Result<(), Failure> {
        let until = self.environment.now() + timeout;
        let mut missing = lines.to_vec();
        while !missing.is_empty() {
            let Some(news) = self.environment.hear(until) else { return Err(Failure::timed_out(Phase::Connect)) };
            match news.event {
                LineEvent::Up => missing.retain(|line| *line != news.line),
                LineEvent::Down(failure) if lines.contains(&news.line) => return Err(failure),
                _ => {}
            }
        }
        Ok(())
    }

    /// A new line, open; nothing if it does not come about in time.
    pub fn fresh(&mut self) -> Option<RawConnection> {
        let line = self.environment.dial();
        self.await_up(&[line], PATIENCE_MAX).is_ok().then_some(line)
    }

    /// So many new lines, open; fewer, or none, if they do not come about in time.
    pub fn crowd(&mut self, size: u32) -> Vec<RawConnection> {
        let lines: Vec<RawConnection> = (0..size).map(|_| self.environment.dial()).collect();
        let complete = self.await_up(&lines, PATIENCE_MAX).is_ok();
        if complete { lines } else { vec![] }
    }

    pub fn subscribe(&mut self, line: RawConnection) {
        for text in frames::subscriptions() {
            self.environment.say(line, text);
        }
    }

    /// Lets time pass until the first two are aged, and learns how long a round trip takes.
    pub fn age(&mut self) {
        let until = self.since + AGED;
        while self.environment.hear(until).is_some() {}
        let rtts: Vec<Duration> = (0..PINGS).filter_map(|_| self.ping(self.sender, PATIENCE_MIN)).collect();
        self.rtt = rtts.into_iter().min();
    }

    /// The connections answer pings.
    pub fn is_answered(&self) -> bool {
        self.rtt.is_some()
    }

    /// How long to wait for what may never come.
    pub fn patience(&self) -> Duration {
        self.rtt.map_or(2 * PATIENCE_MIN, |rtt| (8 * rtt).clamp(PATIENCE_MIN, PATIENCE_MAX))
    }

    /// How long a barrier may take before a fresh line is not fresh any more.
    pub fn haste(&self) -> Duration {
        self.rtt.map_or(Duration::from_millis(150), |rtt| (6 * rtt).max(Duration::from_millis(150)))
    }

    /// How long the server takes to answer: all that was said before on this line has been read by then.
    pub fn ping(&mut self, line: RawConnection, at_most: Duration) -> Option<Duration> {
        let began = self.environment.now();
        self.environment.say(line, frames::ping());
        let pong = self.listen(line, at_most, |text| frames::is_pong(text).then_some(()));
        pong.map(|((), at)| at.saturating_duration_since(began))
    }

    /// The first frame on a line that `wanted` makes something of, with its time.
    pub fn listen<T>(
        &mut self,
        line: RawConnection,
        at_most: Duration,
        mut wanted: impl FnMut(&str) -> Option<T>,
    ) -> Option<(T, Instant)> {
        let until = self.environment.now() + at_most;
        while let Some(news) = self.environment.hear(until) {
            if let (true, LineEvent::Frame(text)) = (news.line == line, &news.event)
                && let Some(found) = wanted(text)
            {
                return Some((found, news.at));
            }
        }
        None
    }

    /// An address for the next volley; its author is nobody who spoke before.
    pub fn address(&mut self) -> Address {
        self.delivery_checks += 1;
        Address { room: self.room.clone(), from: self.name(self.delivery_checks), to: self.name(0) }
    }

    fn name(&self, number: u32) -> String {
        format!("{}-lab{number:02}", self.prefix)
    }

    /// Puts a line into the room, for a server that routes by room.
    pub fn enter(&mut self, line: RawConnection) {
        let address = Address { room: self.room.clone(), from: self.name(0), to: String::new() };
        self.environment.say(line, frames::frame(CheckedMessage::MemberJoined, &address));
    }

    /// Says one of everything, and waits until all of `wanted` has arrived, or for as long as it may take.
    pub fn deliveries(&mut self, from: RawConnection, to: RawConnection, wanted: &[CheckedMessage]) -> DeliveryCheck {
        let address = self.address();
        if from == self.sender {
            self.environment.say(from, frames::room_created(&self.room, &address.from));
        }
        for word in CheckedMessage::ALL {
            self.environment.say(from, frames::frame(word, &address));
        }
        let mut outcomes: Vec<Option<TrialOutcome>> = vec![None; CheckedMessage::ALL.len()];
        let patience = self.patience();
        self.listen(to, patience, |text| {
            let (word, outcome) = frames::recognise(text, &address)?;
            outcomes[word as usize].get_or_insert(outcome);
            wanted.iter().all(|word| outcomes[*word as usize].is_some()).then_some(())
        });
        let delivery = |(word, outcome): (CheckedMessage, Option<TrialOutcome>)| CheckedDelivery {
            word,
            outcome: outcome.unwrap_or(TrialOutcome::Lost),
        };
        DeliveryCheck(CheckedMessage::ALL.into_iter().zip(outcomes).map(delivery).collect())
    }
}
