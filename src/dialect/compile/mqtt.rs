//! Compiles the parts of MQTT: the CONNECT packet, its keep-alive, and the shapes that frames may have.

use super::Compiler;
use crate::dialect::compile::compiled::{FrameTemplate, MqttTemplates, RepeatTimer};
use crate::dialect::language::document::{DialectNode, Item};
use crate::dialect::language::names::Scope;
use crate::dialect::language::template::Template;
use serde_json::json;
use std::time::Duration;

/// The keys of `[connect]` that only MQTT has.
pub(super) const KEYS: [&str; 6] = ["version", "client", "user", "password", "keep_alive", "will"];

/// The keys that tell packets apart, each with the others that may stand beside it.
const PACKETS: [(&str, &[&str]); 5] = [
    ("topic", &["payload", "qos", "retain"]),
    ("subscribe", &["qos"]),
    ("unsubscribe", &[]),
    ("ping", &[]),
    ("disconnect", &[]),
];

const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// The greatest keep-alive that a CONNECT packet can carry (MQTT 5 §3.1.2.10).
const KEEP_ALIVE_MAX: Duration = Duration::from_secs(u16::MAX as u64);

impl Compiler<'_> {
    /// The CONNECT packet of `codec = "mqtt"`; `None` for another codec.
    pub(super) fn mqtt_connect(&mut self) -> Option<MqttTemplates> {
        if !self.says("codec", "mqtt") {
            return None;
        }
        self.check_packets();
        let names = self.names.clone();
        let scope = Scope::new(&names, &[], false);
        let node = self.root.key("connect");
        let key = |name: &str| node.and_then(|node| node.key(name));
        let mut template =
            |name: &str| Some(Template::compile(key(name)?, &format!("connect.{name}"), &scope, self.problems));
        let client = template("client");
        let (user, password, will) = (template("user"), template("password"), template("will"));
        if let Some(node) = key("will").filter(|node| node.key("topic").is_none()) {
            self.problems.note(node.line, "connect.will", "is { topic = \"…\", payload = … }");
        }
        let version = key("version").and_then(|node| {
            let written = node.text("connect.version", self.problems)?;
            if !["3.1.1", "5"].contains(&written) {
                self.problems.note(node.line, "connect.version", "is \"3.1.1\" or \"5\"");
            }
            Some(written)
        });
        Some(MqttTemplates {
            is_v5: version == Some("5"),
            client: client.unwrap_or_else(|| Template::parse("{me}", &scope).expect("a name in scope")),
            keep_alive: self.keep_alive(key("keep_alive")),
            user,
            password,
            will,
        })
    }

    fn keep_alive(&mut self, node: Option<&DialectNode>) -> Duration {
        let written = node.and_then(|node| node.duration("connect.keep_alive", self.problems));
        let kept = written.unwrap_or(KEEP_ALIVE);
        if let Some(node) = node.filter(|_| !(Duration::from_secs(1)..=KEEP_ALIVE_MAX).contains(&kept)) {
            self.problems.note(node.line, "connect.keep_alive", "is from 1s to 65535s");
            return KEEP_ALIVE;
        }
        kept
    }

    /// The ping that keeps a connection alive: two in each keep-alive, so that a late one is early enough.
    pub(super) fn pings(&mut self, mqtt: &MqttTemplates, templates: &mut Vec<FrameTemplate>) -> RepeatTimer {
        let ping = json!({ "ping": true });
        let frame = Template::Fixed(ping.clone(), ping.to_string());
        templates.push(FrameTemplate { kind: self.kind("ping"), line: 1, frame, relayed: None, post: None });
        RepeatTimer { every: mqtt.keep_alive / 2, when: None, say: vec![templates.len() - 1] }
    }

    /// Reports every frame of `[say]` that is no packet of MQTT.
    fn check_packets(&mut self) {
        let Some(say) = self.root.key("say") else { return };
        for (name, node) in say.entries("say", self.problems) {
            let Item::Table(entries) = &node.value else {
                self.problems.note(
                    node.line,
                    &format!("say.{name}"),
                    "is no table; MQTT says { topic = \"…\", payload = … }",
                );
                continue;
            };
            let packet = PACKETS.iter().find(|(key, _)| node.key(key).is_some());
            let Some((own, others)) = packet else {
                let message =
                    "has neither topic nor subscribe, unsubscribe, ping or disconnect, so it is no packet of MQTT";
                self.problems.note(node.line, &format!("say.{name}"), message);
                continue;
            };
            for (key, inner) in entries.iter().filter(|(key, _)| key != own && !others.contains(&key.as_str())) {
                let message = format!("`{key}` has no place beside `{own}`; content goes into payload");
                self.problems.note(inner.line, &format!("say.{name}"), message);
            }
            if let Some(qos) = node.key("qos").filter(|qos| !matches!(qos.value, Item::Whole(0 | 1))) {
                self.problems.note(qos.line, &format!("say.{name}"), "qos is 0 or 1; 2 is not spoken");
            }
        }
    }
}
