//! The run's identity, machine and profile: enough to repeat it.

use crate::report::document::{Block, Column, StyledText, Table};
use crate::summary::{PhaseSpan, Run, Summary, wall_time::from_rfc3339};
use crate::vocabulary::format::{bytes, duration, plural};

/// The conditions of a run, without its version of meshload.
pub(in crate::report) fn facts(run: &Run) -> Vec<(&'static str, StyledText)> {
    vec![
        ("target", StyledText::input(run.destination())),
        ("started", StyledText::from(minute(&run.started_at))),
        ("ran", StyledText::from(duration(run.duration_us))),
        ("dialect", StyledText::from(&run.dialect)),
        ("engine", StyledText::from(&run.engine)),
        ("seed", StyledText::from(run.seed.to_string())),
    ]
}

/// The profile's `description`; empty if it has none.
pub(in crate::report) fn description(run: &Run) -> String {
    let profile = run.profile.as_deref().and_then(|profile| profile.parse::<toml::Table>().ok());
    let description = profile.as_ref().and_then(|profile| profile.get("description")?.as_str());
    description.unwrap_or_default().to_owned()
}

/// A time of RFC 3339 for people: `2026-11-29 11:57:39 UTC`; any other text as it is.
pub(in crate::report) fn minute(stamp: &str) -> String {
    match from_rfc3339(stamp).and(stamp.get(..19)) {
        Some(second) => format!("{} UTC", second.replace('T', " ")),
        None => stamp.to_owned(),
    }
}

pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    let (run, counts) = (&summary.run, &summary.counts);
    let machine = &run.machine;
    let warmup = summary.counts_warmup.as_ref().map_or(0, |counts| counts.rooms.planned);
    let planned = format!(
        "{}, {}, {}{}",
        plural(counts.rooms.planned, "room"),
        plural(counts.peers.planned, "peer"),
        plural(counts.edges.planned, "edge"),
        if warmup > 0 { format!("; {} more for the warm-up", plural(warmup, "room")) } else { String::new() }
    );
    let host = format!(
        "{}, {} of {} cores, {}, {}{}",
        machine.cpu,
        machine.cores,
        machine.cores_host,
        bytes(machine.memory_bytes),
        plural(machine.nofile, "descriptor"),
        machine.container.as_ref().map_or(String::new(), |name| format!(", in {name}"))
    );
    let facts = [
        ("planned", planned),
        ("run id", run.id.clone()),
        ("plan_sha256", run.plan_sha256.clone()),
        ("machine", host),
        ("system", machine.os.clone()),
        ("data", if run.complete { "complete" } else { "part of it is missing" }.to_owned()),
        ("git", summary.meshload.git.clone()),
    ];
    let profile = run.profile.clone().map(Block::Verbatim);
    vec![
        Block::Details(
            "The plan and the machine".into(),
            vec![Block::facts(facts), Block::Table(phases(&summary.phases))],
        ),
        Block::Details("The profile as run, defaults and overrides included".into(), profile.into_iter().collect()),
    ]
}

fn phases(phases: &[PhaseSpan]) -> Table {
    let lasted = |phase: &PhaseSpan| {
        let span = from_rfc3339(&phase.ended_at)?.duration_since(from_rfc3339(&phase.started_at)?).ok()?;
        Some(duration(u64::try_from(span.as_micros()).ok()?))
    };
    let rows = phases.iter().take(20).map(|phase| {
        let lasted = lasted(phase).unwrap_or("–".into());
        [StyledText::from(&phase.name), (&phase.started_at).into(), (&phase.ended_at).into(), lasted.into()].into()
    });
    let columns =
        [Column::Words("phase of the run"), Column::Words("from"), Column::Words("to"), Column::Figures("lasted")];
    Table::new("When each phase of the run began and ended", columns, rows)
}
