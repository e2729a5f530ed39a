//! Writes frames: signals of the peer, replies of rules, repeats of timers.

use super::Session;
use super::request::in_url;
use crate::dialect::compile::compiled::FrameTemplate;
use crate::dialect::language::codec::{Codec, Wire, socket_io_packet};
use crate::dialect::language::names::{OFFERS, REF};
use crate::dialect::language::template::Template;
use crate::dialect::{CarriedFields, Output};
use crate::vocabulary::{Candidate, FrameKind, FrameNoteKind, Say, Signal};
use serde_json::{Value, json};
use std::time::Instant;

impl Session {
    pub(super) fn send_message(&mut self, now: Instant, message: Say<String>) {
        let dialect = self.dialect.clone();
        match message {
            Say::Leave if dialect.signals.leave_each => {
                for id in self.state.members.ids() {
                    self.send_all(now, &dialect.signals.leave, &[], Some(&id));
                }
            }
            Say::Leave => self.send_all(now, &dialect.signals.leave, &[], None),
            Say::Signal { to, signal } => {
                let signals = &dialect.signals;
                let end = signal == Signal::EndOfCandidates;
                let (templates, locals) = match signal {
                    Signal::Offer { sdp } => (&signals.offer, [sdp.into(), Value::Null]),
                    Signal::Answer { sdp } => (&signals.answer, [sdp.into(), Value::Null]),
                    Signal::Candidate(_) if !dialect.trickle => return,
                    Signal::Candidate(candidate) => (&signals.candidate, [Value::Null, init(candidate)]),
                    Signal::EndOfCandidates => (&signals.end, [Value::Null, Value::Null]),
                };
                if !self.meet(&to, &Value::from(to.as_str())) {
                    return;
                }
                if std::ptr::eq(templates, &signals.offer) {
                    self.make_pair(now, &to);
                    if self.joining.pooling.is_some() {
                        return self.pool(now, &to, &locals);
                    }
                    self.note_offer(now, &to, &locals);
                }
                self.check_carried(templates, &locals, end);
                self.send_all(now, templates, &locals, Some(&to));
            }
        }
    }

    /// Notes a part of the negotiation that no frame carries; without a frame for the end of candidates there is none.
    fn check_carried(&mut self, templates: &[usize], locals: &[Value; 2], is_end: bool) {
        let dialect = self.dialect.clone();
        let (slot, name) = if locals[0].is_null() { (1, "candidate") } else { (0, "sdp") };
        let mut frames = templates.iter().filter_map(|index| dialect.templates.get(*index)).peekable();
        let signals = &dialect.signals;
        let part = [(&signals.offer, "offer"), (&signals.answer, "answer")];
        let part =
            part.iter().find(|(of, _)| std::ptr::eq(of.as_slice(), templates)).map_or("candidate", |(_, name)| name);
        match frames.peek() {
            _ if is_end => {}
            None => {
                let why = format!("the dialect has no frame for `{part}`, so nothing was written");
                self.note_flaw(FrameNoteKind::Unwritten, part, &why, signals.line);
            }
            Some(first) => {
                let line = first.line;
                if !frames.any(|template| template.frame.reads_local(slot)) {
                    let why = format!("the frame of `{part}` carries no {{{name}}}");
                    self.note_flaw(FrameNoteKind::Unwritten, part, &why, line);
                }
            }
        }
    }

    pub(super) fn carried_fields(&self) -> CarriedFields {
        let signals = &self.dialect.signals;
        let has = |key: &str| {
            let templates = signals.candidate.iter().filter_map(|index| self.dialect.templates.get(*index));
            templates.into_iter().any(|template| template.frame.reads_field(1, key))
        };
        CarriedFields { mid: has("sdpMid"), line: has("sdpMLineIndex"), end: !signals.end.is_empty() }
    }

    /// Sends each of `templates` to `to`, which `peer` and `pair` refer to.
    pub(in crate::dialect) fn send_all(
        &mut self,
        now: Instant,
        templates: &[usize],
        locals: &[Value],
        to: Option<&str>,
    ) {
        self.send_each(now, templates, locals, to, true);
    }

    /// Sends each of `templates` about the peer `of`; unless `addressed` to it, to the whole room.
    pub(super) fn send_each(
        &mut self,
        now: Instant,
        templates: &[usize],
        locals: &[Value],
        of: Option<&str>,
        addressed: bool,
    ) {
        let dialect = self.dialect.clone();
        for template in templates.iter().filter_map(|index| dialect.templates.get(*index)) {
            self.send(now, template, locals, of, addressed);
        }
    }

