//! The run's identity, machine and profile: enough to repeat it.

use crate::report::document::{Block, StyledText, Table};
use crate::summary::{PhaseSpan, Run, Summary, wall_time::from_rfc3339, wall_time::in_words};
use crate::vocabulary::format::{duration, known, plural};
use std::collections::BTreeMap;

/// The conditions of a run, without its version of meshload.
pub(super) fn facts(run: &Run, tags: &BTreeMap<String, String>) -> Vec<(&'static str, StyledText)> {
    vec![
        ("target", StyledText::input(run.destination())),
        ("started", StyledText::from(in_words(&run.started_at))),
        ("ran", StyledText::from(duration(run.duration_us))),
        ("dialect", StyledText::from(&run.dialect)),
        ("engine", StyledText::from(&run.engine)),
        ("seed", StyledText::from(run.seed.to_string())),
        tags_fact(tags),
    ]
}

/// The user's own words; left out of a report if there are none.
pub(in crate::report) fn tags_fact(tags: &BTreeMap<String, String>) -> (&'static str, StyledText) {
    let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    ("tags", StyledText::from(tags.join(", ")))
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
    let facts = [
        ("planned", planned),
        ("run id", run.id.clone()),
        ("plan_sha256", run.plan_sha256.clone()),
        ("machine", machine.in_words()),
        ("system", machine.os.clone()),
        ("data", if run.complete { "complete" } else { "part of it is missing" }.to_owned()),
        ("git", summary.meshload.git.clone()),
    ];
    let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value));
    let facts = facts.chain(summary.tags.iter().map(|(key, value)| (format!("tag.{key}"), value.clone())));
    let profile = run.profile.clone().map(Block::Verbatim);
    vec![
        Block::Details("The plan and the machine".into(), vec![Block::facts(facts), phases(&summary.phases)]),
        Block::Details("The profile as run, defaults and overrides included".into(), profile.into_iter().collect()),
    ]
}

fn phases(phases: &[PhaseSpan]) -> Block {
    let lasted = |phase: &PhaseSpan| {
        let span = from_rfc3339(&phase.ended_at)?.duration_since(from_rfc3339(&phase.started_at)?).ok()?;
        u64::try_from(span.as_micros()).ok()
    };
    Table::of("When each phase of the run began and ended", phases.iter().take(20))
        .words("phase of the run", |phase| &phase.name)
        .words("from", |phase| &phase.started_at)
        .words("to", |phase| &phase.ended_at)
        .figures("lasted", |phase| known(lasted(phase), duration))
        .into()
}
