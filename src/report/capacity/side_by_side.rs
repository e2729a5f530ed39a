//! Compares two searches, one row for each figure.

use super::format::{limited_by, load, number, whole};
use crate::capacity::{CapacityResult, Growth, LimitedBy, Probe, compared, differences};
use crate::vocabulary::{format::bytes, format::count, format::duration};

pub(super) const HEADS: [&str; 3] = ["side by side", "this search", "beside it"];

/// One row for each figure; empty without another search.
pub(super) fn rows(findings: &CapacityResult) -> Vec<Vec<String>> {
    let Some(other) = &findings.beside else { return vec![] };
    let (one, another) = (column(findings, other), column(other, findings));
    let name = |(index, cell): (usize, String)| vec![NAMES[index].to_owned(), cell];
    let rows = one.into_iter().enumerate().map(name).zip(another);
    rows.map(|(mut row, beside)| {
        row.push(beside);
        row
    })
    .collect()
}

/// Differences that make the two hard to compare.
pub(super) fn doubts(findings: &CapacityResult) -> Vec<String> {
    findings.beside.as_ref().map_or(vec![], |other| differences(findings, other))
}

const NAMES: [&str; 14] = [
    "target",
    "holds",
    "limited by",
    "plan for",
    "work in all",
    "CPU an edge",
    "compared at",
    "who hears a frame",
    "frames said an edge",
    "bytes an edge",
    "frames/s out",
    "target CPU an edge",
    "p50",
    "p95",
];

/// The cells of one search, in the order of `NAMES`; the load depends on `other`.
fn column(findings: &CapacityResult, other: &CapacityResult) -> [String; 14] {
    let probe = compared(findings, other).0;
    let of = |cell: fn(&Probe) -> Option<String>| probe.and_then(cell).unwrap_or_else(|| "–".to_owned());
    [
        findings.scope.target.clone(),
        holds(findings),
        limited_by(findings.limited_by).to_owned(),
        findings.plan_for.map_or("–".to_owned(), |load| findings.vary.short_label(load)),
        findings.model.fan_out.summary(),
        findings.model.cpu_us_per_edge.as_ref().map_or("–".to_owned(), cpu_law),
        probe.map_or("–".to_owned(), |probe| {
            format!("{} {}, {} peers", findings.vary.name(), load(probe.load), count(probe.peers))
        }),
        of(|probe| Some(format!("{} peers", number(Some(probe.fan_out?))))),
        of(|probe| Some(number(Some(probe.said_per_edge?)))),
        of(|probe| Some(bytes(probe.bytes_per_edge? as u64))),
        of(|probe| Some(whole(Some(probe.frames_out_per_second?)))),
        of(|probe| Some(duration(probe.target.as_ref()?.cpu_us_per_edge? as u64))),
        of(|probe| Some(duration(probe.p50_us?))),
        of(|probe| Some(duration(probe.p95_us?))),
    ]
}

fn holds(findings: &CapacityResult) -> String {
    match (&findings.limit_words, findings.limited_by) {
        (None, _) => "nothing that was tried".to_owned(),
        (Some(words), LimitedBy::Target) => words.clone(),
        (Some(words), _) => format!("at least {words}"),
    }
}

fn cpu_law(growth: &Growth) -> String {
    growth.exponent.map_or("not known".to_owned(), |power| format!("grows with power {power:.2} of the population"))
}
