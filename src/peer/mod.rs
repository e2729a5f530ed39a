//! The virtual peer, sans-IO: takes messages, engine events and the time, yields what to send, command and record.

mod handshake;
mod pairs;
mod ports;
mod reconnect;
mod traffic;

pub use ports::{Input, OutgoingMessage, Output, PeerCommand};
pub use reconnect::ReconnectBackoff;
pub use traffic::{HEADER_BYTES, TrafficConfig, TrafficPattern};

use crate::vocabulary::{EdgeEvent, EngineEvent, EventKind, Failure, Heard, PeerEvent, Phase, Reason, Say, Seat};
use handshake::HandshakeInput;
use pairs::Pairs;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use traffic::MessageTraffic;

/// The settings of one peer, from profile and plan.
#[derive(Clone, Debug)]
pub struct Config {
    pub seat: Seat,
    /// The number of peers in the room, including this one.
    pub room_size: u16,
    /// The deadline of the join, from the dial, and of each edge, from the later of its two dials
    /// (docs/spec/measurement.md, "Metrics").
    pub timeout: Duration,
    /// Candidates are sent one by one, as they are found.
    pub trickle: bool,
    pub traffic: TrafficConfig,
}

/// The state of a peer, named for the input that it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    ExpectTurn,
    ExpectUpgrade {
        deadline: Instant,
    },
    ExpectJoined {
        deadline: Instant,
    },
    Present,
    /// The signaling connection is closed for good; open channels stay.
    SignalingLost,
    /// The signaling connection is lost, and the next dial is due `at`.
    ExpectReconnect {
        at: Instant,
    },
    ExpectReupgrade {
        deadline: Instant,
    },
    ExpectRejoined {
        deadline: Instant,
    },
    Gone,
}

/// One virtual peer of one room. After `handle`, drain `poll` before the next `handle`.
pub struct Peer {
    config: Config,
    state: State,
    pairs: Pairs,
    messages: MessageTraffic,
    backoff: Option<ReconnectBackoff>,
    outputs: VecDeque<Output>,
}

impl Peer {
    pub fn new(config: Config, epoch: Instant) -> Self {
        let pairs = Pairs::new(config.seat, config.room_size, config.timeout, config.trickle);
        let messages = MessageTraffic::new(config.traffic.clone(), epoch);
        Self { config, state: State::ExpectTurn, pairs, messages, backoff: None, outputs: VecDeque::new() }
    }

    /// Makes the peer dial again when its socket closes after the join.
    pub fn with_reconnect(self, backoff: Option<ReconnectBackoff>) -> Self {
        Self { backoff, ..self }
    }

    /// Adds seats for `guests` peers of other programs, after the room's own.
    pub fn with_guests(mut self, guests: u16) -> Self {
        self.pairs.add_guest_seats(guests);
        self
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        if self.state == State::Gone {
            return;
        }
        match input {
            Input::Begin { due } => self.begin(now, due),
            Input::Command(PeerCommand::Companion { seat }) => {
                self.pairs.record_other_began(now, seat, &mut self.outputs);
            }
            Input::GuestReplaced { seat } => self.replace_guest(now, seat),
            Input::Command(PeerCommand::Back { seat }) => self.handle_return(now, seat),
            Input::Upgraded => self.upgraded(now),
            Input::Lost(failure) => self.lost(now, failure),
            Input::Heard(heard) => self.heard(now, heard),
            Input::Engine(seat, event) => self.engine(now, seat, event),
            Input::Command(PeerCommand::StartTraffic) => self.messages.start(now),
            Input::Command(PeerCommand::StopTraffic) => self.messages.stop(),
            Input::Command(PeerCommand::Leave) => self.leave(false, false),
            Input::Command(PeerCommand::Depart { silent }) => self.leave(silent, true),
            Input::Command(PeerCommand::Vanish) => self.leave(true, true),
            Input::Wake => self.wake(now),
        }
    }

    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The peer has failed or left.
    pub fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// The signaling connection is lost, and the peer dials again.
    pub fn is_reconnecting(&self) -> bool {
        use State::{ExpectReconnect, ExpectRejoined, ExpectReupgrade};
        matches!(self.state, ExpectReconnect { .. } | ExpectReupgrade { .. } | ExpectRejoined { .. })
    }

