//! The histograms of a run, by timer and clock.

use crate::summary::{Clock, Distribution, Histogram, Timer, metric::DELIVERY_OF_A_KIND, metric::TIMERS};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The most message types of a dialect, and one for the types that it does not name.
const KINDS_MAX: usize = 257;

/// Each timer's position in `summary::metric::TIMERS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(in crate::metrics) enum TimerId {
    Connect,
    Before,
    Join,
    Discovery,
    Negotiation,
    Ice,
    Dtls,
    Channel,
    TimeToOpen,
    RoomComplete,
    OwnWork,
    OwnWait,
    SignalDelivery,
    LeaveNotice,
    MessageLatency,
    MessageRtt,
}

impl TimerId {
    /// The timers of an edge's phases after `connect`, which is a peer's.
    pub(crate) const PHASES: [Self; 6] =
        [Self::Join, Self::Discovery, Self::Negotiation, Self::Ice, Self::Dtls, Self::Channel];

    /// True if the timer has samples without the generator's share.
    pub(crate) fn has_net(timer: usize) -> bool {
        let others = [Self::Connect, Self::TimeToOpen, Self::RoomComplete];
        Self::PHASES.iter().chain(&others).any(|of| *of as usize == timer)
    }

    /// True if due and began can differ; the other timers show the same samples on both clocks.
    pub(crate) fn has_two_clocks(timer: usize) -> bool {
        const TWO: [TimerId; 5] = [
            TimerId::Connect,
            TimerId::TimeToOpen,
            TimerId::RoomComplete,
            TimerId::MessageLatency,
            TimerId::MessageRtt,
        ];
        TWO.iter().any(|of| *of as usize == timer)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::metrics) struct TimerSet {
    due: [Histogram; TIMERS.len()],
    began: [Histogram; TIMERS.len()],
    /// Without the generator's share; empty for timers that have none.
    net: [Histogram; TIMERS.len()],
    /// `signal_delivery`, by message type.
    #[serde(deserialize_with = "a_timer_a_kind")]
    delivery: Vec<Histogram>,
}

impl TimerSet {
    pub(crate) fn new(kinds: usize) -> Self {
        Self {
            due: Default::default(),
            began: Default::default(),
            net: Default::default(),
            delivery: vec![Histogram::default(); kinds],
        }
    }

    /// Records a sample, in microseconds, of a timer with one clock.
    pub(crate) fn record(&mut self, of: TimerId, us: u64) {
        self.due[of as usize].record_us(us);
    }

    /// Records a sample, in microseconds, of a timer with two clocks.
    pub(crate) fn record_both(&mut self, of: TimerId, due_us: u64, began_us: u64) {
        self.due[of as usize].record_us(due_us);
        self.began[of as usize].record_us(began_us);
    }

    /// Records the same sample without the generator's share.
    pub(crate) fn record_net(&mut self, of: TimerId, us: u64) {
        self.net[of as usize].record_us(us);
    }

    pub(crate) fn record_delivery(&mut self, kind: usize, us: u64) {
        self.record(TimerId::SignalDelivery, us);
        self.delivery[kind].record_us(us);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        let pairs = self.due.iter_mut().zip(&other.due).chain(self.began.iter_mut().zip(&other.began));
        let pairs = pairs.chain(self.net.iter_mut().zip(&other.net));
        pairs.chain(self.delivery.iter_mut().zip(&other.delivery)).for_each(|(ours, theirs)| ours.merge(theirs));
    }

    /// The number of message types that have a timer.
    pub(crate) fn kinds(&self) -> usize {
        self.delivery.len()
    }

    pub(crate) fn of(&self, of: TimerId) -> &Histogram {
        &self.due[of as usize]
    }

    /// The histogram with this name in `summary::metric`.
    pub(crate) fn named(&self, name: &str, clock: Clock, kinds: &[String]) -> Option<&Histogram> {
        if let Some(kind) = name.strip_prefix(DELIVERY_OF_A_KIND) {
            return self.delivery.get(kinds.iter().position(|known| known == kind)?);
        }
        let timer = TIMERS.iter().position(|known| *known == name)?;
        if clock == Clock::Net && !self.net[timer].is_empty() {
            return Some(&self.net[timer]);
        }
        let on_began = clock != Clock::Due && TimerId::has_two_clocks(timer);
        Some(if on_began { &self.began[timer] } else { &self.due[timer] })
    }

    /// Rows of the summary; timers without samples are absent.
    pub(crate) fn distributions(&self, kinds: &[String]) -> BTreeMap<String, Timer> {
        let of_kinds = kinds.iter().map(|kind| format!("{DELIVERY_OF_A_KIND}{kind}"));
        let names = TIMERS.iter().map(|name| (*name).to_owned()).chain(of_kinds);
        names.filter_map(|name| self.distribution(&name, kinds).map(|timer| (name, timer))).collect()
    }

    fn distribution(&self, name: &str, kinds: &[String]) -> Option<Timer> {
        let [due, began, net] = [Clock::Due, Clock::Began, Clock::Net].map(|clock| self.named(name, clock, kinds));
        let (due, began, net) = (due.filter(|due| !due.is_empty())?, began?, net?);
        let due_distribution = Distribution::of(due);
        let began_distribution =
            if std::ptr::eq(due, began) { due_distribution.clone() } else { Distribution::of(began) };
        let net_distribution = (!std::ptr::eq(net, began)).then(|| Distribution::of(net));
        Some(Timer { due: due_distribution, began: began_distribution, net: net_distribution })
    }
}

/// Reads at most a timer for each type that a byte numbers, and one for the others: each costs 170 KB.
fn a_timer_a_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Histogram>, D::Error> {
    struct Timers;
    impl<'de> Visitor<'de> for Timers {
        type Value = Vec<Histogram>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {KINDS_MAX} histograms")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut timers = vec![];
            while let Some(timer) = items.next_element()? {
                if timers.len() == KINDS_MAX {
                    return Err(serde::de::Error::invalid_length(KINDS_MAX + 1, &self));
                }
                timers.push(timer);
            }
            Ok(timers)
        }
    }
    deserializer.deserialize_seq(Timers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_positions_are_those_of_the_names() {
        for (of, name) in
            [(TimerId::Connect, "connect"), (TimerId::TimeToOpen, "time_to_open"), (TimerId::MessageRtt, "message_rtt")]
        {
            assert_eq!(TIMERS[of as usize], name);
        }
    }

    #[test]
    fn a_timer_with_one_clock_shows_the_same_on_both() {
        let mut timers = TimerSet::new(1);
        timers.record_delivery(0, 700);
        timers.record_both(TimerId::Connect, 900, 300);
        let shown = timers.distributions(&["offer".into()]);
        let maxima = |name: &str| (shown[name].due.max_us, shown[name].began.max_us);
        assert_eq!(maxima("signal_delivery"), (700, 700));
        assert_eq!(maxima("signal_delivery.offer"), (700, 700));
        assert_eq!(maxima("connect"), (900, 300));
        assert_eq!(shown.len(), 3);
    }
}
