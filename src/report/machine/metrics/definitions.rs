//! The definition of every metric: its name, its labels and the figure of the run that it shows.

use super::family::{Family, MetricValue};
use super::figures::{outcomes, rates, timer};
use super::scenarios::of_scenarios;
use super::{MetricsSnapshot, SnapshotScope};
use crate::gates::Gate;
use crate::summary::{GateResult, Run, SERIES_TIMERS, Summary, Unit, Verdict, metric::TIMERS, wall_time::from_rfc3339};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// All families of a run, those without a series included.
pub(in crate::report) fn families(snapshot: &MetricsSnapshot) -> Vec<Family<'_>> {
    let MetricsSnapshot { summary, samples, scope, has_ended, .. } = snapshot;
    if *scope == SnapshotScope::Agents {
        return of_agents(snapshot);
    }
    let mut families = vec![];
    for name in TIMERS {
        let help = "See `meshload explain`; warm-up left out.";
        families.push(timer(format!("meshload_{name}_seconds"), help, name, &samples.timers));
    }
    for name in SERIES_TIMERS {
        let help = "The same samples by latency, on the clock due, for heat maps.";
        let due = samples.timers.get(name).map(|timer| (vec![("clock", "due")], MetricValue::Buckets(&timer.due)));
        families.push(Family::new(format!("meshload_{name}_histogram_seconds"), help).with(due));
    }
    for name in TIMERS {
        let help = "The floor: the same plan, shortened, with signaling passed in memory.";
        families.push(timer(format!("meshload_control_{name}_seconds"), help, name, &samples.control));
    }
    families.extend(outcomes(&summary.counts));
    families.extend(traffic(summary));
    families.extend(rates(&summary.rates, summary.amplification, summary.signaling_bytes_per_edge));
    families.extend(verdicts(&summary.gates, summary.validity.verdict));
    families.extend(of_scenarios(summary, samples));
    families.push(findings(summary));
    families.extend(generator(snapshot));
    families.push(run_info(&summary.run, &summary.tags, &summary.meshload.version, scope.slot()));
    families.extend(course(summary, *has_ended, *scope == SnapshotScope::Run));
    let insecure = summary.run.way.iter().any(|way| way.insecure).then_some(MetricValue::Gauge(1.0));
    families.push(Family::single("meshload_insecure", "1 if the target's certificate was not checked.", insecure));
    families
}

/// The families of what agents tell their controller while they play.
fn of_agents(snapshot: &MetricsSnapshot) -> Vec<Family<'_>> {
    let MetricsSnapshot { summary, tally, .. } = snapshot;
    let counts = |name: &'static str, outcomes: &[(&'static str, u64)]| {
        let gauge =
            |(outcome, count): &(&'static str, u64)| (vec![("outcome", *outcome)], MetricValue::Gauge(*count as f64));
        Family::new(name, "As the agents tell so far; with the warm-up.").with(outcomes.iter().map(gauge))
    };
    vec![
        counts("meshload_agents_peers", &[("joined", tally.peers_joined)]),
        counts("meshload_agents_edges", &[("opened", tally.edges_opened), ("failed", tally.edges_failed)]),
        run_info(&summary.run, &summary.tags, &summary.meshload.version, None),
    ]
}

fn traffic(summary: &Summary) -> Vec<Family<'_>> {
    let by_type = &summary.counts.signaling.by_type;
    let (mut frames, mut bytes) = (
        Family::new("meshload_signaling_frames", "Signaling frames that peers sent and received, by message type."),
        Family::new("meshload_signaling_bytes", "Bytes of those frames."),
    );
    for (kind, traffic) in by_type {
        for (direction, count, size) in
            [("sent", traffic.sent, traffic.sent_bytes), ("received", traffic.received, traffic.received_bytes)]
        {
            let labels = [("direction", direction), ("type", kind.as_str())];
            frames.add(&labels, MetricValue::Total(count as f64));
            bytes.add(&labels, MetricValue::Total(size as f64));
        }
    }
    let sent = MetricValue::Total(summary.counts.messages.sent as f64);
    let mut failures: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for row in &summary.failures {
        for (of, count) in [("edge", row.count), ("peer", row.peers)].into_iter().filter(|(_, count)| *count > 0) {
            *failures.entry((&row.phase, &row.reason, of)).or_default() += count;
        }
    }
    let failed = failures.into_iter().map(|((phase, reason, of), count)| {
        (vec![("of", of), ("phase", phase), ("reason", reason)], MetricValue::Total(count as f64))
    });
    vec![
        frames,
        bytes,
        Family::single("meshload_messages_sent", "DataChannel messages sent; warm-up left out.", Some(sent)),
        Family::new("meshload_failures", "Edges and peers that failed, by phase and reason.").with(failed),
    ]
}

/// The gates and the validity of a run, or of the repeats of one.
pub(in crate::report) fn verdicts(results: &[GateResult], validity: Verdict) -> Vec<Family<'static>> {
    let valid = MetricValue::Gauge(f64::from(u8::from(validity == Verdict::Valid)));
    let valid = Family::single("meshload_valid", "1 if nothing speaks against the figures.", Some(valid));
    gates(results).into_iter().chain([valid]).collect()
}

