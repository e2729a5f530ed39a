//! Plays a transcript: each line is an input of a peer or an output that it must produce.

use super::super::*;
use crate::vocabulary::{Approval, Candidate, Concern, Heard, Initiator, Naming, Say, Seed, Signal, Trigger};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// `A opens`, `A<< frame` and `A says …` are given; `A>> frame` and `A hears …` must follow, and nothing else.
/// `"$x"` in a frame stands for its value on first use. `A drops frame`: the frame is for others, without any output.
pub(super) struct Transcript<'a> {
    dialect: &'a Dialect,
    peers: BTreeMap<String, (Box<dyn Conversation>, VecDeque<Output>)>,
    bound: BTreeMap<String, Value>,
    now: Instant,
}

pub(super) fn check(dialect: &Dialect, text: &str) {
    let mut transcript = Transcript { dialect, peers: BTreeMap::new(), bound: BTreeMap::new(), now: Instant::now() };
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at = format!("{}, line {}: {line}", dialect.name(), number + 1);
        transcript.play(line, &at);
    }
    for (name, (_, outputs)) in &transcript.peers {
        assert!(outputs.is_empty(), "{}: at the end {name} still wants {outputs:?}", dialect.name());
    }
}

impl Transcript<'_> {
    fn play(&mut self, line: &str, at: &str) {
        let split = line.find([' ', '<', '>']).unwrap();
        let (name, rest) = line.split_at(split);
        if let Some(frame) = rest.strip_prefix("<<") {
            let frame = self.filled(frame.trim());
            return self.give(name, Input::Frame(&frame), at);
        }
        if let Some(frame) = rest.strip_prefix(">>") {
            match self.next(name) {
                Some(Output::Send { text, .. }) => self.compare(&text, frame.trim(), at),
                other => panic!("{at}\n  instead: {other:?}"),
            }
            return;
        }
        let own_values: Vec<&str> = rest.split_whitespace().collect();
        match own_values.as_slice() {
            ["is", id, "at", seat] => self.seat(name, id, seat.parse().unwrap()),
            ["opens"] => self.give(name, Input::Open, at),
            ["turn"] => self.give(name, Input::Turn, at),
            ["present", id] => self.give(name, Input::Present { id, earlier: true }, at),
            ["shared", key, json] => self.give(name, Input::Shared { name: key, json }, at),
            ["waits", seconds] => {
                self.now += Duration::from_secs(seconds.parse().unwrap());
                self.give(name, Input::Wake, at);
            }
            ["says", "leave"] => self.give(name, Input::Say(Say::Leave), at),
            ["says", what, "to", id] => {
                let signal = signal(what);
                self.give(name, Input::Say(Say::Signal { to: (*id).to_owned(), signal }), at);
            }
            ["drops", ..] => {
                let frame = rest.trim().trim_start_matches("drops").trim();
                let (conversation, outputs) = self.peers.get_mut(name).unwrap();
                assert!(outputs.is_empty(), "{at}\n  before it: {outputs:?}");
                conversation.handle(self.now, Input::Frame(frame));
                let told: Vec<Output> =
                    std::iter::from_fn(|| conversation.poll()).filter(|output| !is_note(output)).collect();
                let dropped = matches!(told.as_slice(), [Output::Frame { concern: Concern::Others, .. }]);
                assert!(dropped, "{at}\n  instead: {told:?}");
            }
            _ => {
                let heard = self.next(name).map(|output| shown(&output));
                let expected = self.filled(&own_values.join(" "));
                assert_eq!(heard.as_deref(), Some(expected.as_str()), "{at}");
            }
        }
    }

    fn seat(&mut self, name: &str, id: &str, seat: u16) {
        let me = PeerIdentity { id: id.to_owned(), ..me(seat) };
        self.peers.insert(name.to_owned(), (self.dialect.converse(me), VecDeque::new()));
    }

    fn give(&mut self, name: &str, input: Input<'_>, at: &str) {
        let (conversation, outputs) = self.peers.get_mut(name).unwrap();
        assert!(outputs.is_empty(), "{at}\n  before it: {outputs:?}");
        conversation.handle(self.now, input);
        // The initial `Known` only repeats the id of this run.
        let told = std::iter::from_fn(|| conversation.poll())
            .filter(|output| !matches!(output, Output::Frame { .. }) && !is_note(output));
        outputs.extend(told);
    }

    fn next(&mut self, name: &str) -> Option<Output> {
        self.peers.get_mut(name).unwrap().1.pop_front()
    }

    fn filled(&self, text: &str) -> String {
        self.bound.iter().fold(text.to_owned(), |text, (name, value)| {
            let bare = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.replace(&format!("\"{name}\""), &value.to_string()).replace(name.as_str(), &bare)
        })
    }

    /// Key for key in the same order, `$x` aside.
    fn compare(&mut self, said: &str, expected: &str, at: &str) {
        let content = |text: &str| {
            text.find(['{', '[']).map(|start| text.split_at(start)).map(|(a, b)| (a.to_owned(), b.to_owned()))
        };
        match (content(said), content(expected)) {
            (Some((message_type, said_json)), Some((expected_head, json)))
                if serde_json::from_str::<Value>(&json).is_ok() =>
            {
                assert_eq!(message_type, expected_head, "{at}");
                let said_value: Value = serde_json::from_str(&said_json).unwrap();
                self.bind(&said_value, &serde_json::from_str(&json).unwrap());
                // With all variables bound, the texts are equal too.
                let filled: String = self.filled(&json);
                assert_eq!(said_json, filled, "{at}");
            }
            _ => assert_eq!(said, self.filled(expected), "{at}"),
        }
    }

    fn bind(&mut self, said: &Value, expected: &Value) {
        match (said, expected) {
            (Value::Object(said), Value::Object(expected)) => {
                for (key, expected) in expected {
                    self.bind(said.get(key).unwrap_or(&Value::Null), expected);
                }
            }
            (Value::Array(said), Value::Array(expected)) => {
                said.iter().zip(expected).for_each(|(said, expected)| self.bind(said, expected));
            }
            (said, Value::String(name)) if name.starts_with('$') => {
                self.bound.entry(name.clone()).or_insert_with(|| said.clone());
            }
            _ => {}
        }
    }
}

