//! The time series as CSV for a spreadsheet: only figures, so that no cell can be a formula.

use crate::summary::Summary;

const COLUMNS: [&str; 14] = [
    "second",
    "seconds",
    "joined",
    "opened",
    "failed",
    "frames",
    "messages",
    "time_to_open_p50_us",
    "time_to_open_p99_us",
    "cpu_us",
    "waiting_us",
    "lag_max_us",
    "rss_bytes",
    "fds",
];

/// CSV as of RFC 4180, except that lines end in a bare newline.
pub(in crate::report) fn render(summary: &Summary) -> String {
    let mut csv = COLUMNS.join(",");
    csv.push('\n');
    for row in &summary.series {
        let figures = [row.second, row.seconds, row.joined, row.opened, row.failed, row.frames, row.messages];
        let quantiles = [row.time_to_open_p50_us, row.time_to_open_p99_us];
        let generator = [row.cpu_us, row.waiting_us, row.lag_max_us, row.rss_bytes, row.fds];
        let cells = figures.map(Some).into_iter().chain(quantiles).chain(generator);
        let cells: Vec<String> = cells.map(|cell| cell.map(|figure| figure.to_string()).unwrap_or_default()).collect();
        csv.push_str(&cells.join(","));
        csv.push('\n');
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::sample::run;

    #[test]
    fn a_second_without_a_sample_has_empty_cells() {
        let csv = render(&run());
        let rows: Vec<&str> = csv.lines().skip(1).collect();
        assert_eq!(rows, ["0,1,8,6,0,120,0,41000,88000,,,,,", "1,1,4,5,1,90,20,,,610000,2000,1400,52000000,61"]);
    }
}
