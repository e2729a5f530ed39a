//! The figures of a run that are not kept apart by room or by half, so that a recorder and its end hold them alike.

use crate::metrics::evidence::connection_log::ConnectionLog;
use crate::metrics::evidence::trace_check::TraceCheck;
use crate::metrics::fold::outages::Outages;
use crate::metrics::frame_notes::FrameNotes;
use crate::metrics::tally::Tally;
use crate::summary::{ArrivalClocks, Histogram, LeaveNotices};
use serde::{Deserialize, Serialize};

/// Figures of measured and warm-up rooms together, which add up as they were recorded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::metrics) struct RunWideFigures {
    /// The time from the arrival of frames, datagrams and messages to their handling.
    pub handling: Histogram,
    pub arrival_clocks: ArrivalClocks,
    pub outages: Outages,
    pub frame_notes: FrameNotes,
    pub connections: ConnectionLog,
    pub trace_check: TraceCheck,
    pub leaves: LeaveNotices,
    pub tally: Tally,
}

impl RunWideFigures {
    /// Adds the figures of other rooms of the same run.
    pub(crate) fn merge(&mut self, other: Self) {
        self.handling.merge(&other.handling);
        self.arrival_clocks += other.arrival_clocks;
        self.outages.merge(other.outages);
        self.frame_notes.merge(other.frame_notes);
        self.connections.merge(other.connections);
        self.trace_check.merge(other.trace_check);
        self.leaves += other.leaves;
        self.tally += other.tally;
    }
}
