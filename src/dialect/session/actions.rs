//! Runs the steps of a rule whose pattern fits a frame.

use super::Session;
use crate::dialect::Output;
use crate::dialect::compile::compiled::{Action, ErrorClass, PeerSelector, Rule, Step};
use crate::dialect::language::expression::Expression;
use crate::dialect::language::filter::text;
use crate::dialect::language::names::ME;
use crate::dialect::language::template::Template;
use crate::vocabulary::{Candidate, Concern, Failure, FrameNoteKind, Heard, Phase, Reason, Signal};
use serde_json::Value;
use std::time::{Duration, Instant};

/// The longest accepted id or name, in bytes.
const WORD_BYTES_MAX: usize = 256;

/// The longest accepted value of a variable, in bytes: frames may repeat it.
const VARIABLE_BYTES_MAX: usize = 4 * 1024;

/// The most bytes of a server's error word that are kept: failures are grouped and reported by it.
const DETAIL_BYTES_MAX: usize = 200;

/// The time between two replies to one peer.
const REPLY_PAUSE: Duration = Duration::from_secs(1);

impl Session {
    /// Runs the steps in order, and returns the frame's addressee.
    pub(super) fn run_actions(&mut self, now: Instant, rule: &Rule, locals: &mut [Value]) -> Concern<String> {
        let mut touched = vec![];
        let concern = self.run_steps(now, rule, locals, &mut touched);
        for id in touched {
            if let Some(other) = self.state.members.get_mut(&id) {
                other.mark_known();
            }
        }
        if std::mem::take(&mut self.refused) {
            self.outputs.push_back(Output::Heard(Heard::Nonsense));
        }
        concern
    }

    fn run_steps(
        &mut self,
        now: Instant,
        rule: &Rule,
        locals: &mut [Value],
        touched: &mut Vec<String>,
    ) -> Concern<String> {
        let mut concern = Concern::Me { from: None };
        let mut from = None;
        for (position, step) in rule.steps.iter().enumerate() {
            let peer = match &step.peer {
                None => None,
                Some(selector) => match self.select_peer(now, selector, locals) {
                    Some(found) if found != self.own_id() => Some(found),
                    _ if position == 0 && self.refused => return Concern::Me { from: None },
                    // The peer's own frame came back, or the frame names no peer.
                    _ if position == 0 => return Concern::Others,
                    _ => continue,
                },
            };
            if position == 0 {
                concern = Concern::Me { from: peer.clone() };
            }
            from = peer.clone().or(from);
            match step.action {
                Action::Ignore => concern = Concern::Others,
                Action::Heard => {
                    // Without a word of a room or addressee, only the sender tells for whom the frame is.
                    let is_ours = |id: &String| rule.is_addressed || self.state.members.is_of_room(id);
                    if position == 0 && !peer.as_ref().is_some_and(is_ours) {
                        concern = Concern::Others;
                    }
                    continue;
                }
                Action::Elsewhere => {
                    concern = Concern::Elsewhere { from: peer };
                    continue;
                }
                _ => {}
            }
            if let Some(id) = &peer
                && !matches!(step.action, Action::Left | Action::Error { .. })
            {
                let wire_id = self.wire_id.take().unwrap_or_else(|| Value::from(id.as_str()));
                if !self.meet(id, &wire_id) {
                    continue;
                }
                touched.push(id.clone());
            }
            self.run_step(now, step, (peer.as_deref(), from.as_deref()), locals, touched);
        }
        concern
    }

    /// The id of the peer that a step is about; a pooled offer's answerer takes over its pair variables.
    fn select_peer(&mut self, now: Instant, selector: &PeerSelector, locals: &[Value]) -> Option<String> {
        match selector {
            PeerSelector::Id(template) => {
                let wire_id = self.value(now, template, locals, None);
                let id = text(&wire_id);
                if id.is_empty() || !self.is_short(&id) {
                    return None;
                }
                self.wire_id = Some(wire_id);
                Some(id)
            }
            PeerSelector::Pair { slot, is } => {
                let value = self.value(now, is, locals, None);
                self.state.members.with_pair(*slot, &value).map(str::to_owned)
            }
            PeerSelector::Pool { slot, is, from } => {
                let value = self.value(now, is, locals, None);
                let wire_id = self.value(now, from, locals, None);
                let (provisional, actual) = (self.state.members.with_pair(*slot, &value)?.to_owned(), text(&wire_id));
                if !self.is_short(&actual) {
                    return None;
                }
                if provisional != actual {
                    if !self.meet(&actual, &wire_id) {
                        return None;
                    }
                    self.state.members.swap_pairs(&provisional, &actual);
                    self.outputs.push_back(Output::Swap { one: provisional, other: actual.clone() });
                }
                Some(actual)
            }
        }
    }

