//! The life of one peer in the world: dials, reads, writes, wakes, and books every fact.

use super::actor::Actor;
use super::clock::Alarm;
use super::stimulus::{Effect, Stimulus};
use crate::engine::Engine;
use crate::peer::Parcel;
use crate::signaling::{Way, Wire};
use crate::vocabulary::event::{Event, What};
use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::Seat;
use crate::vocabulary::link::{Notice, Order};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Frames read at once before engine and timers get their turn.
const FRAMES_BATCH: usize = 32;

/// Batches of datagrams read at once before socket and timers get their turn.
const READS_MAX: usize = 2;

/// Rounds of one turn; then other peers of the worker get theirs.
const ROUNDS_MAX: usize = 16;

/// How long a goodbye may take to reach the server.
const GOODBYE_MAX: Duration = Duration::from_millis(500);

/// What the worker tells a peer while it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nudge {
    Companion {
        seat: Seat,
    },
    /// Another of the room that had left comes back.
    Back {
        seat: Seat,
    },
    Talk,
    Hush,
    Leave,
    /// Go while the others stay. `silent`: as a tab that is killed, without a word to server or peers.
    Depart {
        silent: bool,
    },
}

/// One peer, from its dial to its end.
pub struct Errand<Books> {
    actor: Actor,
    engine: Box<dyn Engine>,
    way: Way,
    mailbox: mpsc::Receiver<Nudge>,
    books: Books,
    socket: Socket,
    /// Facts about frames that are pushed and not yet on the wire.
    unwritten: Vec<What>,
    /// The most of them at once.
    unwritten_max: usize,
    /// The socket has something new to do since it was last polled: to dial, to write, to close.
    stirred: bool,
    /// It ends without a word.
    silent: bool,
    alarm: Alarm,
}

type Attempt = Pin<Box<dyn Future<Output = Result<Box<dyn Wire>, Failure>>>>;

enum Socket {
    Idle,
    Dialing(Attempt),
    Open(Box<dyn Wire>),
    Closing { connection: Box<dyn Wire>, until: Instant },
    Gone,
}

impl<Books: Fn(Event)> Errand<Books> {
    pub fn new(
        actor: Actor,
        engine: Box<dyn Engine>,
        way: impl Into<Way>,
        mailbox: mpsc::Receiver<Nudge>,
        alarm: Alarm,
        books: Books,
    ) -> Self {
        Self {
            actor,
            engine,
            way: way.into(),
            mailbox,
            books,
            socket: Socket::Idle,
            unwritten: Vec::new(),
            unwritten_max: 0,
            stirred: false,
            silent: false,
            alarm,
        }
    }

    /// Runs the peer that was due at `due`, until it has failed or was told to leave. Gives the most frames
    /// that waited for its socket at once.
    pub async fn run(mut self, due: Instant) -> usize {
        self.handle(Stimulus::Begin { due });
        std::future::poll_fn(|context| self.poll(context)).await;
        self.unwritten_max
    }

    /// One turn: everything that is ready, then what follows from it. Whoever was asked until it had nothing more
    /// wakes this peer by itself; it is asked again only for what the others have stirred up meanwhile. (On a server
    /// that broadcasts, most turns are one frame for somebody else.)
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        for _ in 0..ROUNDS_MAX {
            while let Poll::Ready(Some(nudge)) = self.mailbox.poll_recv(context) {
                self.silent |= nudge == Nudge::Depart { silent: true };
                self.handle(stimulus(nudge));
            }
            self.stirred = false;
            let mut more = self.poll_socket(context);
            more |= self.poll_board(context);
            // Who is behind reads what has come before it looks at the clock: else what is there already is asked for again.
            let unread = self.poll_engine(context);
            more |= unread || self.poll_alarm(context);
            if matches!(self.socket, Socket::Gone)
                && self.actor.is_gone()
                && self.engine.poll_closed(context).is_ready()
            {
                return Poll::Ready(());
            }
            if !more && !self.stirred {
                return Poll::Pending;
            }
        }
        // However much comes, no timer waits for longer than a turn.
        self.poll_alarm(context);
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_board(&mut self, context: &mut Context<'_>) -> bool {
        let Some(board) = self.actor.board() else { return false };
        board.watch(self.actor.place().seat, context);
        if self.actor.news().is_none() {
            return false;
        }
        self.handle(Stimulus::Board);
        true
    }

