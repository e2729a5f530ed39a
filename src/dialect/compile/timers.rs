//! Compiles `[[every]]`: what a peer repeats once it has joined.

use super::compiled::{ConnectTemplates, FrameTemplate, RepeatTimer};
use super::{Compiler, Scope, condition};

impl Compiler<'_> {
    /// The timers of `[[every]]`, and that of MQTT's pings.
    pub(super) fn timers(
        &mut self,
        connect: &ConnectTemplates,
        templates: &mut Vec<FrameTemplate>,
    ) -> Vec<RepeatTimer> {
        let mut timers: Vec<_> = connect.mqtt.iter().map(|mqtt| self.pings(mqtt, templates)).collect();
        let Some(node) = self.root.key("every") else { return timers };
        for item in node.items() {
            item.check_keys("every", &["interval", "say", "if"], self.problems);
            let names = self.names.clone();
            let when = condition(item.key("if"), "every.if", &Scope::new(&names, &[], false), self.problems);
            let interval = item.key("interval").and_then(|node| node.duration("every.interval", self.problems));
            match (interval, item.key("say")) {
                (Some(every), Some(say)) if !every.is_zero() => {
                    let say = self.template_indices(say, "every.say");
                    timers.push(RepeatTimer { every, when, say });
                }
                _ => self.problems.note(item.line, "every", "needs an interval over 0 and something to say"),
            }
        }
        timers
    }
}
