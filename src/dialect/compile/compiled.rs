//! A compiled dialect: the validated rules, templates and timers that a conversation executes.

use crate::dialect::language::codec::{Codec, Wire};
use crate::dialect::language::expression::Expression;
use crate::dialect::language::pattern::Pattern;
use crate::dialect::language::template::Template;
use crate::dialect::prefilter::list_text::ListText;
use crate::dialect::prefilter::member_list::MemberList;
use crate::dialect::prefilter::{Looks, Remainder};
use crate::vocabulary::{FrameKind, Problem};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct CompiledDialect {
    pub name: String,
    pub description: String,
    pub sample: String,
    /// The source text; `None` for a built-in.
    pub file_text: Option<String>,
    /// Places that work, and may not do as was meant.
    pub remarks: Vec<Problem>,
    /// The file's name, for places in it.
    pub file: String,
    /// The line of `id`; 1 without one.
    pub id_line: usize,
    pub codec: Codec,
    pub wire: Wire,
    pub kinds: Vec<String>,
    pub discovery: Discovery,
    pub trickle: bool,
    pub leave_notices: u8,
    /// Peers need ids or values of their room's other peers, passed inside the process.
    pub needs_id_exchange: bool,
    /// The columns of `--data` that it reads.
    pub data_columns: Vec<String>,
    /// The dialect depends on the profile's trigger.
    pub reads_trigger: bool,
    pub experiments: AllowedRepeats,
    pub before: Vec<HttpStep>,
    pub connect: ConnectTemplates,
    /// Ends each record, of which a frame may have several; empty if a frame is one.
    pub separator: String,
    /// The peer's own id; `None` if the server assigns it.
    pub me: Option<Template>,
    /// Initial values of the file's variables; their slots follow those of the built-in ones.
    pub vars: Vec<Template>,
    pub pair: Vec<Template>,
    pub initiate: Expression,
    /// `initiate` depends only on variables and on the roster entry of the other peer.
    pub is_steady: bool,
    pub polite: Expression,
    pub templates: Vec<FrameTemplate>,
    pub signals: SignalTemplates,
    pub join: Vec<JoinStep>,
    /// The join of the room's host, if it differs.
    pub join_first: Option<Vec<JoinStep>>,
    /// A rule acknowledges the join; otherwise the last join step does.
    pub acknowledged: bool,
    pub rules: Vec<Rule>,
    pub timers: Vec<RepeatTimer>,
    /// The number of steps with a pause.
    pub pauses: usize,
    pub looks: Looks,
}

/// The request for a connection, in templates.
#[derive(Debug)]
pub(crate) struct ConnectTemplates {
    pub url: Template,
    /// The line of `url`; that of `[connect]` without one.
    pub line: usize,
    pub headers: Vec<(String, Template)>,
    /// The pairs of the `Cookie` header.
    pub cookies: Vec<(String, Template)>,
    pub subprotocol: Option<Template>,
    /// The Socket.IO namespace; empty for the main one.
    pub namespace: String,
    /// The payload of the Socket.IO connect packet.
    pub auth: Option<Template>,
    /// The URL that frames are posted to, relative to `url`; a frame may have its own.
    pub post: Option<Template>,
    pub mqtt: Option<MqttTemplates>,
}

/// MQTT's CONNECT packet, in templates.
#[derive(Debug)]
pub(crate) struct MqttTemplates {
    pub is_v5: bool,
    pub client: Template,
    /// At least 1 s.
    pub keep_alive: Duration,
    pub user: Option<Template>,
    pub password: Option<Template>,
    pub will: Option<Template>,
}

/// One HTTP request before the connection, and what its answer gives.
#[derive(Debug)]
pub(crate) struct HttpStep {
    pub line: usize,
    pub method: &'static str,
    pub url: Template,
    pub headers: Vec<(String, Template)>,
    pub body: Option<Template>,
    /// The answer's body: its JSON, else its text.
    pub expect: Option<Pattern>,
    pub expect_headers: Vec<(String, Pattern)>,
    /// The number of values that the step binds, after `base` and `http`.
    pub locals: usize,
    pub set: Vec<(usize, Template)>,
    pub timeout: Duration,
}

/// The experiments of the probe that the protocol can bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AllowedRepeats {
    /// The frames of the join may be said again on the same connection.
    pub join_again: bool,
    /// An offer may be said again.
    pub offer_again: bool,
    /// A further client may join and say nothing else.
    pub observer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discovery {
    Server,
    /// The process passes on the ids of joined peers.
    Harness,
}

/// The frames of each signal, as indices into `CompiledDialect::templates`.
#[derive(Debug, Default)]
pub(crate) struct SignalTemplates {
    /// The line of `[signals]`, else of `[say]`.
    pub line: usize,
    pub offer: Vec<usize>,
    pub answer: Vec<usize>,
    pub candidate: Vec<usize>,
    pub end: Vec<usize>,
    pub leave: Vec<usize>,
    /// `leave` is sent to each known peer, not once to the room.
    pub leave_each: bool,
}

