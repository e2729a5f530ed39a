//! Compiles `[[on]]`: the ordered rules, each a pattern with conditions and the steps of a matching frame.

use super::join::{settings, shared};
use super::{Compiler, condition};
use crate::dialect::compile::compiled::{Action, ErrorClass, FrameTemplate, PeerSelector, Rule, Step};
use crate::dialect::language::codec::{Codec, Wire};
use crate::dialect::language::document::{DialectNode, Item};
use crate::dialect::language::expression::Expression;
use crate::dialect::language::names::{Binding, Scope};
use crate::dialect::language::pattern::Pattern;
use crate::dialect::language::problem::{Problems, suggestion};
use crate::dialect::language::template::Template;
use crate::dialect::prefilter::list_text::ListText;
use crate::dialect::prefilter::member_list::{MemberList, Reading};
use crate::dialect::prefilter::{Remainder, asked_type};
use crate::vocabulary::problem::quoted;

/// The keys that select a step's action; a step has at most one, and may only mark, capture or set.
pub(super) const ACTIONS: [&str; 16] = [
    "peer",
    "peers",
    "left",
    "offer",
    "answer",
    "candidate",
    "end",
    "error",
    "say",
    "send",
    "share",
    "ack",
    "joined",
    "ignore",
    "heard",
    "elsewhere",
];
pub(super) const STEP_KEYS: [&str; 16] = [
    "if", "pause", "each", "whole", "sdp", "value", "polite", "start", "initiate", "mark", "capture", "set", "name",
    "class", "of", "to",
];

/// The keys of a step that only some actions read, and those actions.
const OF_ACTIONS: [(&str, &[&str]); 10] = [
    ("each", &["peers"]),
    ("whole", &["peers"]),
    ("start", &["peer", "peers"]),
    ("initiate", &["peer", "peers"]),
    ("sdp", &["offer", "answer"]),
    ("polite", &["offer"]),
    ("value", &["candidate"]),
    ("class", &["error"]),
    ("to", &["say", "send"]),
    ("name", &["peer", "peers", "offer", "answer", "candidate", "end"]),
];

pub(super) const RULE_KEYS: [&str; 5] = ["kind", "match", "where", "let", "do"];

