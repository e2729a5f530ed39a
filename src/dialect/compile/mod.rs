//! Compiles the text of a dialect file, and collects every problem that it has.

mod before;
pub(super) mod compiled;
mod connect;
mod experiments;
mod frames;
mod join;
mod mqtt;
mod rules;
mod timers;

use crate::dialect::language::codec::{Codec, Wire};
use crate::dialect::language::document::{self, DialectNode, Item};
use crate::dialect::language::expression::Expression;
use crate::dialect::language::names::{BUILT_IN, Binding, Names, Scope, is_taken};
use crate::dialect::language::pattern::is_name;
use crate::dialect::language::problem::{Problems, suggestion};
use crate::dialect::language::template::Template;
use crate::dialect::prefilter::Looks;
use crate::vocabulary::{FrameKind, Problem, problem::quoted};
use compiled::{Action, CompiledDialect, Discovery, JoinStep, Rule};
use serde_json::Value;

/// The default of `id`: the peer's id in this run.
const HARNESS_ID: &str = "{harness_id}";

const TOP: [&str; 28] = [
    "name",
    "description",
    "sample",
    "codec",
    "frames",
    "transport",
    "id",
    "discovery",
    "trickle",
    "leave_notices",
    "initiate",
    "glare",
    "leading",
    "separator",
    "before",
    "connect",
    "vars",
    "pair",
    "say",
    "post",
    "relayed",
    "kinds",
    "signals",
    "join",
    "join_first",
    "on",
    "every",
    "experiments",
];

/// Reads `text`, which came from `file`.
///
/// # Errors
/// Every problem of the file, in the order of its lines.
pub(super) fn read(file: &str, text: &str) -> Result<CompiledDialect, Vec<Problem>> {
    let mut problems = Problems::new(file);
    let dialect = document::parse(text, &mut problems).map(|root| {
        let mut compiler = Compiler::new(file, &root, &mut problems);
        compiler.compile()
    });
    match dialect {
        Some(dialect) if problems.is_empty() => Ok(CompiledDialect { remarks: problems.take_remarks(), ..dialect }),
        _ => Err(problems.into_sorted()),
    }
}

/// The state that the sections of a file share during compilation.
struct Compiler<'a> {
    file: &'a str,
    root: &'a DialectNode,
    problems: &'a mut Problems,
    names: Names,
    kinds: Vec<String>,
    codec: Codec,
    wire: Wire,
    /// Names of `[say]`, in order.
    template_names: Vec<String>,
    leading: String,
    /// The number of steps with a pause so far.
    pauses: usize,
    /// The server gives the peer's id, and no step compiled so far has set it.
    lacks_id: bool,
}

impl<'a> Compiler<'a> {
    fn new(file: &'a str, root: &'a DialectNode, problems: &'a mut Problems) -> Self {
        let leading = match root.key("leading").map(|node| &node.value) {
            Some(Item::Text(key)) => key.clone(),
            _ => "type".to_owned(),
        };
        let mut compiler = Self {
            file,
            root,
            problems,
            names: Names::default(),
            kinds: vec!["unknown".to_owned()],
            codec: Codec::Json,
            wire: Wire::Text,
            template_names: vec![],
            leading,
            pauses: 0,
            lacks_id: false,
        };
        compiler.declare();
        compiler
    }

    /// Declares the names of `[vars]`, `[pair]`, `[say]` and all marks, before any section that uses them is compiled.
    fn declare(&mut self) {
        self.names.globals = BUILT_IN.iter().map(|name| (*name).to_owned()).collect();
        for (section, into) in [("vars", 0), ("pair", 1), ("say", 2)] {
            let Some(node) = self.root.key(section) else { continue };
            for (name, entry) in node.entries(section, self.problems) {
                if !is_name(name) && section != "say" {
                    let message = format!("{} is no name; a name has letters, digits, _ and -", quoted(name));
                    self.problems.note(entry.line, section, message);
                }
                if is_taken(name) && section == "vars" {
                    self.problems.note(entry.line, section, format!("{} exists already", quoted(name)));
                }
                [&mut self.names.globals, &mut self.names.pairs, &mut self.template_names][into].push(name.clone());
            }
        }
        self.names.marks = vec!["newcomer".to_owned()];
        let root = self.root;
        collect_marks(root.key("on"), &mut self.names.marks);
    }

