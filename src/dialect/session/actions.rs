//! What follows from a rule that fits: its steps, one after the other.

use super::Session;
use crate::dialect::Output;
use crate::dialect::compiled::{Action, ErrorClass, PeerSelector, Rule, Step};
use crate::dialect::expression::Expression;
use crate::dialect::filter::text;
use crate::dialect::template::Template;
use crate::vocabulary::event::Concern;
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::message::{Candidate, Heard, Signal};
use crate::vocabulary::phase::Phase;
use serde_json::Value;
use std::time::Instant;

/// The longest SDP that is taken to be one (faults.md 10); in bytes.
const SDP_BYTES_MAX: usize = 64 * 1024;

impl Session {
    /// Whom the frame turns out to have been for.
    pub(super) fn run_actions(&mut self, now: Instant, rule: &Rule, locals: &mut [Value]) -> Concern<String> {
        let mut concern = Concern::Me { from: None };
        let mut touched = vec![];
        for (position, step) in rule.steps.iter().enumerate() {
            let who = match &step.who {
                None => None,
                Some(who) => match self.find(now, who, locals) {
                    Some(found) if found != self.own_id() => Some(found),
                    // Its own frame came back, or one about nobody.
                    _ if position == 0 => return Concern::Others,
                    _ => continue,
                },
            };
            if position == 0 {
                concern = Concern::Me { from: who.clone() };
            }
            match step.action {
                Action::Ignore => concern = Concern::Others,
                Action::Heard => continue,
                Action::Elsewhere => {
                    concern = Concern::Elsewhere { from: who };
                    continue;
                }
                _ => {}
            }
            self.perform_step(now, step, who.as_deref(), locals, &mut touched);
        }
        for id in touched {
            if let Some(other) = self.state.members.get_mut(&id) {
                other.get_known();
            }
        }
        concern
    }

    /// The id of whom a step speaks; who is new is met, if the step is not a goodbye.
    fn find(&mut self, now: Instant, who: &PeerSelector, locals: &[Value]) -> Option<String> {
        match who {
            PeerSelector::Id(template) => {
                let wire = self.value(now, template, locals, None);
                let id = text(&wire);
                if id.is_empty() {
                    return None;
                }
                self.wires = Some(wire);
                Some(id)
            }
            PeerSelector::Pair { slot, is } => {
                let value = self.value(now, is, locals, None);
                self.state.members.with_pair(*slot, &value).map(str::to_owned)
            }
            PeerSelector::Pool { slot, is, from } => {
                let value = self.value(now, is, locals, None);
                let wire = self.value(now, from, locals, None);
                let (provisional, actual) = (self.state.members.with_pair(*slot, &value)?.to_owned(), text(&wire));
                if provisional != actual {
                    self.meet(&actual, &wire);
                    self.state.members.swap_pairs(&provisional, &actual);
                    self.outputs.push_back(Output::Swap { one: provisional, other: actual.clone() });
                }
                Some(actual)
            }
        }
    }

