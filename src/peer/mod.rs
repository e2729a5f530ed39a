//! The virtual peer, sans-IO: told of words, engine notices and time, it says what to do next.

mod chatter;
mod handshake;
mod pairs;

pub use chatter::{HEADER_BYTES, Talk, TalkPattern};

use crate::vocabulary::event::What;
use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::Seat;
use crate::vocabulary::link::{Notice, Order};
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

/// What a peer is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// It dials now; it was due at `due`.
    Begin {
        due: Instant,
    },
    /// Another of the room began: from the later of the two, the edge's time runs.
    Companion {
        seat: Seat,
    },
    /// Another of the room that had left comes back, with a new session: its edge starts anew.
    Back {
        seat: Seat,
    },
    Upgraded,
    /// The socket could not be opened, or is gone.
    Lost(Failure),
    Heard(Heard<Seat>),
    Engine(Seat, Notice),
    /// Messages start to flow over the open channels.
    Talk,
    /// Messages stop.
    Hush,
    /// Say goodbye and go, as all do.
    Leave,
    /// Go while the others stay. `silent`: without a goodbye.
    Depart {
        silent: bool,
    },
    /// `wake_at` has passed.
    Wake,
}

/// What a peer wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    Dial,
    Say(Say<Seat>),
    Engine(Seat, Order),
    /// Send a message into an open channel, if its queue has room.
    Send(Parcel),
    /// A fact for the books.
    Note(What),
    /// Close the socket and every connection; the peer is done.
    Close,
}

/// A message for one channel, with what the books need to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parcel {
    pub to: Seat,
    pub payload: Vec<u8>,
    pub sequence: u32,
    pub due: Instant,
    /// An echo of the other's ping: it is nobody's new message.
    pub echo: bool,
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
    Gone,
}

/// One virtual peer of one room. After `handle`, drain `poll` before the next `handle`.
pub struct Peer {
    config: Config,
    standing: Standing,
    pairs: Pairs,
    chatter: Chatter,
    outputs: VecDeque<Output>,
}

impl Peer {
    pub fn new(config: Config, epoch: Instant) -> Self {
        let pairs = Pairs::new(config.seat, config.room_size, config.timeout, config.trickle);
        let chatter = Chatter::new(config.talk.clone(), epoch);
        Self { config, standing: Standing::ExpectTurn, pairs, chatter, outputs: VecDeque::new() }
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        if self.standing == Standing::Gone {
            return;
        }
        match input {
            Input::Begin { due } => self.begin(now, due),
            Input::Companion { seat } => self.pairs.companion(now, seat, &mut self.outputs),
            Input::Back { seat } => self.back(now, seat),
            Input::Upgraded => self.upgraded(),
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

    /// When `Input::Wake` is wanted.
    pub fn wake_at(&self) -> Option<Instant> {
        let own = match self.standing {
            Standing::ExpectUpgrade { deadline } | Standing::ExpectJoined { deadline } => Some(deadline),
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

    fn upgraded(&mut self) {
        if let Standing::ExpectUpgrade { deadline } = self.standing {
            self.standing = Standing::ExpectJoined { deadline };
            self.note(What::Upgraded);
        }
    }

    fn lost(&mut self, now: Instant, failure: Failure) {
        match self.standing {
            Standing::ExpectUpgrade { .. } => self.fail(Failure { phase: Phase::Connect, ..failure }),
            Standing::ExpectJoined { .. } => self.fail(Failure { phase: Phase::Join, ..failure }),
            Standing::Present => {
                self.standing = Standing::Deaf;
                self.pairs.handle_all(now, &Cue::Deaf(failure), &mut self.outputs);
            }
            Standing::ExpectTurn | Standing::Deaf | Standing::Gone => {}
        }
    }

    fn heard(&mut self, now: Instant, heard: Heard<Seat>) {
        match heard {
            Heard::Joined => {
                if let Standing::ExpectJoined { .. } = self.standing {
                    self.standing = Standing::Present;
                    self.note(What::Joined);
                }
            }
            Heard::Refused(failure) => match self.standing {
                // An answer that says no can come after the join was said.
                Standing::ExpectJoined { .. } => self.fail(failure),
                _ => {
                    self.standing = Standing::Deaf;
                    self.pairs.handle_all(now, &Cue::Deaf(failure), &mut self.outputs);
                }
            },
            Heard::Nonsense => self.note(What::Surprise { other: None }),
            Heard::Left { who } => {
                self.pairs.handle(now, who, Cue::Left, &mut self.outputs);
            }
            Heard::Missed { who } => self.pairs.handle(now, who, Cue::Missed, &mut self.outputs),
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
            _ => {
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