    fn compile(&mut self) -> CompiledDialect {
        let root = self.root;
        root.check_keys("", &TOP, self.problems);
        self.codec =
            self.choice("codec", &Codec::NAMES, "json").and_then(|name| Codec::named(&name)).unwrap_or_default();
        let discovery = self.discovery();
        let me = match self.text("id") {
            Some(written) if written == "server" => None,
            Some(written) => Some(self.template(root.key("id"), "id", &written)),
            None => Some(self.template(None, "id", HARNESS_ID)),
        };
        let vars = self.section("vars", false);
        let pair = self.section("pair", true);
        let before = self.before();
        self.wire = self.wire();
        let connect = self.connect();
        let initiate = self.expression(root.key("initiate"), "initiate", "me < peer", &["theirs"]);
        let polite = self.expression(root.key("glare"), "glare", "me < peer", &[]);
        let mut templates = self.templates();
        let signals = self.signals();
        let join = self.join("join").unwrap_or_default();
        let join_first = self.join("join_first");
        let rules = self.rules();
        let timers = self.timers(&connect, &mut templates);
        let asked: Vec<_> = rules.iter().map(|rule| (rule.message_type.as_deref(), &rule.pattern)).collect();
        let needs_id_exchange =
            discovery == Discovery::Harness || self.exchanges_values(&join, join_first.as_deref(), &rules);
        self.check_kind_count();
        CompiledDialect {
            name: self.text("name").unwrap_or_else(|| self.file.to_owned()),
            description: self.text("description").unwrap_or_default(),
            sample: self.text("sample").unwrap_or_default(),
            file_text: None,
            remarks: vec![],
            file: self.file.to_owned(),
            id_line: root.key("id").map_or(1, |node| node.line),
            codec: self.codec,
            wire: self.wire.clone(),
            kinds: std::mem::take(&mut self.kinds),
            discovery,
            trickle: root.key("trickle").and_then(|node| node.flag("trickle", self.problems)).unwrap_or(true),
            leave_notices: self.leave_notices(),
            needs_id_exchange,
            data_columns: self.names.data_columns.take(),
            reads_trigger: self.names.reads_trigger.get(),
            experiments: self.experiments(&join, &signals),
            before,
            connect,
            separator: self.separator(),
            me,
            vars,
            pair,
            is_steady: !initiate.reads(&|place| matches!(place, Binding::Local(_) | Binding::Members | Binding::Now)),
            initiate,
            polite,
            templates,
            signals,
            join,
            join_first,
            acknowledged: rules.iter().flat_map(|rule| &rule.steps).any(|step| matches!(step.action, Action::Joined)),
            looks: Looks::new(&asked, self.codec, &self.leading),
            rules,
            timers,
            pauses: self.pauses,
        }
    }

    /// A `FrameKind` is one byte.
    fn check_kind_count(&mut self) {
        if self.kinds.len() > usize::from(u8::MAX) {
            self.problems.note(1, "", "more than 255 kinds of frames");
        }
    }

    fn discovery(&mut self) -> Discovery {
        match self.choice("discovery", &["server", "harness"], "server").as_deref() {
            Some("harness") => Discovery::Harness,
            _ => Discovery::Server,
        }
    }

    /// Peers choose ids of their own, or pass values to each other inside the process.
    fn exchanges_values(&self, join: &[JoinStep], join_first: Option<&[JoinStep]>, rules: &[Rule]) -> bool {
        let own_name = self.root.key("id").is_none() || self.says("id", HARNESS_ID);
        let mut steps = join.iter().chain(join_first.into_iter().flatten());
        let mut actions = rules.iter().flat_map(|rule| &rule.steps);
        !own_name
            || steps.any(|step| step.action.exchanges_values())
            || actions.any(|step| matches!(step.action, Action::Share(_)))
    }

    /// The number of notices of one leave that each remaining peer receives: 0 to 2.
    fn leave_notices(&mut self) -> u8 {
        let Some(node) = self.root.key("leave_notices") else { return 1 };
        match node.value {
            Item::Whole(count @ 0..=2) => count as u8,
            _ => {
                self.problems.note(node.line, "leave_notices", "must be 0, 1 or 2");
                1
            }
        }
    }

    /// The values of `[vars]` or `[pair]`, in order.
    fn section(&mut self, name: &str, of_peer: bool) -> Vec<Template> {
        let Some(node) = self.root.key(name) else { return vec![] };
        let names = self.names.clone();
        let scope = Scope::new(&names, &[], of_peer);
        let entries = node.entries(name, self.problems);
        entries
            .iter()
            .map(|(key, node)| Template::compile(node, &format!("{name}.{key}"), &scope, self.problems))
            .collect()
    }