    fn perform_step(
        &mut self,
        now: Instant,
        step: &Step,
        who: Option<&str>,
        locals: &mut [Value],
        touched: &mut Vec<String>,
    ) {
        if let Action::Peers { .. } = step.action {
            return self.perform_peers(now, step, locals, touched);
        }
        let meets = !matches!(step.action, Action::Left | Action::Error { .. });
        if let Some(id) = who.filter(|_| meets) {
            let wire = self.wires.take().unwrap_or_else(|| Value::from(id));
            self.meet(id, &wire);
            touched.push(id.to_owned());
        }
        if !self.holds(now, step.when.as_ref(), true, locals, who) || !self.cooldown_over(now, step) {
            return;
        }
        // Whether to give way is judged by what the pair had before this frame.
        let script = self.script.clone();
        let polite = match &step.action {
            Action::Offer { polite, .. } => {
                self.holds(now, Some(polite.as_ref().unwrap_or(&script.polite)), true, locals, who)
            }
            _ => self.holds(now, Some(&script.polite), true, locals, who),
        };
        if let Some(id) = who {
            self.note(now, step, id, locals, polite);
        }
        self.apply(now, &step.set, locals);
        match (&step.action, who) {
            (Action::Peer { start, initiate }, Some(id)) => {
                self.tell(now, id, start.as_ref(), initiate.as_ref(), locals);
            }
            (Action::Left, Some(id)) => {
                let was_known = self.state.members.forget(id);
                self.outputs.extend(was_known.then(|| Output::Heard(Heard::Left { who: id.to_owned() })));
            }
            (Action::Offer { sdp, .. }, Some(id)) => {
                let signal = self.description(now, sdp, locals, id).map(|sdp| Signal::Offer { sdp });
                self.signal(id, signal, polite);
            }
            (Action::Answer { sdp }, Some(id)) => {
                let signal = self.description(now, sdp, locals, id).map(|sdp| Signal::Answer { sdp });
                self.signal(id, signal, polite);
            }
            (Action::Candidate { value }, Some(id)) => {
                let signal = candidate(&self.value(now, value, locals, Some(id)));
                self.signal(id, signal, polite);
            }
            (Action::End, Some(id)) => self.signal(id, Some(Signal::EndOfCandidates), polite),
            (Action::Error { class, text: template }, _) => {
                let detail = text(&self.value(now, template, locals, who));
                self.complain(*class, who, detail);
            }
            (Action::Say(templates), of) => self.say_of(now, templates, &[], of, step.addressed),
            (Action::Send(template), of) => self.send(now, template, locals, of, step.addressed),
            (Action::Share(shared), _) => self.share(now, shared, locals),
            (Action::Joined, _) => self.joined(now),
            _ => {}
        }
    }

    /// Whether the step's pause is over; if so, it begins anew.
    pub(super) fn cooldown_over(&mut self, now: Instant, step: &Step) -> bool {
        let Some((slot, pause)) = step.pause else { return true };
        let cooldown_over = self.pauses[slot].is_none_or(|done| done + pause <= now);
        if cooldown_over {
            self.pauses[slot] = Some(now);
        }
        cooldown_over
    }

    /// Writes down what a step says of somebody: name, marks, the pair's variables.
    pub(super) fn note(&mut self, now: Instant, step: &Step, id: &str, locals: &[Value], polite: bool) {
        let marks: Vec<(usize, bool)> = step
            .marks
            .iter()
            .map(|(slot, expression)| (*slot, self.holds(now, Some(expression), false, locals, Some(id))))
            .collect();
        let nameless = self.state.members.get(id).is_some_and(|other| other.name().is_empty());
        let name = step.name.as_ref().filter(|_| nameless);
        let name = name.map(|name| text(&self.value(now, name, locals, Some(id))));
        let mut captured = vec![];
        for (slot, template) in &step.capture {
            captured.push((*slot, self.value(now, template, locals, Some(id))));
        }
        let pairs = self.script.pair.len();
        let Some(other) = self.state.members.get_mut(id) else { return };
        marks.into_iter().for_each(|(slot, flag)| other.mark(slot, flag));
        if let Some(name) = name {
            other.call(name);
        }
        // When both have offered, the variables are those of the offer that counts.
        if !captured.is_empty() && (other.pair().is_empty() || polite) {
            let pair = other.pair_mut();
            pair.resize(pairs, Value::Null);
            captured.into_iter().for_each(|(slot, value)| pair[slot] = value);
        }
    }

