//! The handshake of one pair, as one of the two sees it: one match over (state, cue).

use super::ports::Output;
use crate::vocabulary::event::What;
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::ids::Seat;
use crate::vocabulary::link::{Notice, Order};
use crate::vocabulary::message::{Candidate, Say, Signal};
use crate::vocabulary::phase::Phase;
use std::collections::VecDeque;

/// Remote candidates that are kept or admitted; more are ignored (faults.md 10).
const CANDIDATES_MAX: usize = 20;

/// Named for what is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// The two have not both begun, as far as is known.
    #[default]
    ExpectBegin,
    /// Both are there; nothing was heard of the other.
    ExpectNews,
    /// The other was heard of, but not by the chosen trigger.
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
    /// It was open, or the other left before it could be.
    Closed,
    Failed,
}

/// What moves a handshake.
#[derive(Clone, Debug, PartialEq)]
pub enum Cue {
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
    Engine(Notice),
    /// The other said goodbye.
    Left,
    /// The other is listed no more.
    Missed,
    /// Server or other say no to this pair.
    PairRefused {
        detail: String,
    },
    /// Signaling is gone.
    Deaf(Failure),
    /// The server turns this peer away, after it had said that it joined.
    Refused(Failure),
    TimeIsUp,
}

/// One pair.
#[derive(Debug, Default)]
pub struct Handshake {
    state: State,
    met: bool,
    /// The other said goodbye: its channel will close by plan.
    other_left: bool,
    /// Candidates that came before the description they belong to.
    early: Vec<Candidate>,
    admitted: usize,
}

impl Handshake {
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    pub fn is_decided(&self) -> bool {
        matches!(self.state, State::Open | State::Closed | State::Failed)
    }

    /// Both are there, or something was heard of the other: time runs.
    pub fn is_pending(&self) -> bool {
        !self.is_decided() && self.state != State::ExpectBegin
    }