    /// Runs a step about `peer`, in answer to a frame of `from`.
    fn run_step(
        &mut self,
        now: Instant,
        step: &Step,
        (peer, from): (Option<&str>, Option<&str>),
        locals: &mut [Value],
        touched: &mut Vec<String>,
    ) {
        if let Action::Peers { .. } = step.action {
            return self.run_peers_step(now, step, locals, touched);
        }
        if !self.holds(now, step.when.as_ref(), true, locals, peer) || !self.cooldown_over(now, step) {
            return;
        }
        // Politeness is judged by the pair variables from before this frame.
        let dialect = self.dialect.clone();
        let polite = match &step.action {
            Action::Offer { polite, .. } => {
                self.holds(now, Some(polite.as_ref().unwrap_or(&dialect.polite)), true, locals, peer)
            }
            _ => self.holds(now, Some(&dialect.polite), true, locals, peer),
        };
        if let Some(id) = peer {
            self.update_entry(now, step, id, locals, polite);
        }
        self.set_variables(now, &step.set, locals);
        match (&step.action, peer) {
            (Action::Peer { start, initiate }, Some(id)) => {
                self.report_peer(now, id, start.as_ref(), initiate.as_ref(), locals);
            }
            (Action::Left, Some(id)) => {
                let was_known = self.state.members.remove(id);
                self.outputs.extend(was_known.then(|| Output::Heard(Heard::Left { who: id.to_owned() })));
            }
            (Action::Offer { sdp, .. }, Some(id)) => {
                let sdp = text(&self.value(now, sdp, locals, Some(id)));
                self.signal(id, Some(Signal::Offer { sdp }), polite);
            }
            (Action::Answer { sdp }, Some(id)) => {
                self.repeats.answered(id);
                let sdp = text(&self.value(now, sdp, locals, Some(id)));
                self.signal(id, Some(Signal::Answer { sdp }), polite);
            }
            (Action::Candidate { value, is_bound }, Some(id)) => {
                let value = self.value(now, value, locals, Some(id));
                if value.is_null() && !is_bound {
                    let line = self.taken_by.unwrap_or(1);
                    let why = "the value of a candidate is null; an end of candidates would be in the frame itself";
                    return self.note_flaw(FrameNoteKind::NullValue, "candidate", why, line);
                }
                self.signal(id, candidate(&value), polite);
            }
            (Action::End, Some(id)) => self.signal(id, Some(Signal::EndOfCandidates), polite),
            (Action::Error { class, text: template }, _) => {
                let detail = text(&self.value(now, template, locals, peer));
                self.report_error(*class, peer, detail);
            }
            (Action::Say(_) | Action::Send(_), _) if !self.may_reply(now, from) => {}
            (Action::Say(templates), of) => self.send_each(now, templates, &[], of, step.addressed),
            (Action::Send(template), of) => self.send(now, template, locals, of, step.addressed),
            (Action::Acknowledge(arguments), _) => self.acknowledge(now, arguments, locals, peer),
            (Action::Share(shared), _) => self.share(now, shared, locals),
            (Action::Joined, _) => self.finish_join(now),
            _ => {}
        }
    }

    /// At most one reply a pair and second, and no more pairs in a second than the roster has places: a server can't make
    /// a room talk to itself. A frame that names no peer costs at most the frame that answers it.
    fn may_reply(&mut self, now: Instant, to: Option<&str>) -> bool {
        let Some(to) = to else { return true };
        if self.trial.observes {
            return false;
        }
        if self.replies.get(to).is_some_and(|last| now < *last + REPLY_PAUSE) {
            return false;
        }
        if self.replies.len() >= self.state.members.places() {
            self.replies.retain(|_, last| now < *last + REPLY_PAUSE);
        }
        let may = self.replies.len() < self.state.members.places();
        if may {
            self.replies.insert(to.to_owned(), now);
        }
        may
    }

    /// The id or name is short enough to be kept and repeated; otherwise the frame is refused.
    pub(super) fn is_short(&mut self, word: &str) -> bool {
        let short = word.len() <= WORD_BYTES_MAX;
        self.refused |= !short;
        short
    }

    /// The step's pause is over; if so, it starts again.
    pub(super) fn cooldown_over(&mut self, now: Instant, step: &Step) -> bool {
        let Some((slot, pause)) = step.pause else { return true };
        let cooldown_over = self.pauses[slot].is_none_or(|done| done + pause <= now);
        if cooldown_over {
            self.pauses[slot] = Some(now);
        }
        cooldown_over
    }