    /// The edge to `seat` is open, closed or failed.
    pub fn has_decided(&self, seat: Seat) -> bool {
        self.pairs.is_decided(seat)
    }

    /// The time at which `Input::Wake` is due.
    pub fn wake_at(&self) -> Option<Instant> {
        let own = match self.state {
            State::ExpectUpgrade { deadline }
            | State::ExpectJoined { deadline }
            | State::ExpectReconnect { at: deadline }
            | State::ExpectReupgrade { deadline }
            | State::ExpectRejoined { deadline } => Some(deadline),
            State::Gone => return None,
            State::ExpectTurn | State::Present | State::SignalingLost => None,
        };
        [own, self.pairs.wake_at(), self.messages.wake_at()].into_iter().flatten().min()
    }

    fn begin(&mut self, now: Instant, due: Instant) {
        self.state = State::ExpectUpgrade { deadline: now + self.config.timeout };
        self.record(EventKind::Peer(PeerEvent::Began { due }));
        self.pairs.begin(now, &mut self.outputs);
        self.outputs.push_back(Output::Dial);
    }

    fn replace_guest(&mut self, now: Instant, seat: Seat) {
        self.messages.closed(seat);
        self.pairs.renew(now, seat, &mut self.outputs);
    }

    fn upgraded(&mut self, now: Instant) {
        match self.state {
            State::ExpectUpgrade { deadline } => {
                self.state = State::ExpectJoined { deadline };
                self.record(EventKind::Peer(PeerEvent::Upgraded));
            }
            State::ExpectReupgrade { .. } => {
                self.state = State::ExpectRejoined { deadline: now + self.config.timeout };
            }
            _ => {}
        }
    }

    fn lost(&mut self, now: Instant, failure: Failure) {
        match self.state {
            State::ExpectUpgrade { .. } => self.fail(Failure { phase: Phase::Connect, ..failure }),
            State::ExpectJoined { .. } => self.fail(Failure { phase: Phase::Join, ..failure }),
            State::Present => self.handle_loss(now, failure),
            State::ExpectReupgrade { .. } | State::ExpectRejoined { .. } => self.schedule_reconnect(now, failure),
            State::ExpectReconnect { .. } | State::ExpectTurn | State::SignalingLost | State::Gone => {}
        }
    }

    /// Handles the loss of the socket after the join. A closed connection is dialed again, and a rejected one if the server
    /// says no for now.
    fn handle_loss(&mut self, now: Instant, failure: Failure) {
        self.record(EventKind::Peer(PeerEvent::ServerLost { failure: failure.clone() }));
        match &mut self.backoff {
            Some(backoff) if failure.reason == Reason::Closed || failure.may_pass() => {
                self.state = State::ExpectReconnect { at: now + backoff.pause(now) };
                // Edges that have not begun can still open after the reconnect.
                self.pairs.handle_pending(now, &HandshakeInput::SignalingLost(failure), &mut self.outputs);
            }
            _ => {
                self.state = State::SignalingLost;
                self.pairs.handle_all(now, &HandshakeInput::SignalingLost(failure), &mut self.outputs);
            }
        }
    }

    /// Handles the failure of a dial after a loss.
    fn schedule_reconnect(&mut self, now: Instant, failure: Failure) {
        self.record(EventKind::Peer(PeerEvent::RedialFailed { failure }));
        self.state = match &mut self.backoff {
            Some(backoff) => State::ExpectReconnect { at: now + backoff.pause(now) },
            None => State::SignalingLost,
        };
    }

    fn redial(&mut self, now: Instant) {
        self.state = State::ExpectReupgrade { deadline: now + self.config.timeout };
        self.outputs.push_back(Output::Dial);
    }

    /// Records that a dial after a loss timed out, and dials again.
    fn time_out_dial(&mut self, now: Instant, phase: Phase) {
        self.record(EventKind::Peer(PeerEvent::RedialFailed { failure: Failure::timed_out(phase) }));
        self.redial(now);
    }

    fn joined(&mut self, now: Instant) {
        let what = match self.state {
            State::ExpectJoined { .. } => EventKind::Peer(PeerEvent::Joined),
            State::ExpectRejoined { .. } => EventKind::Peer(PeerEvent::Reconnected),
            _ => return,
        };
        self.state = State::Present;
        self.backoff.iter_mut().for_each(|backoff| backoff.joined(now));
        self.record(what);
    }

