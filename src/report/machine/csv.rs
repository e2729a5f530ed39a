//! The time series as CSV for a spreadsheet: only times and figures, so that no cell can be a formula.

use crate::summary::{RowTimer, SERIES_TIMERS, SeriesRow, Summary, wall_time::from_rfc3339, wall_time::to_rfc3339};
use std::time::{Duration, SystemTime};

type Cell = fn(&SeriesRow) -> Option<u64>;
type TimerCell = fn(&RowTimer) -> u64;

const COUNTS: [(&str, Cell); 7] = [
    ("second", |row| Some(row.second)),
    ("seconds", |row| Some(row.seconds)),
    ("joined", |row| Some(row.joined)),
    ("opened", |row| Some(row.opened)),
    ("failed", |row| Some(row.failed)),
    ("frames", |row| Some(row.frames)),
    ("messages", |row| Some(row.messages)),
];
const OF_A_TIMER: [(&str, TimerCell); 4] = [
    ("count", |timer| timer.count),
    ("p50_us", |timer| timer.p50_us),
    ("p95_us", |timer| timer.p95_us),
    ("p99_us", |timer| timer.p99_us),
];
const GENERATOR: [(&str, Cell); 5] = [
    ("cpu_us", |row| row.cpu_us),
    ("waiting_us", |row| row.waiting_us),
    ("lag_max_us", |row| row.lag_max_us),
    ("rss_bytes", |row| row.rss_bytes),
    ("fds", |row| row.fds),
];

/// CSV as of RFC 4180, except that lines end in a bare newline; a cell without a sample is empty.
pub(in crate::report) fn render(summary: &Summary) -> String {
    let of_timers = SERIES_TIMERS.iter().flat_map(|timer| OF_A_TIMER.map(|(name, _)| format!("{timer}_{name}")));
    let names = |cells: &[(&str, Cell)]| cells.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    let heads = ["time".to_owned()].into_iter().chain(names(&COUNTS)).chain(of_timers).chain(names(&GENERATOR));
    let mut csv = heads.collect::<Vec<_>>().join(",") + "\n";
    let start = from_rfc3339(&summary.run.started_at);
    for row in &summary.series {
        let time = start.and_then(|start: SystemTime| start.checked_add(Duration::from_secs(row.second)));
        let figure = |cell: Option<u64>| cell.map(|figure| figure.to_string()).unwrap_or_default();
        let all = |cells: &[(&str, Cell)]| cells.iter().map(|(_, cell)| figure(cell(row))).collect::<Vec<_>>();
        let of_timers =
            SERIES_TIMERS.iter().flat_map(|timer| OF_A_TIMER.map(|(_, cell)| figure(row.timers.get(*timer).map(cell))));
        let cells = [time.map(to_rfc3339).unwrap_or_default()].into_iter().chain(all(&COUNTS)).chain(of_timers);
        csv += &(cells.chain(all(&GENERATOR)).collect::<Vec<_>>().join(",") + "\n");
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::sample::run;

    #[test]
    fn each_row_has_its_wall_time_and_a_second_without_a_sample_has_empty_cells() {
        let csv = render(&run());
        let rows: Vec<&str> = csv.lines().collect();
        assert!(rows[0].starts_with("time,second,") && rows[0].contains(",signal_delivery_p95_us,"), "{}", rows[0]);
        assert!(rows[1].starts_with("2026-02-03T04:05:06.789Z,0,1,8,6,0,120,0,3,41023,88063,88063,,,,"), "{}", rows[1]);
        assert!(rows[2].ends_with(",20,,,,,2,300,900,900,3,210,250,250,610000,2000,1400,52000000,61"), "{}", rows[2]);
        let cells = |row: &&str| row.matches(',').count();
        assert!(rows.iter().all(|row| cells(row) == cells(&rows[0])));
    }
}
