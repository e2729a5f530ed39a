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
    /// So many peers at once; `peers: None`, or as the last stage: all that remain.
    Burst { peers: Option<u32> },
}

#[derive(Clone, Copy)]
enum Shape {
    Constant,
    Ramp,
    Steps,
    Stages,
    Poisson,
    Burst,
}

const SHAPES: &[(&str, Shape)] = &[
    ("constant", Shape::Constant),
    ("ramp", Shape::Ramp),
    ("steps", Shape::Steps),
    ("stages", Shape::Stages),
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
        Shape::Burst => vec![ArrivalStage::Burst { peers: None }],
        Shape::Steps => each_stage(&section, "steps", "rate and for", hold),
        Shape::Stages => each_stage(&section, "stages", STAGE_KEYS, stage),
        Shape::Ramp => vec![ArrivalStage::Ramp {
            from: section.rate("from", true),
            // The rate at the ramp's end goes on until all have arrived, so it can't be zero.
            to: section.rate("to", false),
            lasts: section.duration("over"),
        }],
    }
}

/// The keys of a stage, one pair or the other.
const STAGE_KEYS: &str = "rate and for, to and over, or burst";

/// The rate at which a stage begins, in peers per second, and whether it is the last one.
#[derive(Clone, Copy)]
struct StagePlace {
    from: f64,
    is_last: bool,
}

/// The stages of the list `key`, each with `keys`.
fn each_stage(
    section: &Section<'_>,
    key: &str,
    keys: &str,
    read: fn(&Section<'_>, StagePlace) -> ArrivalStage,
) -> Vec<ArrivalStage> {
    let Some(Node { value: Value::List(list), .. }) = section.node(key) else {
        if section.node(key).is_some() {
            section.problem(key, format!("expected a list; write [[arrivals.{key}]] with {keys}"));
        }
        return vec![];
    };
    let mut stages = vec![];
    for (index, node) in list.iter().enumerate() {
        let Value::Table(tree) = &node.value else {
            section.problem(key, format!("number {} is no table; write {keys}", index + 1));
            continue;
        };
        let path = section.path_of(&format!("{key}[{index}]"));
        let table = Section::new(section.reader, path, &node.at, tree, section.takes(key));
        let from = stages.last().map_or(0.0, rate_at_end);
        stages.push(read(&table, StagePlace { from, is_last: index + 1 == list.len() }));
    }
    if list.is_empty() {
        section.problem(key, format!("the list is empty; write [[arrivals.{key}]] with {keys}"));
    }
    stages
}

fn rate_at_end(stage: &ArrivalStage) -> f64 {
    match *stage {
        ArrivalStage::Constant { rate, .. }
        | ArrivalStage::Poisson { rate, .. }
        | ArrivalStage::Ramp { to: rate, .. } => rate,
        ArrivalStage::Burst { .. } => 0.0,
    }
}

/// A rate that is held. The last one goes on until all have arrived, so it can't be a pause and needs no length.
fn hold(stage: &Section<'_>, StagePlace { is_last, .. }: StagePlace) -> ArrivalStage {
    for key in ["rate", "for"].iter().filter(|key| stage.node(key).is_none() && !(is_last && **key == "for")) {
        stage.problem("", format!("{key} is missing"));
    }
    let lasts = stage.node("for").map(|_| stage.duration("for"));
    ArrivalStage::Constant { rate: stage.rate("rate", !is_last), lasts }
}

fn stage(stage: &Section<'_>, place: StagePlace) -> ArrivalStage {
    let has = |keys: &[&str]| keys.iter().any(|key| stage.node(key).is_some());
    match (has(&["rate", "for"]), has(&["to", "over"]), has(&["burst"])) {
        (true, false, false) => hold(stage, place),
        (false, true, false) => {
            for key in ["to", "over"].iter().filter(|key| stage.node(key).is_none()) {
                stage.problem("", format!("{key} is missing"));
            }
            let to = stage.rate("to", !place.is_last);
            ArrivalStage::Ramp { from: place.from, to, lasts: stage.duration("over") }
        }
        (false, false, true) => {
            ArrivalStage::Burst { peers: Some(stage.whole("burst", "a burst is of 1 to 4294967295 peers") as u32) }
        }
        _ => {
            stage.problem("", format!("a stage has {STAGE_KEYS}"));
            ArrivalStage::Burst { peers: None }
        }
    }
}

fn keys_of(shape: Shape) -> &'static [&'static str] {
    match shape {
        Shape::Constant | Shape::Poisson => &["rate"],
        Shape::Ramp => &["from", "to", "over"],
        Shape::Steps => &["steps"],
        Shape::Stages => &["stages"],
        Shape::Burst => &[],
    }
}

/// Drops keys of other shapes that have a lower precedence than the shape: a shape on the command line replaces
/// the profile's curve, and a shape in the profile replaces the default's.
///
/// A list of stages is a shape by itself.
pub(crate) fn drop_overridden(arrivals: &mut Tree) {
    for list in ["steps", "stages"] {
        let Some(at) = arrivals.get(list).map(|node| node.at.clone()) else { continue };
        if arrivals.get("shape").is_none_or(|shape| shape.at.is_overridden_by(&at)) {
            arrivals.insert("shape".to_owned(), Node { at, value: Value::Text(list.to_owned()) });
        }
    }
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
