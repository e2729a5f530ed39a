//! The virtual peer, sans-IO: told of words, engine notices and time, it says what to do next.

mod chatter;
mod handshake;
mod pairs;
mod ports;
mod redial;

pub use chatter::{HEADER_BYTES, Talk, TalkPattern};
pub use ports::{Input, Output, Parcel};
pub use redial::Redial;

use crate::vocabulary::event::What;
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::ids::Seat;
use crate::vocabulary::link::Notice;
use crate::vocabulary::message::{Heard, Say};
use crate::vocabulary::phase::Phase;
use chatter::Chatter;
use handshake::Cue;
use pairs::Pairs;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What the profile and the plan chose for one peer.
#[derive(Clone, Debug)]
pub struct Config {
    pub seat: Seat,
    /// Peers of the room, this one included.
    pub room_size: u16,
    /// Per peer from its dial, per edge from when the later of the two began (measurement.md, "Metrics").
    pub timeout: Duration,
    /// Candidates are said one by one, as they are found.
    pub trickle: bool,
    pub talk: Talk,
}

/// Where the peer stands, named for what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    ExpectTurn,
    ExpectUpgrade {
        deadline: Instant,
    },
    ExpectJoined {
        deadline: Instant,
    },
    Present,
    /// Signaling is gone; channels live on.
    Deaf,
    /// The same, until it is time to dial again.
    ExpectRedial {
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
    standing: Standing,
    pairs: Pairs,
    chatter: Chatter,
    redial: Option<Redial>,
    outputs: VecDeque<Output>,
}

impl Peer {
    pub fn new(config: Config, epoch: Instant) -> Self {
        let pairs = Pairs::new(config.seat, config.room_size, config.timeout, config.trickle);
        let chatter = Chatter::new(config.talk.clone(), epoch);
        Self { config, standing: Standing::ExpectTurn, pairs, chatter, redial: None, outputs: VecDeque::new() }
    }

    /// It dials again when its socket is closed after it had joined.
    pub fn redialing(self, redial: Option<Redial>) -> Self {
        Self { redial, ..self }
    }

    /// Admits `guests` peers that are not ours, on the seats after the room's own.
    pub fn hosting(mut self, guests: u16) -> Self {
        self.pairs.host(guests);
        self
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        if self.standing == Standing::Gone {
            return;
        }
        match input {
            Input::Begin { due } => self.begin(now, due),
            Input::Companion { seat } => self.pairs.companion(now, seat, &mut self.outputs),
            Input::Succeeded { seat } => self.succeeded(now, seat),
            Input::Back { seat } => self.back(now, seat),
            Input::Upgraded => self.upgraded(now),
            Input::Lost(failure) => self.lost(now, failure),
            Input::Heard(heard) => self.heard(now, heard),
            Input::Engine(seat, notice) => self.engine(now, seat, notice),
            Input::Talk => self.chatter.start(now),
            Input::Hush => self.chatter.stop(),
            Input::Leave => self.leave(false, false),
            Input::Depart { silent } => self.leave(silent, true),
            Input::Wake => self.wake(now),
        }
    }

    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// It has failed or left.
    pub fn is_gone(&self) -> bool {
        self.standing == Standing::Gone
    }

    /// Its socket is gone, and another will take its place.
    pub fn dials_again(&self) -> bool {
        use Standing::{ExpectRedial, ExpectRejoined, ExpectReupgrade};
        matches!(self.standing, ExpectRedial { .. } | ExpectReupgrade { .. } | ExpectRejoined { .. })
    }

    /// Nothing more is to be negotiated with whoever sits there.
    pub fn has_decided(&self, seat: Seat) -> bool {
        self.pairs.is_decided(seat)
    }

    /// When `Input::Wake` is wanted.
    pub fn wake_at(&self) -> Option<Instant> {
        let own = match self.standing {
            Standing::ExpectUpgrade { deadline }
            | Standing::ExpectJoined { deadline }
            | Standing::ExpectRedial { at: deadline }
            | Standing::ExpectReupgrade { deadline }
            | Standing::ExpectRejoined { deadline } => Some(deadline),
            Standing::Gone => return None,
            Standing::ExpectTurn | Standing::Present | Standing::Deaf => None,
        };
        [own, self.pairs.wake_at(), self.chatter.wake_at()].into_iter().flatten().min()
    }

    fn begin(&mut self, now: Instant, due: Instant) {
        self.standing = Standing::ExpectUpgrade { deadline: now + self.config.timeout };
        self.note(What::Began { due });
        self.pairs.begin(now, &mut self.outputs);
        self.outputs.push_back(Output::Dial);
    }

    fn succeeded(&mut self, now: Instant, seat: Seat) {
        self.chatter.closed(seat);
        self.pairs.renew(now, seat, &mut self.outputs);
    }

    fn upgraded(&mut self, now: Instant) {
        match self.standing {
            Standing::ExpectUpgrade { deadline } => {
                self.standing = Standing::ExpectJoined { deadline };
                self.note(What::Upgraded);
            }
            Standing::ExpectReupgrade { .. } => {
                self.standing = Standing::ExpectRejoined { deadline: now + self.config.timeout };
            }
            _ => {}
        }
    }

    fn lost(&mut self, now: Instant, failure: Failure) {
        match self.standing {
            Standing::ExpectUpgrade { .. } => self.fail(Failure { phase: Phase::Connect, ..failure }),
            Standing::ExpectJoined { .. } => self.fail(Failure { phase: Phase::Join, ..failure }),
            Standing::Present => self.fall_silent(now, failure),
            Standing::ExpectReupgrade { .. } | Standing::ExpectRejoined { .. } => self.try_later(now, failure),
            Standing::ExpectRedial { .. } | Standing::ExpectTurn | Standing::Deaf | Standing::Gone => {}
        }
    }