impl Compiler<'_> {
    pub(super) fn rules(&mut self) -> Vec<Rule> {
        let Some(node) = self.root.key("on") else { return vec![] };
        let mut rules = vec![];
        for (index, item) in node.items().iter().enumerate() {
            let path = format!("on[{index}]");
            item.entries(&path, self.problems);
            let known = [RULE_KEYS.as_slice(), &ACTIONS, &STEP_KEYS].concat();
            item.check_keys(&path, &known, self.problems);
            if let Some(rule) = self.rule(item, &path) {
                rules.push(rule);
            }
        }
        rules
    }

    fn rule(&mut self, item: &DialectNode, path: &str) -> Option<Rule> {
        let Some(pattern) = item.key("match") else {
            self.problems.note(item.line, path, "needs a match");
            return None;
        };
        let names = self.names.clone();
        let mut scope = Scope::new(&names, &[], false);
        let pattern = Pattern::compile(pattern, &format!("{path}.match"), &mut scope, self.problems);
        let mut lets = vec![];
        if let Some(node) = item.key("let") {
            for (name, value) in node.entries(&format!("{path}.let"), self.problems) {
                let let_path = format!("{path}.let.{name}");
                if let Some(expression) = condition(Some(value), &let_path, &scope, self.problems) {
                    lets.push((scope.local(name), expression));
                }
            }
        }
        let conditions = item.key("where").map(DialectNode::items).unwrap_or_default();
        let (conditions, guards): (Vec<Expression>, Vec<Expression>) = conditions
            .iter()
            .filter_map(|node| condition(Some(node), &format!("{path}.where"), &scope, self.problems))
            .partition(|condition| condition.reads(&|binding| matches!(binding, Binding::Local(_))));
        let mut steps = vec![];
        let own = ACTIONS.iter().chain(&["of", "set"]).any(|action| item.key(action).is_some());
        if own {
            steps.extend(self.step(item, path, &mut scope));
        } else {
            self.check_idle_keys(item, path, "do");
        }
        if let Some(list) = item.key("do") {
            for (index, node) in list.items().iter().enumerate() {
                let at = format!("{path}.do[{index}]");
                node.entries(&at, self.problems);
                node.check_keys(&at, &[ACTIONS.as_slice(), &STEP_KEYS].concat(), self.problems);
                steps.extend(self.step(node, &at, &mut scope));
            }
        }
        if steps.is_empty() {
            self.problems.note(item.line, path, format!("does nothing; say one of {}", ACTIONS.join(", ")));
        }
        let line = item.key("match").map_or(item.line, |node| node.line);
        for step in &steps {
            self.check_compared(line, &format!("{path}.match"), &pattern, &step.set, false);
        }
        let may_stay_text = self.codec == Codec::Json && conditions.is_empty();
        let list_text = may_stay_text.then(|| list_text(&pattern, &lets, &mut steps, &scope)).flatten();
        let message_type = asked_type(&pattern, self.codec, &self.leading).map(str::to_owned);
        let kind = match item.key("kind") {
            Some(node) => node.text(path, self.problems)?.to_owned(),
            None => kind_of(&steps, message_type.as_deref()),
        };
        Some(Rule {
            kind: self.kind(&kind),
            line: item.line,
            message_type,
            rest: Remainder::of(&pattern, self.codec, &self.leading),
            is_addressed: pattern.compares(),
            list_text,
            pattern,
            locals: scope.locals.len(),
            guards,
            lets,
            conditions,
            steps,
        })
    }

    fn step(&mut self, item: &DialectNode, path: &str, scope: &mut Scope<'_>) -> Option<Step> {
        let chosen: Vec<&str> = ACTIONS.iter().copied().filter(|action| item.key(action).is_some()).collect();
        if chosen.len() > 1 {
            self.problems.note(item.line, path, format!("{} in one step; make them steps of do", chosen.join(" and ")));
            return None;
        }
        let chosen = chosen.first().copied().unwrap_or("");
        self.check_idle_keys(item, path, chosen);
        let peer_key = match chosen {
            "peer" | "left" | "offer" | "answer" | "candidate" | "end" | "heard" | "elsewhere" => chosen,
            "say" | "send" if item.key("to").is_some() => "to",
            "say" | "send" | "error" | "ack" | "" => "of",
            _ => "",
        };
        let peer = item.key(peer_key).and_then(|node| self.peer_selector(node, &format!("{path}.{peer_key}"), scope));
        scope.of_peer = peer.is_some() || chosen == "peers";
        let first = scope.locals.len();
        if chosen == "peers" {
            // The conditions of this step may use the names that the list binds.
            scope.local("later");
        }
        let each = (chosen == "peers").then(|| self.each(item, path, scope));
        let problems = &mut *self.problems;
        let when = condition(item.key("if"), &format!("{path}.if"), scope, problems);
        let pause = item.key("pause").and_then(|node| node.duration(&format!("{path}.pause"), problems));
        let pause = pause.map(|pause| (self.pauses, pause));
        self.pauses += usize::from(pause.is_some());
        let marks = marks(item, path, scope, problems);
        let capture = capture(item, path, scope, problems);
        let set = item.key("set").map(|node| settings(node, path, scope, problems)).unwrap_or_default();
        let name = item.key("name").map(|node| Template::compile(node, &format!("{path}.name"), scope, problems));
        let mut action = self.action(chosen, item, path, scope, each);
        if let Some(Action::Peers { each, member_list, id, start, initiate: None, .. }) = &mut action
            && marks.is_empty()
            && capture.is_empty()
        {
            *member_list =
                MemberList::of(&Reading { each, id: *id, first, name: name.as_ref(), start: start.as_ref() });
        }
        scope.of_peer = false;
        let addressed = peer_key == "to";
        Some(Step { when, pause, peer, addressed, name, marks, capture, set, action: action? })
    }

    fn action(
        &mut self,
        chosen: &str,
        item: &DialectNode,
        path: &str,
        scope: &mut Scope<'_>,
        each: Option<Pattern>,
    ) -> Option<Action> {
        let start = condition(item.key("start"), &format!("{path}.start"), scope, self.problems);
        let initiate = condition(item.key("initiate"), &format!("{path}.initiate"), scope, self.problems);
        let whole = condition(item.key("whole"), &format!("{path}.whole"), scope, self.problems);
        let node = item.key(chosen);
        Some(match chosen {
            "peer" => Action::Peer { start, initiate },
            "peers" => Action::Peers {
                list: Template::compile(node?, &format!("{path}.peers"), scope, self.problems),
                at: scope.unnamed(),
                each: each?,
                member_list: None,
                id: scope.local("id"),
                later: scope.local("later"),
                whole,
                start,
                initiate,
            },
            "left" => Action::Left,
            "offer" => {
                let polite = condition(item.key("polite"), &format!("{path}.polite"), scope, self.problems);
                Action::Offer { sdp: self.value_of(item, path, "sdp", "{sdp}", scope), polite }
            }
            "answer" => Action::Answer { sdp: self.value_of(item, path, "sdp", "{sdp}", scope) },
            "candidate" => {
                let value = self.value_of(item, path, "value", "{candidate}", scope);
                Action::Candidate { is_bound: value.local().is_some(), value }
            }
            "end" => Action::End,
            "error" => {
                let class = self.error_class(item, path);
                Action::Error { class, text: Template::compile(node?, &format!("{path}.error"), scope, self.problems) }
            }
            "say" => Action::Say(self.template_indices(node?, &format!("{path}.say"))),
            "send" => {
                let frame = Template::compile(node?, &format!("{path}.send"), scope, self.problems);
                if self.wire == Wire::EventStream && !self.has_post() {
                    self.problems.note(item.line, path, "is posted nowhere; give frames a URL with [connect] post");
                }
                let kind = self.kind("reply");
                Action::Send(FrameTemplate { kind, line: item.line, frame, relayed: None, post: None })
            }
            "share" => Action::Share(shared(node?, &format!("{path}.share"), scope, self.problems)),
            "ack" => {
                if self.codec != Codec::SocketIo {
                    self.problems.note(item.line, path, "ack is of codec = \"socketio\"");
                }
                Action::Acknowledge(Template::compile(node?, &format!("{path}.ack"), scope, self.problems))
            }
            "joined" => Action::Joined,
            "ignore" => Action::Ignore,
            "heard" => Action::Heard,
            "elsewhere" => Action::Elsewhere,
            _ => Action::Nothing,
        })
    }

    /// Reports the keys that mean nothing beside an action.
    fn check_idle_keys(&mut self, item: &DialectNode, path: &str, action: &str) {
        for (key, actions) in OF_ACTIONS.iter().filter(|(_, actions)| !actions.contains(&action)) {
            let Some(node) = item.key(key) else { continue };
            let message = match action {
                "do" => format!("{key} beside do means nothing; it belongs into a step of do"),
                "" => format!("{key} alone means nothing; it is for {}", actions.join(", ")),
                _ => format!("{key} means nothing beside {action}; it is for {}", actions.join(", ")),
            };
            self.problems.note(node.line, path, message);
        }
    }

    /// Compiles `class`; an error of class `pair` needs `of`.
    fn error_class(&mut self, item: &DialectNode, path: &str) -> ErrorClass {
        let class = match item.key("class").and_then(|node| node.text(path, self.problems)) {
            None | Some("fatal") => ErrorClass::Fatal,
            Some("pair") => ErrorClass::Pair,
            Some("note") => ErrorClass::Note,
            Some(other) => {
                let message = format!("{} is none of fatal, pair, note", quoted(other));
                self.problems.note(item.line, &format!("{path}.class"), message);
                return ErrorClass::Note;
            }
        };
        match (class, item.key("of")) {
            (ErrorClass::Pair, None) => {
                let message = "an error of a pair says of whom: of = \"{x}\"";
                self.problems.note(item.line, &format!("{path}.class"), message);
            }
            (ErrorClass::Fatal, Some(of)) => {
                let message = "a fatal error is of nobody; with class = \"pair\" it is of one";
                self.problems.note(of.line, &format!("{path}.of"), message);
            }
            _ => {}
        }
        class
    }

    fn each(&mut self, item: &DialectNode, path: &str, scope: &mut Scope<'_>) -> Pattern {
        let id = scope.local("id");
        match item.key("each") {
            Some(node) => Pattern::compile(node, &format!("{path}.each"), scope, self.problems),
            None => Pattern::Bind { slot: id, filters: vec![], optional: false },
        }
    }

    /// Compiles the selector of a step's peer: an id, or the value of a pair variable.
    fn peer_selector(&mut self, node: &DialectNode, path: &str, scope: &Scope<'_>) -> Option<PeerSelector> {
        let Item::Table(_) = node.value else {
            return Some(PeerSelector::Id(Template::compile(node, path, scope, self.problems)));
        };
        node.check_keys(path, &["pair", "is", "from"], self.problems);
        let (Some(pair), Some(is)) = (node.key("pair"), node.key("is")) else {
            self.problems.note(node.line, path, "is an id, or { pair = \"x\", is = \"{y}\" }");
            return None;
        };
        let name = pair.text(path, self.problems)?;
        let Some(slot) = self.names.pairs.iter().position(|known| known == name) else {
            let near = suggestion(name, self.names.pairs.iter().map(String::as_str));
            self.problems.note(pair.line, path, format!("[pair] has no {}{near}", quoted(name)));
            return None;
        };
        let is = Template::compile(is, path, scope, self.problems);
        let from = node.key("from").map(|node| Template::compile(node, path, scope, self.problems));
        Some(match from {
            Some(from) => PeerSelector::Pool { slot, is, from },
            None => PeerSelector::Pair { slot, is },
        })
    }

    /// Compiles the value of `key`; without it, the name `usual` must be bound.
    fn value_of(&mut self, item: &DialectNode, path: &str, key: &str, usual: &str, scope: &Scope<'_>) -> Template {
        match item.key(key) {
            Some(node) => Template::compile(node, &format!("{path}.{key}"), scope, self.problems),
            None => Template::parse(usual, scope).unwrap_or_else(|_| {
                self.problems.note(item.line, path, format!("needs {key}, or a match that binds {usual}"));
                Template::List(vec![])
            }),
        }
    }
}

