//! The load on the generator and on a target of the same machine, and whether the load was offered as planned.

use crate::summary::distribution::Distribution;
use crate::summary::verdict::Doubt;
use crate::vocabulary::format;
use derive_more::AddAssign;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// The delay of a timer of the generator, over all workers.
    pub lag_us: Distribution,
    /// CPU cores that the process used, on average.
    pub cpu_cores: f64,
    /// CPU time of the process, in microseconds.
    #[serde(default)]
    pub cpu_us: u64,
    pub rss_bytes_max: u64,
    pub fds_max: u64,
    /// Peers started late.
    pub late: u64,
    /// Peers never started, because the generator was too late.
    pub dropped: u64,
    /// CPU time of the process per opened edge, in microseconds.
    pub us_per_edge: u64,
    /// The share of the run in which nearly all granted CPU time was used, from 0 to 1.
    #[serde(default)]
    pub busy_share: f64,
    /// The share of the run in which a worker was runnable and waited for a CPU, from 0 to 1.
    #[serde(default)]
    pub waiting_share: f64,
    /// The most peers of one worker that were due and had not begun.
    #[serde(default)]
    pub arrivals_waiting_max: u64,
    /// The most signaling frames of one peer that waited for its socket.
    #[serde(default)]
    pub frames_waiting_max: u64,
    #[serde(default)]
    pub arrival_clocks: ArrivalClocks,
}

/// Frames and datagrams that were handled, by the clock that told their arrival.
#[derive(AddAssign, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArrivalClocks {
    /// Frames of the signaling sockets.
    pub signaling: StampCounts,
    /// Messages, and handshake datagrams, of the engines' UDP sockets.
    pub engine: StampCounts,
    /// Steps of the wall clock; what was stamped before one and handled after it has no stamp that can be used.
    pub wall_clock_steps: u64,
}

impl ArrivalClocks {
    /// A sentence for each kind of socket whose arrivals are blind to this machine's waits.
    pub fn blind_in_words(&self) -> Vec<String> {
        let both = [("signaling", self.signaling), ("the engines", self.engine)];
        let blind = both.into_iter().filter(|(_, counts)| counts.is_blind()).map(|(what, _)| {
            format!("{what}: the kernel gave no receive stamps, so the waits of this machine are in its figures")
        });
        blind.collect()
    }
}

/// Inputs of one kind of socket.
#[derive(AddAssign, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StampCounts {
    /// Arrived at the kernel's receive stamp.
    pub stamped: u64,
    /// Without one: they count as arrived when they were handled.
    pub unstamped: u64,
}

impl StampCounts {
    /// The clock for people; `None` if nothing was handled.
    pub fn in_words(&self) -> Option<String> {
        let handled = self.stamped + self.unstamped;
        Some(match self.unstamped {
            _ if handled == 0 => return None,
            0 => "the kernel's receive stamp".to_owned(),
            all if all == handled => "the moment of handling: the kernel gave no receive stamp".to_owned(),
            some => {
                let share = format::percent(some as f64 / handled as f64);
                format!("the kernel's receive stamp; {share} by the moment of handling, without a stamp")
            }
        })
    }

    /// True if most inputs had no stamp, so that this generator's own waits are in the figures and can't be told.
    pub fn is_blind(&self) -> bool {
        self.unstamped > self.stamped
    }
}

/// The load as it was offered. A load that was not offered makes a pass doubtful: the target had it easier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfferedLoad {
    /// True if nothing in `doubts` speaks against it.
    pub offered: bool,
    pub arrivals: Punctuality,
    pub messages: Punctuality,
    /// The second of the run in which the largest share of arrivals and messages began late; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_second: Option<u64>,
    /// Frames, handshake datagrams and messages that were handled.
    pub handled: u64,
    /// The time from their arrival to their handling, at the 95th percentile.
    pub handled_p95_us: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
}

/// The time within which 95 of 100 inputs must be handled, in microseconds: a browser takes as long, and a peer that
/// answers late asks less of the target at once.
const HANDLED_US: u64 = 20_000;

impl OfferedLoad {
    /// Frames and datagrams waited too long for this generator.
    pub fn is_late_reader(&self) -> bool {
        self.handled_p95_us > HANDLED_US
    }
}

/// Things that were due, and those of them that began more than 10 ms later, or never.
#[derive(AddAssign, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Punctuality {
    pub due: u64,
    pub late: u64,
}

impl Punctuality {
    /// Counts one thing that began `late_us` after it was due.
    pub fn count(&mut self, late_us: u64) {
        self.due += 1;
        self.late += u64::from(late_us > LATE_US);
    }

    /// True if no more than `percent` began late; one that is late is no evidence.
    pub fn is_within(&self, percent: u64) -> bool {
        self.late <= (self.due * percent / 100).max(1)
    }
}

/// 1 % of a second.
const LATE_US: u64 = 10_000;

impl OfferedLoad {
    /// The punctuality of the load in one line; `None` if it was not offered.
    pub fn in_words(&self) -> Option<String> {
        let on_time = format::count(self.arrivals.due.saturating_sub(self.arrivals.late));
        let (all, handled) = (format::plural(self.arrivals.due, "arrival"), format::duration(self.handled_p95_us));
        self.offered.then(|| {
            format!(
                "the load was offered: {on_time} of {all} began within 10 ms, 95 % of what was heard was handled within {handled}"
            )
        })
    }
}