    /// The text that ends each record of a frame; a Socket.IO frame has one packet.
    fn separator(&mut self) -> String {
        let separator = self.text("separator").unwrap_or_default();
        if let Some(node) = self.root.key("separator").filter(|_| self.codec == Codec::SocketIo) {
            self.problems.note(node.line, "separator", "is of json and text; Socket.IO has one packet a frame");
        }
        separator
    }

    /// True if a key of the file itself is this text.
    fn says(&self, key: &str, text: &str) -> bool {
        self.root.key(key).is_some_and(|node| matches!(&node.value, Item::Text(written) if written == text))
    }

    fn text(&mut self, key: &str) -> Option<String> {
        self.root.key(key)?.text(key, self.problems).map(str::to_owned)
    }

    fn choice(&mut self, key: &str, choices: &[&str], default: &str) -> Option<String> {
        let Some(node) = self.root.key(key) else { return Some(default.to_owned()) };
        let written = node.text(key, self.problems)?;
        if choices.contains(&written) {
            return Some(written.to_owned());
        }
        let near = suggestion(written, choices.iter().copied());
        self.problems.note(node.line, key, format!("{} is none of {}{near}", quoted(written), choices.join(", ")));
        None
    }

    fn template(&mut self, node: Option<&DialectNode>, path: &str, written: &str) -> Template {
        let names = self.names.clone();
        Template::parse(written, &Scope::new(&names, &[], false)).unwrap_or_else(|message| {
            self.problems.note(node.map_or(1, |node| node.line), path, message);
            Template::List(vec![])
        })
    }

    /// Compiles a condition about a pair, from text or from `true` and `false`.
    fn expression(&mut self, node: Option<&DialectNode>, path: &str, default: &str, locals: &[&str]) -> Expression {
        let names = self.names.clone();
        let scope = Scope::new(&names, locals, true);
        condition(node, path, &scope, self.problems)
            .unwrap_or_else(|| Expression::parse(default, &scope).expect("names that always are"))
    }

    /// The `FrameKind` of that name, created on first use.
    fn kind(&mut self, name: &str) -> FrameKind {
        let position = self.kinds.iter().position(|known| known == name).unwrap_or_else(|| {
            self.kinds.push(name.to_owned());
            self.kinds.len() - 1
        });
        // `compile` reports more than 255 kinds once, after the last one.
        FrameKind(u8::try_from(position).unwrap_or(u8::MAX))
    }
}

/// Compiles an optional condition; `None` after a problem too.
fn condition(node: Option<&DialectNode>, path: &str, scope: &Scope<'_>, problems: &mut Problems) -> Option<Expression> {
    let node = node?;
    match &node.value {
        Item::Flag(flag) => Some(Expression::Constant(Value::from(*flag))),
        _ => {
            let written = node.text(path, problems)?;
            Expression::parse(written, scope).map_err(|message| problems.note(node.line, path, message)).ok()
        }
    }
}

/// Collects the names of all marks that rules set.
fn collect_marks(node: Option<&DialectNode>, marks: &mut Vec<String>) {
    let Some(node) = node else { return };
    match &node.value {
        Item::List(items) => items.iter().for_each(|item| collect_marks(Some(item), marks)),
        Item::Table(entries) => {
            for (key, inner) in entries {
                match (&inner.value, key.as_str()) {
                    (Item::Table(named), "mark") => {
                        let new = named.iter().map(|(name, _)| name).filter(|name| !marks.contains(name));
                        let new: Vec<String> = new.cloned().collect();
                        marks.extend(new);
                    }
                    (_, "do") => collect_marks(Some(inner), marks),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_schema_for_editors_has_the_readers_keys() {
        let schema: Value = serde_json::from_str(include_str!("../../../docs/dialect.schema.json")).unwrap();
        let check = |pointer: &str, known: &[&str]| {
            let keys = schema.pointer(pointer).and_then(Value::as_object).unwrap();
            let keys: BTreeSet<&str> = keys.keys().map(String::as_str).collect();
            assert_eq!(keys, known.iter().copied().collect(), "{pointer}");
        };
        check("/properties", &TOP);
        check("/properties/before/items/properties", &before::KEYS);
        check("/properties/connect/properties", &connect::KEYS);
        check("/properties/experiments/properties", &experiments::KEYS);
        check("/properties/join/items/properties", &[join::ACTIONS.as_slice(), &join::STEP_KEYS].concat());
        let step = [rules::ACTIONS.as_slice(), &rules::STEP_KEYS].concat();
        check("/properties/on/items/properties/do/items/properties", &step);
        check("/properties/on/items/properties", &[step.as_slice(), &rules::RULE_KEYS].concat());
    }
}
