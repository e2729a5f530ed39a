//! Plays a recording against the dialect learned from it: each frame heard is taken, each part said is written again.

use crate::dialect::{Conversation, Dialect, Input, Output, PeerIdentity, PreparedValues, Trial};
use crate::learning::frames::classes::SortedTalk;
use crate::learning::frames::terms::{Term, TermHole, candidate_field};
use crate::learning::talk::grammar::{Said, description, is_candidate};
use crate::learning::talk::json::Json;
use crate::recording::letter;
use crate::vocabulary::{Approval, Candidate, FrameNoteKind, Heard, Initiator, Naming, Say, Seed, Signal, Trigger};
use std::time::{Duration, Instant};

/// The outcome of a replay.
#[derive(Debug, Default, PartialEq)]
pub struct ReplayResult {
    /// Frames that were received, and those of them that a rule took or that are for others.
    pub heard: usize,
    pub understood: usize,
    /// Offers, answers and candidates that were sent, and those of them that the templates write again.
    pub said: usize,
    pub written: usize,
    /// Sentences about the first of the others.
    pub faults: Vec<String>,
}

impl ReplayResult {
    /// The number of frames that were not understood, or not written again.
    pub fn faulty(&self) -> usize {
        self.heard - self.understood + self.said - self.written
    }
}

/// Replays every peer of a talk; `now` is any instant.
pub(super) fn replay(sorted: &SortedTalk, dialect: &Dialect, now: Instant) -> ReplayResult {
    let dialect = dialect.with_trial(Trial { captures: true, ..Trial::default() });
    let mut result = ReplayResult::default();
    for peer in 0..sorted.talk.peers.len() {
        Replay { sorted, peer, now, result: &mut result }.play(&dialect);
    }
    result
}

struct Replay<'a> {
    sorted: &'a SortedTalk,
    peer: usize,
    now: Instant,
    result: &'a mut ReplayResult,
}

impl Replay<'_> {
    fn play(mut self, dialect: &Dialect) {
        let mut conversation = dialect.converse(self.identity());
        conversation.connect("ws://127.0.0.1/");
        let began_us = self.sorted.talk.peers[self.peer].began_us;
        conversation.handle(self.now, Input::Open);
        let others: Vec<(usize, String)> = self.ids().filter(|(peer, _)| *peer != self.peer).collect();
        for (other, id) in &others {
            conversation.handle(self.now, Input::Present { id, earlier: *other < self.peer });
        }
        while conversation.poll().is_some() {}
        let (sorted, peer) = (self.sorted, self.peer);
        for (at, frame) in sorted.talk.frames.iter().enumerate().filter(|(_, frame)| frame.peer == peer) {
            let now = self.now + Duration::from_micros(frame.at_us.saturating_sub(began_us));
            if frame.sent {
                self.say(&mut *conversation, now, at);
            } else {
                self.hear(&mut *conversation, now, at);
            }
        }
    }

    fn ids(&self) -> impl Iterator<Item = (usize, String)> {
        self.sorted.values.ids.iter().enumerate().filter_map(|(peer, id)| Some((peer, id.as_ref()?.plain())))
    }

    fn identity(&self) -> PeerIdentity {
        let values = &self.sorted.values;
        let peers = self.sorted.talk.peers.len() as u16;
        PeerIdentity {
            id: values.ids[self.peer].as_ref().map(Json::plain).unwrap_or_default(),
            name: format!("peer {}", self.peer),
            room: values.room.clone().unwrap_or_default(),
            host: self.peer == 0,
            trigger: Trigger::default(),
            initiator: Initiator::default(),
            settle: Duration::ZERO,
            approval: Approval::Off,
            epoch: (self.now, self.sorted.talk.peers[self.peer].began_us / 1_000),
            index: self.peer as u32,
            seat: self.peer as u16,
            size: peers,
            naming: Naming::new("replay", peers.into()),
            guests: peers,
            token: String::new(),
            data: serde_json::Value::Null,
            seed: Seed(1),
            prepared: PreparedValues::default(),
        }
    }

    fn hear(&mut self, conversation: &mut dyn Conversation, now: Instant, at: usize) {
        let frame = &self.sorted.talk.frames[at];
        let class = &self.sorted.classes[self.sorted.class_of[at]];
        conversation.handle(now, Input::Frame(&frame.text));
        let outputs: Vec<Output> = std::iter::from_fn(|| conversation.poll()).collect();
        let is_unmatched =
            |output: &Output| matches!(output, Output::Note(note) if note.kind == FrameNoteKind::Unmatched);
        let rule =
            outputs.iter().find_map(|output| if let Output::Read { rule, .. } = output { rule.clone() } else { None });
        let signal = outputs.iter().find_map(|output| match output {
            Output::Heard(Heard::Signal { from, signal, .. }) => Some((from.clone(), signal.clone())),
            _ => None,
        });
        self.result.heard += 1;
        let expected = class.said.filter(|_| !class.is_echo && class.speaks_of_one());
        let sender =
            self.sorted.mentioned(at).first().and_then(|peer| self.sorted.values.ids[*peer].as_ref()).map(Json::plain);
        let fault = match (expected, &signal) {
            _ if outputs.iter().any(is_unmatched) => Some("no rule takes it".to_owned()),
            (Some(said), None) => Some(format!("its {} is not read", said.name())),
            (Some(said), Some((from, signal))) => {
                let is_other = sender.is_some_and(|sender| sender != *from);
                (said != part_of(signal) || is_other)
                    .then(|| format!("it is read as {} of {from}", part_of(signal).name()))
            }
            (None, Some((_, signal))) => Some(format!("it is read as {}", part_of(signal).name())),
            (None, None) => None,
        };
        match fault {
            None => self.result.understood += 1,
            Some(why) => {
                let rule = rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
                self.fault(at, &format!("{why}{rule}"));
            }
        }
    }

    fn say(&mut self, conversation: &mut dyn Conversation, now: Instant, at: usize) {
        let frame = &self.sorted.talk.frames[at];
        let class = &self.sorted.classes[self.sorted.class_of[at]];
        let (Some(said), Some(to)) = (class.said, self.addressee(at)) else { return };
        let signal = match said {
            Said::Offer => Signal::Offer { sdp: description(&frame.body).unwrap_or_default() },
            Said::Answer => Signal::Answer { sdp: description(&frame.body).unwrap_or_default() },
            Said::Candidate => Signal::Candidate(candidate(&frame.body)),
            Said::EndOfCandidates => Signal::EndOfCandidates,
        };
        conversation.handle(now, Input::Say(Say::Signal { to, signal }));
        let outputs: Vec<Output> = std::iter::from_fn(|| conversation.poll()).collect();
        let written = outputs
            .iter()
            .find_map(|output| if let Output::Send { text, .. } = output { Some(text.clone()) } else { None });
        self.result.said += 1;
        let body = written.as_deref().and_then(|text| self.sorted.talk.codec.decode(text, true));
        match body {
            Some(body) if same(&self.sorted.terms[at], &frame.body, &body) => self.result.written += 1,
            Some(_) => self.fault(at, "the template writes another frame"),
            None => self.fault(at, "no template writes it"),
        }
    }

    /// The id of the peer that a frame is for.
    fn addressee(&self, at: usize) -> Option<String> {
        let mentioned = self.sorted.mentioned(at).first().copied();
        let own = |meeting: &&crate::learning::frames::classes::Meeting| meeting.frame == at;
        let peer = mentioned.or_else(|| self.sorted.meetings.iter().find(own).map(|meeting| meeting.answerer))?;
        self.sorted.values.ids[peer].as_ref().map(Json::plain)
    }

    fn fault(&mut self, at: usize, why: &str) {
        const FAULTS_MAX: usize = 20;
        if self.result.faults.len() < FAULTS_MAX {
            let frame = &self.sorted.talk.frames[at];
            let arrow = if frame.sent { ">>" } else { "<<" };
            self.result.faults.push(format!("{why}: {} {arrow} {}", letter(frame.peer), self.sorted.shown(at)));
        }
    }
}

