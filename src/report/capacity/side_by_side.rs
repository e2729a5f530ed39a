//! Compares two searches, one row for each figure.

use super::tables::{load, whole};
use crate::capacity::{CapacityResult, Growth, LimitedBy, Probe, compared};
use crate::report::document::{Block, Table};
use crate::vocabulary::format::{bytes, count, duration, known, number};

/// A figure of a search, and of its probe at the largest load that came up whole in both.
type SearchFigure = fn(&CapacityResult, Option<&Probe>) -> Option<String>;

const ROWS: [(&str, SearchFigure); 14] = [
    ("target", |search, _| Some(search.scope.target.clone())),
    ("holds", |search, _| Some(holds(search))),
    ("limited by", |search, _| Some(search.limited_by.in_words().to_owned())),
    ("plan for", |search, _| Some(search.vary.short_label(search.plan_for?))),
    ("work in all", |search, _| Some(search.model.fan_out.summary())),
    ("CPU an edge", |search, _| Some(cpu_law(search.model.cpu_us_per_edge.as_ref()?))),
    ("compared at", |search, probe| {
        Some(format!("{} {}, {} peers", search.vary.name(), load(probe?.load), count(probe?.peers)))
    }),
    ("who hears a frame", |_, probe| Some(format!("{} peers", number(probe?.fan_out?)))),
    ("frames said an edge", |_, probe| Some(number(probe?.said_per_edge?))),
    ("bytes an edge", |_, probe| Some(bytes(probe?.bytes_per_edge? as u64))),
    ("frames/s out", |_, probe| Some(whole(Some(probe?.frames_out_per_second?)))),
    ("target CPU an edge", |_, probe| Some(duration(probe?.target.as_ref()?.cpu_us_per_edge? as u64))),
    ("p50", |_, probe| Some(duration(probe?.p50_us?))),
    ("p95", |_, probe| Some(duration(probe?.p95_us?))),
];

/// One row for each figure; empty without another search.
pub(super) fn table(findings: &CapacityResult) -> Block {
    let both = findings.beside.as_deref().map(|other| (other, compared(findings, other)));
    let rows = both.iter().flat_map(|both| ROWS.map(|row| (both, row)));
    Table::of("Compared at the largest load that came up whole in both", rows)
        .words("", |(_, (name, _))| *name)
        .words("this search", |((_, (probe, _)), (_, cell))| known(cell(findings, *probe), |text| text))
        .words("beside it", |((other, (_, probe)), (_, cell))| known(cell(other, *probe), |text| text))
        .into()
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