    /// Stores a step's name, marks and pair variables in the peer's roster entry.
    pub(super) fn update_entry(&mut self, now: Instant, step: &Step, id: &str, locals: &[Value], polite: bool) {
        let marks: Vec<(usize, bool)> = step
            .marks
            .iter()
            .map(|(slot, expression)| (*slot, self.holds(now, Some(expression), false, locals, Some(id))))
            .collect();
        let nameless = self.state.members.get(id).is_some_and(|other| other.name().is_empty());
        let name = step.name.as_ref().filter(|_| nameless);
        let name = name.map(|name| text(&self.value(now, name, locals, Some(id))));
        let name = name.filter(|name| self.is_short(name));
        let mut captured = vec![];
        for (slot, template) in &step.capture {
            let value = self.value(now, template, locals, Some(id));
            if self.is_short(&text(&value)) {
                captured.push((*slot, value));
            }
        }
        let pairs = self.dialect.pair.len();
        let Some(other) = self.state.members.get_mut(id) else { return };
        marks.into_iter().for_each(|(slot, flag)| other.mark(slot, flag));
        if let Some(name) = name {
            other.set_name(name);
        }
        // If both peers have offered, the pair variables are those of the winning offer.
        if !captured.is_empty() && (other.pair().is_empty() || polite) {
            let pair = other.pair_mut();
            pair.resize(pairs, Value::Null);
            captured.into_iter().for_each(|(slot, value)| pair[slot] = value);
        }
    }

    /// Reports a peer of the room as `Heard::Met`, if that changes anything.
    pub(super) fn report_peer(
        &mut self,
        now: Instant,
        id: &str,
        start: Option<&Expression>,
        initiate: Option<&Expression>,
        locals: &[Value],
    ) {
        let dialect = self.dialect.clone();
        let start = dialect.negotiates() && self.holds(now, start, true, locals, Some(id));
        // A step's own `initiate` is valid for its frame only.
        let revision = initiate.is_none().then_some(self.state.revision);
        let initiate = self.holds(now, initiate.or(Some(&dialect.initiate)), true, locals, Some(id));
        let Some(other) = self.state.members.get_mut(id) else { return };
        let change = other.change(start, initiate, revision);
        if let Some((start, initiate)) = change {
            self.outputs.push_back(Output::Heard(Heard::Met { who: id.to_owned(), start, initiate }));
        }
    }

    /// Reports the peers whose ids were passed inside the process.
    pub(super) fn report_present(&mut self, now: Instant) {
        for (id, earlier) in std::mem::take(&mut self.present) {
            if id == self.own_id() {
                continue;
            }
            if let Some(other) = self.state.members.entry(&id, &Value::from(id.as_str())) {
                other.mark_known();
                other.mark(0, !earlier);
            }
            self.report_peer(now, &id, None, None, &[]);
        }
    }

    pub(super) fn set_variables(&mut self, now: Instant, settings: &[(usize, Template)], locals: &[Value]) {
        for (slot, template) in settings {
            let value = self.value(now, template, locals, None);
            let bytes_max = if *slot == ME { WORD_BYTES_MAX } else { VARIABLE_BYTES_MAX };
            if text(&value).len() <= bytes_max {
                self.set(*slot, value);
            } else {
                self.refused = true;
            }
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
        let view = self.state.view(&self.dialect, self.me.timestamp(now), locals, peer);
        condition.map_or(default, |condition| condition.holds(view))
    }

    fn signal(&mut self, from: &str, signal: Option<Signal>, polite: bool) {
        let heard = match signal {
            Some(signal) => Heard::Signal { from: from.to_owned(), signal, polite },
            None => Heard::Nonsense,
        };
        self.outputs.push_back(Output::Heard(heard));
    }

    fn report_error(&mut self, class: ErrorClass, peer: Option<&str>, mut detail: String) {
        if !self.me.token.is_empty() {
            // A server may echo the rejected token, which must not reach a report.
            detail = detail.replace(&self.me.token, "***");
        }
        if detail.len() > DETAIL_BYTES_MAX {
            detail.truncate(detail.floor_char_boundary(DETAIL_BYTES_MAX));
            detail.push('…');
        }
        if class != ErrorClass::Fatal {
            // Not every error of a pair ends it, and its words must reach the report all the same.
            self.note(FrameNoteKind::ServerError, detail.clone(), &Value::from(detail.as_str()));
        }
        let heard = match (class, peer) {
            (ErrorClass::Fatal, _) => Heard::Refused(Failure::new(Phase::Join, Reason::Rejected, detail)),
            (ErrorClass::Pair, Some(id)) => Heard::PairRefused { who: id.to_owned(), detail },
            (ErrorClass::Pair, None) => Heard::Nonsense,
            (ErrorClass::Note, _) => return,
        };
        self.outputs.push_back(Output::Heard(heard));
    }
}

/// Reads a W3C RTCIceCandidateInit, or only its `candidate` line; an empty one is the end of candidates.
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
