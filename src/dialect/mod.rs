//! Wire text ⇄ signaling messages: a TOML file describes a protocol; a sans-IO `Conversation` speaks it for one peer.

mod builtin;
mod compile;
mod conversation;
mod flaws;
mod language;
mod likeness;
mod prefilter;
mod session;
mod shape;
mod trial;

pub use crate::vocabulary::problem::Problem;
pub use builtin::{BuiltIn, builtins, names};
pub use conversation::{
    CarriedFields, Connect, Conversation, HttpAnswer, HttpRequest, Input, Output, PeerIdentity, Prepare, PreparedValues,
};
pub use flaws::{PlayedRoom, fate};
pub use language::codec::{MqttConnect, Wire};
pub use likeness::{Likeness, looks_like};
pub use shape::shown_frame;
pub use trial::Trial;

pub(crate) use language::names::is_taken;
pub(crate) use shape::TYPE_KEYS;

use crate::vocabulary::{FrameKind, SignalPart};
use compile::compiled::{Action, CompiledDialect, JoinAction, Rule};
use language::codec::Codec;
use session::Session;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A compiled signaling protocol, from which each peer gets its own `Conversation`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dialect {
    compiled: Arc<CompiledDialect>,
    trial: Trial,
}

/// Compiles a dialect file; problems cite it as `file`.
///
/// # Errors
/// Every problem of the file, in the order of its lines.
pub fn read(file: &str, text: &str) -> Result<Dialect, Vec<Problem>> {
    compile::read(file, text)
        .map(|dialect| Dialect::of(CompiledDialect { file_text: Some(text.to_owned()), ..dialect }))
}

impl Dialect {
    fn of(compiled: CompiledDialect) -> Self {
        Self { compiled: Arc::new(compiled), trial: Trial::default() }
    }

    /// The same dialect, spoken with the changes of an experiment.
    pub fn with_trial(&self, trial: Trial) -> Self {
        Self { trial, ..self.clone() }
    }

    pub fn name(&self) -> &str {
        &self.compiled.name
    }

    /// The file's one-line description; may be empty.
    pub fn description(&self) -> &str {
        &self.compiled.description
    }

    /// The text of a user's file; `None` for a built-in, which its name identifies.
    pub fn file_text(&self) -> Option<&str> {
        self.compiled.file_text.as_deref()
    }

    /// Places of the file that work, and may not do as was meant.
    pub fn remarks(&self) -> &[Problem] {
        &self.compiled.remarks
    }

    /// An example URL of such a server on this machine.
    pub fn sample(&self) -> &str {
        &self.compiled.sample
    }

    /// The names of its message types; a `FrameKind` is an index into them.
    pub fn kinds(&self) -> Vec<&str> {
        self.compiled.kinds.iter().map(String::as_str).collect()
    }

    /// The dialect has words of a negotiation; without any, its peers load a server with their presence, and no edge is meant.
    pub fn negotiates(&self) -> bool {
        self.compiled.negotiates()
    }

    /// The dialect can carry candidates; without that a peer must not trickle.
    pub fn trickles(&self) -> bool {
        self.compiled.trickle
    }

    /// The dialect has a message by which a peer asks the room's host to be admitted.
    pub fn supports_join_request(&self) -> bool {
        self.compiled.kinds.iter().any(|kind| kind == "join-request")
    }

    /// The number of notices of one leave that each remaining peer receives: 0 to 2.
    pub fn leave_notices(&self) -> u8 {
        self.compiled.leave_notices
    }

    /// Peers of this dialect need ids or values of their room's other peers, passed inside the process.
    pub fn needs_id_exchange(&self) -> bool {
        self.compiled.needs_id_exchange
    }

    /// The columns of `--data` that it reads, as often as it does.
    pub fn data_columns(&self) -> &[String] {
        &self.compiled.data_columns
    }

    /// The dialect depends on the profile's trigger.
    pub fn reads_trigger(&self) -> bool {
        self.compiled.reads_trigger
    }

    /// The experiment with these pauses, as far as the protocol can bear it.
    pub fn repeats(&self, join_again: Duration, offer_again: Duration) -> Trial {
        let may = self.compiled.experiments;
        Trial {
            join_again: may.join_again.then_some(join_again),
            offer_again: may.offer_again.then_some(offer_again),
            ..Trial::default()
        }
    }

