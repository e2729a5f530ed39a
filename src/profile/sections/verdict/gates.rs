//! `[gates]`: metrics with their conditions, whose grammar is checked by the caller's `Checks::gate`.

use crate::profile::section::{Section, SectionReader};
use crate::profile::syntax::document::{Node, Tree, Value};
use crate::profile::syntax::environment;
use crate::profile::syntax::keys::{self, Takes};
use crate::vocabulary::problem::quoted;
use std::time::Duration;

/// A gate as written; the room `gates` parses it.
#[derive(Clone, Debug, PartialEq)]
pub struct GateLine {
    /// The metric's name, with `.began` for that clock.
    pub metric: String,
    pub expr: String,
    pub abort: bool,
    pub after: Duration,
    pub min_samples: u64,
    /// Place of the gate: `file:line`, or `--gate`.
    pub at: String,
}

/// Reads the gates of a profile with these names of scenarios.
pub(crate) fn check(root: &Section<'_>, scenarios: &[String]) -> Vec<GateLine> {
    let section = root.section("gates");
    let mut lines = vec![];
    read_metrics(&section, "", scenarios, &mut lines);
    lines
}

/// Collects the gates of a table. A metric's name may have dots (`time_to_open.began`, `edges.failed`), which TOML
/// parses as nested tables if the name is not quoted.
fn read_metrics(section: &Section<'_>, prefix: &str, scenarios: &[String], lines: &mut Vec<GateLine>) {
    for (key, node) in section.tree() {
        let metric = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match &node.value {
            Value::Table(tree) if !is_gate(tree) => {
                let inner = Section::new(section.reader, section.path_of(key), &node.at, tree, &Takes::Gates);
                read_metrics(&inner, &metric, scenarios, lines);
            }
            Value::List(list) => {
                let path = section.path_of(key);
                lines.extend(list.iter().filter_map(|item| gate(section.reader, &path, &metric, item, scenarios)));
            }
            _ => lines.extend(gate(section.reader, &section.path_of(key), &metric, node, scenarios)),
        }
    }
}

fn is_gate(tree: &Tree) -> bool {
    ["expr", "threshold"].iter().any(|key| tree.contains_key(*key))
}

fn gate(reader: &SectionReader<'_>, path: &str, metric: &str, node: &Node, scenarios: &[String]) -> Option<GateLine> {
    let report = |written: &Node, expr: &str| {
        if let Err(why) = (reader.checks.gate)(metric, expr, scenarios) {
            reader.problem(path, &written.at, in_words(written, why));
        }
    };
    let at = node.at.show(reader.file);
    let line =
        |expr| GateLine { metric: metric.to_owned(), expr, abort: false, after: Duration::ZERO, min_samples: 0, at };
    match &node.value {
        Value::Text(written) => {
            let expr = reader.expand(path, &node.at, written)?;
            report(node, &expr);
            Some(line(expr))
        }
        Value::Table(tree) => {
            let section = Section::new(reader, path.to_owned(), &node.at, tree, &Takes::Table(keys::GATE));
            let Some(expr) = section.text("expr") else {
                if !is_gate(tree) {
                    reader.problem(path, &node.at, "expr is missing; write { expr = \"p(99) < 50ms\" }");
                }
                return None;
            };
            report(tree.get("expr").unwrap_or(node), &expr);
            Some(GateLine {
                abort: section.flag("abort"),
                after: section.duration("after"),
                min_samples: section.whole("min_samples", "a gate asks for 0 to 10^12 samples"),
                ..line(expr)
            })
        }
        other => {
            let message = format!("expected a gate such as \"p(95) < 800ms\", not {}", other.kind());
            reader.problem(path, &node.at, message);
            None
        }
    }
}

/// The reason why a gate does not parse; `written` is its expression before references were replaced.
fn in_words(written: &Node, why: String) -> String {
    match &written.value {
        // The value of a variable is not printed: it may be a secret.
        Value::Text(text) if environment::has_reference(text) => format!("what {} stands for is no gate", quoted(text)),
        _ => why,
    }
}