    /// The socket of a peer that had joined is gone. A server that says no means it.
    fn fall_silent(&mut self, now: Instant, failure: Failure) {
        match &mut self.redial {
            Some(redial) if failure.reason == Reason::Closed => {
                self.standing = Standing::ExpectRedial { at: now + redial.pause(now) };
                self.note(What::ServerLost { failure: failure.clone() });
                // Who has yet to come may come when this peer hears again.
                self.pairs.handle_pending(now, &Cue::Deaf(failure), &mut self.outputs);
            }
            _ => {
                self.standing = Standing::Deaf;
                self.pairs.handle_all(now, &Cue::Deaf(failure), &mut self.outputs);
            }
        }
    }

    /// A dial after a loss came to nothing.
    fn try_later(&mut self, now: Instant, failure: Failure) {
        self.note(What::RedialFailed { failure });
        self.standing = match &mut self.redial {
            Some(redial) => Standing::ExpectRedial { at: now + redial.pause(now) },
            None => Standing::Deaf,
        };
    }

    fn dial_again(&mut self, now: Instant) {
        self.standing = Standing::ExpectReupgrade { deadline: now + self.config.timeout };
        self.outputs.push_back(Output::Dial);
    }

    /// A dial after a loss has had its time; another takes its place.
    fn give_up_dial(&mut self, now: Instant, phase: Phase) {
        self.note(What::RedialFailed { failure: Failure::timed_out(phase) });
        self.dial_again(now);
    }

    fn joined(&mut self, now: Instant) {
        let what = match self.standing {
            Standing::ExpectJoined { .. } => What::Joined,
            Standing::ExpectRejoined { .. } => What::Reconnected,
            _ => return,
        };
        self.standing = Standing::Present;
        self.redial.iter_mut().for_each(|redial| redial.joined(now));
        self.note(what);
    }

    fn heard(&mut self, now: Instant, heard: Heard<Seat>) {
        match heard {
            Heard::Joined => self.joined(now),
            Heard::Refused(failure) => match self.standing {
                // An answer that says no can come after the join was said.
                Standing::ExpectJoined { .. } => self.fail(failure),
                standing => {
                    if let Standing::ExpectRejoined { .. } = standing {
                        self.note(What::RedialFailed { failure: failure.clone() });
                    }
                    self.standing = Standing::Deaf;
                    self.pairs.handle_all(now, &Cue::Refused(failure), &mut self.outputs);
                }
            },
            Heard::Nonsense => self.note(What::Surprise { other: None }),
            Heard::Left { who } => {
                // Nobody else tells of a guest who goes before its channel is open.
                if self.pairs.is_guest(who) && !self.pairs.is_open(who) {
                    self.note(What::NoticedLeave { other: who });
                }
                self.pairs.handle(now, who, Cue::Left, &mut self.outputs);
            }
            Heard::Missed { who } => self.pairs.handle(now, who, Cue::Missed, &mut self.outputs),
            Heard::PairRefused { who, detail } => {
                self.pairs.handle(now, who, Cue::PairRefused { detail }, &mut self.outputs);
            }
            Heard::Met { who, start, initiate } => {
                self.pairs.handle(now, who, Cue::Met { start, initiate }, &mut self.outputs);
            }
            Heard::Signal { from, signal, polite } => {
                self.pairs.handle(now, from, Cue::Signal { signal, polite }, &mut self.outputs);
            }
        }
    }

    fn engine(&mut self, now: Instant, seat: Seat, notice: Notice) {
        match notice {
            Notice::Message(payload) if self.pairs.is_guest(seat) => {
                self.note(What::GuestMessage { other: seat, bytes: payload.len() as u32 });
            }
            Notice::Message(payload) => self.chatter.received(seat, payload, &mut self.outputs),
            notice => {
                let opened = notice == Notice::Open;
                self.pairs.handle(now, seat, Cue::Engine(notice), &mut self.outputs);
                if opened {
                    self.chatter.opened(seat);
                }
            }
        }
        if !self.pairs.is_open(seat) {
            self.chatter.closed(seat);
        }
    }

    fn wake(&mut self, now: Instant) {
        match self.standing {
            Standing::ExpectUpgrade { deadline } if deadline <= now => self.fail(Failure::timed_out(Phase::Connect)),
            Standing::ExpectJoined { deadline } if deadline <= now => self.fail(Failure::timed_out(Phase::Join)),
            standing => {
                match standing {
                    Standing::ExpectRedial { at } if at <= now => self.dial_again(now),
                    Standing::ExpectReupgrade { deadline } if deadline <= now => {
                        self.give_up_dial(now, Phase::Connect);
                    }
                    Standing::ExpectRejoined { deadline } if deadline <= now => self.give_up_dial(now, Phase::Join),
                    _ => {}
                }
                self.pairs.wake(now, &mut self.outputs);
                self.chatter.wake(now, &mut self.outputs);
            }
        }
    }

    fn back(&mut self, now: Instant, seat: Seat) {
        self.pairs.back(now, seat, &mut self.outputs);
        self.chatter.closed(seat);
    }

    fn leave(&mut self, silent: bool, early: bool) {
        if matches!(self.standing, Standing::Present) && !silent {
            self.outputs.push_back(Output::Say(Say::Leave));
        }
        self.note(What::Left { silent, early });
        self.go();
    }

    fn fail(&mut self, failure: Failure) {
        self.note(What::PeerFailed { failure });
        self.go();
    }

    fn go(&mut self) {
        self.standing = Standing::Gone;
        self.outputs.push_back(Output::Close);
    }

    fn note(&mut self, what: What) {
        self.outputs.push_back(Output::Note(what));
    }
}

#[cfg(test)]
mod tests;