    pub(super) fn send(
        &mut self,
        now: Instant,
        template: &FrameTemplate,
        locals: &[Value],
        of: Option<&str>,
        addressed: bool,
    ) {
        let dialect = self.dialect.clone();
        // No pair's `initiate` should depend on it, so it is no change of the variables.
        self.reference += 1;
        self.state.globals[REF] = self.reference.into();
        let view = self.state.view(&dialect, self.me.timestamp(now), locals, of);
        let frame = template.relayed.as_ref().filter(|_| self.relays).unwrap_or(&template.frame);
        let content = match dialect.codec {
            Codec::Text => frame.text(view, &mut self.rng),
            Codec::Json | Codec::SocketIo => {
                let mut content = String::with_capacity(256);
                frame.write(&mut content, view, &mut self.rng);
                content
            }
        };
        let text = dialect.codec.encode(content, &dialect.connect.namespace) + &dialect.separator;
        let (kind, to) = (template.kind, of.filter(|_| addressed).map(str::to_owned));
        if self.trial.captures {
            self.outputs.push_back(Output::Written { text: text.as_str().into(), kind, to: to.clone() });
        }
        let text = if dialect.wire == Wire::EventStream && !self.relays {
            let view = self.state.view(&dialect, self.me.timestamp(now), locals, of);
            let url = template.post.as_ref().or(dialect.connect.post.as_ref());
            let url = url.map(|url| url.text_with(view, &mut self.rng, &|value| in_url(&value)));
            format!("{}\n{text}", url.unwrap_or_default())
        } else {
            text
        };
        self.outputs.push_back(Output::Send { text, kind, to });
    }

    /// The packet that connects to the Socket.IO namespace.
    pub(super) fn connect_packet(&mut self) -> String {
        let dialect = self.dialect.clone();
        let view = self.state.view(&dialect, self.me.epoch.1, &[], None);
        let mut auth = String::new();
        dialect.connect.auth.iter().for_each(|template| template.write(&mut auth, view, &mut self.rng));
        socket_io_packet('0', &dialect.connect.namespace, &auth)
    }

    /// Answers the frame just read with `arguments`, a list, if it asks to be acknowledged.
    pub(super) fn acknowledge(&mut self, now: Instant, arguments: &Template, locals: &[Value], of: Option<&str>) {
        let Some(number) = self.acknowledgement.take() else { return };
        let arguments = match self.value(now, arguments, locals, of) {
            list @ Value::Array(_) => list,
            one => Value::Array(vec![one]),
        };
        let text = socket_io_packet('3', &self.dialect.connect.namespace, &format!("{number}{arguments}"));
        self.outputs.push_back(Output::Send { text, kind: FrameKind(0), to: None });
    }

    /// Stores an offer without addressee in the variable `offers`.
    fn pool(&mut self, now: Instant, to: &str, locals: &[Value]) {
        let dialect = self.dialect.clone();
        for template in dialect.signals.offer.iter().filter_map(|index| dialect.templates.get(*index)) {
            let offer = self.value(now, &template.frame, locals, Some(to));
            if let Value::Array(offers) = &mut self.state.globals[OFFERS] {
                self.state.revision += 1;
                offers.push(offer);
            }
        }
    }

    /// Draws the pair variables of a first offer.
    fn make_pair(&mut self, now: Instant, to: &str) {
        if self.state.members.get(to).is_none_or(|other| !other.pair().is_empty()) {
            return;
        }
        let dialect = self.dialect.clone();
        let mut made = vec![];
        for template in &dialect.pair {
            made.push(self.value(now, template, &[], Some(to)));
        }
        if let Some(other) = self.state.members.get_mut(to) {
            *other.pair_mut() = made;
        }
    }

    /// Adds a peer to the roster; false if it has no place there, and so is sent nothing.
    pub(in crate::dialect) fn meet(&mut self, id: &str, wire_id: &Value) -> bool {
        let has_place = self.state.members.entry(id, wire_id).is_some();
        self.refused |= !has_place;
        has_place
    }
}

/// Writes a W3C RTCIceCandidateInit.
fn init(candidate: Candidate) -> Value {
    let Candidate { candidate, mid, line, ufrag } = candidate;
    json!({ "candidate": candidate, "sdpMid": mid, "sdpMLineIndex": line, "usernameFragment": ufrag })
}
