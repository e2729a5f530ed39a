//! Compiles `[say]` and `[signals]`: the frame templates, and those that each signal uses.

use super::Compiler;
use crate::dialect::compile::compiled::{FrameTemplate, SignalTemplates};
use crate::dialect::language::codec::Wire;
use crate::dialect::language::document::DialectNode;
use crate::dialect::language::names::Scope;
use crate::dialect::language::problem::suggestion;
use crate::dialect::language::template::Template;
use crate::vocabulary::{FrameKind, problem::quoted};

impl<'a> Compiler<'a> {
    pub(super) fn templates(&mut self) -> Vec<FrameTemplate> {
        self.by_template("kinds");
        let Some(section) = self.root.key("say") else { return vec![] };
        let relayed = self.by_template("relayed");
        if let Some(node) = self.root.key("post").filter(|_| self.wire != Wire::EventStream) {
            self.problems.note(node.line, "post", "is of transport = \"sse\"");
        }
        let post = self.by_template("post");
        let names = self.names.clone();
        let scope = Scope::new(&names, &["sdp", "candidate"], true);
        let mut templates = vec![];
        for (name, node) in section.entries("say", self.problems) {
            let frame = Template::compile(node, &format!("say.{name}"), &scope, self.problems);
            let kind = self.template_kind(name);
            let relayed = relayed.and_then(|relayed| relayed.key(name));
            let relayed =
                relayed.map(|node| Template::compile(node, &format!("relayed.{name}"), &scope, self.problems));
            let post = post.and_then(|post| post.key(name));
            let post = post.map(|node| Template::compile(node, &format!("post.{name}"), &scope, self.problems));
            if self.wire == Wire::EventStream && post.is_none() && !self.has_post() {
                let message = "is posted nowhere; give all frames a URL with [connect] post, or this one in [post]";
                self.problems.note(node.line, &format!("say.{name}"), message);
            }
            templates.push(FrameTemplate { kind, line: node.line, frame, relayed, post });
        }
        templates
    }

    /// A section whose entries have the names of templates.
    fn by_template(&mut self, name: &str) -> Option<&'a DialectNode> {
        let section = self.root.key(name)?;
        section.entries(name, self.problems);
        let known: Vec<&str> = self.template_names.iter().map(String::as_str).collect();
        section.check_keys(name, &known, self.problems);
        Some(section)
    }

    pub(super) fn has_post(&self) -> bool {
        self.root.key("connect").is_some_and(|connect| connect.key("post").is_some())
    }

    /// The message type under which a template is counted: its entry in `[kinds]`, else its own name.
    fn template_kind(&mut self, name: &str) -> FrameKind {
        let called = self.root.key("kinds").and_then(|kinds| kinds.key(name));
        let called = called.and_then(|node| node.text("kinds", self.problems)).unwrap_or(name).to_owned();
        self.kind(&called)
    }

    /// Compiles `[signals]`; a signal without an entry uses the template of its own name.
    pub(super) fn signals(&mut self) -> SignalTemplates {
        let section = self.root.key("signals");
        if let Some(section) = section {
            section.check_keys("signals", &["offer", "answer", "candidate", "end", "leave"], self.problems);
        }
        let leave = section.and_then(|section| section.key("leave"));
        let each = leave.and_then(|leave| leave.key("each"));
        let line = section.or_else(|| self.root.key("say")).map_or(1, |node| node.line);
        let mut templates_for = |name: &str| match section.and_then(|section| section.key(name)) {
            Some(node) => self.template_indices(node, &format!("signals.{name}")),
            None => self.template_names.iter().position(|known| known == name).into_iter().collect(),
        };
        SignalTemplates {
            line,
            offer: templates_for("offer"),
            answer: templates_for("answer"),
            candidate: templates_for("candidate"),
            end: templates_for("end"),
            leave: match each {
                Some(node) => self.template_indices(node, "signals.leave.each"),
                None => templates_for("leave"),
            },
            leave_each: each.is_some(),
        }
    }

    /// The indices of the templates that a name, or a list of names, refers to.
    pub(super) fn template_indices(&mut self, node: &DialectNode, path: &str) -> Vec<usize> {
        let mut found = vec![];
        for item in node.items() {
            let Some(name) = item.text(path, self.problems) else { continue };
            match self.template_names.iter().position(|known| known == name) {
                Some(index) => found.push(index),
                None => {
                    let near = suggestion(name, self.template_names.iter().map(String::as_str));
                    self.problems.note(item.line, path, format!("[say] has no {}{near}", quoted(name)));
                }
            }
        }
        found
    }
}
