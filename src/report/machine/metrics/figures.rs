//! The figures that the run has as a whole and each scenario has alone: timers, outcomes and ratios.

use super::family::{Family, MetricValue};
use crate::summary::{Counts, Rates, TimerSamples, metric::DELIVERY_OF_A_KIND};
use std::collections::BTreeMap;

pub(super) fn timer<'a>(
    family: String,
    help: &'static str,
    name: &str,
    timers: &'a BTreeMap<String, TimerSamples>,
) -> Family<'a> {
    let mut family = Family::new(family, help);
    let mut add = |timer: &'a TimerSamples, kind: Option<&str>| {
        let net = timer.net.iter().map(|net| ("net", net));
        for (clock, samples) in [("due", &timer.due), ("began", timer.began())].into_iter().chain(net) {
            let labels = [("clock", clock)].into_iter().chain(kind.map(|kind| ("type", kind)));
            family.add(&labels.collect::<Vec<_>>(), MetricValue::Samples(samples));
        }
    };
    if let Some(timer) = timers.get(name) {
        add(timer, None);
    }
    if name == "signal_delivery" {
        let kinds = timers.iter().filter_map(|(name, timer)| Some((name.strip_prefix(DELIVERY_OF_A_KIND)?, timer)));
        kinds.for_each(|(kind, timer)| add(timer, Some(kind)));
    }
    family
}

pub(super) fn outcomes(counts: &Counts) -> Vec<Family<'static>> {
    let Counts { peers, edges, rooms, messages, .. } = counts;
    let total = |outcome, count| (outcome, MetricValue::Total(count as f64));
    let state = |outcome, count| (outcome, MetricValue::Gauge(count as f64));
    let all = [
        (
            "meshload_peers",
            vec![
                total("joined", peers.joined),
                total("failed", peers.failed),
                total("dropped", peers.dropped),
                state("unfinished", peers.unfinished),
            ],
        ),
        (
            "meshload_edges",
            vec![
                total("opened", edges.opened),
                total("failed", edges.failed),
                total("dropped", edges.dropped),
                state("unfinished", edges.unfinished),
            ],
        ),
        ("meshload_rooms", vec![total("complete", rooms.complete), state("incomplete", rooms.incomplete)]),
        (
            "meshload_messages",
            // A message that a later one has overtaken is lost until it comes.
            vec![total("delivered", messages.delivered), state("lost", messages.lost), total("cut", messages.cut)],
        ),
    ];
    let help = "How all of them ended; warm-up left out.";
    let family = |(name, outcomes): (&'static str, Vec<(&'static str, MetricValue<'static>)>)| {
        Family::new(name, help).with(outcomes.into_iter().map(|(outcome, value)| (vec![("outcome", outcome)], value)))
    };
    all.into_iter().map(family).collect()
}

pub(super) fn rates(rates: &Rates, amplification: Option<f64>, bytes_per_edge: Option<u64>) -> Vec<Family<'static>> {
    let ratio = |(name, value): (&str, Option<f64>)| {
        let help = "A fraction from 0 to 1; amplification from 1 up.";
        Family::single(format!("meshload_{name}_ratio"), help, value.map(MetricValue::Gauge))
    };
    let mut families: Vec<_> = [
        ("edges_failed", rates.edges_failed),
        ("peers_failed", rates.peers_failed),
        ("messages_lost", rates.messages_lost),
        ("mesh_complete", rates.mesh_complete),
        ("amplification", amplification),
    ]
    .map(ratio)
    .into();
    let per_edge = bytes_per_edge.map(|bytes| MetricValue::Gauge(bytes as f64));
    let help = "Signaling bytes written and read for each edge that opened.";
    families.push(Family::single("meshload_signaling_bytes_per_edge", help, per_edge));
    families
}