/// Seat 0 of a room of 4 is its host.
/// A note changes nothing, and has tests of its own.
pub(super) fn is_note(output: &Output) -> bool {
    matches!(output, Output::Note(_))
}

pub(super) fn me(seat: u16) -> PeerIdentity {
    PeerIdentity {
        id: String::new(),
        name: format!("peer {seat}"),
        room: "room1".to_owned(),
        host: seat == 0,
        trigger: Trigger::default(),
        initiator: Initiator::default(),
        settle: Duration::ZERO,
        approval: Approval::Off,
        epoch: (Instant::now(), 0),
        index: seat.into(),
        seat,
        size: 4,
        naming: Naming::new("t", 1),
        guests: 4,
        token: String::new(),
        data: Default::default(),
        seed: Seed(1),
        prepared: PreparedValues::default(),
    }
}

fn signal(what: &str) -> Signal {
    match what {
        "offer" => Signal::Offer { sdp: "v=0".to_owned() },
        "answer" => Signal::Answer { sdp: "v=0".to_owned() },
        "end" => Signal::EndOfCandidates,
        _ => Signal::Candidate(Candidate {
            candidate: "candidate:1".to_owned(),
            mid: Some("0".to_owned()),
            line: Some(0),
            ufrag: None,
        }),
    }
}

fn shown(output: &Output) -> String {
    let signal_name = |signal: &Signal| match signal {
        Signal::Offer { sdp } => {
            assert!(sdp.starts_with("v=0"), "{sdp}");
            "offer"
        }
        Signal::Answer { sdp } => {
            assert!(sdp.starts_with("v=0"), "{sdp}");
            "answer"
        }
        Signal::Candidate(_) => "candidate",
        Signal::EndOfCandidates => "end",
    };
    match output {
        Output::Known { id } => format!("known as {id}"),
        Output::Share { name, json } => format!("shares {name} {json}"),
        Output::Swap { one, other } => format!("swaps {one} {other}"),
        Output::Heard(Heard::Joined) => "hears joined".to_owned(),
        Output::Heard(Heard::Met { who, start, initiate }) => {
            format!("hears met {who}{}{}", if *start { " start" } else { "" }, if *initiate { " initiate" } else { "" })
        }
        Output::Heard(Heard::Left { who }) => format!("hears left {who}"),
        Output::Heard(Heard::Signal { from, signal, .. }) => format!("hears {} from {from}", signal_name(signal)),
        Output::Heard(Heard::Refused(failure)) => format!("hears refused {}", failure.detail),
        Output::Heard(Heard::PairRefused { who, detail }) => format!("hears {detail} of {who}"),
        Output::Heard(Heard::Nonsense) => "hears nonsense".to_owned(),
        other => format!("{other:?}"),
    }
}
