//! The kinds of rooms of a run with `[[scenarios]]`, beside each other.

use super::figures::with_spread;
use super::latency::{limits, over_time};
use crate::report::document::{Block, StyledText, Table};
use crate::summary::{Distribution, ScenarioFigures, Summary};
use crate::vocabulary::format::{count, known, percent};

/// Empty without scenarios.
pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    if summary.scenarios.is_empty() {
        return vec![];
    }
    let charts = summary.scenarios.iter().filter_map(|(name, figures)| {
        let limits = limits(&summary.gates, "time_to_open", Some(name));
        over_time(&figures.series, "time_to_open", &format!("{name}: time to open"), &limits)
    });
    vec![outcomes(summary), times(summary), Block::Charts(charts.collect())]
}

fn outcomes(summary: &Summary) -> Block {
    type Row<'a> = (&'a String, &'a ScenarioFigures);
    let opened = |(_, of): &Row<'_>| known(of.rates.mesh_complete, percent);
    Table::of("How each ended; warm-up left out", &summary.scenarios)
        .words("scenario", |(name, _): &Row<'_>| StyledText::term(*name))
        .figures("rooms", |(_, of)| count(of.counts.rooms.planned))
        .figures("peers", |(_, of)| count(of.counts.peers.planned))
        .figures("joined", |(_, of)| count(of.counts.peers.joined))
        .figures("edges", |(_, of)| count(of.counts.edges.planned))
        .figures("opened", |(_, of)| count(of.counts.edges.opened))
        .figures("of the mesh", opened)
        .figures("messages lost", |(_, of)| known(of.rates.messages_lost, percent))
        .figures("the target's share", |(_, of)| known(of.shares, |shares| percent(shares.target)))
        .into()
}

/// The timers that people compare first, of each scenario.
fn times(summary: &Summary) -> Block {
    const TIMERS: [&str; 5] = ["time_to_open", "room_complete", "signal_delivery", "message_latency", "message_rtt"];
    let of_timer = |timer: &'static str| {
        let measured =
            summary.scenarios.iter().filter_map(move |(name, of)| Some((timer, name, &of.timers.get(timer)?.due)));
        measured.collect::<Vec<(&str, &String, &Distribution)>>()
    };
    let table = Table::of("Their times, from when each was due", TIMERS.into_iter().flat_map(of_timer))
        .words("timer (due)", |(timer, ..)| StyledText::term(*timer))
        .words("scenario", |(_, name, _)| StyledText::term(*name))
        .figures("samples", |(.., due)| count(due.count));
    with_spread(table, |(.., due)| due).into()
}
