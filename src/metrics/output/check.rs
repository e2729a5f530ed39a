//! Checks figures that another process wrote: whatever is computed from them stays within its bounds.

use crate::metrics::fold::guests::GuestCounts;
use crate::metrics::fold::time_buckets::TimeRows;
use crate::metrics::fold::totals::Totals;
use crate::metrics::health::HealthFigures;
use crate::metrics::output::meshes::RankedMesh;
use crate::metrics::output::run_figures::RunFigures;
use crate::profile::SCENARIOS_MAX;

/// The most rooms of any list.
const ROOMS_MAX: usize = 1 << 20;

impl RunFigures {
    /// True if no room of more than `scenarios` is in it.
    pub fn has_scenarios(&self, scenarios: usize) -> bool {
        scenarios <= SCENARIOS_MAX && self.series.len() <= scenarios
    }

    /// Checks figures of a dialect of so many message types.
    ///
    /// # Errors
    /// The first figure that no recorder makes.
    pub fn check(&self, kinds: usize) -> Result<(), &'static str> {
        let checks = [
            (self.totals.iter().all(|totals| totals.has_kinds(kinds)), "its message types are not the dialect's"),
            (self.totals.iter().all(Totals::is_sound), "its counts don't add up"),
            (self.guests.iter().all(GuestCounts::is_sound), "its guests' counts don't add up"),
            (
                self.guests.len() == self.totals.len() && 2 * self.series.len() == self.totals.len(),
                "its figures are not those of any number of scenarios",
            ),
            (self.series.iter().all(TimeRows::is_sound), "its series has more rows than any"),
            (
                self.series.iter().flat_map(TimeRows::iter).all(|(_, _, row)| row.is_sound()),
                "its series has slower samples than any",
            ),
            (
                self.run_wide.trace_check.announcements.len() <= kinds,
                "it checks message types that the dialect has not",
            ),
            (
                self.met.split.len() <= ROOMS_MAX && self.labels.len() <= ROOMS_MAX,
                "it names more rooms than any run has",
            ),
            (self.worst_rooms.iter().all(RankedMesh::is_sound), "a room's picture does not fit its size"),
            (self.traces.iter().all(|trace| trace.is_sound(kinds)), "a trace has peers that its room has not"),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(why))
    }
}

impl HealthFigures {
    /// Checks the figures.
    ///
    /// # Errors
    /// The first figure that no process has.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.generator.is_sound() { Ok(()) } else { Err("the generator's series has more rows than any") }
    }
}