    /// Whether it has more to give or another to become.
    fn poll_socket(&mut self, context: &mut Context<'_>) -> bool {
        match &mut self.socket {
            Socket::Idle | Socket::Gone => false,
            Socket::Dialing(dialing) => {
                let Poll::Ready(dialed) = dialing.as_mut().poll(context) else { return false };
                match dialed {
                    Ok(connection) => {
                        self.socket = Socket::Open(connection);
                        self.handle(Stimulus::Upgraded);
                    }
                    Err(failure) => {
                        self.socket = Socket::Gone;
                        self.handle(Stimulus::Lost(failure));
                    }
                }
                true
            }
            Socket::Open(_) => self.poll_connection(context),
            Socket::Closing { connection, until } => {
                let done = connection.poll_flush(context).is_ready() && connection.poll_close(context).is_ready();
                let now = Instant::now();
                if done || *until <= now {
                    self.write_down(now);
                    self.socket = Socket::Gone;
                    return true;
                }
                false
            }
        }
    }

    fn poll_connection(&mut self, context: &mut Context<'_>) -> bool {
        let mut more = true;
        for _ in 0..FRAMES_BATCH {
            let Socket::Open(connection) = &mut self.socket else { return true };
            let Poll::Ready(read) = connection.poll_frame(context) else {
                more = false;
                break;
            };
            match read {
                Ok(text) => self.handle(Stimulus::Frame(text.as_str())),
                Err(failure) => self.lose(failure),
            }
        }
        let Socket::Open(connection) = &mut self.socket else { return true };
        self.stirred = false;
        if connection.is_waiting() {
            // Whoever reads what is written may be woken first and run in our place: only before the write is it
            // certain that the target has not had it yet.
            let began = Instant::now();
            match connection.poll_flush(context) {
                Poll::Ready(Ok(())) => self.write_down(began),
                Poll::Ready(Err(failure)) => self.lose(failure),
                Poll::Pending => {}
            }
        }
        more
    }

    /// Whether it may have more to read.
    fn poll_engine(&mut self, context: &mut Context<'_>) -> bool {
        for _ in 0..READS_MAX {
            let Poll::Ready(Ok(())) = self.engine.poll_readable(context) else { return false };
            self.engine.read(Instant::now());
            self.hear_engine();
        }
        true
    }

    fn poll_alarm(&mut self, context: &mut Context<'_>) -> bool {
        let closing = match &self.socket {
            Socket::Closing { until, .. } => Some(*until),
            _ => None,
        };
        let at = [self.actor.wake_at(), self.engine.wake_at(), closing].into_iter().flatten().min();
        if self.alarm.poll(at, context).is_pending() {
            return false;
        }
        let now = Instant::now();
        if self.engine.wake_at().is_some_and(|at| at <= now) {
            self.engine.wake(now);
            self.hear_engine();
        }
        if self.actor.wake_at().is_some_and(|at| at <= now) {
            self.handle(Stimulus::Wake);
        }
        true
    }

    fn lose(&mut self, failure: Failure) {
        self.stirred = true;
        self.socket = Socket::Gone;
        self.unwritten.clear();
        self.handle(Stimulus::Lost(failure));
    }

    fn handle(&mut self, stimulus: Stimulus<'_>) {
        let now = Instant::now();
        self.actor.handle(now, stimulus);
        self.carry_out(now);
        self.hear_engine();
    }

