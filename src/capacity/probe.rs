//! One probe of a search: its load, verdict and figures.

use crate::capacity::search::ProbeOutcome;
use crate::capacity::target::{TargetLoad, TargetRow};
use crate::summary::{GateResult, RunFinding, Signaling, Summary, Unit, Validity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The verdict of a probe on the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeVerdict {
    /// Every gate held.
    Held,
    /// A gate failed.
    Broke,
    /// The run was not valid: nothing is known of the target.
    NotValid,
    /// No peer reached the target, or a gate had too few samples and no other failed: nothing is known of the target.
    NotJudged,
    /// A signal ended the run: nothing is known of the target.
    Interrupted,
}

impl ProbeVerdict {
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Broke => "broke",
            Self::NotValid => "not valid",
            Self::NotJudged => "not judged",
            Self::Interrupted => "stopped",
        }
    }
}

/// One run at one load. Durations are in microseconds. Counts of the target's work include the warm-up; figures that
/// gates judge do not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    pub load: f64,
    pub seed: u64,
    pub verdict: ProbeVerdict,
    pub rooms: u64,
    pub room_size: f64,
    pub peers: u64,
    pub edges_planned: u64,
    pub edges_opened: u64,
    /// A fraction from 0 to 1.
    pub edges_failed: Option<f64>,
    /// Percentiles of `time_to_open` (due); absent when nothing was measured.
    pub p50_us: Option<u64>,
    pub p95_us: Option<u64>,
    pub p99_us: Option<u64>,
    /// The number of samples of `time_to_open`.
    pub samples: u64,
    pub duration_us: u64,
    /// Seconds in which peers joined or edges were decided; the rates below are averages over them.
    pub busy_seconds: u64,
    /// Relayed frames that peers sent, per opened edge.
    pub said_per_edge: Option<f64>,
    /// Receivers of each relayed frame: the server's work for one frame.
    pub fan_out: Option<f64>,
    /// The share of the server's own frames, notices and lists, in all frames that it sent.
    pub notices_share: Option<f64>,
    pub amplification: Option<f64>,
    pub bytes_per_edge: Option<f64>,
    /// Rates at the server, over the busy seconds.
    pub frames_in_per_second: Option<f64>,
    pub frames_out_per_second: Option<f64>,
    pub mbit_out_per_second: Option<f64>,
    pub target: Option<TargetLoad>,
    /// Times that the target's process on this machine was gone at a look and another listened in its place.
    #[serde(default)]
    pub restarts: u64,
    pub gates: Vec<GateResult>,
    pub validity: Validity,
    /// The run's findings, worst first.
    #[serde(default)]
    pub findings: Vec<RunFinding>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_rows: Vec<TargetRow>,
}

impl Probe {
    /// The probe of a summary whose gates are judged.
    pub fn of(load: f64, verdict: ProbeVerdict, summary: &Summary, target_rows: Vec<TargetRow>) -> Self {
        let warmup = summary.counts_warmup.clone().unwrap_or_default();
        let counts = &summary.counts;
        let sum = |of: fn(&crate::summary::counts::Counts) -> u64| of(counts).saturating_add(of(&warmup));
        let (peers, rooms) = (sum(|counts| counts.peers.planned), sum(|counts| counts.rooms.planned));
        let opened = sum(|counts| counts.edges.opened);
        let traffic = Relayed::of([&counts.signaling, &warmup.signaling]);
        let open = summary.timers.get("time_to_open").map(|timer| &timer.due);
        let busy = summary.series.iter().filter(|row| row.joined + row.opened + row.failed > 0);
        let busy_seconds: u64 = busy.map(|row| row.seconds).sum();
        let per = |amount: u64, of: u64| (of > 0).then(|| amount as f64 / of as f64);
        let out_bytes = sum(|counts| counts.signaling.received_bytes);
        let bytes = out_bytes.saturating_add(sum(|counts| counts.signaling.sent_bytes));
        Self {
            load,
            seed: summary.run.seed,
            verdict,
            rooms,
            room_size: per(peers, rooms).unwrap_or(0.0),
            peers,
            edges_planned: sum(|counts| counts.edges.planned),
            edges_opened: opened,
            edges_failed: summary.rates.edges_failed,
            p50_us: open.map(|open| open.p.p50),
            p95_us: open.map(|open| open.p.p95),
            p99_us: open.map(|open| open.p.p99),
            samples: open.map_or(0, |open| open.count),
            duration_us: summary.run.duration_us,
            busy_seconds,
            said_per_edge: per(traffic.sent, opened),
            fan_out: per(traffic.received, traffic.sent),
            notices_share: per(traffic.own, traffic.own.saturating_add(traffic.received)),
            amplification: summary.amplification,
            bytes_per_edge: per(bytes, opened),
            frames_in_per_second: per(sum(|counts| counts.signaling.sent), busy_seconds),
            frames_out_per_second: per(sum(|counts| counts.signaling.received), busy_seconds),
            mbit_out_per_second: per(out_bytes, busy_seconds).map(|bytes| bytes * 8.0 / 1e6),
            target: TargetLoad::of(&target_rows, opened),
            restarts: summary.target_process.as_ref().map_or(0, |process| process.restarts),
            gates: summary.gates.clone(),
            validity: summary.validity.clone(),
            findings: summary.findings.clone(),
            target_rows,
        }
    }

    /// The outcome for the search; `None` if the run was interrupted or could not be judged.
    pub fn outcome(&self) -> Option<ProbeOutcome> {
        match self.verdict {
            ProbeVerdict::Held => Some(ProbeOutcome::Held),
            ProbeVerdict::Broke => Some(ProbeOutcome::Broke),
            ProbeVerdict::NotValid => Some(ProbeOutcome::NotValid),
            ProbeVerdict::NotJudged | ProbeVerdict::Interrupted => None,
        }
    }

