//! The handshake of one pair from one side: one match over (state, input).

use super::ports::Output;
use crate::vocabulary::{
    Candidate, EdgeEvent, EngineCommand, EngineEvent, EventKind, Failure, PeerEvent, Phase, Reason, Say, Seat, Signal,
};
use std::collections::VecDeque;

/// The most remote candidates that are kept or admitted; later ones are ignored.
const CANDIDATES_MAX: usize = 20;

/// The state of a handshake, named for the input that it waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// At least one of the two peers has not begun, as far as is known.
    #[default]
    ExpectBegin,
    /// Both peers have begun; no message has mentioned the other.
    ExpectNews,
    /// A message has mentioned the other peer, but not the chosen trigger.
    ExpectTrigger,
    ExpectOffer,
    ExpectOwnOffer,
    ExpectAnswer,
    ExpectApplied,
    ExpectOwnAnswer,
    ExpectIce,
    ExpectDtls,
    ExpectChannel,
    Open,
    /// The channel was open, or the other peer left before.
    Closed,
    Failed,
}

/// One input of a handshake.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum HandshakeInput {
    /// Both ends of the pair have begun.
    BothBegan,
    Met {
        start: bool,
        initiate: bool,
    },
    Signal {
        signal: Signal,
        polite: bool,
    },
    /// The other peer's description or candidate is not fit for an engine.
    Malformed {
        why: &'static str,
    },
    Engine(EngineEvent),
    /// The other peer announced its leave.
    Left,
    /// A complete member list lacks the other peer.
    Missed,
    /// The server or the other peer rejects this pair.
    PairRefused {
        detail: String,
    },
    /// The signaling connection is lost.
    SignalingLost(Failure),
    /// The server rejects this peer after its join.
    Refused(Failure),
    TimedOut,
}

/// The handshake with one other peer.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    state: State,
    met: bool,
    /// The other peer announced its leave, so its channel closes by plan.
    other_left: bool,
    /// Candidates that arrived before the description they belong to.
    early_candidates: Vec<Candidate>,
    admitted: usize,
}

impl Handshake {
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    pub(super) fn is_decided(&self) -> bool {
        matches!(self.state, State::Open | State::Closed | State::Failed)
    }

    /// Both peers have begun, or a message has mentioned the other; the deadline runs.
    pub(super) fn is_pending(&self) -> bool {
        !self.is_decided() && self.state != State::ExpectBegin
    }

