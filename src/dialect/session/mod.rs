//! Executes a compiled dialect for one peer: state, inputs and timers of a `Conversation`.

mod actions;
mod again;
mod join;
mod joining;
mod member_lists;
mod notes;
mod preparation;
mod receive;
mod repeats;
mod request;
mod send;

use super::Trial;
use super::conversation::{CarriedFields, Connect, Conversation, Input, Output, PeerIdentity, Prepare};
use crate::dialect::compile::compiled::{CompiledDialect, Discovery};
use crate::dialect::language::codec::{MqttConnect, Wire};
use crate::dialect::language::evaluate::LookupView;
use crate::dialect::language::filter;
use crate::dialect::language::names::{BUILT_IN, JOINED, ME};
use crate::dialect::language::roster::Roster;
use crate::dialect::language::template::Template;
use crate::vocabulary::{FrameNote, FrameNoteKind, Heard};
use joining::Joining;
use rand_chacha::ChaCha8Rng;
use repeats::FrameRepeats;
use request::{cookie_header, filled, http_url, in_url};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

pub(super) struct Session {
    dialect: Arc<CompiledDialect>,
    me: PeerIdentity,
    state: State,
    rng: ChaCha8Rng,
    joining: Joining,
    trial: Trial,
    repeats: FrameRepeats,
    /// The first note of each shape.
    notes: Vec<Arc<FrameNote>>,
    /// The shapes of frames that came during the join and were not those that it waits for.
    came_instead: Vec<String>,
    /// The line of the rule or step that took the frame just handled.
    taken_by: Option<usize>,
    /// Frames are written as the server passes them on, for a check without a server.
    relays: bool,
    /// The number of frames sent.
    reference: u64,
    /// Socket.IO's connect packet is said, and nothing was heard since.
    awaits_connect: bool,
    /// The number under which that frame asks to be acknowledged.
    acknowledgement: Option<u64>,
    /// The other peers that have joined, passed inside the process: the id, and true if it joined before this peer.
    present: Vec<(String, bool)>,
    shared: BTreeMap<String, Value>,
    /// The due time of each timer of the dialect; empty before the join.
    timers: Vec<Instant>,
    /// The last execution of each step with a pause.
    pauses: Vec<Option<Instant>>,
    outputs: VecDeque<Output>,
    /// The id that `select_peer` found last, as received.
    wire_id: Option<Value>,
    /// The times of the last replies, by the peer that they answer.
    replies: BTreeMap<String, Instant>,
    /// The current frame names a peer without a place, or an id or a name that is too long.
    refused: bool,
    /// A list has named peers without a place; that is reported once.
    strangers_listed: bool,
}

/// The values that conditions and templates read.
struct State {
    globals: Vec<Value>,
    /// The number of changes of `globals`.
    revision: u64,
    members: Roster,
}

impl State {
    fn view<'a>(
        &'a self,
        dialect: &'a CompiledDialect,
        now_ms: u64,
        locals: &'a [Value],
        peer: Option<&str>,
    ) -> LookupView<'a> {
        LookupView {
            globals: &self.globals,
            locals,
            list_text: None,
            peer: peer.and_then(|id| self.members.get(id)),
            members: &self.members,
            now_ms,
            initiate: &dialect.initiate,
        }
    }
}

