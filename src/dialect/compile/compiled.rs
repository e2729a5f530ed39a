//! A compiled dialect: everything that a conversation needs, valid by construction.

use crate::dialect::language::codec::Codec;
use crate::dialect::language::expression::Expression;
use crate::dialect::language::pattern::Pattern;
use crate::dialect::language::template::Template;
use crate::dialect::prefilter::direct_field::{DirectField, MessageTypeFilter};
use crate::dialect::prefilter::member_list::MemberList;
use crate::dialect::prefilter::{Prefilter, Remainder};
use crate::vocabulary::message::FrameKind;
use memchr::memmem::Finder;
use rustc_hash::FxHashMap;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct CompiledDialect {
    pub name: String,
    pub description: String,
    pub sample: String,
    /// What it was read from, if it is no built-in.
    pub file_text: Option<String>,
    pub codec: Codec,
    pub kinds: Vec<String>,
    pub discovery: Discovery,
    pub trickle: bool,
    pub leave_notices: u8,
    /// Its peers have to be told what others of their room make known inside the process.
    pub needs_id_exchange: bool,
    pub url: Template,
    pub headers: Vec<(String, Template)>,
    pub subprotocol: Option<Template>,
    /// The peer's own id; `None`: the server gives it.
    pub me: Option<Template>,
    /// By slot: file's own variables follow the built-in ones.
    pub vars: Vec<Template>,
    pub pair: Vec<Template>,
    pub initiate: Expression,
    /// `initiate` changes only with a variable, or with what is known of the other.
    pub is_steady: bool,
    pub polite: Expression,
    pub templates: Vec<FrameTemplate>,
    pub signals: SignalTemplates,
    pub join: Vec<JoinStep>,
    /// For the room's first, if it joins in another way.
    pub join_first: Option<Vec<JoinStep>>,
    /// A rule says when the join is acknowledged; otherwise it is when all steps are done.
    pub acknowledged: bool,
    pub rules: Vec<Rule>,
    pub timers: Vec<RepeatTimer>,
    /// How many steps have a pause of their own.
    pub pauses: usize,
    pub escape_finder: Finder<'static>,
    /// Variables that a look seeks in frames.
    pub watched: Vec<usize>,
    /// How JSON frames begin: `{"type":"`.
    pub type_prefix: String,
    /// Rules that a frame with this first word can hit, in order.
    pub rules_by_type: FxHashMap<String, Vec<u16>>,
    /// By first word: what tells that a frame is for others before any rule is tried.
    pub type_filters: FxHashMap<String, MessageTypeFilter>,
    /// Rules that any first word can hit.
    pub untyped_rules: Vec<u16>,
    /// All of them: for a frame whose first word can't be read.
    pub any: Vec<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discovery {
    Server,
    /// Ids of those who joined are handed over inside the process.
    Harness,
}

/// What a signal is said with: indices into the sayings.
#[derive(Debug, Default)]
pub(crate) struct SignalTemplates {
    pub offer: Vec<usize>,
    pub answer: Vec<usize>,
    pub candidate: Vec<usize>,
    pub end: Vec<usize>,
    pub leave: Vec<usize>,
    /// A goodbye to each that is known, not one to the room.
    pub leave_each: bool,
}

/// Something that can be said.
#[derive(Clone, Debug)]
pub(crate) struct FrameTemplate {
    pub kind: FrameKind,
    pub frame: Template,
}

#[derive(Debug)]
pub(crate) struct RepeatTimer {
    pub every: Duration,
    pub say: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct JoinStep {
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
    /// Until others of the room have shared these; each becomes the variable of its name.
    Need(Vec<(String, usize)>),
    /// Until all who sit before this peer have joined.
    Turn,
    /// Until an offer for each of those who joined is made: the variable `offers`.
    Pool,
    Settle,
    Wait(Duration),
    Joined,
}

impl JoinAction {
    /// It waits for what others of the room do, or tells them.
    pub fn exchanges_values(&self) -> bool {
        matches!(self, Self::Share(_) | Self::Need(_) | Self::Turn | Self::Pool)
    }
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub kind: FrameKind,
    pub prefilter: Prefilter,
    /// Fields that have to equal a variable, from the frame's root.
    pub direct: Vec<DirectField>,
    pub pattern: Pattern,
    /// How many values it binds.
    pub locals: usize,
    pub lets: Vec<(usize, Expression)>,
    pub conditions: Vec<Expression>,
    pub steps: Vec<Step>,
}

impl Rule {
    /// It does nothing to any frame with its first word.
    pub fn only_ignores(&self) -> bool {
        let simple =
            self.lets.is_empty() && self.conditions.is_empty() && matches!(self.prefilter.rest, Remainder::Nothing);
        let ignores = |step: &Step| matches!(step.action, Action::Ignore) && step.when.is_none() && step.set.is_empty();
        simple && self.prefilter.message_type.is_some() && matches!(self.steps.as_slice(), [step] if ignores(step))
    }
}

#[derive(Debug)]
pub(crate) struct Step {
    pub when: Option<Expression>,
    /// Once done, it is not done again for that long; and where the time is kept.
    pub pause: Option<(usize, Duration)>,
    pub who: Option<PeerSelector>,
    /// What is said is for `who`; otherwise it is about them, and for the whole room.
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
    /// The one whose pair has this value.
    Pair {
        slot: usize,
        is: Template,
    },
    /// The answerer of an offer that had no addressee: the offer's pair is theirs from now on.
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
    /// It was for this peer, and nothing follows.
    Heard,
    Elsewhere,
    Peer {
        start: Option<Expression>,
        initiate: Option<Expression>,
    },
    Peers {
        list: Template,
        /// Where the list lies while it is gone through.
        at: usize,
        each: Pattern,
        /// Where items may be old news, what tells.
        member_list: Option<MemberList>,
        id: usize,
        later: usize,
        /// Whether the list names everybody, so that who was in the one before and isn't in this one is missed.
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
    },
    End,
    Error {
        class: ErrorClass,
        text: Template,
    },
    Say(Vec<usize>),
    Send(FrameTemplate),
    Share(Vec<(String, Template)>),
    Joined,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// The server will have nothing to do with this peer.
    Fatal,
    /// The two of one pair will not come together.
    Pair,
    /// Counted, and no more.
    Note,
}
