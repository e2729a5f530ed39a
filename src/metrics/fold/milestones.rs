//! Derives the milestones and phases of an edge from the events of both sides (docs/spec/measurement.md, "Metrics").

use crate::metrics::record::edge::EdgeRecord;
use crate::metrics::record::peer::PeerRecord;
use crate::metrics::run_time::RunTime;
use crate::summary::PhaseTimes;
use crate::vocabulary::Phase;

/// The milestones of one opened edge: `at[i]` is never before `at[i - 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::metrics) struct Milestones {
    pub at: [RunTime; 8],
    /// Microseconds from the later peer's due time to its start.
    pub delay_us: u64,
    /// Number of events that came before the preceding milestone.
    pub early: u64,
    /// False with the engine `none`, which has no ICE, DTLS and channel phases.
    pub transport: bool,
}

impl Milestones {
    pub(crate) fn of(edge: &EdgeRecord, peers: [&PeerRecord; 2]) -> Self {
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
            // Without a transport, negotiation ends when the edge is open, and the later phases are empty.
            let opened = at[7];
            at[4..].fill(opened);
        }
        Self { at, delay_us, early, transport }
    }

    pub(crate) fn began_us(&self) -> u64 {
        self.at[7].since(self.at[0])
    }

    pub(crate) fn due_us(&self) -> u64 {
        self.began_us().saturating_add(self.delay_us)
    }

    /// Microseconds of `Phase::OF_AN_EDGE[phase]`.
    pub(crate) fn phase_us(&self, phase: usize) -> u64 {
        self.at[phase + 1].since(self.at[phase])
    }

    pub(crate) fn phases(&self) -> PhaseTimes {
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

/// The phase of an undecided edge: that of its first unmet milestone.
pub(in crate::metrics) fn phase_of(edge: &EdgeRecord, peers: [&PeerRecord; 2]) -> Phase {
    Phase::OF_AN_EDGE[phase_index(edge, peers)]
}

/// The position of that phase in `Phase::OF_AN_EDGE`.
pub(in crate::metrics) fn phase_index(edge: &EdgeRecord, peers: [&PeerRecord; 2]) -> usize {
    let events = events(edge, peers);
    (1..8).find(|milestone| !events[*milestone].happened()).unwrap_or(7) - 1
}

/// The start of the pair's later peer, and its delay against its due time in microseconds.
pub(in crate::metrics) fn start(peers: [&PeerRecord; 2]) -> (RunTime, u64) {
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