fn part_of(signal: &Signal) -> Said {
    match signal {
        Signal::Offer { .. } => Said::Offer,
        Signal::Answer { .. } => Said::Answer,
        Signal::Candidate(_) => Said::Candidate,
        Signal::EndOfCandidates => Said::EndOfCandidates,
    }
}

/// The candidate in a frame, with the fields that stand beside it.
fn candidate(body: &Json) -> Candidate {
    let mut found = Candidate { candidate: String::new(), mid: None, line: None, ufrag: None };
    body.leaves(&mut vec![], &mut |path, leaf| {
        let key = path.last().map_or("", String::as_str);
        match (leaf, candidate_field(key, leaf)) {
            (Json::Text(text), _) if text.starts_with('{') => {
                if let Some(inner) = Json::parse(text) {
                    found = candidate(&inner);
                }
            }
            (Json::Text(text), _) if is_candidate(text) => found.candidate = text.clone(),
            (Json::Text(text), Some("sdpMid")) => found.mid = Some(text.clone()),
            (Json::Text(text), _) if key == "usernameFragment" => found.ufrag = Some(text.clone()),
            (Json::Number(number), Some("sdpMLineIndex")) => {
                found.line = number.as_u64().and_then(|line| u16::try_from(line).ok());
            }
            _ => {}
        }
    });
    found
}

/// A frame that was written says what the recorded one says; values that are drawn may differ.
fn same(term: &Term, recorded: &Json, written: &Json) -> bool {
    match (term, recorded, written) {
        (
            Term::Hole(
                TermHole::Me | TermHole::Other(_) | TermHole::Room | TermHole::Sdp(_) | TermHole::CandidateField(_),
            ),
            _,
            _,
        )
        | (Term::Fixed(_), Json::Text(_) | Json::Flag(_), _) => recorded == written,
        (Term::Object(entries), Json::Object(recorded), Json::Object(written)) => entries.iter().all(|(key, term)| {
            let value = |entries: &[(String, Json)]| {
                entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
            };
            match (value(recorded), value(written)) {
                (Some(recorded), Some(written)) => same(term, &recorded, &written),
                // TOML has no null.
                (Some(Json::Null), None) => true,
                _ => false,
            }
        }),
        (Term::List(terms), Json::List(recorded), Json::List(written)) => {
            terms.len() == written.len()
                && terms
                    .iter()
                    .zip(recorded)
                    .zip(written)
                    .all(|((term, recorded), written)| same(term, recorded, written))
        }
        _ => true,
    }
}
