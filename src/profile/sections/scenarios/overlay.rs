//! Precedence between a scenario and the run's sections: options of the command line, then the scenario, then the section.

use crate::profile::syntax::document::{Node, Tree, Value};

/// The sections that a scenario may have otherwise.
pub(super) const SECTIONS: [&str; 4] = ["rooms", "handshake", "messages", "churn"];

/// Keys of one section of which a channel, or a leaver, has one: who gives one of them replaces all.
const EXCLUSIVE: [&[&str]; 2] = [&["reliable", "max_retransmits", "max_lifetime"], &["leave", "stay"]];

/// The keys that `key` replaces, with itself.
fn replaced_by(key: &str) -> Vec<&str> {
    let group = EXCLUSIVE.iter().find(|group| group.contains(&key));
    group.map_or_else(|| vec![key], |group| group.to_vec())
}

/// `base` with the settings of `scenario`.
pub(super) fn over(base: &Tree, scenario: &Tree) -> Tree {
    let mut merged = base.clone();
    for section in SECTIONS {
        let (Some(above), Some(below)) = (section_of(scenario, section), merged.get_mut(section)) else { continue };
        let Value::Table(below) = &mut below.value else { continue };
        for key in above.keys().flat_map(|key| replaced_by(key)) {
            below.remove(key);
        }
        below.extend(above.iter().map(|(key, node)| (key.clone(), node.clone())));
    }
    merged
}

fn section_of<'a>(tree: &'a Tree, name: &str) -> Option<&'a Tree> {
    match tree.get(name).map(|node| &node.value) {
        Some(Value::Table(table)) => Some(table),
        _ => None,
    }
}

/// Drops the settings of scenarios that the command line overrides for the whole run.
pub(crate) fn drop_overridden(tree: &mut Tree) {
    let base = tree.clone();
    for scenario in tables(tree) {
        for section in SECTIONS {
            let Some(below) = section_of(&base, section) else { continue };
            let Some(Node { value: Value::Table(above), .. }) = scenario.get_mut(section) else { continue };
            above.retain(|key, node| {
                let rivals = replaced_by(key).into_iter().filter_map(|key| below.get(key));
                !rivals.into_iter().any(|rival| node.at.is_overridden_by(&rival.at))
            });
        }
    }
}

/// The tables of `[[scenarios]]`.
fn tables(tree: &mut Tree) -> impl Iterator<Item = &mut Tree> {
    let list = match tree.get_mut("scenarios").map(|node| &mut node.value) {
        Some(Value::List(list)) => list.as_mut_slice(),
        _ => &mut [],
    };
    list.iter_mut().filter_map(|node| match &mut node.value {
        Value::Table(table) => Some(table),
        _ => None,
    })
}
