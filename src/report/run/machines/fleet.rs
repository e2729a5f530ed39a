//! The machines of a run on several, and what of its plan is missing.

use crate::report::document::{Block, Table};
use crate::summary::{FleetAgent, Summary};
use crate::vocabulary::format::{duration, percent};

pub(in crate::report::run) fn blocks(summary: &Summary) -> Vec<Block> {
    if summary.fleet.is_empty() {
        return vec![Block::list(&summary.missing)];
    }
    let known = |agent: &FleetAgent, text: String| if agent.lost { "–".to_owned() } else { text };
    let table = Table::of("The machines: a lost one left no figures", &summary.fleet)
        .figures("slot", |agent| agent.slot.to_string())
        .words("machine", |agent| known(agent, agent.machine.clone()))
        .figures("cores", |agent| known(agent, agent.cores.to_string()))
        .figures("share of the edges", |agent| known(agent, percent(agent.share)))
        .figures("timers late p99", |agent| known(agent, duration(agent.lag_p99_us)))
        .figures("clock ahead", |agent| clock(agent).unwrap_or("–".to_owned()))
        .words("validity", |agent| if agent.lost { "lost" } else { agent.validity.name() });
    vec![Block::list(&summary.missing), table.into()]
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
        let Some(Block::Table(table)) = blocks(&summary).pop() else { panic!("a table") };
        let shown = |row: usize| table.rows[row].iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>();
        assert_eq!(shown(0)[3..6], figures);
        assert_eq!(shown(1), ["1", "–", "–", "–", "–", "–", "lost"]);
        let shown = render(Format::Markdown, &summary);
        assert!(shown.contains("north") && shown.contains("measured were 1 of 2 rooms"), "{shown}");
    }
}
