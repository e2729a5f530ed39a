//! Fault injection: the first rule that matches a message decides what happens to it.

mod grammar;
pub(super) mod mutate;
mod presets;
mod rule;

pub use presets::{all as presets, rules};
pub use rule::{Damage, Direction, FaultAction, FaultRule, Match, Span, Window};

use crate::server::rooms::client_id::ClientId;
use crate::vocabulary::Seed;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rustc_hash::FxHashMap;
use std::time::Duration;

/// A message as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct MessageContext<'a> {
    pub direction: Direction,
    pub kind: &'a str,
    pub channel: &'a str,
    pub room: &'a str,
    pub client: ClientId,
    /// The client's `sender`; empty until it has sent one.
    pub peer: &'a str,
    /// Time since the client connected.
    pub age: Duration,
    /// Time since the server started.
    pub time: Duration,
}

/// The active rules, with their counts and random draws.
pub struct Faults {
    rules: Vec<FaultRule>,
    draws: ChaCha8Rng,
    /// Messages that matched a rule with `nth`, by rule and client.
    counts: FxHashMap<(usize, ClientId), u64>,
}

impl Faults {
    /// Creates the rules; equal seeds and messages give equal actions.
    pub fn new(rules: Vec<FaultRule>, seed: Seed) -> Self {
        Self { rules, draws: seed.stream("faults", 0), counts: FxHashMap::default() }
    }

    /// Action for a message; `None` lets it pass unchanged.
    pub fn fate(&mut self, message: &MessageContext<'_>) -> Option<FaultAction> {
        for (index, rule) in self.rules.iter().enumerate() {
            if !rule.action.is_standing()
                && rule.matches.holds(message)
                && is_counted(&mut self.counts, index, &rule.matches, message.client)
                && rule.matches.chance.is_none_or(|chance| self.draws.random_ratio(chance, 1_000_000))
            {
                return Some(rule.action.clone());
            }
        }
        None
    }

    /// Draws one of `count` things.
    pub fn pick(&mut self, count: usize) -> usize {
        self.draws.random_range(0..count.max(1))
    }

    /// Drops a client's counts, since another client may get its number.
    pub fn forget(&mut self, client: ClientId) {
        self.counts.retain(|(_, counted), _| *counted != client);
    }