    fn hear_engine(&mut self) {
        while let Some((slot, notice)) = self.engine.poll() {
            let now = Instant::now();
            let seat = self.actor.seat_at(slot);
            if let Notice::Worked { spent } = notice {
                self.book(now, What::OwnWork { other: seat, spent });
                continue;
            }
            self.actor.handle(now, Stimulus::Engine(seat, notice));
            self.carry_out(now);
        }
    }

    fn carry_out(&mut self, now: Instant) {
        while let Some(effect) = self.actor.poll() {
            match effect {
                Effect::Dial => {
                    self.stirred = true;
                    self.socket = Socket::Dialing(Box::pin(self.way.clone().dial()));
                }
                Effect::Frame { text, kind, to } => {
                    self.unwritten.push(What::Said { kind, bytes: text.len() as u32, to });
                    self.unwritten_max = self.unwritten_max.max(self.unwritten.len());
                    self.push(text);
                }
                Effect::Engine(seat, order) => self.order(seat, order),
                Effect::Send(parcel) => self.send(now, parcel),
                // It has joined when the words are on the wire: now, if the server has acknowledged them.
                Effect::Note(what @ (What::Joined | What::Reconnected)) if !self.unwritten.is_empty() => {
                    self.unwritten.push(what);
                }
                Effect::Note(what) => self.book(now, what),
                Effect::Close => self.close(now),
            }
        }
    }

    fn push(&mut self, text: String) {
        self.stirred = true;
        if let Socket::Open(connection) = &mut self.socket
            && let Err(failure) = connection.push(text)
        {
            self.socket = Socket::Gone;
            self.unwritten.clear();
            self.actor.handle(Instant::now(), Stimulus::Lost(failure));
        }
    }

    fn order(&mut self, seat: Seat, order: Order) {
        let describes = matches!(order, Order::Offer | Order::Accept { .. } | Order::Apply { .. });
        let began = Instant::now();
        self.engine.order(began, self.actor.slot(seat), order);
        if describes {
            let now = Instant::now();
            self.book(now, What::OwnWork { other: seat, spent: now - began });
        }
    }

    fn send(&mut self, now: Instant, parcel: Parcel) {
        let Parcel { to, payload, sequence, due, echo } = parcel;
        let sent = self.engine.send(now, self.actor.slot(to), &payload);
        match (sent, echo) {
            (true, false) => {
                self.book(now, What::MessageSent { other: to, sequence, due, bytes: payload.len() as u32 });
            }
            (false, false) => self.book(now, What::MessageDropped { other: to }),
            (_, true) => {}
        }
    }

    fn close(&mut self, now: Instant) {
        self.stirred = true;
        if self.silent {
            // Its sockets go with it, and the operating system tells the server; the other ends find out by time.
            self.socket = Socket::Gone;
            return;
        }
        self.engine.close(now);
        self.socket = match std::mem::replace(&mut self.socket, Socket::Gone) {
            Socket::Open(connection) => Socket::Closing { connection, until: now + GOODBYE_MAX },
            _ => Socket::Gone,
        };
    }

    /// Books what was waiting for the wire, and was written `at`.
    fn write_down(&mut self, at: Instant) {
        for what in std::mem::take(&mut self.unwritten) {
            self.book(at, what);
        }
    }

    fn book(&self, at: Instant, what: What) {
        (self.books)(Event { at, place: self.actor.place(), what });
    }
}

fn stimulus(nudge: Nudge) -> Stimulus<'static> {
    match nudge {
        Nudge::Companion { seat } => Stimulus::Companion { seat },
        Nudge::Back { seat } => Stimulus::Back { seat },
        Nudge::Depart { silent } => Stimulus::Depart { silent },
        Nudge::Talk => Stimulus::Talk,
        Nudge::Hush => Stimulus::Hush,
        Nudge::Leave => Stimulus::Leave,
    }
}
