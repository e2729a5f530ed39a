//! `[arrivals]`: the arrival curve, as stages that follow each other.

use crate::profile::section::Section;
use crate::profile::syntax::document::{Node, Tree, Value};
use crate::profile::syntax::keys;
use std::time::Duration;

/// One stage of the arrival curve. Stages follow each other; the last one lasts until all peers have arrived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArrivalStage {
    /// Evenly spaced arrivals; `rate` in peers per second. `lasts: None`: until all have arrived.
    Constant { rate: f64, lasts: Option<Duration> },
    /// Arrivals at a rate that changes linearly; in peers per second.
    Ramp { from: f64, to: f64, lasts: Duration },
    /// Arrivals with exponential gaps; `rate` is the mean, in peers per second.
    Poisson { rate: f64, lasts: Option<Duration> },
    /// All remaining peers at once.
    Burst,
}

#[derive(Clone, Copy)]
enum Shape {
    Constant,
    Ramp,
    Steps,
    Poisson,
    Burst,
}

const SHAPES: &[(&str, Shape)] = &[
    ("constant", Shape::Constant),
    ("ramp", Shape::Ramp),
    ("steps", Shape::Steps),
    ("poisson", Shape::Poisson),
    ("burst", Shape::Burst),
];

pub(crate) fn check(root: &Section<'_>) -> Vec<ArrivalStage> {
    let section = root.section("arrivals");
    let shape = section.word("shape", SHAPES);
    let keys = keys_of(shape);
    let foreign = |key: &&String| !keys.contains(&key.as_str()) && *key != "shape";
    for key in section.tree().keys().filter(foreign) {
        // `section` has reported unknown keys; these belong to other shapes.
        if keys::ROOT.of("arrivals").names().is_some_and(|known| known.contains(&key.as_str())) {
            let has = if keys.is_empty() { "no keys".to_owned() } else { keys.join(", ") };
            section.problem(key, format!("not a key of the shape {}, which has {has}", section.shown("shape")));
        }
    }
    for key in keys.iter().filter(|key| section.node(key).is_none()) {
        section.problem("shape", format!("{key} is missing; the shape needs {}", keys.join(", ")));
    }
    match shape {
        Shape::Constant => vec![ArrivalStage::Constant { rate: section.rate("rate", false), lasts: None }],
        Shape::Poisson => vec![ArrivalStage::Poisson { rate: section.rate("rate", false), lasts: None }],
        Shape::Burst => vec![ArrivalStage::Burst],
        Shape::Steps => steps(&section),
        Shape::Ramp => vec![ArrivalStage::Ramp {
            from: section.rate("from", true),
            // The rate at the ramp's end goes on until all have arrived, so it can't be zero.
            to: section.rate("to", false),
            lasts: section.duration("over"),
        }],
    }
}

fn steps(section: &Section<'_>) -> Vec<ArrivalStage> {
    let Some(Node { value: Value::List(list), .. }) = section.node("steps") else {
        if section.node("steps").is_some() {
            section.problem("steps", "expected a list; write [[arrivals.steps]] with rate and for");
        }
        return vec![];
    };
    let mut stages = vec![];
    for (index, node) in list.iter().enumerate() {
        let Value::Table(tree) = &node.value else {
            section.problem("steps", format!("step {} is no table; write rate and for", index + 1));
            continue;
        };
        let step = Section::new(
            section.reader,
            section.path_of(&format!("steps[{index}]")),
            &node.at,
            tree,
            section.takes("steps"),
        );
        let is_last = index + 1 == list.len();
        for key in ["rate", "for"].iter().filter(|key| step.node(key).is_none() && !(is_last && **key == "for")) {
            step.problem("", format!("{key} is missing"));
        }
        // The last step goes on until all have arrived, so it can't be a pause.
        let rate = step.rate("rate", !is_last);
        let lasts = step.node("for").map(|_| step.duration("for"));
        stages.push(ArrivalStage::Constant { rate, lasts });
    }
    if list.is_empty() {
        section.problem("steps", "there are no steps; write [[arrivals.steps]] with rate and for");
    }
    stages
}

fn keys_of(shape: Shape) -> &'static [&'static str] {
    match shape {
        Shape::Constant | Shape::Poisson => &["rate"],
        Shape::Ramp => &["from", "to", "over"],
        Shape::Steps => &["steps"],
        Shape::Burst => &[],
    }
}

/// Drops keys of other shapes that have a lower precedence than the shape: a shape on the command line replaces
/// the profile's curve, and a shape in the profile replaces the default's.
pub(crate) fn drop_overridden(arrivals: &mut Tree) {
    let Some(Node { at, value: Value::Text(shape) }) = arrivals.get("shape").cloned() else { return };
    let Some((_, shape)) = SHAPES.iter().find(|(name, _)| *name == shape) else { return };
    arrivals.retain(|key, node| {
        key == "shape" || keys_of(*shape).contains(&key.as_str()) || !node.at.is_overridden_by(&at)
    });
}

/// Applies `--arrivals`: sets the rate of a shape that has one, else makes the curve constant.
pub(crate) fn set_rate(arrivals: &mut Tree, rate: Node) {
    let at = rate.at.clone();
    let has_rate = matches!(
        arrivals.get("shape").map(|node| &node.value),
        Some(Value::Text(shape)) if shape == "constant" || shape == "poisson"
    );
    if !has_rate {
        let shape = Node { at: at.clone(), value: Value::Text("constant".to_owned()) };
        arrivals.insert("shape".to_owned(), shape);
    }
    arrivals.insert("rate".to_owned(), rate);
}