    /// Takes `cue` about the pair with `other`, and pushes what follows from it.
    #[expect(clippy::too_many_lines, reason = "the protocol is one flat match, read as a table")]
    pub fn handle(&mut self, other: Seat, trickle: bool, cue: Cue, out: &mut VecDeque<Output>) {
        use State::*;
        let state = self.state;
        self.state = match (state, cue) {
            (ExpectBegin, Cue::BothBegan) => ExpectNews,
            (_, Cue::BothBegan) => state,

            (ExpectBegin | ExpectNews | ExpectTrigger, Cue::Met { start: false, .. }) => {
                self.meet(other, out);
                ExpectTrigger
            }
            (ExpectBegin | ExpectNews | ExpectTrigger, Cue::Met { start: true, initiate: false }) => {
                self.meet(other, out);
                ExpectOffer
            }
            (ExpectBegin | ExpectNews | ExpectTrigger | ExpectOffer, Cue::Met { start: true, initiate: true }) => {
                self.meet(other, out);
                note(What::Offers { other }, out);
                out.push_back(Output::Engine(other, Order::Offer));
                ExpectOwnOffer
            }
            // News of somebody with whom the handshake runs already: lists and replies repeat.
            (_, Cue::Met { .. }) => state,

            (ExpectOwnOffer, Cue::Engine(Notice::Offer { sdp })) => {
                say(other, Signal::Offer { sdp }, out);
                ExpectAnswer
            }
            (ExpectOwnAnswer, Cue::Engine(Notice::Answer { sdp })) => {
                say(other, Signal::Answer { sdp }, out);
                self.admit_early(other, out);
                ExpectIce
            }
            (ExpectApplied, Cue::Engine(Notice::Applied)) => {
                note(What::Answered { other }, out);
                self.admit_early(other, out);
                ExpectIce
            }
            (Closed | Failed, Cue::Engine(_)) => state,
            (_, Cue::Engine(Notice::Candidate(candidate))) => {
                if trickle {
                    say(other, Signal::Candidate(candidate), out);
                }
                state
            }
            (_, Cue::Engine(Notice::Gathered)) => {
                if trickle {
                    say(other, Signal::EndOfCandidates, out);
                }
                state
            }

            (
                ExpectBegin | ExpectNews | ExpectTrigger | ExpectOffer,
                Cue::Signal { signal: Signal::Offer { sdp }, .. },
            ) => {
                self.meet(other, out);
                out.push_back(Output::Engine(other, Order::Accept { sdp }));
                ExpectOwnAnswer
            }
            // Glare: both sides offered at once, and one of them gives way.
            (ExpectOwnOffer | ExpectAnswer, Cue::Signal { signal: Signal::Offer { sdp }, polite: true }) => {
                note(What::Glare { other }, out);
                out.push_back(Output::Engine(other, Order::Drop));
                out.push_back(Output::Engine(other, Order::Accept { sdp }));
                ExpectOwnAnswer
            }
            (ExpectOwnOffer | ExpectAnswer, Cue::Signal { signal: Signal::Offer { .. }, polite: false }) => {
                note(What::Glare { other }, out);
                state
            }
            (ExpectAnswer, Cue::Signal { signal: Signal::Answer { sdp }, .. }) => {
                out.push_back(Output::Engine(other, Order::Apply { sdp }));
                ExpectApplied
            }
            (
                ExpectIce | ExpectDtls | ExpectChannel | Open,
                Cue::Signal { signal: Signal::Candidate(candidate), .. },
            ) => {
                self.admit(other, candidate, out);
                state
            }
            (
                ExpectBegin | ExpectNews | ExpectTrigger | ExpectOffer | ExpectOwnOffer | ExpectAnswer | ExpectApplied
                | ExpectOwnAnswer,
                Cue::Signal { signal: Signal::Candidate(candidate), .. },
            ) => {
                if self.early.len() < CANDIDATES_MAX {
                    self.early.push(candidate);
                }
                state
            }
            (_, Cue::Signal { signal: Signal::EndOfCandidates, .. }) => state,

            (ExpectIce, Cue::Engine(Notice::IceUp)) => {
                note(What::IceUp { other }, out);
                ExpectDtls
            }
            (ExpectIce | ExpectDtls, Cue::Engine(Notice::DtlsUp)) => {
                note(What::DtlsUp { other }, out);
                ExpectChannel
            }
            (ExpectIce | ExpectDtls | ExpectChannel, Cue::Engine(Notice::Open)) => {
                note(What::Open { other }, out);
                Open
            }
            (Open, Cue::Engine(Notice::Closed)) => {
                note(What::ChannelClosed { other, planned: self.other_left }, out);
                note(What::NoticedLeave { other }, out);
                out.push_back(Output::Engine(other, Order::Drop));
                Closed
            }
            (Open, Cue::Engine(Notice::Failed { .. })) => {
                note(What::ChannelClosed { other, planned: self.other_left }, out);
                out.push_back(Output::Engine(other, Order::Drop));
                Closed
            }

            (_, Cue::Engine(Notice::Failed { reason, detail })) => {
                self.fail(other, Failure::new(state.phase(), reason, detail), out)
            }
            (_, Cue::Engine(Notice::Closed)) => {
                self.fail(other, Failure::new(state.phase(), Reason::Closed, "channel"), out)
            }

            (Open, Cue::Left) => {
                note(What::NoticedLeave { other }, out);
                self.other_left = true;
                Open
            }
            (Open, Cue::Missed) => {
                note(What::NoticedLeave { other }, out);
                Open
            }
            // A server that only lost its socket lists it no more either, and what is under way may still end well.
            (_, Cue::Missed) => state,
            (Closed | Failed, Cue::Left) => state,
            (_, Cue::Left) => {
                out.push_back(Output::Engine(other, Order::Drop));
                Closed
            }

            // Once the descriptions are exchanged it is about a candidate, and the pair may still end well.
            (
                ExpectNews | ExpectTrigger | ExpectOffer | ExpectOwnOffer | ExpectAnswer | ExpectApplied
                | ExpectOwnAnswer,
                Cue::PairRefused { detail },
            ) => self.fail(other, Failure::new(state.phase(), Reason::Rejected, detail), out),

            (ExpectIce | ExpectDtls | ExpectChannel | Open | Closed | Failed, Cue::Deaf(_) | Cue::Refused(_)) => state,
            // The other could not be heard of, because the join was in vain.
            (ExpectBegin | ExpectNews | ExpectTrigger, Cue::Refused(failure)) => self.fail(other, failure, out),
            (_, Cue::Deaf(failure) | Cue::Refused(failure)) => {
                self.fail(other, Failure { phase: state.phase(), ..failure }, out)
            }

            (Open | Closed | Failed, Cue::TimeIsUp) => state,
            (_, Cue::TimeIsUp) => self.fail(other, Failure::timed_out(state.phase()), out),

            // What fits nowhere: a second answer, an answer to no offer, an offer to a pair that has one, a no to
            // nothing, an engine that is ahead of us. Counted, and otherwise without effect.
            (_, Cue::Signal { signal: Signal::Offer { .. } | Signal::Answer { .. } | Signal::Candidate(_), .. })
            | (_, Cue::PairRefused { .. } | Cue::Engine(_)) => {
                note(What::Surprise { other: Some(other) }, out);
                state
            }
        };
    }

    /// The other comes back with a new session, and knows nothing of this one's.
    pub fn renew(&mut self, other: Seat, out: &mut VecDeque<Output>) {
        if self.state == State::Open {
            note(What::ChannelClosed { other, planned: true }, out);
        }
        if !matches!(self.state, State::Closed | State::Failed) {
            out.push_back(Output::Engine(other, Order::Drop));
        }
        *self = Self::default();
    }

    fn meet(&mut self, other: Seat, out: &mut VecDeque<Output>) {
        if !self.met {
            self.met = true;
            note(What::Met { other }, out);
        }
    }

    fn admit_early(&mut self, other: Seat, out: &mut VecDeque<Output>) {
        for candidate in std::mem::take(&mut self.early) {
            self.admit(other, candidate, out);
        }
    }

    fn admit(&mut self, other: Seat, candidate: Candidate, out: &mut VecDeque<Output>) {
        if self.admitted < CANDIDATES_MAX {
            self.admitted += 1;
            out.push_back(Output::Engine(other, Order::Admit(candidate)));
        }
    }

