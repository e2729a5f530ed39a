//! Plays each frame that one peer says to another peer's rules, as a relay would pass it on.

use super::found::{Flaws, fate};
use crate::dialect::compile::compiled::{CompiledDialect, JoinAction};
use crate::dialect::conversation::{Conversation, Input, Output, PeerIdentity, PreparedValues};
use crate::dialect::session::Session;
use crate::vocabulary::{
    Approval, Candidate, FrameKind, FrameNote, FrameNoteKind, Heard, Initiator, Naming, NearestRule, Say, Seed, Signal,
    SignalPart, Trigger,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
const CANDIDATE: &str = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host";

/// The size of the room that the two peers are in.
const ROOM_SIZE: u16 = 3;

/// Two peers of one room that have joined.
struct JoinedPair {
    peers: Vec<Session>,
    now: Instant,
}

/// A frame as the other peer took it.
struct Passed {
    kind: FrameKind,
    rule: Option<Arc<str>>,
    near: Option<Arc<NearestRule>>,
    /// Its content reached the other peer.
    is_heard: bool,
}

/// A flaw: its line, its place and its sentence.
type Flaw = (usize, String, String);

pub(super) fn check(flaws: &mut Flaws<'_>, now: Instant) {
    // A server gives texts or numbers as ids; the file works if it works with either.
    let texts = [json!("peer-a"), json!("peer-b")];
    let mut found = play(flaws.dialect, &texts, now);
    if flaws.dialect.me.is_none() && !found.is_empty() && play(flaws.dialect, &[json!(1), json!(2)], now).is_empty() {
        found.clear();
    }
    found.extend(misspelt_announcements(flaws.dialect, &texts, now));
    for (line, path, message) in found {
        flaws.note(line, &path, message);
    }
}

/// The flaws of an offer, its answer, and a candidate each way.
fn play(dialect: &Arc<CompiledDialect>, ids: &[Value; 2], now: Instant) -> Vec<Flaw> {
    let mut pair = JoinedPair::new(dialect, ids, now);
    let candidate =
        Candidate { candidate: CANDIDATE.to_owned(), mid: Some("0".to_owned()), line: Some(0), ufrag: None };
    let mut said = vec![
        (0, SignalPart::Offer, Signal::Offer { sdp: SDP.to_owned() }),
        (1, SignalPart::Answer, Signal::Answer { sdp: SDP.to_owned() }),
    ];
    if dialect.trickle {
        said.extend([0, 1].map(|from| (from, SignalPart::Candidate, Signal::Candidate(candidate.clone()))));
    }
    if !dialect.signals.end.is_empty() {
        said.push((0, SignalPart::End, Signal::EndOfCandidates));
    }
    let mut found = vec![];
    for (from, part, signal) in said {
        let (notes, passed) = pair.pass(from, signal);
        let unwritten: Vec<Flaw> = notes.iter().filter_map(|note| unwritten(note, part)).collect();
        if unwritten.is_empty() && !passed.iter().any(|frame| frame.is_heard) {
            found.extend(passed.iter().map(|frame| not_taken(dialect, frame)));
        }
        found.extend(unwritten);
    }
    found
}

fn not_taken(dialect: &CompiledDialect, frame: &Passed) -> Flaw {
    let fate = fate(frame.rule.as_deref(), frame.near.as_deref());
    let message = format!(
        "as another peer would receive it, {fate}; correct one of the two, or say in [relayed] how the server changes it"
    );
    placed(dialect, frame, message)
}

/// The flaw of a frame that lacks what it has to carry, as a run would note it.
fn unwritten(note: &FrameNote, part: SignalPart) -> Option<Flaw> {
    let near = note.near.as_ref().filter(|_| note.kind == FrameNoteKind::Unwritten)?;
    let line = near.at.rsplit(':').next().and_then(|line| line.parse().ok()).unwrap_or(1);
    let name = note.shape.as_str();
    let fix = match part {
        SignalPart::Candidate => {
            "give `candidate` a frame with {candidate} in [say], or say trickle = false".to_owned()
        }
        _ => format!("give `{name}` a frame with {{sdp}} in [say], or name that frame in [signals]"),
    };
    Some((line, "say".to_owned(), format!("{}; {fix}", near.why)))
}

/// The frames of the join that a rule of their kind would take, but for one literal in it.
fn misspelt_announcements(dialect: &Arc<CompiledDialect>, ids: &[Value; 2], now: Instant) -> Vec<Flaw> {
    let mut pair = JoinedPair::new(dialect, ids, now);
    let says = dialect.join.iter().filter_map(|step| match &step.action {
        JoinAction::Say(said) => Some(said),
        _ => None,
    });
    let mut found = vec![];
    for index in says.flatten() {
        pair.peers[0].send_all(pair.now, &[*index], &[], None);
        for frame in pair.deliver(0, None).1 {
            let Some(near) = frame.near.as_ref().filter(|near| frame.rule.is_none() && near.kind == frame.kind) else {
                continue;
            };
            if near.differences == 1 && near.why.ends_with("is expected") {
                let fate = fate(None, Some(near));
                let message =
                    format!("as another peer would receive it, {fate}; a hole such as {{room}} fits each peer's own");
                found.push(placed(dialect, &frame, message));
            }
        }
    }
    found
}

/// The flaw at the first frame of `[say]` of this kind.
fn placed(dialect: &CompiledDialect, frame: &Passed, message: String) -> Flaw {
    let line =
        dialect.templates.iter().find(|template| template.kind == frame.kind).map_or(1, |template| template.line);
    (line, format!("say.{}", dialect.kinds[usize::from(frame.kind.0)]), message)
}

impl JoinedPair {
    fn new(dialect: &Arc<CompiledDialect>, ids: &[Value; 2], now: Instant) -> Self {
        Self { peers: joined_peers(dialect, ids, ROOM_SIZE, now), now }
    }

    /// One peer says a signal: the notes about what it wrote, and its frames as the other took them.
    fn pass(&mut self, from: usize, signal: Signal) -> (Vec<Arc<FrameNote>>, Vec<Passed>) {
        let to = self.peers[1 - from].own_id();
        self.peers[from].handle(self.now, Input::Say(Say::Signal { to, signal: signal.clone() }));
        self.deliver(from, Some(&signal))
    }

    fn deliver(&mut self, from: usize, said: Option<&Signal>) -> (Vec<Arc<FrameNote>>, Vec<Passed>) {
        let (mut notes, mut passed) = (vec![], vec![]);
        while let Some(output) = self.peers[from].poll() {
            match output {
                Output::Note(note) => notes.push(note),
                Output::Send { text, kind, .. } => passed.push(self.receive(1 - from, &text, kind, said)),
                _ => {}
            }
        }
        (notes, passed)
    }

    fn receive(&mut self, to: usize, text: &str, kind: FrameKind, said: Option<&Signal>) -> Passed {
        let mut passed = Passed { kind, rule: None, near: None, is_heard: false };
        self.peers[to].handle(self.now, Input::Frame(text));
        while let Some(output) = self.peers[to].poll() {
            match output {
                Output::Read { rule, near, .. } => (passed.rule, passed.near) = (rule, near),
                Output::Heard(Heard::Signal { signal, .. }) => {
                    passed.is_heard |= said.is_some_and(|said| is_of(said, &signal));
                }
                _ => {}
            }
        }
        passed
    }
}

/// Peers that have joined a room and know each other; each has one of `ids` where the server gives them.
pub(super) fn joined_peers(dialect: &Arc<CompiledDialect>, ids: &[Value], size: u16, now: Instant) -> Vec<Session> {
    let joined = |(seat, id)| {
        let id = dialect.me.is_none().then_some(id);
        Session::joined(dialect.clone(), identity(seat, size, now), id)
    };
    let mut peers: Vec<Session> = (0..).zip(ids).map(joined).collect();
    let own: Vec<(String, Value)> = peers.iter().map(|peer| (peer.own_id(), peer.wire_id().clone())).collect();
    for (index, peer) in peers.iter_mut().enumerate() {
        for (_, (id, wire_id)) in own.iter().enumerate().filter(|(other, _)| *other != index) {
            peer.meet(id, wire_id);
        }
    }
    peers
}

/// The signal is the one that was said, whatever fields of a candidate the frames leave out.
pub(super) fn is_of(said: &Signal, heard: &Signal) -> bool {
    match (said, heard) {
        (Signal::Candidate(said), Signal::Candidate(heard)) => said.candidate == heard.candidate,
        (said, heard) => said == heard,
    }
}

pub(super) fn identity(seat: u16, size: u16, now: Instant) -> PeerIdentity {
    PeerIdentity {
        id: format!("check-{seat}"),
        name: format!("peer {seat}"),
        room: "room-1".to_owned(),
        host: seat == 0,
        trigger: Trigger::default(),
        initiator: Initiator::default(),
        settle: Duration::ZERO,
        approval: Approval::Off,
        epoch: (now, 0),
        index: seat.into(),
        seat,
        size,
        naming: Naming::new("check", 1),
        guests: 4,
        token: "token".to_owned(),
        data: Value::Null,
        seed: Seed(1),
        prepared: PreparedValues::default(),
    }
}
