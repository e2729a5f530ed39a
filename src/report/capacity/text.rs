//! The planning report for a terminal: the answer, its particulars, every probe.

use super::{side_by_side, tables};
use crate::capacity::CapacityResult;
use crate::report::escape::plain;
use crate::report::text::table;

pub(super) fn render(findings: &CapacityResult) -> String {
    let facts: Vec<Vec<String>> =
        tables::facts(findings).into_iter().map(|(name, words)| vec![name.to_owned(), plain(&words)]).collect();
    let mut probes = vec![tables::PROBE_HEADS.map(str::to_owned).to_vec()];
    probes.extend(tables::probes(findings).map(|row| row.iter().map(|cell| plain(cell)).collect()));
    let commands: Vec<Vec<String>> = tables::reproduction(findings)
        .into_iter()
        .map(|(name, command)| vec![name.to_owned(), plain(command)])
        .collect();
    let mut beside: Vec<Vec<String>> =
        side_by_side::rows(findings).iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    if !beside.is_empty() {
        beside.insert(0, side_by_side::HEADS.map(str::to_owned).to_vec());
    }
    let blocks = [
        vec![plain(&findings.sentence)],
        table::lines(|_| true, &facts),
        table::lines(|_| true, &beside),
        table::lines(|column| [1, 9].contains(&column), &probes),
        table::lines(|_| true, &commands),
    ];
    let blocks: Vec<String> = blocks.iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n")).collect();
    blocks.join("\n\n") + "\n"
}