    fn heard(&mut self, now: Instant, heard: Heard<Seat>) {
        match heard {
            Heard::Joined => self.joined(now),
            Heard::Refused(failure) => match self.state {
                // A rejection can arrive after the join was sent.
                State::ExpectJoined { .. } => self.fail(failure),
                state => {
                    if let State::ExpectRejoined { .. } = state {
                        self.record(EventKind::Peer(PeerEvent::RedialFailed { failure: failure.clone() }));
                    }
                    self.state = State::SignalingLost;
                    self.pairs.handle_all(now, &HandshakeInput::Refused(failure), &mut self.outputs);
                }
            },
            Heard::Nonsense => self.record(EventKind::Peer(PeerEvent::Surprise { other: None })),
            Heard::Left { who } => {
                // Before its channel is open, this notice is the only sign that a guest has left.
                if self.pairs.is_guest(who) && !self.pairs.is_open(who) {
                    self.record(EventKind::Edge { other: who, event: EdgeEvent::NoticedLeave });
                }
                self.pairs.handle(now, who, HandshakeInput::Left, &mut self.outputs);
            }
            Heard::Missed { who } => self.pairs.handle(now, who, HandshakeInput::Missed, &mut self.outputs),
            Heard::Malformed { from, why } => {
                self.pairs.handle(now, from, HandshakeInput::Malformed { why }, &mut self.outputs);
            }
            Heard::PairRefused { who, detail } => {
                self.pairs.handle(now, who, HandshakeInput::PairRefused { detail }, &mut self.outputs);
            }
            Heard::Met { who, start, initiate } => {
                self.pairs.handle(now, who, HandshakeInput::Met { start, initiate }, &mut self.outputs);
            }
            Heard::Signal { from, signal, polite } => {
                self.pairs.handle(now, from, HandshakeInput::Signal { signal, polite }, &mut self.outputs);
            }
        }
    }

    fn engine(&mut self, now: Instant, seat: Seat, event: EngineEvent) {
        match event {
            EngineEvent::Message(payload) if self.pairs.is_guest(seat) => {
                self.record(EventKind::Edge {
                    other: seat,
                    event: EdgeEvent::GuestMessage { bytes: payload.len() as u32 },
                });
            }
            EngineEvent::Message(payload) => self.messages.received(seat, payload, &mut self.outputs),
            event => {
                let opened = event == EngineEvent::Open;
                self.pairs.handle(now, seat, HandshakeInput::Engine(event), &mut self.outputs);
                if opened {
                    self.messages.opened(seat);
                }
            }
        }
        if !self.pairs.is_open(seat) {
            self.messages.closed(seat);
        }
    }

    fn wake(&mut self, now: Instant) {
        match self.state {
            State::ExpectUpgrade { deadline } if deadline <= now => self.fail(Failure::timed_out(Phase::Connect)),
            State::ExpectJoined { deadline } if deadline <= now => self.fail(Failure::timed_out(Phase::Join)),
            state => {
                match state {
                    State::ExpectReconnect { at } if at <= now => self.redial(now),
                    State::ExpectReupgrade { deadline } if deadline <= now => {
                        self.time_out_dial(now, Phase::Connect);
                    }
                    State::ExpectRejoined { deadline } if deadline <= now => self.time_out_dial(now, Phase::Join),
                    _ => {}
                }
                self.pairs.wake(now, &mut self.outputs);
                self.messages.wake(now, &mut self.outputs);
            }
        }
    }

    fn handle_return(&mut self, now: Instant, seat: Seat) {
        self.pairs.handle_return(now, seat, &mut self.outputs);
        self.messages.closed(seat);
    }

    fn leave(&mut self, silent: bool, early: bool) {
        if matches!(self.state, State::Present) && !silent {
            self.outputs.push_back(Output::Say(Say::Leave));
        }
        self.record(EventKind::Peer(PeerEvent::Left { silent, early }));
        self.end();
    }

    fn fail(&mut self, failure: Failure) {
        self.record(EventKind::Peer(PeerEvent::PeerFailed { failure }));
        self.end();
    }

    fn end(&mut self) {
        self.state = State::Gone;
        self.outputs.push_back(Output::Close);
    }

    fn record(&mut self, what: EventKind) {
        self.outputs.push_back(Output::Event(what));
    }
}

#[cfg(test)]
mod tests;
