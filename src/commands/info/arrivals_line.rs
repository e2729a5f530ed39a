//! The arrivals of a plan as a line of blocks, for a terminal.

use std::time::Duration;

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Columns of the line.
const COLUMNS: usize = 32;

/// One block a slice of time, its height the peers due in it, and the height of the highest; `dues` in any order.
pub(super) fn arrivals_line(dues: &[Duration]) -> String {
    let last = dues.iter().max().copied().unwrap_or_default();
    let slice = last.as_secs_f64() / COLUMNS as f64;
    if slice == 0.0 {
        return "all at once".to_owned();
    }
    let mut counts = [0_u32; COLUMNS];
    for due in dues {
        counts[((due.as_secs_f64() / slice) as usize).min(COLUMNS - 1)] += 1;
    }
    let most = counts.into_iter().max().unwrap_or(1);
    // A slice with one arrival must not look empty.
    let block = |count: u32| BLOCKS[(count as usize * (BLOCKS.len() - 1)).div_ceil(most as usize)];
    let line: String = counts.into_iter().map(block).collect();
    let rate = f64::from(most) / slice;
    let rate = if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") };
    format!("{line}  in {:.1} s, {rate}/s at most", last.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(ms: u64, from: u64, until: u64) -> impl Iterator<Item = Duration> {
        (from..until).step_by(ms as usize).map(Duration::from_millis)
    }

    #[test]
    fn a_spike_stands_out_of_a_level_line() {
        let mut dues: Vec<_> = every(100, 0, 16_000).chain(every(10, 16_000, 18_000)).collect();
        dues.extend(every(100, 18_000, 32_001));
        let line = arrivals_line(&dues);
        assert_eq!(line, format!("{}██{}  in 32.0 s, 100/s at most", "▁".repeat(16), "▁".repeat(13) + "▁"));
    }

    #[test]
    fn a_burst_has_no_line_and_a_pause_is_empty() {
        assert_eq!(arrivals_line(&[Duration::ZERO; 5]), "all at once");
        let line = arrivals_line(&[Duration::ZERO, Duration::from_secs(32)]);
        assert_eq!(line, format!("█{}█  in 32.0 s, 1.0/s at most", " ".repeat(30)));
    }
}
