//! Compiles `[connect]`: the WebSocket request, and the connect packet of Socket.IO.

use super::Compiler;
use crate::dialect::compile::compiled::ConnectTemplates;
use crate::dialect::language::codec::{Codec, Wire};
use crate::dialect::language::document::{DialectNode, Item};
use crate::dialect::language::names::Scope;
use crate::dialect::language::template::Template;

pub(super) const KEYS: [&str; 6] = ["url", "headers", "cookies", "subprotocol", "namespace", "auth"];

impl Compiler<'_> {
    pub(super) fn connect(&mut self) -> ConnectTemplates {
        let names = self.names.clone();
        let scope = Scope::new(&names, &["base"], false);
        let url = Template::parse("{base}", &scope).expect("a name in scope");
        let mut connect = ConnectTemplates {
            url,
            line: 1,
            headers: vec![],
            cookies: vec![],
            subprotocol: None,
            namespace: String::new(),
            auth: None,
        };
        let Some(node) = self.root.key("connect") else { return connect };
        node.check_keys("connect", &KEYS, self.problems);
        connect.line = node.key("url").unwrap_or(node).line;
        if let Some(url) = node.key("url") {
            connect.url = Template::compile(url, "connect.url", &scope, self.problems);
        }
        connect.headers = self.pairs(node, "connect", "headers", &scope);
        connect.cookies = self.pairs(node, "connect", "cookies", &scope);
        let mut template = |key: &str| {
            let node = node.key(key)?;
            Some(Template::compile(node, &format!("connect.{key}"), &scope, self.problems))
        };
        connect.subprotocol = template("subprotocol");
        connect.auth = template("auth");
        connect.namespace = self.namespace(node);
        if self.codec != Codec::SocketIo {
            for key in ["namespace", "auth"] {
                if let Some(node) = node.key(key) {
                    self.problems.note(node.line, &format!("connect.{key}"), "is of codec = \"socketio\"");
                }
            }
        }
        connect
    }

    /// The frames that carry the text: `codec = "msgpack"` and `frames = "binary"` are binary.
    pub(super) fn wire(&mut self) -> Wire {
        let is_packed =
            matches!(self.root.key("codec").map(|node| &node.value), Some(Item::Text(codec)) if codec == "msgpack");
        let frames = self.choice("frames", &["text", "binary"], if is_packed { "binary" } else { "text" });
        let is_binary = frames.as_deref() == Some("binary");
        if let Some(node) = self.root.key("frames") {
            let message = match (is_packed && !is_binary, self.codec == Codec::SocketIo && is_binary) {
                (true, _) => "MessagePack goes in binary frames",
                (_, true) => "Socket.IO's packets are spoken as text; its MessagePack parser is not",
                _ => "",
            };
            if !message.is_empty() {
                self.problems.note(node.line, "frames", message);
            }
        }
        match (is_packed, is_binary) {
            (true, _) => Wire::MessagePack,
            (false, true) => Wire::Binary,
            (false, false) => Wire::Text,
        }
    }

    /// The Socket.IO namespace; empty for the main one, `/`.
    fn namespace(&mut self, node: &DialectNode) -> String {
        let Some(node) = node.key("namespace") else { return String::new() };
        let written = node.text("connect.namespace", self.problems).unwrap_or("/");
        if !written.starts_with('/') || written.contains([',', '?', '{']) {
            let message = format!("\"{written}\" is no namespace; one begins with / and has no comma, as \"/rtc\"");
            self.problems.note(node.line, "connect.namespace", message);
        }
        if written == "/" { String::new() } else { written.to_owned() }
    }

    /// The templates of a table of names, such as headers.
    pub(super) fn pairs(
        &mut self,
        node: &DialectNode,
        path: &str,
        key: &str,
        scope: &Scope<'_>,
    ) -> Vec<(String, Template)> {
        let Some(table) = node.key(key) else { return vec![] };
        let path = format!("{path}.{key}");
        let mut pairs = vec![];
        for (name, value) in table.entries(&path, self.problems) {
            pairs.push((name.clone(), Template::compile(value, &path, scope, self.problems)));
        }
        pairs
    }
}