    /// The gate on a time that failed whatever this machine's share: the target was slow.
    pub fn slow(&self) -> Option<&GateResult> {
        self.failed_gates().find(|gate| gate.unit == Unit::Us)
    }

    /// The reason why the target was broken and not only slow: errors, or a restart.
    pub fn broken(&self) -> Option<String> {
        let gate = self.failed_gates().find(|gate| gate.unit != Unit::Us);
        match gate {
            _ if self.verdict != ProbeVerdict::Broke => None,
            _ if self.restarts > 0 => Some("the target's process restarted".to_owned()),
            Some(gate) => Some(gate.in_words()),
            None => self.slow().is_none().then(|| "too much failed".to_owned()),
        }
    }

    /// The reason why the load did not hold: errors or a restart first, else the gate on a time.
    pub fn why_broke(&self) -> Option<String> {
        self.broken().or_else(|| self.slow().map(GateResult::in_words))
    }

    fn failed_gates(&self) -> impl Iterator<Item = &GateResult> {
        let is_judged = self.verdict == ProbeVerdict::Broke;
        self.gates.iter().filter(move |gate| is_judged && !gate.ok && gate.is_decided() && gate.why.is_none())
    }

    /// True if 95 % of the edges opened, so that the figures describe the planned work and not its failure.
    pub fn is_whole(&self) -> bool {
        !matches!(self.verdict, ProbeVerdict::NotValid | ProbeVerdict::Interrupted)
            && self.edges_planned > 0
            && self.edges_opened as f64 >= 0.95 * self.edges_planned as f64
    }
}

/// Frames of relayed message types, which peers both send and receive, and of types that only the server sends.
#[derive(Default)]
struct Relayed {
    sent: u64,
    received: u64,
    /// Frames of types that only the server sends.
    own: u64,
}

impl Relayed {
    fn of(signaling: [&Signaling; 2]) -> Self {
        let mut relayed = Self::default();
        let kinds = signaling.iter().flat_map(|signaling| signaling.by_type.keys());
        let kinds: std::collections::BTreeSet<&String> = kinds.collect();
        for kind in kinds {
            let of_kind = signaling.iter().filter_map(|signaling| signaling.by_type.get(kind));
            let (sent, received) = of_kind.fold((0u64, 0u64), |(sent, received), traffic| {
                (sent.saturating_add(traffic.sent), received.saturating_add(traffic.received))
            });
            match (sent, received) {
                (0, received) => relayed.own = relayed.own.saturating_add(received),
                // A type that the server does not relay, such as a subscription.
                (_, 0) => {}
                (sent, received) => {
                    relayed.sent = relayed.sent.saturating_add(sent);
                    relayed.received = relayed.received.saturating_add(received);
                }
            }
        }
        relayed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Traffic;

    fn traffic(sent: u64, received: u64) -> Traffic {
        Traffic { sent, received, ..Traffic::default() }
    }

    #[test]
    fn what_is_relayed_is_told_from_what_the_server_says_itself() {
        let mut measured = Signaling::default();
        measured.by_type.insert("subscribe".into(), traffic(40, 0));
        measured.by_type.insert("webrtc-offer".into(), traffic(6, 54));
        measured.by_type.insert("client_count".into(), traffic(0, 30));
        let mut warmup = Signaling::default();
        warmup.by_type.insert("webrtc-offer".into(), traffic(0, 6));
        let Relayed { sent, received, own } = Relayed::of([&measured, &warmup]);
        assert_eq!((sent, received, own), (6, 60, 30));
    }

    #[test]
    fn a_target_that_is_slow_is_told_from_one_that_is_broken() {
        let gate = |metric: &str, unit: Unit, ok: bool, decided: bool| GateResult {
            metric: metric.into(),
            clock: None,
            scenario: None,
            expr: "< 1".into(),
            observed: Some(2.0),
            net: None,
            unit,
            samples: 100,
            ok,
            decided: Some(decided),
            why: (!decided).then(|| "generator".to_owned()),
            line: None,
        };
        let check = |gates: &[GateResult], restarts: u64, slow: Option<&str>, broken: bool| {
            let summary = Summary { gates: gates.to_vec(), ..Summary::default() };
            let probe = Probe { restarts, ..Probe::of(10.0, ProbeVerdict::Broke, &summary, vec![]) };
            let found = (probe.slow().map(|gate| gate.metric.as_str()), probe.broken().is_some());
            assert_eq!(found, (slow, broken), "{gates:?}");
            let held = Probe { verdict: ProbeVerdict::NotValid, ..probe };
            assert!(held.slow().is_none() && held.broken().is_none());
        };
        let (late, lossy) = (gate("join", Unit::Us, false, true), gate("edges_failed", Unit::Ratio, false, true));
        check(std::slice::from_ref(&late), 0, Some("join"), false);
        check(&[late.clone(), lossy.clone()], 0, Some("join"), true);
        check(std::slice::from_ref(&lossy), 0, None, true);
        check(&[gate("join", Unit::Us, true, true)], 1, None, true);
        check(&[gate("join", Unit::Us, false, false), late], 0, Some("join"), false);
    }

    #[test]
    fn a_summary_without_anything_is_a_probe_too() {
        let probe = Probe::of(10.0, ProbeVerdict::NotValid, &Summary::default(), vec![]);
        assert_eq!((probe.fan_out, probe.p50_us, probe.is_whole()), (None, None, false));
    }
}