    fn fail(&mut self, other: Seat, failure: Failure, out: &mut VecDeque<Output>) -> State {
        note(What::EdgeFailed { other, failure }, out);
        out.push_back(Output::Engine(other, Order::Drop));
        State::Failed
    }
}

impl State {
    /// The phase in which a handshake that stops here has stopped.
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

fn note(what: What, out: &mut VecDeque<Output>) {
    out.push_back(Output::Note(what));
}

fn say(to: Seat, signal: Signal, out: &mut VecDeque<Output>) {
    out.push_back(Output::Say(Say::Signal { to, signal }));
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: Seat = Seat(1);

    /// Every state met with every cue: the whole protocol of a pair on one page.
    #[test]
    fn the_transition_table_is_as_reviewed() {
        let mut table = String::new();
        for state in STATES {
            for (name, cue) in cues() {
                let mut handshake = Handshake { state, ..Handshake::default() };
                let mut out = VecDeque::new();
                handshake.handle(OTHER, true, cue, &mut out);
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
        handshake.handle(OTHER, true, Cue::Engine(Notice::Applied), &mut out);
        assert!(out.contains(&Output::Engine(OTHER, Order::Admit(candidate("a")))));
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
            handshake.handle(OTHER, true, Cue::Met { start, initiate: true }, &mut out);
        }
        let met = out.iter().filter(|output| **output == Output::Note(What::Met { other: OTHER })).count();
        assert_eq!(met, 1);
        assert_eq!(out.iter().filter(|output| **output == Output::Engine(OTHER, Order::Offer)).count(), 1);
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
        check(State::Open, &["note ChannelClosed", "order Drop"]);
        check(State::ExpectAnswer, &["order Drop"]);
        check(State::Closed, &[]);
        check(State::Failed, &[]);
    }

    #[test]
    fn without_trickling_no_candidate_is_said() {
        let mut handshake = Handshake { state: State::ExpectAnswer, ..Handshake::default() };
        let mut out = VecDeque::new();
        handshake.handle(OTHER, false, Cue::Engine(Notice::Candidate(candidate("a"))), &mut out);
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

    fn cues() -> Vec<(&'static str, Cue)> {
        let sdp = || "sdp".to_owned();
        vec![
            ("both began", Cue::BothBegan),
            ("met", Cue::Met { start: false, initiate: true }),
            ("met, trigger, other offers", Cue::Met { start: true, initiate: false }),
            ("met, trigger, own offer", Cue::Met { start: true, initiate: true }),
            ("offer, polite", Cue::Signal { signal: Signal::Offer { sdp: sdp() }, polite: true }),
            ("offer, impolite", Cue::Signal { signal: Signal::Offer { sdp: sdp() }, polite: false }),
            ("answer", signal(Signal::Answer { sdp: sdp() })),
            ("candidate", signal(Signal::Candidate(candidate("c")))),
            ("end of candidates", signal(Signal::EndOfCandidates)),
            ("engine offer", Cue::Engine(Notice::Offer { sdp: sdp() })),
            ("engine answer", Cue::Engine(Notice::Answer { sdp: sdp() })),
            ("engine candidate", Cue::Engine(Notice::Candidate(candidate("e")))),
            ("engine applied", Cue::Engine(Notice::Applied)),
            ("engine ice", Cue::Engine(Notice::IceUp)),
            ("engine dtls", Cue::Engine(Notice::DtlsUp)),
            ("engine open", Cue::Engine(Notice::Open)),
            ("engine closed", Cue::Engine(Notice::Closed)),
            ("engine failed", Cue::Engine(Notice::Failed { reason: Reason::IceFailed, detail: "".into() })),
            ("other left", Cue::Left),
            ("other missed", Cue::Missed),
            ("pair refused", Cue::PairRefused { detail: "EXPIRE".to_owned() }),
            ("deaf", Cue::Deaf(Failure::new(Phase::Join, Reason::Closed, "close 1001"))),
            ("refused", Cue::Refused(Failure::new(Phase::Join, Reason::Rejected, "taken"))),
            ("time is up", Cue::TimeIsUp),
        ]
    }

    fn signal(signal: Signal) -> Cue {
        Cue::Signal { signal, polite: false }
    }

    fn candidate(name: &str) -> Candidate {
        Candidate { candidate: name.to_owned(), mid: None, line: None, ufrag: None }
    }

    fn brief(output: &Output) -> String {
        match output {
            Output::Engine(_, order) => format!("order {}", first_word(order)),
            Output::Say(Say::Signal { signal, .. }) => format!("say {}", first_word(signal)),
            Output::Note(What::EdgeFailed { failure, .. }) => format!("note failed in {failure}"),
            Output::Note(what) => format!("note {}", first_word(what)),
            other => format!("{other:?}"),
        }
    }

    fn first_word(thing: &impl std::fmt::Debug) -> String {
        let text = format!("{thing:?}");
        text.split([' ', '(']).next().unwrap_or_default().to_owned()
    }
}