impl Conversation for Session {
    fn connect(&mut self, base: &str) -> Connect {
        let dialect = self.dialect.clone();
        let base = if dialect.wire == Wire::EventStream { &http_url(base) } else { base };
        let locals = [Value::from(base.trim_end_matches('/'))];
        let now_ms = self.me.epoch.1;
        let encode = |value: String| if locals[0] == value { value } else { in_url(&value) };
        let view = self.state.view(&dialect, now_ms, &locals, None);
        let mut url = match &dialect.connect.url {
            // The URL as typed, with its trailing slash.
            Template::Hole(_) => base.to_owned(),
            url => url.text_with(view, &mut self.rng, &encode),
        };
        if base.contains('?')
            && let Some(rest) = url.strip_prefix(base).and_then(|rest| rest.strip_prefix('?'))
        {
            url = format!("{base}&{rest}");
        }
        let mut headers = filled(&dialect.connect.headers, view, &mut self.rng);
        headers.extend(cookie_header(&filled(&dialect.connect.cookies, view, &mut self.rng)));
        let mut text = |value: &Template| value.text(view, &mut self.rng);
        let mut subprotocol = dialect.connect.subprotocol.as_ref().map(&mut text);
        let mut wire = dialect.wire.clone();
        if let Some(mqtt) = &dialect.connect.mqtt {
            subprotocol.get_or_insert_with(|| "mqtt".to_owned());
            wire = Wire::Mqtt(Arc::new(MqttConnect {
                is_v5: mqtt.is_v5,
                client: text(&mqtt.client),
                keep_alive_s: mqtt.keep_alive.as_secs() as u16,
                user: mqtt.user.as_ref().map(&mut text),
                password: mqtt.password.as_ref().map(&mut text),
                will: mqtt.will.as_ref().map(&mut text),
            }));
        }
        Connect { url, headers, subprotocol, wire }
    }

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Open => {
                self.take_prepared();
                self.report_own_id();
                self.joining.open();
                self.run_join(now);
            }
            Input::Frame(text) if self.dialect.separator.is_empty() => self.receive_record(now, text),
            Input::Frame(text) => {
                let dialect = self.dialect.clone();
                let records = text.split(dialect.separator.as_str()).filter(|record| !record.is_empty());
                records.for_each(|record| self.receive_record(now, record));
            }
            Input::Say(message) => {
                self.send_message(now, message);
                self.run_join(now);
            }
            Input::Present { id, earlier } => {
                self.present.push((id.to_owned(), earlier));
                if self.has_joined() && self.dialect.discovery == Discovery::Harness {
                    self.report_present(now);
                }
            }
            Input::Back { id } => {
                self.state.members.forget(id);
                self.replies.remove(id);
                self.present.retain(|(other, _)| other != id);
            }
            Input::Named { id } => self.state.members.set_named(id),
            Input::Gone { id } => self.state.members.set_gone(id),
            Input::Turn => {
                self.joining.turn = true;
                self.run_join(now);
            }
            Input::Shared { name, json } => {
                self.shared.insert(name.to_owned(), serde_json::from_str(json).unwrap_or_default());
                self.run_join(now);
            }
            Input::Wake => self.wake(now),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        let is_kept = |output: &Output| !matches!(output, Output::Heard(heard) if heard.who().is_some());
        let observes = self.trial.observes;
        std::iter::from_fn(|| self.outputs.pop_front()).find(|output| !observes || is_kept(output))
    }

    fn wake_at(&self) -> Option<Instant> {
        self.timers.iter().copied().chain(self.joining.until).chain(self.repeats.wake_at()).min()
    }

    fn preparation(&self) -> Option<Box<dyn Prepare>> {
        self.prepare()
    }

    fn waits_for(&self) -> Option<String> {
        self.join_in_words()
    }

    fn closed_because(&self) -> Option<&'static str> {
        self.awaits_connect.then_some(match self.dialect.wire {
            Wire::Text => {
                "closed at Socket.IO's connect packet: another parser? frames = \"binary\" speaks MessagePack"
            }
            _ => "closed at Socket.IO's connect packet: another parser? without frames = \"binary\" it is text",
        })
    }

    fn carried(&self) -> CarriedFields {
        self.carried_fields()
    }
}

impl Session {
    pub(super) fn new(dialect: Arc<CompiledDialect>, trial: Trial, me: PeerIdentity) -> Self {
        let mut globals = vec![Value::Null; BUILT_IN.len() + dialect.vars.len()];
        let built_in: [Value; BUILT_IN.len()] = [
            me.id.as_str().into(),
            Value::Null,
            me.name.as_str().into(),
            me.room.as_str().into(),
            me.token.as_str().into(),
            me.index.into(),
            me.seat.into(),
            me.size.into(),
            me.host.into(),
            word(&me.trigger),
            word(&me.initiator),
            false.into(),
            Value::Array(vec![]),
            word(&me.approval),
            0.into(),
            me.data.clone(),
        ];
        globals[..BUILT_IN.len()].clone_from_slice(&built_in);
        let rng = me.seed.stream("dialect", me.index.into());
        let first = me.index.saturating_sub(me.seat.into());
        let room = first..first + u32::from(me.size);
        let state = State { globals, revision: 0, members: Roster::new(me.naming.clone(), room, me.guests.into()) };
        let joining = Joining::default();
        let pauses = vec![None; dialect.pauses];
        let mut session = Self {
            dialect,
            me,
            state,
            rng,
            joining,
            trial,
            repeats: FrameRepeats::default(),
            notes: vec![],
            came_instead: vec![],
            taken_by: None,
            relays: false,
            reference: 0,
            awaits_connect: false,
            acknowledgement: None,
            present: vec![],
            shared: BTreeMap::new(),
            timers: vec![],
            pauses,
            outputs: VecDeque::new(),
            wire_id: None,
            replies: BTreeMap::new(),
            refused: false,
            strangers_listed: false,
        };
        session.draw_values();
        if session.own_id() != session.me.id {
            // The server may mention a peer of the room before the process knows its id.
            session.state.members.add_places(session.me.size.into());
        }
        session
    }

