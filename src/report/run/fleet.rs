//! The machines of a run on several, and what of its plan is missing.

use crate::report::document::{Block, Column, StyledText, Table};
use crate::summary::{FleetAgent, Summary};
use crate::vocabulary::format::{duration, percent};

pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    if summary.fleet.is_empty() {
        return vec![Block::list(&summary.missing)];
    }
    let columns = [
        Column::Figures("slot"),
        Column::Words("machine"),
        Column::Figures("cores"),
        Column::Figures("share of the edges"),
        Column::Figures("timers late p99"),
        Column::Figures("clock ahead"),
        Column::Words("validity"),
    ];
    let rows = summary.fleet.iter().map(|agent| row(agent).map(StyledText::from).into());
    let table = Table::new("The machines: a lost one left no figures", columns, rows);
    vec![Block::list(&summary.missing), Block::Table(table)]
}

fn row(agent: &FleetAgent) -> [String; 7] {
    let known = |text: String| if agent.lost { "–".to_owned() } else { text };
    let validity = if agent.lost { "lost" } else { agent.validity.name() };
    [
        agent.slot.to_string(),
        known(agent.machine.clone()),
        known(agent.cores.to_string()),
        known(percent(agent.share)),
        known(duration(agent.lag_p99_us)),
        clock(agent).unwrap_or("–".to_owned()),
        validity.to_owned(),
    ]
}

/// `-1.2ms ± 90µs`
fn clock(agent: &FleetAgent) -> Option<String> {
    let (offset, error) = (agent.clock_offset_us?, agent.clock_error_us?);
    let sign = if offset < 0 { "-" } else { "" };
    Some(format!("{sign}{} ± {}", duration(offset.unsigned_abs()), duration(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Format, render};

    #[test]
    fn each_machine_has_its_row_and_a_lost_one_no_figures() {
        let agent = FleetAgent {
            slot: 0,
            machine: "north".into(),
            cores: 4.0,
            share: 0.5,
            lag_p99_us: 1_200,
            clock_offset_us: Some(-1_500),
            clock_error_us: Some(90),
            ..FleetAgent::default()
        };
        let lost = FleetAgent { slot: 1, lost: true, ..FleetAgent::default() };
        let missing = vec!["1 part missing (2/2): measured were 1 of 2 rooms".to_owned()];
        let summary = Summary { fleet: vec![agent, lost], missing, ..Summary::default() };
        let clock = format!("-{} ± {}", duration(1_500), duration(90));
        let figures = [percent(0.5), duration(1_200), clock];
        assert_eq!(row(&summary.fleet[0])[3..6], figures);
        assert_eq!(row(&summary.fleet[1]), ["1", "–", "–", "–", "–", "–", "lost"]);
        let shown = render(Format::Markdown, &summary);
        assert!(shown.contains("north") && shown.contains("measured were 1 of 2 rooms"), "{shown}");
    }
}