/// The target's processes, if they run on this machine and belong to this user: found by their listening socket, or
/// `--target-pid`. Without any, what `--target-metrics` says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetProcess {
    pub pids: Vec<u32>,
    /// The name of the first.
    pub name: String,
    /// Times that they were gone at a look and others listened in their place.
    pub restarts: u64,
    /// The share of the run in which the thread that waited longest was runnable without a CPU, from 0 to 1.
    pub waiting_share: f64,
    /// CPU cores in use, on average and at most in one second.
    pub cpu_cores: f64,
    pub cpu_cores_max: f64,
    pub rss_bytes_max: u64,
    pub fds_max: Option<u64>,
    pub threads_max: u64,
    /// One row a second; a run of more than 1,000 s has rows of 2 s, 4 s and so on.
    pub series: Vec<TargetSecond>,
}

/// The target's processes in one row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetSecond {
    /// Seconds from the start of the run to the end of the row.
    pub second: u64,
    /// CPU time since the row before; absent after a restart.
    pub cpu_us: Option<u64>,
    /// Time that the thread which waited longest was runnable without a CPU since the row before.
    pub waiting_us: Option<u64>,
    pub rss_bytes: Option<u64>,
    pub fds: Option<u64>,
    pub threads: Option<u64>,
    /// The chosen series of the target's own metrics, summed over their labels, with `--target-metrics`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
}

impl TargetProcess {
    /// The rows, each with the seconds that it covers, at least 1.
    pub fn spans(&self) -> impl Iterator<Item = (&TargetSecond, u64)> {
        let before = std::iter::once(0).chain(self.series.iter().map(|row| row.second));
        self.series.iter().zip(before).map(|(row, before)| (row, row.second.saturating_sub(before).max(1)))
    }

    /// Completes the figures from the rows, which cover `seconds` of the run.
    pub fn summed(self, seconds: f64) -> Self {
        let sum = |of: fn(&TargetSecond) -> Option<u64>| self.series.iter().filter_map(of).fold(0, u64::saturating_add);
        let share = |us: u64| if seconds > 0.0 { us as f64 / 1e6 / seconds } else { 0.0 };
        let cores = self.spans().filter_map(|(row, seconds)| Some(row.cpu_us? as f64 / 1e6 / seconds as f64));
        Self {
            waiting_share: share(sum(|row| row.waiting_us)),
            cpu_cores: share(sum(|row| row.cpu_us)),
            cpu_cores_max: cores.fold(0.0, f64::max),
            rss_bytes_max: self.series.iter().filter_map(|row| row.rss_bytes).max().unwrap_or(0),
            fds_max: self.series.iter().filter_map(|row| row.fds).max(),
            threads_max: self.series.iter().filter_map(|row| row.threads).max().unwrap_or(0),
            ..self
        }
    }

    /// The share of the run that the server waited for a CPU, where that is a tenth or more; what it restarted.
    pub fn in_words(&self) -> Vec<String> {
        let waited = (self.waiting_share >= 0.1).then(|| {
            let share = format::percent(self.waiting_share);
            format!("the server waited {share} of the time for a CPU that it shares with this generator")
        });
        let restarted = (self.restarts > 0).then(|| {
            format!("the server's process ended and another took its place {}", format::plural(self.restarts, "time"))
        });
        waited.into_iter().chain(restarted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_arrivals_is_said() {
        let said = |stamped, unstamped| StampCounts { stamped, unstamped }.in_words();
        assert_eq!(said(0, 0), None);
        assert_eq!(said(9, 0).unwrap(), "the kernel's receive stamp");
        let some = "the kernel's receive stamp; 10.0 % by the moment of handling, without a stamp";
        assert_eq!(said(9, 1).unwrap(), some);
        assert_eq!(said(0, 9).unwrap(), "the moment of handling: the kernel gave no receive stamp");
        assert!(StampCounts { stamped: 1, unstamped: 2 }.is_blind() && !StampCounts::default().is_blind());
    }

    #[test]
    fn the_rows_of_a_process_sum_up_and_a_long_wait_is_a_sentence() {
        let row = |second, cpu_us, waiting_us| TargetSecond {
            second,
            cpu_us,
            waiting_us,
            rss_bytes: Some(1_000 * second),
            fds: Some(9),
            threads: Some(3),
            metrics: BTreeMap::new(),
        };
        let series =
            vec![row(0, None, None), row(1, Some(500_000), Some(400_000)), row(3, Some(900_000), Some(530_000))];
        let process = TargetProcess { series, ..TargetProcess::default() }.summed(3.0);
        assert!((process.cpu_cores - 1.4 / 3.0).abs() < 1e-9 && process.cpu_cores_max == 0.5, "{process:?}");
        assert_eq!((process.rss_bytes_max, process.fds_max, process.threads_max), (3_000, Some(9), 3));
        let said = "the server waited 31.0 % of the time for a CPU that it shares with this generator";
        assert_eq!(process.in_words(), [said]);
        let calm = TargetProcess { waiting_share: 0.09, restarts: 1, ..process };
        assert_eq!(calm.in_words(), ["the server's process ended and another took its place 1 time"]);
    }
}