/// A frame of `[say]`, and the message type under which it is counted.
#[derive(Clone, Debug)]
pub(crate) struct FrameTemplate {
    pub kind: FrameKind,
    pub line: usize,
    pub frame: Template,
    /// The frame as the server passes it on, if it changes it.
    pub relayed: Option<Template>,
    /// The URL that it is posted to, if not that of all frames.
    pub post: Option<Template>,
}

#[derive(Debug)]
pub(crate) struct RepeatTimer {
    pub every: Duration,
    pub when: Option<Expression>,
    pub say: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct JoinStep {
    pub line: usize,
    pub when: Option<Expression>,
    pub action: JoinAction,
}

#[derive(Debug)]
pub(crate) enum JoinAction {
    Say(Vec<usize>),
    Expect {
        kind: FrameKind,
        pattern: Pattern,
        locals: usize,
        set: Vec<(usize, Template)>,
        timeout: Option<Duration>,
    },
    Set(Vec<(usize, Template)>),
    Share(Vec<(String, Template)>),
    /// Waits until other peers have shared these values; each is stored in the variable of its name.
    Need(Vec<(String, usize)>),
    /// Waits until every peer with a lower seat has joined.
    Turn,
    /// Waits until the variable `offers` holds an offer for each earlier peer.
    Pool,
    Settle,
    Wait(Duration),
    Joined,
}

impl JoinAction {
    /// The step sends values to the room's other peers or waits for them, inside the process.
    pub(crate) fn exchanges_values(&self) -> bool {
        matches!(self, Self::Share(_) | Self::Need(_) | Self::Turn | Self::Pool)
    }
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub kind: FrameKind,
    pub line: usize,
    /// The value of the file's `leading` key, or a Socket.IO event.
    pub message_type: Option<String>,
    /// The conditions of the pattern besides the message type.
    pub rest: Remainder,
    pub pattern: Pattern,
    /// The pattern compares with a variable, as with the peer's own id or room.
    pub is_addressed: bool,
    /// The number of values that the rule binds.
    pub locals: usize,
    /// The conditions that depend on nothing of the frame.
    pub guards: Vec<Expression>,
    /// The list that stays text, where the rule allows it.
    pub list_text: Option<ListText>,
    pub lets: Vec<(usize, Expression)>,
    /// The other conditions.
    pub conditions: Vec<Expression>,
    pub steps: Vec<Step>,
}

impl CompiledDialect {
    /// The dialect has a word of offers, answers or candidates; without any, peers only learn of each other.
    pub(crate) fn negotiates(&self) -> bool {
        let signals = [&self.signals.offer, &self.signals.answer, &self.signals.candidate];
        let hears = |step: &Step| {
            matches!(step.action, Action::Offer { .. } | Action::Answer { .. } | Action::Candidate { .. })
        };
        signals.iter().any(|said| !said.is_empty()) || self.rules.iter().flat_map(|rule| &rule.steps).any(hears)
    }

    /// A place in the file: `mine.toml:31`.
    pub(crate) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.file)
    }
}

#[derive(Debug)]
pub(crate) struct Step {
    pub when: Option<Expression>,
    /// The minimum time between two executions, and the index of the time of the last one.
    pub pause: Option<(usize, Duration)>,
    pub peer: Option<PeerSelector>,
    /// Frames are addressed to `peer`; otherwise they are about that peer, and for the whole room.
    pub addressed: bool,
    pub name: Option<Template>,
    pub marks: Vec<(usize, Expression)>,
    /// Pair variables taken from the frame.
    pub capture: Vec<(usize, Template)>,
    pub set: Vec<(usize, Template)>,
    pub action: Action,
}

#[derive(Debug)]
pub(crate) enum PeerSelector {
    Id(Template),
    /// The peer whose pair variable has this value.
    Pair {
        slot: usize,
        is: Template,
    },
    /// The peer that answered an offer without addressee; it takes over the offer's pair variables.
    Pool {
        slot: usize,
        is: Template,
        from: Template,
    },
}

#[derive(Debug)]
pub(crate) enum Action {
    Nothing,
    Ignore,
    /// The frame is for this peer, and has no effect.
    Heard,
    Elsewhere,
    Peer {
        start: Option<Expression>,
        initiate: Option<Expression>,
    },
    Peers {
        list: Template,
        /// The local that holds the list during iteration.
        at: usize,
        each: Pattern,
        /// The fast path that skips unchanged items, where the rule allows it.
        member_list: Option<MemberList>,
        id: usize,
        later: usize,
        /// The list is complete if this holds; peers of the previous list that lack are then reported as missed.
        whole: Option<Expression>,
        start: Option<Expression>,
        initiate: Option<Expression>,
    },
    Left,
    Offer {
        sdp: Template,
        polite: Option<Expression>,
    },
    Answer {
        sdp: Template,
    },
    Candidate {
        value: Template,
        /// The value stands in the frame itself, so that a null there is the end of candidates.
        is_bound: bool,
    },
    End,
    Error {
        class: ErrorClass,
        text: Template,
    },
    Say(Vec<usize>),
    Send(FrameTemplate),
    Share(Vec<(String, Template)>),
    /// Acknowledges the frame with these arguments, if it asks for that.
    Acknowledge(Template),
    Joined,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// The server rejects this peer.
    Fatal,
    /// The connection to one peer fails.
    Pair,
    /// The error is counted and has no other effect.
    Note,
}
