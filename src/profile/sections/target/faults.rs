//! `[faults]`: the faults that the embedded server injects.

use crate::profile::section::Section;
use crate::profile::syntax::document::Value;

/// A fault of the embedded server as written: a preset's name, or a rule that `server::faults` parses.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultLine {
    pub rule: String,
    /// Place of the rule: `file:line`, or the option.
    pub at: String,
}

/// Reads the rules; with a `target.url` there is no embedded server that could apply them.
pub(crate) fn check(root: &Section<'_>) -> Vec<FaultLine> {
    let section = root.section("faults");
    let Some(node) = section.node("rules") else { return vec![] };
    let Value::List(list) = &node.value else {
        section.problem("rules", format!("expected a list such as [\"timing\"], not {}", node.value.kind()));
        return vec![];
    };
    let mut lines = vec![];
    for item in list {
        let at = item.at.show(section.reader.file);
        match &item.value {
            Value::Text(rule) => lines.push(FaultLine { rule: rule.clone(), at }),
            other => section.problem("rules", format!("expected a fault in quotes, not {}", other.kind())),
        }
    }
    if !lines.is_empty() && root.section("target").node("url").is_some() {
        section.problem("rules", "faults are the embedded server's; leave target.url out");
    }
    lines
}