fn gates(results: &[GateResult]) -> [Family<'static>; 3] {
    let held = |gate: &GateResult| Some(f64::from(u8::from(gate.ok)));
    let parsed = |gate: &GateResult| Gate::parse(&gate.metric, &gate.expr).ok();
    let limit = |gate: &GateResult| Some(base_units(gate, parsed(gate)?.number));
    let observed = |gate: &GateResult| Some(base_units(gate, gate.observed?));
    let read = "What the gate read, in seconds, bytes or as a plain number.";
    [
        by_gate("meshload_gate_ok", "1 if the gate holds.", results, held),
        by_gate("meshload_gate_observed", read, results, observed),
        by_gate("meshload_gate_limit", "What the gate demands, in the units of what it read.", results, limit),
    ]
}

/// A family with one value a gate. Gates that are spelled alike read and demand the same, and hold only if all do: the least
/// value stands for them.
fn by_gate(
    name: &'static str,
    help: &'static str,
    gates: &[GateResult],
    of: impl Fn(&GateResult) -> Option<f64>,
) -> Family<'static> {
    let mut values: BTreeMap<String, f64> = BTreeMap::new();
    for gate in gates {
        if let Some(value) = of(gate) {
            let name = format!("{}: {}", gate.metric_in_words(), gate.expr);
            values.entry(name).and_modify(|least| *least = least.min(value)).or_insert(value);
        }
    }
    let mut family = Family::new(name, help);
    values.iter().for_each(|(gate, value)| family.add(&[("gate", gate)], MetricValue::Gauge(*value)));
    family
}

/// Seconds for a time; anything else is in its base unit already.
fn base_units(gate: &GateResult, value: f64) -> f64 {
    if gate.unit == Unit::Us { value / 1e6 } else { value }
}

fn findings(summary: &Summary) -> Family<'_> {
    let mut counted: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for finding in &summary.findings {
        *counted.entry((&finding.id, finding.severity.name())).or_default() += 1;
    }
    let series = counted
        .into_iter()
        .map(|((id, severity), count)| (vec![("id", id), ("severity", severity)], MetricValue::Gauge(count as f64)));
    Family::new("meshload_findings", "Findings by id; known when the run has ended.").with(series)
}

/// The strain of the process that makes the load.
fn generator(snapshot: &MetricsSnapshot) -> Vec<Family<'_>> {
    let (health, lag) = (&snapshot.summary.health, &snapshot.samples.lag);
    let gauge = |name: &'static str, help, value: f64| Family::single(name, help, Some(MetricValue::Gauge(value)));
    let total = |name: &'static str, help, value: f64| Family::single(name, help, Some(MetricValue::Total(value)));
    let lag = (lag.count() > 0).then_some(MetricValue::Samples(lag));
    vec![
        Family::single("meshload_generator_lag_seconds", "How late the generator's own timer fired.", lag),
        total("meshload_generator_cpu_seconds", "CPU time of the generator.", health.cpu_us as f64 / 1e6),
        gauge("meshload_generator_rss_bytes_max", "Its most memory so far.", health.rss_bytes_max as f64),
        gauge("meshload_generator_fds_max", "Its most descriptors so far.", health.fds_max as f64),
        total("meshload_generator_late_peers", "Peers that it started late.", health.late as f64),
        gauge("meshload_generator_busy_ratio", "The share of the run with nearly all cores in use.", health.busy_share),
        gauge("meshload_generator_waiting_ratio", "The share in which it waited for a CPU.", health.waiting_share),
    ]
}

/// The conditions of a run, as labels to join others with; `slot` of a process that plays a share.
pub(in crate::report) fn run_info(
    run: &Run,
    tags: &BTreeMap<String, String>,
    version: &str,
    slot: Option<u32>,
) -> Family<'static> {
    let seed = run.seed.to_string();
    let mut family = Family::new("meshload_run_info", "What was run; always 1.").with([(
        vec![
            ("run", run.id.as_str()),
            ("profile", &run.name),
            ("target", &run.target),
            ("dialect", &run.dialect),
            ("engine", &run.engine),
            ("seed", &seed),
            ("version", version),
        ],
        MetricValue::Gauge(1.0),
    )]);
    // A summary may be foreign: what is no name of a label is left out.
    let fits = |key: &str| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let tags =
        tags.iter().filter(|(key, _)| fits(key)).map(|(key, value)| (Cow::Owned(format!("tag_{key}")), value.clone()));
    let slot = slot.map(|slot| (Cow::Borrowed("slot"), slot.to_string()));
    family.series[0].labels.extend(slot.into_iter().chain(tags));
    family
}

/// The times at which the run, and each of its phases, began and ended, in seconds since 1970; how it ended, if it `is_judged`.
fn course(summary: &Summary, has_ended: bool, is_judged: bool) -> Vec<Family<'_>> {
    let unix = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let started = from_rfc3339(&summary.run.started_at);
    let ended = started.filter(|_| has_ended).and_then(|at| at.checked_add(micros(summary.run.duration_us)));
    let gauge = |time: Option<SystemTime>| time.map(|time| MetricValue::Gauge(unix(time)));
    let phases = summary
        .phases
        .iter()
        .filter_map(|phase| Some((vec![("phase", phase.name.as_str())], gauge(from_rfc3339(&phase.started_at))?)));
    let result = (has_ended && is_judged).then(|| (vec![("result", summary.result.name())], MetricValue::Gauge(1.0)));
    vec![
        Family::single("meshload_run_start_time_seconds", "When the run began, in seconds since 1970.", gauge(started)),
        Family::single("meshload_run_end_time_seconds", "When it ended; absent until then.", gauge(ended)),
        Family::new("meshload_phase_start_time_seconds", "When each phase of the run began.").with(phases),
        Family::new("meshload_run_result", "How the run ended; absent until then.").with(result),
    ]
}

fn micros(us: u64) -> Duration {
    Duration::from_micros(us)
}
