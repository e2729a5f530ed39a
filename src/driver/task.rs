//! The life of one peer in the world: dials, reads, writes, wakes, and books every fact.

use super::alarm_clock::Alarm;
use super::ports::{Input, OutgoingFrame, Output};
use super::virtual_peer::VirtualPeer;
use crate::engine::Engine;
use crate::peer::{OutgoingMessage, PeerCommand};
use crate::signaling::{SignalingConnection, Transport};
use crate::vocabulary::engine::{EngineCommand, EngineEvent};
use crate::vocabulary::event::{Event, What};
use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::Seat;
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

/// How long the last goodbyes of a room or a worker may take.
pub const GOODBYES_MAX: Duration = Duration::from_secs(2);

/// How long a goodbye may take to reach the server.
const GOODBYE_MAX: Duration = Duration::from_millis(500);

/// One peer, from its dial to its end.
pub struct PeerTask<Books> {
    virtual_peer: VirtualPeer,
    engine: Box<dyn Engine>,
    way: Transport,
    mailbox: mpsc::Receiver<PeerCommand>,
    recorder: Books,
    socket: PeerSocket,
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

type DialAttempt = Pin<Box<dyn Future<Output = Result<Box<dyn SignalingConnection>, Failure>>>>;

enum PeerSocket {
    Idle,
    Dialing(DialAttempt),
    Open(Box<dyn SignalingConnection>),
    Closing { connection: Box<dyn SignalingConnection>, until: Instant },
    Gone,
}

impl<Books: Fn(Event)> PeerTask<Books> {
    pub fn new(
        virtual_peer: VirtualPeer,
        engine: Box<dyn Engine>,
        way: impl Into<Transport>,
        mailbox: mpsc::Receiver<PeerCommand>,
        alarm: Alarm,
        recorder: Books,
    ) -> Self {
        Self {
            virtual_peer,
            engine,
            way: way.into(),
            mailbox,
            recorder,
            socket: PeerSocket::Idle,
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
        self.handle(Input::Begin { due });
        std::future::poll_fn(|context| self.poll(context)).await;
        self.unwritten_max
    }

    /// One turn: everything that is ready, then what follows from it. Whoever was asked until it had nothing more
    /// wakes this peer by itself; it is asked again only for what the others have stirred up meanwhile. (On a server
    /// that broadcasts, most turns are one frame for somebody else.)
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        for _ in 0..ROUNDS_MAX {
            while let Poll::Ready(Some(command)) = self.mailbox.poll_recv(context) {
                self.silent |= command == PeerCommand::Depart { silent: true };
                self.handle(Input::Command(command));
            }
            self.stirred = false;
            let mut more = self.poll_socket(context);
            more |= self.poll_exchange(context);
            // Who is behind reads what has come before it looks at the clock: else what is there already is asked for again.
            let unread = self.poll_engine(context);
            more |= unread || self.poll_alarm(context);
            if matches!(self.socket, PeerSocket::Gone)
                && self.virtual_peer.is_gone()
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

    fn poll_exchange(&mut self, context: &mut Context<'_>) -> bool {
        let Some(exchange) = self.virtual_peer.exchange() else { return false };
        exchange.watch(self.virtual_peer.place().seat, context);
        if self.virtual_peer.news().is_none() {
            return false;
        }
        self.handle(Input::IdExchange);
        true
    }

    /// Whether it has more to give or another to become.
    fn poll_socket(&mut self, context: &mut Context<'_>) -> bool {
        match &mut self.socket {
            PeerSocket::Idle | PeerSocket::Gone => false,
            PeerSocket::Dialing(dialing) => {
                let Poll::Ready(dialed) = dialing.as_mut().poll(context) else { return false };
                match dialed {
                    Ok(connection) => {
                        self.socket = PeerSocket::Open(connection);
                        self.handle(Input::Upgraded);
                    }
                    Err(failure) => {
                        self.socket = PeerSocket::Gone;
                        self.handle(Input::Lost(failure));
                    }
                }
                true
            }
            PeerSocket::Open(_) => self.poll_connection(context),
            PeerSocket::Closing { connection, until } => {
                let done = connection.poll_flush(context).is_ready() && connection.poll_close(context).is_ready();
                let now = Instant::now();
                if done || *until <= now {
                    self.write_down(now);
                    self.socket = PeerSocket::Gone;
                    return true;
                }
                false
            }
        }
    }

    fn poll_connection(&mut self, context: &mut Context<'_>) -> bool {
        let mut more = true;
        for _ in 0..FRAMES_BATCH {
            let PeerSocket::Open(connection) = &mut self.socket else { return true };
            let Poll::Ready(read) = connection.poll_frame(context) else {
                more = false;
                break;
            };
            match read {
                Ok(text) => self.handle(Input::Frame(text.as_str())),
                Err(failure) => self.lose(failure),
            }
        }
        let PeerSocket::Open(connection) = &mut self.socket else { return true };
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
            PeerSocket::Closing { until, .. } => Some(*until),
            _ => None,
        };
        let at = [self.virtual_peer.wake_at(), self.engine.wake_at(), closing].into_iter().flatten().min();
        if self.alarm.poll(at, context).is_pending() {
            return false;
        }
        let now = Instant::now();
        if self.engine.wake_at().is_some_and(|at| at <= now) {
            self.engine.wake(now);
            self.hear_engine();
        }
        if self.virtual_peer.wake_at().is_some_and(|at| at <= now) {
            self.handle(Input::Wake);
        }
        true
    }

    fn lose(&mut self, failure: Failure) {
        self.stirred = true;
        self.socket = PeerSocket::Gone;
        self.unwritten.clear();
        self.handle(Input::Lost(failure));
    }

    fn handle(&mut self, input: Input<'_>) {
        let now = Instant::now();
        self.virtual_peer.handle(now, input);
        self.carry_out(now);
        self.hear_engine();
    }

    fn hear_engine(&mut self) {
        while let Some((slot, notice)) = self.engine.poll() {
            let now = Instant::now();
            let seat = self.virtual_peer.seat_at(slot);
            if let EngineEvent::Worked { spent } = notice {
                self.book(now, What::OwnWork { other: seat, spent });
                continue;
            }
            self.virtual_peer.handle(now, Input::Engine(seat, notice));
            self.carry_out(now);
        }
    }

    fn carry_out(&mut self, now: Instant) {
        while let Some(output) = self.virtual_peer.poll() {
            match output {
                Output::Dial => {
                    self.stirred = true;
                    self.socket = PeerSocket::Dialing(Box::pin(self.way.clone().dial()));
                }
                Output::Say(OutgoingFrame { text, kind, to }) => {
                    self.unwritten.push(What::Said { kind, bytes: text.len() as u32, to });
                    self.unwritten_max = self.unwritten_max.max(self.unwritten.len());
                    self.push(text);
                }
                Output::Engine(seat, order) => self.order(seat, order),
                Output::Send(parcel) => self.send(now, parcel),
                // It has joined when the words are on the wire: now, if the server has acknowledged them.
                Output::Event(what @ (What::Joined | What::Reconnected)) if !self.unwritten.is_empty() => {
                    self.unwritten.push(what);
                }
                Output::Event(what) => self.book(now, what),
                Output::Close => self.close(now),
            }
        }
    }

    fn push(&mut self, text: String) {
        self.stirred = true;
        if let PeerSocket::Open(connection) = &mut self.socket
            && let Err(failure) = connection.push(text)
        {
            self.socket = PeerSocket::Gone;
            self.unwritten.clear();
            self.virtual_peer.handle(Instant::now(), Input::Lost(failure));
        }
    }

    fn order(&mut self, seat: Seat, order: EngineCommand) {
        let describes =
            matches!(order, EngineCommand::Offer | EngineCommand::Accept { .. } | EngineCommand::Apply { .. });
        let began = Instant::now();
        self.engine.order(began, self.virtual_peer.slot(seat), order);
        if describes {
            let now = Instant::now();
            self.book(now, What::OwnWork { other: seat, spent: now - began });
        }
    }

    fn send(&mut self, now: Instant, parcel: OutgoingMessage) {
        let OutgoingMessage { to, payload, sequence, due, echo } = parcel;
        let sent = self.engine.send(now, self.virtual_peer.slot(to), &payload);
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
            self.socket = PeerSocket::Gone;
            return;
        }
        self.engine.close(now);
        self.socket = match std::mem::replace(&mut self.socket, PeerSocket::Gone) {
            PeerSocket::Open(connection) => PeerSocket::Closing { connection, until: now + GOODBYE_MAX },
            _ => PeerSocket::Gone,
        };
    }

    /// Books what was waiting for the wire, and was written `at`.
    fn write_down(&mut self, at: Instant) {
        for what in std::mem::take(&mut self.unwritten) {
            self.book(at, what);
        }
    }

    fn book(&self, at: Instant, what: What) {
        (self.recorder)(Event { at, place: self.virtual_peer.place(), what });
    }
}
