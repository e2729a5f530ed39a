//! Compiles `[[before]]`: the HTTP requests of a peer before its connection.

use super::Compiler;
use super::join::settings;
use crate::dialect::compile::compiled::HttpStep;
use crate::dialect::language::document::DialectNode;
use crate::dialect::language::names::Scope;
use crate::dialect::language::pattern::Pattern;
use crate::dialect::language::problem::suggestion;
use crate::dialect::language::template::Template;
use crate::vocabulary::problem::quoted;
use std::time::Duration;

pub(super) const KEYS: [&str; 8] = ["method", "url", "headers", "body", "expect", "expect_headers", "set", "timeout"];
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const TIMEOUT: Duration = Duration::from_secs(10);

impl Compiler<'_> {
    pub(super) fn before(&mut self) -> Vec<HttpStep> {
        let Some(node) = self.root.key("before") else { return vec![] };
        let mut steps = vec![];
        for (index, item) in node.items().iter().enumerate() {
            let path = format!("before[{index}]");
            item.entries(&path, self.problems);
            item.check_keys(&path, &KEYS, self.problems);
            steps.extend(self.http_step(item, &path));
        }
        steps
    }

    fn http_step(&mut self, item: &DialectNode, path: &str) -> Option<HttpStep> {
        let names = self.names.clone();
        let mut scope = Scope::new(&names, &["base", "http"], false);
        let Some(url) = item.key("url") else {
            self.problems.note(item.line, path, "needs a url, such as url = \"{http}/login\"");
            return None;
        };
        let url = Template::compile(url, &format!("{path}.url"), &scope, self.problems);
        let headers = self.pairs(item, path, "headers", &scope);
        let body = item.key("body");
        let body = body.map(|node| Template::compile(node, &format!("{path}.body"), &scope, self.problems));
        let method = self.method(item, path, body.is_some());
        let expect = item.key("expect");
        let expect = expect.map(|node| Pattern::compile(node, &format!("{path}.expect"), &mut scope, self.problems));
        let mut expect_headers = vec![];
        if let Some(table) = item.key("expect_headers") {
            let at = format!("{path}.expect_headers");
            for (name, node) in table.entries(&at, self.problems) {
                expect_headers.push((name.clone(), Pattern::compile(node, &at, &mut scope, self.problems)));
            }
        }
        let set = item.key("set").map(|set| settings(set, path, &scope, self.problems)).unwrap_or_default();
        let timeout = item.key("timeout").and_then(|node| node.duration(&format!("{path}.timeout"), self.problems));
        Some(HttpStep {
            line: item.line,
            method,
            url,
            headers,
            body,
            expect,
            expect_headers,
            locals: scope.locals.len(),
            set,
            timeout: timeout.unwrap_or(TIMEOUT),
        })
    }

    fn method(&mut self, item: &DialectNode, path: &str, has_body: bool) -> &'static str {
        let usual = if has_body { "POST" } else { "GET" };
        let Some(node) = item.key("method") else { return usual };
        let written = node.text(&format!("{path}.method"), self.problems).unwrap_or(usual);
        METHODS.into_iter().find(|method| *method == written).unwrap_or_else(|| {
            let near = suggestion(&written.to_ascii_uppercase(), METHODS);
            let message = format!("{} is none of {}{near}", quoted(written), METHODS.join(", "));
            self.problems.note(node.line, &format!("{path}.method"), message);
            usual
        })
    }
}
