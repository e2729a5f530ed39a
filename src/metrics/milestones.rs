//! From what both sides saw to the milestones of an edge (measurement.md, "Metrics").

use crate::metrics::edge::EdgeRecord;
use crate::metrics::peer::PeerRecord;
use crate::metrics::run_time::RunTime;
use crate::summary::rows::PhaseTimes;
use crate::vocabulary::phase::Phase;

/// The way of one opened edge: `at[i]` is milestone `i`, never before `at[i - 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Milestones {
    pub at: [RunTime; 8],
    /// From when the later peer was due to when it began, microseconds.
    pub delay_us: u64,
    /// Events that came before the milestone that precedes theirs.
    pub early: u64,
    /// Whether there was a transport to measure: the engine `none` has no ice, dtls and channel.
    pub transport: bool,
}

impl Milestones {
    pub fn of(edge: &EdgeRecord, peers: [&PeerRecord; 2]) -> Self {
        let events = events(edge, peers);
        let (began, delay_us) = start(peers);
        let mut at = [began; 8];
        let mut early = 0;
        for milestone in 1..8 {
            let event = events[milestone];
            early += u64::from(event.happened() && event < at[milestone - 1]);
            at[milestone] = at[milestone - 1].max(event);
        }
        let transport = events[5].happened() || events[6].happened();
        if !transport {
            // Without a transport the edge is open when its answer is applied: negotiation has all that is left.
            let opened = at[7];
            at[4..].fill(opened);
        }
        Self { at, delay_us, early, transport }
    }

    pub fn began_us(&self) -> u64 {
        self.at[7].since(self.at[0])
    }

    pub fn due_us(&self) -> u64 {
        self.began_us().saturating_add(self.delay_us)
    }

    /// Microseconds of `Phase::OF_AN_EDGE[phase]`.
    pub fn phase_us(&self, phase: usize) -> u64 {
        self.at[phase + 1].since(self.at[phase])
    }

    pub fn phases(&self) -> PhaseTimes {
        let of_transport = |phase| self.transport.then(|| self.phase_us(phase));
        PhaseTimes {
            connect_us: self.phase_us(0),
            join_us: self.phase_us(1),
            discovery_us: self.phase_us(2),
            negotiation_us: self.phase_us(3),
            ice_us: of_transport(4),
            dtls_us: of_transport(5),
            channel_us: of_transport(6),
        }
    }
}

/// The phase that an edge is in: that of its first unmet milestone.
pub(super) fn phase_of(edge: &EdgeRecord, peers: [&PeerRecord; 2]) -> Phase {
    let events = events(edge, peers);
    let unmet = (1..8).find(|milestone| !events[*milestone].happened()).unwrap_or(7);
    Phase::OF_AN_EDGE[unmet - 1]
}

/// When the later peer of a pair began, and how late that was, in microseconds.
pub(super) fn start(peers: [&PeerRecord; 2]) -> (RunTime, u64) {
    let later = if peers[1].began >= peers[0].began { peers[1] } else { peers[0] };
    let delay_us = if later.due.happened() { later.began.since(later.due) } else { 0 };
    (later.began, delay_us)
}

fn events(edge: &EdgeRecord, peers: [&PeerRecord; 2]) -> [RunTime; 8] {
    let [one, other] = peers;
    let of_offerer = |stamps: [RunTime; 2]| edge.offerer.map_or(RunTime::NEVER, |side| stamps[usize::from(side)]);
    [
        one.began.both(other.began),
        one.upgraded.both(other.upgraded),
        one.joined.both(other.joined),
        of_offerer(edge.met),
        of_offerer(edge.answered),
        edge.ice[0].both(edge.ice[1]),
        edge.dtls[0].both(edge.dtls[1]),
        edge.open[0].both(edge.open[1]),
    ]
}