/// The list that only a `peers` step with a fast path and searches of `let` read.
fn list_text(
    pattern: &Pattern,
    lets: &[(usize, Expression)],
    steps: &mut [Step],
    scope: &Scope<'_>,
) -> Option<ListText> {
    let (slot, member_list) = steps.iter_mut().find_map(|step| match &mut step.action {
        Action::Peers { list, member_list: Some(member_list), .. } => Some((list.local()?, member_list)),
        _ => None,
    })?;
    let searches: usize = lets.iter().map(|(_, expression)| expression.searches(slot)).sum();
    let is_bound_by_pattern = lets.iter().all(|(own, _)| *own != slot) && pattern.is_movable(&mut vec![]);
    if !is_bound_by_pattern || scope.uses(slot) != 1 + searches {
        return None;
    }
    let list_text = ListText::of(pattern, slot)?;
    member_list.is_text = true;
    Some(list_text)
}

fn marks(item: &DialectNode, path: &str, scope: &Scope<'_>, problems: &mut Problems) -> Vec<(usize, Expression)> {
    let Some(node) = item.key("mark") else { return vec![] };
    let mut marks = vec![];
    for (name, value) in node.entries(&format!("{path}.mark"), problems) {
        let slot = scope.names.marks.iter().position(|known| known == name);
        let expression = condition(Some(value), &format!("{path}.mark.{name}"), scope, problems);
        marks.extend(slot.zip(expression));
    }
    if !scope.of_peer {
        problems.note(node.line, path, "marks nobody: say of whom");
    }
    marks
}

fn capture(item: &DialectNode, path: &str, scope: &Scope<'_>, problems: &mut Problems) -> Vec<(usize, Template)> {
    let Some(node) = item.key("capture") else { return vec![] };
    let mut captured = vec![];
    for (name, value) in node.entries(&format!("{path}.capture"), problems) {
        match scope.names.pairs.iter().position(|known| known == name) {
            Some(slot) => captured.push((slot, Template::compile(value, path, scope, problems))),
            None => {
                let near = suggestion(name, scope.names.pairs.iter().map(String::as_str));
                problems.note(value.line, path, format!("[pair] has no {}{near}", quoted(name)));
            }
        }
    }
    captured
}

/// The message type of a rule without `kind`: from its action, else from the frame's own type.
fn kind_of(steps: &[Step], message_type: Option<&str>) -> String {
    let by_action = steps.iter().find_map(|step| match step.action {
        Action::Offer { .. } => Some("offer"),
        Action::Answer { .. } => Some("answer"),
        Action::Candidate { .. } => Some("candidate"),
        Action::End => Some("end"),
        Action::Left => Some("leave"),
        _ => None,
    });
    by_action.or(message_type).unwrap_or("other").to_owned()
}
