//! The run's identity, machine and profile: enough to repeat it.

use crate::report::html::sanitize::{is_unseen, sanitize};
use crate::report::html::table::{Column, table};
use crate::summary::{PhaseSpan, Summary, wall_time::from_rfc3339};
use crate::vocabulary::format;
use maud::{Markup, html};

/// A profile of meshload has some hundred lines; a longer text is cut.
const PROFILE_CHARS_MAX: usize = 64_000;

pub(crate) fn section(summary: &Summary) -> Markup {
    let run = &summary.run;
    let machine = &run.machine;
    let counts = &summary.counts;
    let warmup = summary.counts_warmup.as_ref().map_or(0, |counts| counts.rooms.planned);
    let planned = format!(
        "{} rooms, {} peers, {} edges{}",
        format::count(counts.rooms.planned),
        format::count(counts.peers.planned),
        format::count(counts.edges.planned),
        if warmup > 0 { format!("; {} more for the warm-up", format::plural(warmup, "room")) } else { String::new() }
    );
    let host = format!(
        "{}, {} of {} cores, {}, {} descriptors{}",
        sanitize(&machine.cpu),
        machine.cores,
        machine.cores_host,
        format::bytes(machine.memory_bytes),
        format::count(machine.nofile),
        machine.container.as_ref().map_or(String::new(), |name| format!(", in {}", sanitize(name)))
    );
    let facts = [
        ("Target", sanitize(&run.destination())),
        ("Planned", planned),
        ("Dialect and engine", format!("{}, {}", sanitize(&run.dialect), sanitize(&run.engine))),
        ("Seed", run.seed.to_string()),
        ("Run id", sanitize(&run.id)),
        ("Plan", sanitize(&run.plan_sha256)),
        ("Machine", host),
        ("System", sanitize(&machine.os)),
        ("Data", if run.complete { "complete".into() } else { "part of it is missing".into() }),
    ];
    html! {
        section {
            h2 { "What was run" }
            dl.facts.long { @for (name, value) in &facts { div { dt { (name) } dd { (value) } } } }
            @if !summary.phases.is_empty() { (phases(&summary.phases)) }
            @if let Some(profile) = &run.profile {
                details {
                    summary { "The profile as run, defaults and overrides included" }
                    pre { code { (sanitize_lines(profile)) } }
                }
            }
        }
    }
}

fn phases(phases: &[PhaseSpan]) -> Markup {
    const COLUMNS: [Column; 4] =
        [Column::words("Phase of the run"), Column::words("From"), Column::words("To"), Column::figures("Lasted")];
    let lasted = |phase: &PhaseSpan| {
        let span = from_rfc3339(&phase.ended_at)?.duration_since(from_rfc3339(&phase.started_at)?).ok()?;
        Some(format::duration(u64::try_from(span.as_micros()).ok()?))
    };
    let rows = phases.iter().take(20).map(|phase| {
        let lasted = lasted(phase).unwrap_or("–".into());
        [sanitize(&phase.name), sanitize(&phase.started_at), sanitize(&phase.ended_at), lasted]
            .map(|text| html! { (text) })
            .into()
    });
    table(&html! { "When each phase of the run began and ended" }, &COLUMNS, rows)
}

/// Removes invisible characters, except line ends.
fn sanitize_lines(text: &str) -> String {
    text.chars().take(PROFILE_CHARS_MAX).filter(|character| *character == '\n' || !is_unseen(*character)).collect()
}

pub(crate) fn footer(summary: &Summary) -> Markup {
    html! {
        footer {
            p {
                "meshload " (sanitize(&summary.meshload.version)) " (" (sanitize(&summary.meshload.git)) "). "
                "Quantiles are read from merged histograms, never averaged. Times are counted from when a peer was due, unless they say began. "
                "This page asks nobody for anything."
            }
        }
    }
}
