//! The arrivals of a plan as a line of blocks, for a terminal.

use std::time::Duration;

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Columns of the line.
const COLUMNS: usize = 32;

/// One block a slice of time, its height the rate of the arrivals in it, and the highest rate; `dues` in order.
pub(super) fn arrivals_line(dues: &[Duration]) -> String {
    let last = dues.last().copied().unwrap_or_default();
    let slice = last.as_secs_f64() / COLUMNS as f64;
    if slice == 0.0 {
        return "all at once".to_owned();
    }
    let mut heights = [0.0; COLUMNS];
    let mut is_used = [false; COLUMNS];
    let column = |at: f64| ((at / slice) as usize).min(COLUMNS - 1);
    for pair in dues.windows(2) {
        let (from, until) = (pair[0].as_secs_f64(), pair[1].as_secs_f64());
        is_used[column(from)] = true;
        if from == until {
            heights[column(from)] += 1.0;
        }
        // Each arrival is spread up to the next one, so that a steady rate is a level line.
        for (at, height) in heights.iter_mut().enumerate().take(column(until) + 1).skip(column(from)) {
            let within = until.min((at + 1) as f64 * slice) - from.max(at as f64 * slice);
            *height += if until > from { within.max(0.0) / (until - from) } else { 0.0 };
        }
    }
    let most = heights.into_iter().fold(0.0, f64::max);
    let top = (BLOCKS.len() - 1) as f64;
    // A slice with one arrival must not look empty.
    let block =
        |(height, is_used): (f64, bool)| BLOCKS[((height / most * top).round() as usize).max(usize::from(is_used))];
    let line: String = heights.into_iter().zip(is_used).map(block).collect();
    let rate = most / slice;
    let rate = if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") };
    format!("{line}  in {:.1} s, {rate}/s at most", last.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(ms: usize, from: u64, until: u64) -> impl Iterator<Item = Duration> {
        (from..until).step_by(ms).map(Duration::from_millis)
    }

    #[test]
    fn a_steady_rate_is_level_and_a_spike_stands_out_of_it() {
        let steady: Vec<_> = every(270, 0, 9_000).collect();
        assert_eq!(arrivals_line(&steady), format!("{}  in 8.9 s, 3.7/s at most", "█".repeat(32)));
        let spike: Vec<_> =
            every(100, 0, 16_000).chain(every(10, 16_000, 18_000)).chain(every(100, 18_000, 32_001)).collect();
        let expected = format!("{}██{}  in 32.0 s, 100/s at most", "▁".repeat(16), "▁".repeat(14));
        assert_eq!(arrivals_line(&spike), expected);
    }

    #[test]
    fn a_burst_has_no_line_and_a_pause_is_empty() {
        assert_eq!(arrivals_line(&[Duration::ZERO; 5]), "all at once");
        let dues: Vec<_> = every(10, 0, 1_000).chain(every(10, 31_000, 32_001)).collect();
        assert_eq!(arrivals_line(&dues), format!("█{}█  in 32.0 s, 100/s at most", " ".repeat(30)));
    }
}