    /// Sets the peer's own id and the variables: the id first, which variables may read, unless it reads one of them.
    fn draw_values(&mut self) {
        let dialect = self.dialect.clone();
        let vars = (BUILT_IN.len()..).zip(&dialect.vars);
        let id = dialect.me.as_ref().map(|own| (ME, own));
        let (before, after) = match id {
            Some((_, own)) if vars.clone().any(|(slot, _)| own.reads_global(slot)) => (None, id),
            _ => (id, None),
        };
        for (slot, template) in before.into_iter().chain(vars).chain(after) {
            self.state.globals[slot] = self.value(self.me.epoch.0, template, &[], None);
        }
    }

    /// Handles one record of a frame.
    fn receive_record(&mut self, now: Instant, record: &str) {
        let before = self.outputs.len();
        let (kind, concern) = self.receive(now, record);
        self.capture_read(record, kind, &concern, before);
        // `Output::Frame` precedes any answer, so that an answer is never recorded before its request.
        self.outputs.insert(before, Output::Frame { kind, bytes: record.len() as u32, concern });
        self.run_join(now);
    }

    /// A session whose frames are as the server passes them on, for a check without a server.
    pub(super) fn relayed(dialect: Arc<CompiledDialect>, me: PeerIdentity) -> Self {
        let mut session = Self::new(dialect, Trial { captures: true, ..Trial::default() }, me);
        session.relays = true;
        session
    }

    /// A session that has joined as `id`, for a check without a server.
    pub(super) fn joined(dialect: Arc<CompiledDialect>, me: PeerIdentity, id: Option<&Value>) -> Self {
        let mut session = Self::relayed(dialect, me);
        id.into_iter().for_each(|id| session.set(ME, id.clone()));
        session.joining.over = true;
        session.state.globals[JOINED] = Value::Bool(true);
        session.outputs.clear();
        session
    }

    /// The peer's own id as frames carry it.
    pub(super) fn wire_id(&self) -> &Value {
        &self.state.globals[ME]
    }

    fn has_joined(&self) -> bool {
        self.state.globals[JOINED] == Value::Bool(true)
    }

    pub(super) fn own_id(&self) -> String {
        filter::text(&self.state.globals[ME])
    }

    fn value(&mut self, now: Instant, template: &Template, locals: &[Value], peer: Option<&str>) -> Value {
        let dialect = self.dialect.clone();
        let view = self.state.view(&dialect, self.me.timestamp(now), locals, peer);
        template.value(view, &mut self.rng)
    }

    fn set(&mut self, slot: usize, value: Value) {
        self.state.revision += u64::from(self.state.globals[slot] != value);
        self.state.globals[slot] = value;
        if slot == ME {
            self.report_own_id();
        }
    }

    fn report_own_id(&mut self) {
        let id = self.own_id();
        if !id.is_empty() {
            self.outputs.push_back(Output::Known { id });
        }
    }

    fn finish_join(&mut self, now: Instant) {
        if self.has_joined() {
            return;
        }
        self.state.globals[JOINED] = Value::Bool(true);
        if self.dialect.me.is_none() && self.own_id().is_empty() {
            let dialect = self.dialect.clone();
            self.note_flaw(
                FrameNoteKind::Unwritten,
                "id",
                "the peer has joined and has no id: no step sets `me`",
                dialect.id_line,
            );
        }
        self.state.revision += 1;
        self.outputs.push_back(Output::Heard(Heard::Joined));
        self.timers = self.dialect.timers.iter().map(|timer| now + timer.every).collect();
        if self.dialect.discovery == Discovery::Harness {
            self.report_present(now);
        }
    }

    fn wake(&mut self, now: Instant) {
        let dialect = self.dialect.clone();
        for (index, timer) in dialect.timers.iter().enumerate() {
            if self.timers.get(index).is_some_and(|due| *due <= now) {
                self.timers[index] = now + timer.every;
                let view = self.state.view(&dialect, self.me.timestamp(now), &[], None);
                if timer.when.as_ref().is_none_or(|when| when.holds(view)) {
                    self.send_all(now, &timer.say, &[], None);
                }
            }
        }
        self.repeat_due(now);
        self.run_join(now);
    }
}

/// An option of the profile, by its name there.
fn word(choice: &impl serde::Serialize) -> Value {
    serde_json::to_value(choice).unwrap_or_default()
}
