//! Compiles `[[join]]`: the ordered steps by which a peer enters its room.

use super::{Compiler, condition};
use crate::dialect::compile::compiled::{JoinAction, JoinStep};
use crate::dialect::language::document::{DialectNode, Item};
use crate::dialect::language::names::{ME, Scope};
use crate::dialect::language::pattern::Pattern;
use crate::dialect::language::problem::{Problems, suggestion};
use crate::dialect::language::template::Template;
use crate::vocabulary::problem::quoted;

pub(super) const ACTIONS: [&str; 8] = ["say", "expect", "share", "need", "turn", "pool", "wait", "joined"];
pub(super) const STEP_KEYS: [&str; 4] = ["if", "set", "kind", "timeout"];

impl Compiler<'_> {
    pub(super) fn join(&mut self, section: &str) -> Option<Vec<JoinStep>> {
        let node = self.root.key(section)?;
        self.lacks_id = self.root.key("id").is_some_and(|id| matches!(&id.value, Item::Text(id) if id == "server"));
        let mut steps = vec![];
        for (index, item) in node.items().iter().enumerate() {
            let path = format!("{section}[{index}]");
            item.entries(&path, self.problems);
            item.check_keys(&path, &[ACTIONS.as_slice(), &STEP_KEYS].concat(), self.problems);
            let names = self.names.clone();
            let mut scope = Scope::new(&names, &[], false);
            let when = condition(item.key("if"), &format!("{path}.if"), &scope, self.problems);
            if let Some(action) = self.join_action(item, &path, &mut scope) {
                steps.push(JoinStep { line: item.line, when, action });
            }
        }
        Some(steps)
    }

    fn join_action(&mut self, item: &DialectNode, path: &str, scope: &mut Scope<'_>) -> Option<JoinAction> {
        let chosen: Vec<(&str, &DialectNode)> =
            ACTIONS.iter().filter_map(|action| item.key(action).map(|node| (*action, node))).collect();
        let (action, node) = match (chosen.as_slice(), item.key("set")) {
            ([one], _) => *one,
            ([], Some(set)) => {
                let set = settings(set, path, scope, self.problems);
                self.lacks_id &= set.iter().all(|(slot, _)| *slot != ME);
                return Some(JoinAction::Set(set));
            }
            _ => {
                self.problems.note(item.line, path, format!("needs exactly one of {}, or set", ACTIONS.join(", ")));
                return None;
            }
        };
        let at = format!("{path}.{action}");
        Some(match action {
            "say" => JoinAction::Say(self.template_indices(node, &at)),
            "expect" => {
                let pattern = Pattern::compile(node, &at, scope, self.problems);
                let set = item.key("set").map(|set| settings(set, path, scope, self.problems)).unwrap_or_default();
                self.check_compared(node.line, &at, &pattern, &set, true);
                let timeout = item.key("timeout");
                let timeout = timeout.and_then(|node| node.duration(&format!("{path}.timeout"), self.problems));
                let kind = item.key("kind").and_then(|node| node.text(path, self.problems)).unwrap_or("welcome");
                JoinAction::Expect { kind: self.kind(kind), pattern, locals: scope.locals.len(), set, timeout }
            }
            "share" => JoinAction::Share(shared(node, &at, scope, self.problems)),
            "need" => {
                let mut needs = vec![];
                for item in node.items() {
                    let Some(name) = item.text(&at, self.problems) else { continue };
                    match self.names.globals.iter().position(|known| known == name) {
                        Some(slot) => needs.push((name.to_owned(), slot)),
                        None => self.problems.note(item.line, &at, format!("[vars] has no {}", quoted(name))),
                    }
                }
                JoinAction::Need(needs)
            }
            "turn" => JoinAction::Turn,
            "pool" => JoinAction::Pool,
            "wait" if matches!(&node.value, Item::Text(text) if text == "settle") => JoinAction::Settle,
            "wait" => JoinAction::Wait(node.duration(&at, self.problems)?),
            _ => JoinAction::Joined,
        })
    }
}

impl Compiler<'_> {
    /// Reports holes that compare, since their names are known, where the file seems to want their values.
    pub(super) fn check_compared(
        &mut self,
        line: usize,
        path: &str,
        pattern: &Pattern,
        set: &[(usize, Template)],
        is_awaited: bool,
    ) {
        let mut compared = vec![];
        pattern.compared(&mut compared);
        for slot in compared {
            let name = &self.names.globals[slot];
            let fix = format!("bind another name, such as {{given}}, and set = {{ {name} = \"{{given}}\" }}");
            if set.iter().any(|(target, value)| *target == slot && value.reads_global(slot)) {
                let message =
                    format!("{{{name}}} is known already, so it compares, and set gives it its own value; {fix}");
                self.problems.note(line, path, message);
            } else if is_awaited && slot == ME && self.lacks_id {
                let message = format!("{{me}} is compared before any step sets it, so nothing fits; {fix}");
                self.problems.note(line, path, message);
            } else if is_awaited {
                self.problems.remark(line, path, format!("{{{name}}} is known, so it is compared, and not taken"));
            }
        }
        self.lacks_id &= set.iter().all(|(slot, _)| *slot != ME);
    }
}

/// Compiles `set = { x = "…" }`: slots of variables and their new values.
pub(super) fn settings(
    node: &DialectNode,
    path: &str,
    scope: &Scope<'_>,
    problems: &mut Problems,
) -> Vec<(usize, Template)> {
    let mut settings = vec![];
    for (name, value) in node.entries(path, problems) {
        match scope.names.globals.iter().position(|known| known == name) {
            Some(slot) => settings.push((slot, Template::compile(value, path, scope, problems))),
            None => {
                let near = suggestion(name, scope.names.globals.iter().map(String::as_str));
                problems.note(value.line, path, format!("[vars] has no {}, so it can't be set{near}", quoted(name)));
            }
        }
    }
    settings
}

/// Compiles `share = { code = "{code}" }`: values for the room's other peers, by name.
pub(super) fn shared(
    node: &DialectNode,
    path: &str,
    scope: &Scope<'_>,
    problems: &mut Problems,
) -> Vec<(String, Template)> {
    let mut shared = vec![];
    for (name, value) in node.entries(path, problems) {
        shared.push((name.clone(), Template::compile(value, path, scope, problems)));
    }
    shared
}
