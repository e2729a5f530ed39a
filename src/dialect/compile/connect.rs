//! Compiles `[connect]`: the WebSocket request, and the connect packet of Socket.IO.

use super::{Compiler, mqtt};
use crate::dialect::compile::compiled::ConnectTemplates;
use crate::dialect::language::codec::{Codec, Wire};
use crate::dialect::language::document::DialectNode;
use crate::dialect::language::names::Scope;
use crate::dialect::language::template::Template;

pub(super) const KEYS: [&str; 13] = [
    "url",
    "headers",
    "cookies",
    "subprotocol",
    "namespace",
    "auth",
    "post",
    "version",
    "client",
    "user",
    "password",
    "keep_alive",
    "will",
];

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
            post: None,
            mqtt: None,
        };
        connect.mqtt = self.mqtt_connect();
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
        if let Some(node) = node.key("post") {
            let scope = Scope::new(&names, &[], true);
            connect.post = Some(Template::compile(node, "connect.post", &scope, self.problems));
        }
        let own: [(&[&str], bool, &str); 3] = [
            (&["namespace", "auth"], self.codec == Codec::SocketIo, "is of codec = \"socketio\""),
            (&["post"], self.wire == Wire::EventStream, "is of transport = \"sse\""),
            (&mqtt::KEYS, connect.mqtt.is_some(), "is of codec = \"mqtt\""),
        ];
        for (keys, _, message) in own.iter().filter(|(_, is_spoken, _)| !is_spoken) {
            for (key, node) in keys.iter().filter_map(|key| Some((key, node.key(key)?))) {
                self.problems.note(node.line, &format!("connect.{key}"), *message);
            }
        }
        connect
    }

    /// The carrier of the frames; for MQTT it is that of its packets, whose CONNECT has templates of its own.
    pub(super) fn wire(&mut self) -> Wire {
        let (is_packed, is_mqtt) = (self.says("codec", "msgpack"), self.says("codec", "mqtt"));
        let is_stream = self.choice("transport", &["websocket", "sse"], "websocket").as_deref() == Some("sse");
        let usual = if is_packed || is_mqtt { "binary" } else { "text" };
        let frames = self.choice("frames", &["text", "binary"], usual);
        let is_binary = frames.as_deref() == Some("binary");
        let is_socket_io = self.codec == Codec::SocketIo;
        let mut refuse = |key: &str, is_wrong: bool, message: &str| {
            if let Some(node) = self.root.key(key).filter(|_| is_wrong) {
                self.problems.note(node.line, key, message);
            }
        };
        refuse("frames", is_packed && !is_binary, "MessagePack goes in binary frames");
        refuse("frames", is_mqtt && !is_binary, "MQTT goes in binary frames");
        let message = "server-sent events carry text; they go with codec = \"json\" or \"text\"";
        refuse("transport", is_stream && (is_binary || is_socket_io), message);
        match () {
            () if is_stream => Wire::EventStream,
            () if is_mqtt || !is_binary => Wire::Text,
            () if is_packed => Wire::MessagePack,
            () if is_socket_io => Wire::PackedSocketIo,
            () => Wire::Binary,
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
