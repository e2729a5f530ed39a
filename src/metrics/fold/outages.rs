//! Outages: the times in which joined peers had lost the server, and how long recovery took.

use crate::metrics::run_time::RunTime;
use crate::summary::{Outage, OutageCause};
use crate::vocabulary::{Failure, Reason};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Further outages are counted in the last one: a target that drops sockets all the time must not fill memory.
const OUTAGES_MAX: usize = 100;

/// A peer whose run ends sooner after its loss, with no redial failed, had no time to come back; in microseconds.
const TIME_TO_RETURN_US: u64 = 1_000_000;

/// An outage lasts from the first lost peer until no peer is lost.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::metrics) struct Outages {
    records: Vec<OutageRecord>,
    /// The peers that are lost now, by their number in the plan.
    lost: FxHashMap<u32, LostPeer>,
    /// The peers that the last outage has struck; needed only while events come.
    #[serde(skip)]
    struck: FxHashSet<u32>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct LostPeer {
    at: RunTime,
    /// The server rejected it, or a redial has failed since.
    refused: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct OutageRecord {
    from: RunTime,
    /// The time from which no peer was lost; never if one still is.
    until: RunTime,
    /// Peers; one that was lost several times counts once, and is back if it was at last.
    lost: u64,
    back: u64,
    never: u64,
    losses: u64,
    redials: u64,
    /// By reason and detail: the count, and the time of the first.
    causes: BTreeMap<(Reason, String), (u64, RunTime)>,
}

impl Outages {
    pub(crate) fn lost(&mut self, at: RunTime, peer: u32, failure: &Failure) {
        if self.lost.is_empty() {
            self.begin(at);
        }
        let refused = failure.reason == Reason::Rejected;
        let fresh = self.lost.insert(peer, LostPeer { at, refused }).is_none();
        let is_first = self.struck.insert(peer);
        if let Some(outage) = self.records.last_mut() {
            outage.lost += u64::from(is_first);
            outage.back -= u64::from(fresh && !is_first);
            outage.losses += u64::from(fresh);
            outage.add_cause(at, failure);
        }
    }

    pub(crate) fn redial_failed(&mut self, at: RunTime, peer: u32, failure: &Failure) {
        if let Some(loss) = self.lost.get_mut(&peer)
            && let Some(outage) = self.records.last_mut()
        {
            loss.refused = true;
            outage.redials += 1;
            outage.add_cause(at, failure);
        }
    }

    /// Records a peer that has joined again; returns true if it had been lost.
    pub(crate) fn returned(&mut self, at: RunTime, peer: u32) -> bool {
        let was_lost = self.lost.contains_key(&peer);
        if let Some(outage) = self.records.last_mut() {
            outage.back += u64::from(was_lost);
        }
        self.over(at, peer);
        was_lost
    }

    pub(crate) fn is_lost(&self, peer: u32) -> bool {
        self.lost.contains_key(&peer)
    }

    /// Records that a peer stayed until the end of the run; returns true if it is without the server and could have come back.
    pub(crate) fn stayed(&mut self, at: RunTime, peer: u32) -> bool {
        let is_decided = |loss: &LostPeer| loss.refused || at.since(loss.at) >= TIME_TO_RETURN_US;
        let is_lost = self.lost.get(&peer).is_some_and(is_decided);
        if let Some(outage) = self.records.last_mut() {
            outage.never += u64::from(is_lost);
        }
        is_lost
    }

    /// Removes a peer that has left or failed: the outage no longer waits for it.
    pub(crate) fn ended(&mut self, at: RunTime, peer: u32) {
        self.struck.remove(&peer);
        self.over(at, peer);
    }

    fn over(&mut self, at: RunTime, peer: u32) {
        if self.lost.remove(&peer).is_some()
            && self.lost.is_empty()
            && let Some(outage) = self.records.last_mut()
        {
            outage.until = at;
        }
    }

    /// Joins the overlapping outages of two workers.
    pub(crate) fn merge(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.records.extend(other.records);
        self.records.sort_by_key(|outage| outage.from);
        let mut whole: Vec<OutageRecord> = vec![];
        for outage in std::mem::take(&mut self.records) {
            match whole.last_mut() {
                Some(last) if !last.until.happened() || outage.from < last.until => last.absorb(outage),
                _ => whole.push(outage),
            }
        }
        self.records = whole;
    }

    pub(crate) fn rows(&self) -> Vec<Outage> {
        self.records.iter().map(OutageRecord::row).collect()
    }

    fn begin(&mut self, at: RunTime) {
        let full = self.records.len() >= OUTAGES_MAX;
        match self.records.last_mut() {
            Some(last) if full => last.until = RunTime::NEVER,
            _ => {
                self.struck.clear();
                self.records.push(OutageRecord {
                    from: at,
                    until: RunTime::NEVER,
                    lost: 0,
                    back: 0,
                    never: 0,
                    losses: 0,
                    redials: 0,
                    causes: BTreeMap::new(),
                });
            }
        }
    }
}

impl OutageRecord {
    fn add_cause(&mut self, at: RunTime, failure: &Failure) {
        let cause = self.causes.entry((failure.reason, failure.detail.to_string())).or_insert((0, at));
        cause.0 += 1;
    }

    fn absorb(&mut self, other: Self) {
        let ended = self.until.happened() && other.until.happened();
        self.until = if ended { self.until.max(other.until) } else { RunTime::NEVER };
        self.lost += other.lost;
        self.back += other.back;
        self.never += other.never;
        self.losses += other.losses;
        self.redials += other.redials;
        for (name, (count, first)) in other.causes {
            let cause = self.causes.entry(name).or_insert((0, first));
            cause.0 += count;
            cause.1 = cause.1.min(first);
        }
    }

    fn row(&self) -> Outage {
        let since_start = |stamp: RunTime| stamp.since(RunTime::of_start());
        let mut causes: Vec<_> = self
            .causes
            .iter()
            .map(|((reason, detail), (count, first))| OutageCause {
                reason: reason.name().to_owned(),
                detail: detail.clone(),
                count: *count,
                first_us: since_start(*first),
            })
            .collect();
        causes.sort_by_key(|cause| cause.first_us);
        let recovered = self.until.happened() && self.back > 0 && self.never == 0;
        Outage {
            began_us: since_start(self.from),
            recovery_us: recovered.then(|| self.until.since(self.from)),
            lost: self.lost,
            back: self.back,
            never: self.never,
            losses: self.losses,
            redials: self.redials,
            causes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Phase, Reason};
    use std::time::{Duration, Instant};

    struct Story {
        start: Instant,
        outages: Outages,
    }

    impl Story {
        fn new(start: Instant) -> Self {
            Self { start, outages: Outages::default() }
        }

        fn at(&self, ms: u64) -> RunTime {
            RunTime::of(self.start + Duration::from_millis(ms), self.start)
        }

        fn lost(mut self, ms: u64, peer: u32) -> Self {
            self.outages.lost(self.at(ms), peer, &Failure::new(Phase::Connect, Reason::Closed, ""));
            self
        }

        fn refused(mut self, ms: u64, peer: u32) -> Self {
            let failure = Failure::new(Phase::Connect, Reason::Refused, "ECONNREFUSED");
            self.outages.redial_failed(self.at(ms), peer, &failure);
            self
        }

        fn back(mut self, ms: u64, peer: u32) -> Self {
            self.outages.returned(self.at(ms), peer);
            self
        }

        fn gone(mut self, ms: u64, peer: u32) -> Self {
            self.outages.ended(self.at(ms), peer);
            self
        }

        /// Began, recovery, lost, back, redials of each; in ms.
        fn check(&self, expected: &[(u64, Option<u64>, u64, u64, u64)]) {
            let rows = self.outages.rows();
            let brief = |row: &Outage| {
                (row.began_us / 1_000, row.recovery_us.map(|us| us / 1_000), row.lost, row.back, row.redials)
            };
            assert_eq!(rows.iter().map(brief).collect::<Vec<_>>(), expected, "{rows:#?}");
        }
    }

    #[test]
    fn recovery_is_from_the_first_loss_until_all_are_back() {
        let timeline = Story::new(Instant::now()).lost(10, 0).lost(15, 1).refused(60, 0).back(100, 1).back(300, 0);
        timeline.check(&[(10, Some(290), 2, 2, 1)]);
        let rows = timeline.outages.rows();
        let causes: Vec<_> = rows[0].causes.iter().map(|one| (one.reason.as_str(), one.count, one.first_us)).collect();
        assert_eq!(causes, [("closed", 2, 10_000), ("refused", 1, 60_000)]);
    }

    #[test]
    fn a_second_loss_after_all_are_back_is_another_outage() {
        Story::new(Instant::now())
            .lost(10, 0)
            .back(20, 0)
            .lost(30, 0)
            .back(70, 0)
            .check(&[(10, Some(10), 1, 1, 0), (30, Some(40), 1, 1, 0)]);
    }

    #[test]
    fn a_peer_that_is_lost_again_and_again_is_one_peer() {
        let story = Story::new(Instant::now()).lost(10, 0).lost(10, 1).back(20, 1).lost(30, 1).back(40, 1).lost(50, 1);
        story.check(&[(10, None, 2, 0, 0)]);
        assert_eq!(story.outages.rows()[0].losses, 4);
        // Who leaves and comes back by plan is another one.
        Story::new(Instant::now()).lost(5, 9).lost(10, 0).gone(20, 0).lost(30, 0).check(&[(5, None, 3, 0, 0)]);
        let over = story.back(60, 1).back(70, 0);
        over.check(&[(10, Some(60), 2, 2, 0)]);
        // The next outage counts its own peers.
        over.lost(80, 1).check(&[(10, Some(60), 2, 2, 0), (80, None, 1, 0, 0)]);
    }

    #[test]
    fn who_never_comes_back_leaves_an_outage_without_recovery() {
        Story::new(Instant::now()).lost(10, 0).check(&[(10, None, 1, 0, 0)]);
        Story::new(Instant::now()).lost(10, 0).gone(20, 0).check(&[(10, None, 1, 0, 0)]);
        Story::new(Instant::now()).lost(10, 0).lost(10, 1).back(20, 1).gone(30, 0).check(&[(10, Some(20), 2, 1, 0)]);
    }

    #[test]
    fn who_is_lost_in_the_last_moment_has_not_stayed_away() {
        let stayed = |story: Story, ms: u64| {
            let mut story = story;
            let at = story.at(ms);
            (story.outages.stayed(at, 0), story.outages.rows()[0].never)
        };
        let start = Instant::now();
        assert_eq!(stayed(Story::new(start).lost(10, 0), 1_009), (false, 0));
        assert_eq!(stayed(Story::new(start).lost(10, 0), 1_010), (true, 1));
        assert_eq!(stayed(Story::new(start).lost(10, 0).refused(260, 0), 300), (true, 1));
        let mut rejected = Story::new(start);
        let failure = Failure::new(Phase::Connect, Reason::Rejected, "close 4429");
        rejected.outages.lost(rejected.at(10), 0, &failure);
        assert_eq!(stayed(rejected, 20), (true, 1));
        assert_eq!(stayed(Story::new(start).lost(10, 0).refused(260, 0).back(280, 0).lost(290, 0), 300), (false, 0));
    }

    #[test]
    fn what_two_workers_saw_at_once_is_one_outage_and_what_they_saw_apart_is_two() {
        let start = Instant::now();
        let first = || Story::new(start).lost(10, 0).back(50, 0);
        let merge = |second: Story| {
            let mut timeline = first();
            timeline.outages.merge(second.outages);
            timeline
        };
        merge(Story::new(start).lost(49, 7).back(90, 7)).check(&[(10, Some(80), 2, 2, 0)]);
        merge(Story::new(start).lost(51, 7).back(90, 7)).check(&[(10, Some(40), 1, 1, 0), (51, Some(39), 1, 1, 0)]);
        merge(Story::new(start).lost(20, 7)).check(&[(10, None, 2, 1, 0)]);
    }
}