    /// Handles one input about the pair with `other`, and pushes the outputs.
    #[expect(clippy::too_many_lines, reason = "the protocol is one flat match, read as a table")]
    pub(super) fn handle(&mut self, other: Seat, trickle: bool, input: HandshakeInput, out: &mut VecDeque<Output>) {
        use State::*;
        let state = self.state;
        self.state = match (state, input) {
            (ExpectBegin, HandshakeInput::BothBegan) => ExpectNews,
            (_, HandshakeInput::BothBegan) => state,

            (ExpectBegin | ExpectNews | ExpectTrigger, HandshakeInput::Met { start: false, initiate }) => {
                self.record_met(other, initiate, out);
                ExpectTrigger
            }
            (ExpectBegin | ExpectNews | ExpectTrigger, HandshakeInput::Met { start: true, initiate: false }) => {
                self.record_met(other, false, out);
                ExpectOffer
            }
            (
                ExpectBegin | ExpectNews | ExpectTrigger | ExpectOffer,
                HandshakeInput::Met { start: true, initiate: true },
            ) => {
                self.record_met(other, true, out);
                record(EventKind::Edge { other, event: EdgeEvent::Offers }, out);
                out.push_back(Output::Engine(other, EngineCommand::Offer));
                ExpectOwnOffer
            }
            // Lists and replies repeat peers whose handshake already runs.
            (_, HandshakeInput::Met { .. }) => state,

            (ExpectOwnOffer, HandshakeInput::Engine(EngineEvent::Offer { sdp })) => {
                send_signal(other, Signal::Offer { sdp }, out);
                ExpectAnswer
            }
            (ExpectOwnAnswer, HandshakeInput::Engine(EngineEvent::Answer { sdp })) => {
                send_signal(other, Signal::Answer { sdp }, out);
                self.admit_early(other, out);
                ExpectIce
            }
            (ExpectApplied, HandshakeInput::Engine(EngineEvent::Applied)) => {
                record(EventKind::Edge { other, event: EdgeEvent::Answered }, out);
                self.admit_early(other, out);
                ExpectIce
            }
            (Closed | Failed, HandshakeInput::Engine(_)) => state,
            (_, HandshakeInput::Engine(EngineEvent::Candidate(candidate))) => {
                if trickle {
                    send_signal(other, Signal::Candidate(candidate), out);
                }
                state
            }
            (_, HandshakeInput::Engine(EngineEvent::Gathered)) => {
                if trickle {
                    send_signal(other, Signal::EndOfCandidates, out);
                }
                state
            }

            (
                ExpectBegin | ExpectNews | ExpectTrigger | ExpectOffer,
                HandshakeInput::Signal { signal: Signal::Offer { sdp }, .. },
            ) => {
                self.record_met(other, false, out);
                out.push_back(Output::Engine(other, EngineCommand::Accept { sdp }));
                ExpectOwnAnswer
            }
            // Glare: both sides offered, and the polite one yields ("perfect negotiation" of W3C WebRTC).
            (ExpectOwnOffer | ExpectAnswer, HandshakeInput::Signal { signal: Signal::Offer { sdp }, polite: true }) => {
                record(EventKind::Edge { other, event: EdgeEvent::Glare }, out);
                out.push_back(Output::Engine(other, EngineCommand::Drop));
                out.push_back(Output::Engine(other, EngineCommand::Accept { sdp }));
                ExpectOwnAnswer
            }
            (ExpectOwnOffer | ExpectAnswer, HandshakeInput::Signal { signal: Signal::Offer { .. }, polite: false }) => {
                record(EventKind::Edge { other, event: EdgeEvent::Glare }, out);
                state
            }
            (ExpectAnswer, HandshakeInput::Signal { signal: Signal::Answer { sdp }, .. }) => {
                out.push_back(Output::Engine(other, EngineCommand::Apply { sdp }));
                ExpectApplied
            }
            (
                ExpectIce | ExpectDtls | ExpectChannel | Open,
                HandshakeInput::Signal { signal: Signal::Candidate(candidate), .. },
            ) => {
                self.admit(other, candidate, out);
                state
            }
            (
                ExpectBegin | ExpectNews | ExpectTrigger | ExpectOffer | ExpectOwnOffer | ExpectAnswer | ExpectApplied
                | ExpectOwnAnswer,
                HandshakeInput::Signal { signal: Signal::Candidate(candidate), .. },
            ) => {
                if self.early_candidates.len() < CANDIDATES_MAX {
                    self.early_candidates.push(candidate);
                }
                state
            }
            (_, HandshakeInput::Signal { signal: Signal::EndOfCandidates, .. }) => state,

            (ExpectIce, HandshakeInput::Engine(EngineEvent::IceUp)) => {
                record(EventKind::Edge { other, event: EdgeEvent::IceUp }, out);
                ExpectDtls
            }
            (ExpectIce | ExpectDtls, HandshakeInput::Engine(EngineEvent::DtlsUp)) => {
                record(EventKind::Edge { other, event: EdgeEvent::DtlsUp }, out);
                ExpectChannel
            }
            (ExpectIce | ExpectDtls | ExpectChannel, HandshakeInput::Engine(EngineEvent::Open)) => {
                record(EventKind::Edge { other, event: EdgeEvent::Open }, out);
                Open
            }
            (Open, HandshakeInput::Engine(EngineEvent::Closed)) => {
                record(EventKind::Edge { other, event: EdgeEvent::Closed { planned: self.other_left } }, out);
                record(EventKind::Edge { other, event: EdgeEvent::NoticedLeave }, out);
                out.push_back(Output::Engine(other, EngineCommand::Drop));
                Closed
            }
            (Open, HandshakeInput::Engine(EngineEvent::Failed { .. })) => {
                record(EventKind::Edge { other, event: EdgeEvent::Closed { planned: self.other_left } }, out);
                out.push_back(Output::Engine(other, EngineCommand::Drop));
                Closed
            }

            (_, HandshakeInput::Engine(EngineEvent::Failed { reason, detail })) => {
                self.fail(other, Failure::new(state.phase(), reason, detail), out)
            }
            (_, HandshakeInput::Engine(EngineEvent::Closed)) => {
                self.fail(other, Failure::new(state.phase(), Reason::Closed, "channel"), out)
            }

            (Open, HandshakeInput::Left) => {
                record(EventKind::Edge { other, event: EdgeEvent::NoticedLeave }, out);
                self.other_left = true;
                Open
            }
            (Open, HandshakeInput::Missed) => {
                record(EventKind::Edge { other, event: EdgeEvent::NoticedLeave }, out);
                Open
            }
            // A list also lacks a peer that only lost its socket, so the handshake may still succeed.
            (_, HandshakeInput::Missed) => state,
            (Closed | Failed, HandshakeInput::Left) => state,
            (_, HandshakeInput::Left) => {
                out.push_back(Output::Engine(other, EngineCommand::Drop));
                Closed
            }

            (
                ExpectBegin | ExpectNews | ExpectTrigger | ExpectOffer | ExpectOwnOffer | ExpectAnswer | ExpectApplied
                | ExpectOwnAnswer | ExpectIce | ExpectDtls | ExpectChannel,
                HandshakeInput::Malformed { why },
            ) => {
                self.record_met(other, false, out);
                // Only a peer that has begun describes itself.
                let phase = state.phase().max(Phase::Negotiation);
                self.fail(other, Failure::new(phase, Reason::Protocol, why), out)
            }

            // Once the descriptions are exchanged, a rejection concerns a candidate, and the pair may still succeed.
            (
                ExpectNews | ExpectTrigger | ExpectOffer | ExpectOwnOffer | ExpectAnswer | ExpectApplied
                | ExpectOwnAnswer,
                HandshakeInput::PairRefused { detail },
            ) => self.fail(other, Failure::new(state.phase(), Reason::Rejected, detail), out),

            (
                ExpectIce | ExpectDtls | ExpectChannel | Open | Closed | Failed,
                HandshakeInput::SignalingLost(_) | HandshakeInput::Refused(_),
            ) => state,
            // The rejected join is the cause that no message mentioned the other peer.
            (ExpectBegin | ExpectNews | ExpectTrigger, HandshakeInput::Refused(failure)) => {
                self.fail(other, failure, out)
            }
            (_, HandshakeInput::SignalingLost(failure) | HandshakeInput::Refused(failure)) => {
                self.fail(other, Failure { phase: state.phase(), ..failure }, out)
            }

            (Open | Closed | Failed, HandshakeInput::TimedOut) => state,
            (_, HandshakeInput::TimedOut) => self.fail(other, Failure::timed_out(state.phase()), out),

            // Unexpected inputs, counted and without effect: a second answer, an answer without an offer, an offer to a
            // pair that has one, a rejection of no request, an engine event out of order.
            (
                _,
                HandshakeInput::Signal {
                    signal: Signal::Offer { .. } | Signal::Answer { .. } | Signal::Candidate(_),
                    ..
                },
            )
            | (_, HandshakeInput::Malformed { .. } | HandshakeInput::PairRefused { .. } | HandshakeInput::Engine(_)) => {
                record(EventKind::Peer(PeerEvent::Surprise { other: Some(other) }), out);
                state
            }
        };
    }

