//! `[[scenarios]]`: kinds of rooms that share a run, each with settings of its own over those of the sections.

mod overlay;
mod own_target;

pub(crate) use overlay::drop_overridden;
pub use own_target::{OwnTarget, TokensFile};

use super::churn::{self, Churn};
use super::handshake;
use super::messages::{self, MessageSettings};
use super::rooms::{self, RoomSettings};
use crate::profile::section::Section;
use crate::profile::syntax::document::{Node, Value};
use crate::vocabulary::problem::quoted;
use crate::vocabulary::{EngineKind, HandshakeSettings};
use std::time::Duration;

/// The most scenarios of a run: each has timers of its own.
pub const SCENARIOS_MAX: usize = 16;
/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 32;
/// The greatest distance of the shares' sum from 1, so that a third may be written as 33.3%.
const SUM_TOLERANCE: f64 = 0.002;

/// The settings of one kind of room.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Empty for the only scenario of a profile that names none.
    pub name: String,
    /// The share of the run's peers, above 0; the shares of a profile add up to 1.
    pub share: f64,
    pub rooms: RoomSettings,
    pub handshake: HandshakeSettings,
    /// Place of `handshake.approval`, `file:line` or the option: the dialect's support for it is checked after the profile.
    pub approval_at: String,
    pub messages: MessageSettings,
    pub churn: Churn,
    pub target: OwnTarget,
}

/// The figures of other sections that the checks of a scenario need.
#[derive(Clone, Copy)]
pub(crate) struct OtherSections {
    /// The length of the steady phase.
    pub steady: Duration,
    pub engine: EngineKind,
    pub room_count: u32,
}

/// The names of `scenarios`; empty without `[[scenarios]]`.
pub(crate) fn names(scenarios: &[Scenario]) -> Vec<String> {
    scenarios.iter().map(|scenario| scenario.name.clone()).filter(|name| !name.is_empty()).collect()
}

/// Reads all scenarios of a run. A profile without `[[scenarios]]` is one scenario, with the settings of the sections.
pub(crate) fn check(root: &Section<'_>, others: OtherSections) -> Vec<Scenario> {
    let whole = settings(root, others);
    let list = match root.node("scenarios").map(|node| &node.value) {
        None => return vec![whole],
        Some(Value::List(list)) if !list.is_empty() => list,
        Some(Value::Table(named)) => {
            let name = named.keys().next().map_or("large", String::as_str);
            root.problem(
                "scenarios",
                format!("scenarios are a list: write [[scenarios]] with name = {}", quoted(name)),
            );
            return vec![whole];
        }
        Some(_) => {
            root.problem("scenarios", "expected a list; write [[scenarios]] with name and share");
            return vec![whole];
        }
    };
    if list.len() > SCENARIOS_MAX {
        root.problem("scenarios", format!("{} scenarios are too many; at most {SCENARIOS_MAX}", list.len()));
        return vec![whole];
    }
    let mut scenarios = vec![];
    for (index, Node { at, value }) in list.iter().enumerate() {
        let path = format!("scenarios[{index}]");
        let Value::Table(tree) = value else {
            root.reader.problem(&path, at, format!("expected a table, not {}", value.kind()));
            continue;
        };
        let own = Section::new(root.reader, path.clone(), at, tree, root.takes("scenarios"));
        let merged = overlay::over(root.tree(), tree);
        let scenario = named(&own, settings(&Section::overlaid(root.reader, path, at, &merged), others), root);
        if scenarios.iter().any(|other: &Scenario| other.name == scenario.name) && !scenario.name.is_empty() {
            own.problem("name", format!("{} is the name of a scenario before it", own.shown("name")));
        }
        scenarios.push(scenario);
    }
    check_sum(root, &scenarios);
    scenarios
}

/// The scenario of the sections alone.
fn settings(root: &Section<'_>, others: OtherSections) -> Scenario {
    let rooms = rooms::check(root, others.room_count);
    rooms::check_guests(root, rooms.guests, others.engine);
    let (handshake, approval_at) = handshake::check(root);
    Scenario {
        name: String::new(),
        share: 1.0,
        rooms,
        handshake,
        approval_at,
        messages: messages::check(root),
        churn: churn::check(root, others.steady),
        target: OwnTarget::default(),
    }
}

/// `settings` with what only a scenario has.
fn named(own: &Section<'_>, settings: Scenario, root: &Section<'_>) -> Scenario {
    // Reports the keys that only the run's sections have.
    for section in overlay::SECTIONS {
        own.section(section);
    }
    if own.node("share").is_none() {
        own.problem("", "share is missing; write its share of the run's peers, such as share = \"20%\"");
    }
    let share = own.share("share");
    if own.node("share").is_some() && share <= 0.0 {
        own.problem("share", "a scenario has some of the run's peers; leave it out, or give it a share");
    }
    Scenario { name: name(own), share, target: own_target::check(own, root), ..settings }
}

/// The name, which gates and labels use.
fn name(own: &Section<'_>) -> String {
    if own.node("name").is_none() {
        own.problem("", "name is missing; write name = \"large\"");
        return String::new();
    }
    let name = own.text("name").unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(fits) {
        own.problem("name", format!("a name has from 1 to {NAME_BYTES_MAX} letters, digits, -, _ and ."));
    }
    name
}

fn check_sum(root: &Section<'_>, scenarios: &[Scenario]) {
    let sum: f64 = scenarios.iter().map(|scenario| scenario.share).sum();
    // A share that is missing or wrong has been reported.
    if scenarios.iter().all(|scenario| scenario.share > 0.0) && (sum - 1.0).abs() > SUM_TOLERANCE {
        let percent = (sum * 1e4).round() / 100.0;
        root.problem("scenarios", format!("the shares add up to {percent}%; all peers are 100%"));
    }
}
