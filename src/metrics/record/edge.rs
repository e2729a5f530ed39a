//! The recorder's state of one edge: the milestones of both sides, the outcome, the traffic.

use crate::metrics::record::delivery_window::DeliveryWindow;
use crate::metrics::run_time::RunTime;

/// Index 0 is the side with the lower seat, 1 the other.
#[derive(Clone, Debug, Default)]
pub(in crate::metrics) struct EdgeRecord {
    pub met: [RunTime; 2],
    pub answered: [RunTime; 2],
    pub ice: [RunTime; 2],
    pub dtls: [RunTime; 2],
    pub open: [RunTime; 2],
    /// The time at which the other left, once this side has noticed that leave.
    pub noticed: [RunTime; 2],
    /// This side got a message that the other left.
    pub told: [bool; 2],
    /// The generator's share of each phase, in microseconds: own work, and what waited for this process.
    pub own_us: [u32; 7],
    pub own_work_us: u32,
    /// The end of the last time that was charged to the generator; times that overlap are charged once.
    pub charged: RunTime,
    /// The side that made the last offer.
    pub offerer: Option<u8>,
    pub fate: EdgeOutcome,
    pub closing: Closing,
    pub glare: bool,
    /// The messages that each side sends.
    pub windows: [DeliveryWindow; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::metrics) enum EdgeOutcome {
    #[default]
    Undecided,
    Opened,
    Failed,
    Dropped,
    /// A side left by plan before anything was decided.
    Abandoned,
}

/// The end of an edge's channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::metrics) enum Closing {
    #[default]
    Not,
    Planned,
    Early,
}

impl EdgeRecord {
    /// The generator's share of the handshake so far, in microseconds.
    pub(crate) fn own_total_us(&self) -> u64 {
        self.own_us.iter().map(|us| u64::from(*us)).sum()
    }

    pub(crate) fn is_undecided(&self) -> bool {
        self.fate == EdgeOutcome::Undecided
    }

    pub(crate) fn is_open_on_both(&self) -> bool {
        self.open[0].happened() && self.open[1].happened()
    }

    /// Messages sent either way that have not arrived.
    pub(crate) fn in_flight(&self) -> u64 {
        self.windows.iter().map(|window| u64::from(window.sent().saturating_sub(window.received()))).sum()
    }

    /// Messages in flight when the channel closed; 0 while it is open.
    pub(crate) fn cut_in_flight(&self) -> u64 {
        if self.closing == Closing::Not { 0 } else { self.in_flight() }
    }

    pub(crate) fn is_closed_by_plan(&self) -> bool {
        self.closing == Closing::Planned
    }

    pub(crate) fn is_one_sided(&self) -> bool {
        self.open[0].happened() != self.open[1].happened()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_fits_in_two_hundred_and_sixteen_bytes() {
        assert!(size_of::<EdgeRecord>() <= 216, "{}", size_of::<EdgeRecord>());
    }
}
