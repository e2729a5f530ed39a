//! Compares two searches, one row for each figure.

use super::tables::{limited_by, load, number, whole};
use crate::capacity::{CapacityResult, Growth, LimitedBy, Probe, compared};
use crate::report::document::{Column, StyledText, Table};
use crate::vocabulary::{format::bytes, format::count, format::duration};

/// One row for each figure; empty without another search.
pub(super) fn table(findings: &CapacityResult) -> Table {
    let rows: Vec<Vec<StyledText>> = findings.beside.as_ref().map_or(vec![], |other| {
        let (one, another) = (column(findings, other), column(other, findings));
        let row = |((name, cell), beside): ((&str, String), String)| vec![name.into(), cell.into(), beside.into()];
        NAMES.into_iter().zip(one).zip(another).map(row).collect()
    });
    let columns = ["", "this search", "beside it"].map(Column::Words);
    Table::new("Compared at the largest load that came up whole in both", columns, rows)
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
