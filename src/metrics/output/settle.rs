//! Ends a recording: what was kept for each edge becomes counts, and what is left adds up with that of other shares.

use crate::metrics::fold::time_buckets::TimeBuckets;
use crate::metrics::output::meshes;
use crate::metrics::output::run_figures::RunFigures;
use crate::metrics::record::recorder::Recorder;
use crate::summary::Messages;
use std::collections::BTreeMap;

impl Recorder {
    /// The figures of this recorder's rooms. An `interrupted` run closes its channels by plan, only sooner.
    pub fn into_figures(mut self, interrupted: bool) -> RunFigures {
        for totals_at in 0..self.all_totals.len() {
            self.settle_edges(totals_at, interrupted);
        }
        let traces = self.take_traces();
        let named = self.all_totals.iter().flat_map(|totals| totals.failures.rooms().chain(totals.slowest.rooms()));
        let label = |room| Some((room, self.rooms[self.slot(room)?].label.clone()));
        let labels: BTreeMap<_, _> = named.filter_map(label).collect();
        RunFigures {
            met: self.met_rooms(),
            worst_rooms: meshes::worst(&self),
            labels,
            traces,
            guests: self.guests.counts,
            totals: self.all_totals,
            series: self.series.into_iter().map(TimeBuckets::into_rows).collect(),
            run_wide: self.run_wide,
        }
    }

    /// Counts the undecided edges of one scenario's measured or warm-up rooms, and the messages still in their edges' delivery windows.
    fn settle_edges(&mut self, totals_at: usize, interrupted: bool) {
        let mut messages = Messages::default();
        let (mut one_sided, mut surprises) = (0, 0);
        let ours = self.rooms.iter().filter(|room| room.totals_at == totals_at);
        for edge in ours.flat_map(|room| &self.edges[room.edge_range()]) {
            one_sided += u64::from(edge.is_undecided() && edge.is_one_sided());
            let by_plan = edge.is_closed_by_plan() || interrupted;
            for window in edge.windows {
                surprises += window.settle(by_plan, &mut messages);
            }
        }
        let totals = &mut self.all_totals[totals_at];
        totals.edges.one_sided += one_sided;
        totals.edges.surprises += surprises;
        totals.messages += messages;
    }
}