    /// Resets the handshake: the other peer returns with a new session.
    pub(super) fn renew(&mut self, other: Seat, out: &mut VecDeque<Output>) {
        if self.state == State::Open {
            record(EventKind::Edge { other, event: EdgeEvent::Closed { planned: true } }, out);
        }
        if !matches!(self.state, State::Closed | State::Failed) {
            out.push_back(Output::Engine(other, EngineCommand::Drop));
        }
        *self = Self::default();
    }

    fn record_met(&mut self, other: Seat, initiates: bool, out: &mut VecDeque<Output>) {
        if !self.met {
            self.met = true;
            record(EdgeEvent::Met { initiates }.to(other), out);
        }
    }

    fn admit_early(&mut self, other: Seat, out: &mut VecDeque<Output>) {
        for candidate in std::mem::take(&mut self.early_candidates) {
            self.admit(other, candidate, out);
        }
    }

    fn admit(&mut self, other: Seat, candidate: Candidate, out: &mut VecDeque<Output>) {
        if self.admitted < CANDIDATES_MAX {
            self.admitted += 1;
            out.push_back(Output::Engine(other, EngineCommand::Admit(candidate)));
        }
    }

    fn fail(&mut self, other: Seat, failure: Failure, out: &mut VecDeque<Output>) -> State {
        record(EventKind::Edge { other, event: EdgeEvent::Failed { failure } }, out);
        out.push_back(Output::Engine(other, EngineCommand::Drop));
        State::Failed
    }
}