    /// Tells the peer of somebody, if there is anything new to tell.
    pub(super) fn tell(
        &mut self,
        now: Instant,
        id: &str,
        start: Option<&Expression>,
        initiate: Option<&Expression>,
        locals: &[Value],
    ) {
        let script = self.script.clone();
        let start = self.holds(now, start, true, locals, Some(id));
        // What a step says of the one side is true of its own frame only.
        let revision = initiate.is_none().then_some(self.state.revision);
        let initiate = self.holds(now, initiate.or(Some(&script.initiate)), true, locals, Some(id));
        let Some(other) = self.state.members.get_mut(id) else { return };
        let news = other.news(start, initiate, revision);
        if let Some((start, initiate)) = news {
            self.outputs.push_back(Output::Heard(Heard::Met { who: id.to_owned(), start, initiate }));
        }
    }

    /// Tells of those who the harness says have joined.
    pub(super) fn tell_present(&mut self, now: Instant) {
        for (id, earlier) in std::mem::take(&mut self.present) {
            if id == self.own_id() {
                continue;
            }
            if let Some(other) = self.state.members.meet(&id, &Value::from(id.as_str())) {
                other.get_known();
                other.mark(0, !earlier);
            }
            self.tell(now, &id, None, None, &[]);
        }
    }

    pub(super) fn apply(&mut self, now: Instant, settings: &[(usize, Template)], locals: &[Value]) {
        for (slot, template) in settings {
            let value = self.value(now, template, locals, None);
            self.set(*slot, value);
        }
    }

    pub(super) fn share(&mut self, now: Instant, shared: &[(String, Template)], locals: &[Value]) {
        for (name, template) in shared {
            let json = self.value(now, template, locals, None).to_string();
            self.outputs.push_back(Output::Share { name: name.clone(), json });
        }
    }

    pub(super) fn holds(
        &self,
        now: Instant,
        condition: Option<&Expression>,
        default: bool,
        locals: &[Value],
        peer: Option<&str>,
    ) -> bool {
        let view = self.state.view(&self.script, self.me.timestamp(now), locals, peer);
        condition.map_or(default, |condition| condition.holds(view))
    }

    fn description(&mut self, now: Instant, sdp: &Template, locals: &[Value], id: &str) -> Option<String> {
        match self.value(now, sdp, locals, Some(id)) {
            Value::String(sdp) if !sdp.is_empty() && sdp.len() <= SDP_BYTES_MAX => Some(sdp),
            _ => None,
        }
    }

    fn signal(&mut self, from: &str, signal: Option<Signal>, polite: bool) {
        let heard = match signal {
            Some(signal) => Heard::Signal { from: from.to_owned(), signal, polite },
            None => Heard::Nonsense,
        };
        self.outputs.push_back(Output::Heard(heard));
    }

    fn complain(&mut self, class: ErrorClass, who: Option<&str>, mut detail: String) {
        if !self.me.token.is_empty() {
            // A server that says which token it did not like would have it in every report.
            detail = detail.replace(&self.me.token, "***");
        }
        let heard = match (class, who) {
            (ErrorClass::Fatal, _) => Heard::Refused(Failure::new(Phase::Join, Reason::Rejected, detail)),
            (ErrorClass::Pair, Some(who)) => Heard::PairRefused { who: who.to_owned(), detail },
            (ErrorClass::Pair, None) => Heard::Nonsense,
            (ErrorClass::Note, _) => return,
        };
        self.outputs.push_back(Output::Heard(heard));
    }
}

/// W3C RTCIceCandidateInit, or its first line alone. Nothing at all is the end of candidates.
fn candidate(value: &Value) -> Option<Signal> {
    let line = match value {
        Value::Null => "",
        Value::String(line) => line,
        Value::Object(entries) => match entries.get("candidate") {
            Some(Value::String(line)) => line,
            Some(Value::Null) | None => "",
            Some(_) => return None,
        },
        _ => return None,
    };
    if line.is_empty() {
        return Some(Signal::EndOfCandidates);
    }
    let field = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let index = value.get("sdpMLineIndex").and_then(Value::as_u64).and_then(|line| u16::try_from(line).ok());
    let ufrag = field("usernameFragment");
    Some(Signal::Candidate(Candidate { candidate: line.to_owned(), mid: field("sdpMid"), line: index, ufrag }))
}