    /// A further client may join a room and say nothing else.
    pub fn bears_observer(&self) -> bool {
        self.compiled.experiments.observer
    }

    /// The name of the message that carries a part of the negotiation.
    pub fn signal_name(&self, part: SignalPart) -> &str {
        let signals = &self.compiled.signals;
        let (templates, usual) = match part {
            SignalPart::Offer => (&signals.offer, "offer"),
            SignalPart::Answer => (&signals.answer, "answer"),
            SignalPart::Candidate => (&signals.candidate, "candidate"),
            SignalPart::End => (&signals.end, "end"),
        };
        let template = templates.first().and_then(|index| self.compiled.templates.get(*index));
        template.map_or(usual, |template| &self.compiled.kinds[usize::from(template.kind.0)])
    }

    /// The types of the messages by which a peer joins.
    pub fn join_kinds(&self) -> Vec<FrameKind> {
        let steps = self.compiled.join.iter();
        let said = steps.filter_map(|step| if let JoinAction::Say(said) = &step.action { Some(said) } else { None });
        said.flatten().filter_map(|index| self.compiled.templates.get(*index)).map(|template| template.kind).collect()
    }

    /// The types of the messages of a join that reach the room's other peers as they were said.
    pub fn announcements(&self) -> Vec<FrameKind> {
        let tells = |rule: &&Rule| rule.steps.iter().any(|step| matches!(step.action, Action::Peer { .. }));
        let heard: Vec<FrameKind> = self.compiled.rules.iter().filter(tells).map(|rule| rule.kind).collect();
        let mut said = self.join_kinds();
        said.retain(|kind| heard.contains(kind));
        said
    }

    /// The message types that a peer repeats, each with its interval.
    pub fn repeated_frames(&self) -> Vec<(&str, Duration)> {
        let kind =
            |template: &usize| self.compiled.kinds[usize::from(self.compiled.templates[*template].kind.0)].as_str();
        self.compiled
            .timers
            .iter()
            .flat_map(|timer| timer.say.iter().map(move |said| (kind(said), timer.every)))
            .collect()
    }

    /// The interval in which each peer says something: of some peers, it may be shorter.
    pub fn keepalive(&self) -> Option<Duration> {
        let timers = || self.compiled.timers.iter();
        let unconditional = timers().filter(|timer| timer.when.is_none()).map(|timer| timer.every).min();
        unconditional.or_else(|| timers().map(|timer| timer.every).max())
    }

    /// The message types of the server's lists of peers, as indices into `kinds`.
    pub fn list_kinds(&self) -> Vec<usize> {
        let is_list = |rule: &&Rule| {
            let is_of_server = rule.steps.iter().all(|step| step.peer.is_none());
            is_of_server && rule.steps.iter().any(|step| matches!(step.action, Action::Peers { .. }))
        };
        self.compiled.rules.iter().filter(is_list).map(|rule| usize::from(rule.kind.0)).collect()
    }

    /// Offers are made before their addressee is known, and the server gives each to a peer of its choice.
    pub fn pools_offers(&self) -> bool {
        self.compiled.join.iter().any(|step| matches!(step.action, JoinAction::Pool))
    }

    /// The dialect speaks Socket.IO.
    pub fn is_socket_io(&self) -> bool {
        self.compiled.codec == Codec::SocketIo
    }

    /// The reasons why no two peers of this dialect would meet, found without a server.
    pub fn flaws(&self, now: Instant) -> Vec<Problem> {
        flaws::of(&self.compiled, now)
    }

    /// A room of `size` peers, played through a relay in memory that passes each frame to its addressee, or `to_all`.
    pub fn play(&self, size: u16, to_all: bool, now: Instant) -> PlayedRoom {
        flaws::play(&self.compiled, size, to_all, now)
    }

    /// Starts the conversation of the peer `me`; it sends nothing before `Input::Open`.
    pub fn converse(&self, me: PeerIdentity) -> Box<dyn Conversation> {
        Box::new(Session::new(self.compiled.clone(), self.trial, me))
    }
}

#[cfg(test)]
mod tests;