impl State {
    /// The phase in which a handshake that ends in this state has ended.
    fn phase(self) -> Phase {
        match self {
            Self::ExpectBegin | Self::ExpectNews | Self::ExpectTrigger => Phase::Discovery,
            Self::ExpectOffer
            | Self::ExpectOwnOffer
            | Self::ExpectAnswer
            | Self::ExpectApplied
            | Self::ExpectOwnAnswer => Phase::Negotiation,
            Self::ExpectIce => Phase::Ice,
            Self::ExpectDtls => Phase::Dtls,
            Self::ExpectChannel | Self::Open | Self::Closed | Self::Failed => Phase::Channel,
        }
    }
}

fn record(what: EventKind, out: &mut VecDeque<Output>) {
    out.push_back(Output::Event(what));
}

fn send_signal(to: Seat, signal: Signal, out: &mut VecDeque<Output>) {
    out.push_back(Output::Say(Say::Signal { to, signal }));
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: Seat = Seat(1);

    /// Every state with every input.
    #[test]
    fn the_transition_table_is_as_reviewed() {
        let mut table = String::new();
        for state in STATES {
            for (name, input) in inputs() {
                let mut handshake = Handshake { state, ..Handshake::default() };
                let mut out = VecDeque::new();
                handshake.handle(OTHER, true, input, &mut out);
                if handshake.state == state && out.is_empty() {
                    continue;
                }
                let effects: Vec<String> = out.iter().map(brief).collect();
                table.push_str(&format!("{state:?} + {name} → {:?}: {}\n", handshake.state, effects.join(", ")));
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn candidates_before_the_description_are_kept_and_admitted_after_it() {
        let mut handshake = Handshake { state: State::ExpectAnswer, ..Handshake::default() };
        let mut out = VecDeque::new();
        handshake.handle(OTHER, true, signal(Signal::Candidate(candidate("a"))), &mut out);
        assert!(out.is_empty());
        handshake.handle(OTHER, true, signal(Signal::Answer { sdp: "s".into() }), &mut out);
        handshake.handle(OTHER, true, HandshakeInput::Engine(EngineEvent::Applied), &mut out);
        assert!(out.contains(&Output::Engine(OTHER, EngineCommand::Admit(candidate("a")))));
    }

    #[test]
    fn the_twenty_first_candidate_is_ignored() {
        let mut handshake = Handshake { state: State::ExpectIce, ..Handshake::default() };
        let mut out = VecDeque::new();
        for _ in 0..=CANDIDATES_MAX {
            handshake.handle(OTHER, true, signal(Signal::Candidate(candidate("a"))), &mut out);
        }
        assert_eq!(out.len(), CANDIDATES_MAX);
    }

    #[test]
    fn a_pair_is_met_once_however_often_it_is_heard_of() {
        let mut handshake = Handshake::default();
        let mut out = VecDeque::new();
        for start in [false, false, true, true] {
            handshake.handle(OTHER, true, HandshakeInput::Met { start, initiate: true }, &mut out);
        }
        let met =
            out.iter().filter(|output| **output == Output::Event(EdgeEvent::Met { initiates: true }.to(OTHER))).count();
        assert_eq!(met, 1);
        assert_eq!(out.iter().filter(|output| **output == Output::Engine(OTHER, EngineCommand::Offer)).count(), 1);
    }

    #[test]
    fn who_comes_back_finds_a_new_handshake_and_the_old_channel_closed() {
        let check = |state: State, expected: &[&str]| {
            let mut handshake = Handshake { state, met: true, admitted: 7, other_left: true, ..Handshake::default() };
            let mut out = VecDeque::new();
            handshake.renew(OTHER, &mut out);
            assert_eq!(out.iter().map(brief).collect::<Vec<_>>(), expected, "{state:?}");
            assert_eq!((handshake.state, handshake.met, handshake.admitted), (State::ExpectBegin, false, 0));
            assert!(!handshake.other_left);
        };
        check(State::Open, &["note Closed", "order Drop"]);
        check(State::ExpectAnswer, &["order Drop"]);
        check(State::Closed, &[]);
        check(State::Failed, &[]);
    }

    #[test]
    fn without_trickling_no_candidate_is_said() {
        let mut handshake = Handshake { state: State::ExpectAnswer, ..Handshake::default() };
        let mut out = VecDeque::new();
        handshake.handle(OTHER, false, HandshakeInput::Engine(EngineEvent::Candidate(candidate("a"))), &mut out);
        assert!(out.is_empty());
    }

    const STATES: [State; 14] = [
        State::ExpectBegin,
        State::ExpectNews,
        State::ExpectTrigger,
        State::ExpectOffer,
        State::ExpectOwnOffer,
        State::ExpectAnswer,
        State::ExpectApplied,
        State::ExpectOwnAnswer,
        State::ExpectIce,
        State::ExpectDtls,
        State::ExpectChannel,
        State::Open,
        State::Closed,
        State::Failed,
    ];

    fn inputs() -> Vec<(&'static str, HandshakeInput)> {
        let sdp = || "sdp".to_owned();
        vec![
            ("both began", HandshakeInput::BothBegan),
            ("met", HandshakeInput::Met { start: false, initiate: true }),
            ("met, trigger, other offers", HandshakeInput::Met { start: true, initiate: false }),
            ("met, trigger, own offer", HandshakeInput::Met { start: true, initiate: true }),
            ("offer, polite", HandshakeInput::Signal { signal: Signal::Offer { sdp: sdp() }, polite: true }),
            ("offer, impolite", HandshakeInput::Signal { signal: Signal::Offer { sdp: sdp() }, polite: false }),
            ("answer", signal(Signal::Answer { sdp: sdp() })),
            ("candidate", signal(Signal::Candidate(candidate("c")))),
            ("end of candidates", signal(Signal::EndOfCandidates)),
            ("engine offer", HandshakeInput::Engine(EngineEvent::Offer { sdp: sdp() })),
            ("engine answer", HandshakeInput::Engine(EngineEvent::Answer { sdp: sdp() })),
            ("engine candidate", HandshakeInput::Engine(EngineEvent::Candidate(candidate("e")))),
            ("engine applied", HandshakeInput::Engine(EngineEvent::Applied)),
            ("engine ice", HandshakeInput::Engine(EngineEvent::IceUp)),
            ("engine dtls", HandshakeInput::Engine(EngineEvent::DtlsUp)),
            ("engine open", HandshakeInput::Engine(EngineEvent::Open)),
            ("engine closed", HandshakeInput::Engine(EngineEvent::Closed)),
            (
                "engine failed",
                HandshakeInput::Engine(EngineEvent::Failed { reason: Reason::IceFailed, detail: "".into() }),
            ),
            ("other left", HandshakeInput::Left),
            ("other missed", HandshakeInput::Missed),
            ("malformed", HandshakeInput::Malformed { why: "no SDP" }),
            ("pair refused", HandshakeInput::PairRefused { detail: "EXPIRE".to_owned() }),
            ("deaf", HandshakeInput::SignalingLost(Failure::new(Phase::Join, Reason::Closed, "close 1001"))),
            ("refused", HandshakeInput::Refused(Failure::new(Phase::Join, Reason::Rejected, "taken"))),
            ("time is up", HandshakeInput::TimedOut),
        ]
    }

    fn signal(signal: Signal) -> HandshakeInput {
        HandshakeInput::Signal { signal, polite: false }
    }

    fn candidate(name: &str) -> Candidate {
        Candidate { candidate: name.to_owned(), mid: None, line: None, ufrag: None }
    }

    fn brief(output: &Output) -> String {
        match output {
            Output::Engine(_, command) => format!("order {}", first_word(command)),
            Output::Say(Say::Signal { signal, .. }) => format!("say {}", first_word(signal)),
            Output::Event(EventKind::Edge { event: EdgeEvent::Failed { failure, .. }, .. }) => {
                format!("note failed in {failure}")
            }
            Output::Event(EventKind::Edge { event, .. }) => format!("note {}", first_word(event)),
            Output::Event(EventKind::Peer(event)) => format!("note {}", first_word(event)),
            other => format!("{other:?}"),
        }
    }

    fn first_word(thing: &impl std::fmt::Debug) -> String {
        let text = format!("{thing:?}");
        text.split([' ', '(']).next().unwrap_or_default().to_owned()
    }
}