    /// Time to hold a message that has `receivers` recipients; `time` is that since the server started.
    pub fn delay(&mut self, span: Span, receivers: usize, time: Duration) -> Duration {
        match span {
            Span::Fixed(time) => time,
            Span::Uniform(from, until) => {
                let (from, until) = (from.as_micros() as u64, until.as_micros() as u64);
                Duration::from_micros(self.draws.random_range(from..=until))
            }
            Span::Normal(mean, deviation) => {
                // Box-Muller transform of two uniform draws.
                let (one, two): (f64, f64) = (self.draws.random(), self.draws.random());
                let normal = (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos();
                Duration::from_secs_f64((mean.as_secs_f64() + deviation.as_secs_f64() * normal).max(0.0))
            }
            Span::PerSubscriber(time) => time * u32::try_from(receivers).unwrap_or(u32::MAX).min(100_000),
            Span::PerMinute(each) => each.mul_f64(time.as_secs_f64() / 60.0),
        }
    }
}

fn is_counted(counts: &mut FxHashMap<(usize, ClientId), u64>, rule: usize, matches: &Match, client: ClientId) -> bool {
    let Some(window) = matches.nth else { return true };
    let count = counts.entry((rule, client)).or_default();
    *count += 1;
    window.from <= *count && window.until.is_none_or(|until| *count <= until)
}

impl Match {
    fn holds(&self, message: &MessageContext<'_>) -> bool {
        let named = |names: &[String], name: &str| names.is_empty() || names.iter().any(|known| known == name);
        let kind = match message.kind {
            "close" => self.kinds.iter().any(|kind| kind == "close"),
            kind => named(&self.kinds, kind),
        };
        let within = |window: Option<Window<Duration>>, at: Duration| {
            window.is_none_or(|window| window.from <= at && window.until.is_none_or(|until| at < until))
        };
        kind && self.direction == message.direction
            && named(&self.channels, message.channel)
            && self.room.as_ref().is_none_or(|pattern| fits(pattern, message.room))
            && self.peer.as_ref().is_none_or(|pattern| fits(pattern, message.peer))
            && within(self.age, message.age)
            && within(self.time, message.time)
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_prefix('*').map_or(pattern == name, |end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: MessageContext<'_> = MessageContext {
        direction: Direction::In,
        kind: "peer-ready",
        channel: "chat",
        room: "m1-room-0",
        client: ClientId(1),
        peer: "m1-0001",
        age: Duration::from_millis(999),
        time: Duration::from_secs(10),
    };

    fn faults(rules: &[&str]) -> Faults {
        Faults::new(rules.iter().map(|rule| rule.parse().unwrap()).collect(), Seed(1))
    }

    #[test]
    fn all_that_a_rule_names_must_hold() {
        let check = |rule: &str, expected: bool| {
            assert_eq!(faults(&[rule]).fate(&MESSAGE).is_some(), expected, "{rule}");
        };
        check("drop", true);
        check("drop direction=out", false);
        check("drop type=other|peer-ready channel=chat", true);
        check("drop type=peer-ready channel=rooms", false);
        check("drop room=*-room-0 peer=*-0001", true);
        check("drop room=room-0", false);
        check("drop age=0s..999ms", false);
        check("drop age=0s..1s", true);
        check("drop time=10s..", true);
        check("drop time=..10s", false);
        check("drop p=0%", false);
        check("drop p=100%", true);
    }

    #[test]
    fn the_end_of_a_socket_is_touched_only_by_a_rule_that_names_it() {
        let close = MessageContext { kind: "close", ..MESSAGE };
        assert_eq!(faults(&["drop"]).fate(&close), None);
        assert_eq!(faults(&["drop type=close"]).fate(&close), Some(FaultAction::Drop));
    }

    #[test]
    fn the_first_rule_with_an_opinion_decides() {
        let mut faults = faults(&["drop type=other", "reorder nth=2", "duplicate p=0%", "disconnect"]);
        let fates: Vec<_> = (0..3).map(|_| faults.fate(&MESSAGE)).collect();
        assert_eq!(fates, [Some(FaultAction::Disconnect), Some(FaultAction::Reorder), Some(FaultAction::Disconnect)]);
    }

    #[test]
    fn messages_are_counted_for_each_peer_apart() {
        let mut faults = faults(&["drop nth=1"]);
        let mut lost = |client: u32| faults.fate(&MessageContext { client: ClientId(client), ..MESSAGE }).is_some();
        assert_eq!([lost(1), lost(2), lost(1), lost(2)], [true, true, false, false]);
        faults.forget(ClientId(1));
        assert!(faults.fate(&MESSAGE).is_some(), "a new client of the same number");
    }

    #[test]
    fn a_share_of_the_messages_and_the_time_they_wait_are_drawn_from_the_seed() {
        let play = || {
            let mut faults = faults(&["drop p=30%"]);
            let lost = (0..10_000).filter(|_| faults.fate(&MESSAGE).is_some()).count();
            let ms = Duration::from_millis;
            let waits: Vec<_> = (0..1_000).map(|_| faults.delay(Span::Normal(ms(100), ms(10)), 1, ms(0))).collect();
            (lost, waits)
        };
        let (lost, waits) = play();
        assert_eq!((lost, &waits), (play().0, &play().1));
        assert!((2_800..3_200).contains(&lost), "{lost}");
        let mean = waits.iter().sum::<Duration>() / 1_000;
        assert!(mean.abs_diff(Duration::from_millis(100)) < Duration::from_millis(2), "{mean:?}");
    }
}
