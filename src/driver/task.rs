//! The task of one peer: dials, reads, writes, fires timers, and records every event.

use super::alarm_clock::Alarm;
use super::arrival_clock::ArrivalSource;
use super::ports::{Input, OutgoingFrame, Output};
use super::virtual_peer::VirtualPeer;
use crate::engine::{Engine, EngineNotice};
use crate::peer::{OutgoingMessage, PeerCommand};
use crate::signaling::{SignalingConnection, Transport};
use crate::vocabulary::{EdgeEvent, EngineCommand, EngineEvent, Event, EventKind, Failure, PeerEvent, Seat};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc;

/// The most frames read before engine and timers are polled.
const FRAMES_BATCH: usize = 32;

/// The most batches of datagrams read before socket and timers are polled.
const READS_MAX: usize = 2;

/// The most rounds of one poll, before the worker polls its other peers.
const ROUNDS_MAX: usize = 16;

/// Room in a peer's mailbox besides companions and churn: start of messages, their end, leave, and some to spare.
pub const COMMANDS_MORE: usize = 8;

/// The time limit for the last leaves of a room or a worker.
pub const GOODBYES_MAX: Duration = Duration::from_secs(2);

/// The time limit for one leave to be written and the socket to close.
const GOODBYE_MAX: Duration = Duration::from_millis(500);

/// The remains of a peer.
pub struct PeerEnd {
    /// The greatest number of frames that waited for the socket at once.
    pub frames_waiting_max: usize,
    /// The connection of a peer that vanished: open, and neither read nor written, as long as it is kept.
    pub vanished: Option<Box<dyn SignalingConnection>>,
}

/// One peer, from its dial to its end.
pub struct PeerTask<Record> {
    virtual_peer: VirtualPeer,
    engine: Box<dyn Engine>,
    transport: Transport,
    mailbox: mpsc::Receiver<PeerCommand>,
    recorder: Record,
    socket: PeerSocket,
    /// The arrival of the input that is being handled.
    arrived: Instant,
    /// Events of frames that are pushed and not yet written, each with the arrival of the input that led to it.
    unwritten: Vec<(Instant, EventKind)>,
    /// The greatest length of `unwritten` so far.
    unwritten_max: usize,
    /// The socket has to dial, write or close something since it was last polled.
    socket_changed: bool,
    /// The peer departs without a leave.
    silent: bool,
    /// Its socket stays open when it departs.
    vanishes: bool,
    vanished: Option<Box<dyn SignalingConnection>>,
    alarm: Alarm,
}

/// The time at which an input was there to be handled.
enum ArrivalTime {
    Now,
    /// By the kernel's receive stamp, if there is one.
    Stamp(Option<SystemTime>),
    /// When a timer was due.
    Due(Instant),
    /// So long ago, over several reads.
    Waited(Duration),
}

type DialAttempt = Pin<Box<dyn Future<Output = Result<Box<dyn SignalingConnection>, Failure>>>>;

enum PeerSocket {
    Idle,
    Dialing(DialAttempt),
    Open(Box<dyn SignalingConnection>),
    Closing { connection: Box<dyn SignalingConnection>, until: Instant },
    Gone,
}

impl<Record: Fn(Event)> PeerTask<Record> {
    pub fn new(
        virtual_peer: VirtualPeer,
        engine: Box<dyn Engine>,
        transport: impl Into<Transport>,
        mailbox: mpsc::Receiver<PeerCommand>,
        alarm: Alarm,
        recorder: Record,
    ) -> Self {
        Self {
            virtual_peer,
            engine,
            transport: transport.into(),
            mailbox,
            recorder,
            socket: PeerSocket::Idle,
            arrived: Instant::now(),
            unwritten: Vec::new(),
            unwritten_max: 0,
            socket_changed: false,
            silent: false,
            vanishes: false,
            vanished: None,
            alarm,
        }
    }

    /// Runs the peer that was due at `due` until it has failed or left.
    pub async fn run(mut self, due: Instant) -> PeerEnd {
        self.handle(ArrivalTime::Now, Input::Begin { due });
        std::future::poll_fn(|context| self.poll(context)).await;
        PeerEnd { frames_waiting_max: self.unwritten_max, vanished: self.vanished }
    }

    /// Polls all sources in rounds until none has more. A drained source registers its waker, so it is polled again only
    /// if the others have changed it. (On a broadcasting server, most polls handle one frame for another peer.)
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        for _ in 0..ROUNDS_MAX {
            while let Poll::Ready(Some(command)) = self.mailbox.poll_recv(context) {
                self.vanishes |= command == PeerCommand::Vanish;
                self.silent |= self.vanishes || command == PeerCommand::Depart { silent: true };
                self.handle(ArrivalTime::Now, Input::Command(command));
            }
            self.socket_changed = false;
            let mut more = self.poll_socket(context);
            more |= self.poll_exchange(context);
            // Read queued datagrams before firing timers: a late peer would otherwise retransmit requests whose answers
            // already wait in its socket buffer.
            let unread = self.poll_engine(context);
            more |= unread || self.poll_alarm(context);
            if matches!(self.socket, PeerSocket::Gone)
                && self.virtual_peer.is_gone()
                && self.engine.poll_closed(context).is_ready()
            {
                return Poll::Ready(());
            }
            if !more && !self.socket_changed {
                return Poll::Pending;
            }
        }
        // Under constant input, timers still fire once per poll.
        self.poll_alarm(context);
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_exchange(&mut self, context: &mut Context<'_>) -> bool {
        let Some(exchange) = self.virtual_peer.exchange() else { return false };
        exchange.watch(self.virtual_peer.place().seat, context);
        if self.virtual_peer.unread_exchange().is_none() {
            return false;
        }
        self.handle(ArrivalTime::Now, Input::IdExchange);
        true
    }

    /// Returns true if the socket may have more frames, or has changed its state.
    fn poll_socket(&mut self, context: &mut Context<'_>) -> bool {
        match &mut self.socket {
            PeerSocket::Idle | PeerSocket::Gone => false,
            PeerSocket::Dialing(dialing) => {
                let Poll::Ready(dialed) = dialing.as_mut().poll(context) else { return false };
                match dialed {
                    Ok(connection) => {
                        let waited = connection.dial_waited();
                        self.socket = PeerSocket::Open(connection);
                        if let Some(took) = self.transport.take_prepared() {
                            self.record(Instant::now(), EventKind::Peer(PeerEvent::Prepared { took }));
                        }
                        self.handle(ArrivalTime::Waited(waited), Input::Upgraded);
                    }
                    Err(failure) => {
                        self.socket = PeerSocket::Gone;
                        self.handle(ArrivalTime::Now, Input::Lost(failure));
                    }
                }
                true
            }
            PeerSocket::Open(_) => self.poll_connection(context),
            PeerSocket::Closing { connection, until } => {
                let done = connection.poll_flush(context).is_ready() && connection.poll_close(context).is_ready();
                let now = Instant::now();
                if done || *until <= now {
                    self.record_written(now, 0);
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
                Ok(text) => {
                    let stamp = connection.stamp();
                    self.handle(ArrivalTime::Stamp(stamp), Input::Frame(text.as_str()));
                }
                Err(failure) => self.lose(failure),
            }
        }
        let PeerSocket::Open(connection) = &mut self.socket else { return true };
        self.socket_changed = false;
        if connection.is_waiting() {
            // The write can wake its reader, which may run first; only a time from before the write certainly precedes
            // the delivery.
            let began = Instant::now();
            if let Poll::Ready(Err(failure)) = connection.poll_flush(context) {
                self.lose(failure);
            } else {
                let unsent = connection.unsent();
                self.record_written(began, unsent);
            }
        }
        more
    }

    /// Returns true if the engine may have more to read.
    fn poll_engine(&mut self, context: &mut Context<'_>) -> bool {
        for _ in 0..READS_MAX {
            let Poll::Ready(Ok(())) = self.engine.poll_readable(context) else { return false };
            self.engine.read(Instant::now());
            self.arrived = Instant::now();
            self.drain_engine();
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
        if let Some(due) = self.engine.wake_at().filter(|at| *at <= now) {
            self.arrived = due;
            self.engine.wake(now);
            self.drain_engine();
        }
        if let Some(due) = self.virtual_peer.wake_at().filter(|at| *at <= now) {
            self.handle(ArrivalTime::Due(due), Input::Wake);
        }
        true
    }

    fn lose(&mut self, failure: Failure) {
        self.socket_changed = true;
        self.socket = PeerSocket::Gone;
        self.unwritten.clear();
        self.handle(ArrivalTime::Now, Input::Lost(failure));
    }

    fn handle(&mut self, arrival: ArrivalTime, input: Input<'_>) {
        let now = Instant::now();
        self.arrived = match arrival {
            ArrivalTime::Now => now,
            ArrivalTime::Stamp(stamp) => self.alarm.arrival(ArrivalSource::Signaling, stamp, now).unwrap_or(now),
            ArrivalTime::Due(at) => at,
            ArrivalTime::Waited(waited) => now.checked_sub(waited).unwrap_or(now),
        };
        self.virtual_peer.handle(now, input);
        self.apply_outputs(now);
        self.drain_engine();
    }

    fn drain_engine(&mut self) {
        let cause = self.arrived;
        while let Some(EngineNotice { seat: slot, event, stamp }) = self.engine.poll() {
            let now = Instant::now();
            let is_datagram = stamp.is_some() || event.is_datagram();
            let arrival = is_datagram.then(|| self.alarm.arrival(ArrivalSource::Engine, stamp, now)).flatten();
            self.arrived = arrival.unwrap_or(cause);
            let seat = self.virtual_peer.seat_at(slot);
            if let EngineEvent::Worked { spent } = event {
                self.record(now, EdgeEvent::OwnWork { spent }.to(seat));
                continue;
            }
            if let EngineEvent::Received { at } = event {
                self.record(at, EdgeEvent::Received.to(seat));
                continue;
            }
            self.virtual_peer.handle(now, Input::Engine(seat, event));
            self.apply_outputs(now);
        }
    }

    fn apply_outputs(&mut self, now: Instant) {
        while let Some(output) = self.virtual_peer.poll() {
            match output {
                Output::Dial => {
                    self.socket_changed = true;
                    self.socket = PeerSocket::Dialing(Box::pin(self.transport.clone().dial()));
                }
                Output::Say(OutgoingFrame { text, kind, to }) => {
                    let said = PeerEvent::Said { kind, bytes: text.len() as u32, to };
                    self.unwritten.push((self.arrived, EventKind::Peer(said)));
                    self.unwritten_max = self.unwritten_max.max(self.unwritten.len());
                    self.push(text);
                }
                Output::Engine(seat, command) => self.apply_command(seat, command),
                Output::Send(message) => self.send(now, message),
                // A join is complete once its frames are written; without any waiting, it is complete now.
                Output::Event(
                    what @ (EventKind::Peer(PeerEvent::Joined) | EventKind::Peer(PeerEvent::Reconnected)),
                ) if !self.unwritten.is_empty() => {
                    self.unwritten.push((self.arrived, what));
                }
                Output::Event(what) => self.record(now, what),
                Output::Close => self.close(now),
            }
        }
    }

    fn push(&mut self, text: String) {
        self.socket_changed = true;
        if let PeerSocket::Open(connection) = &mut self.socket
            && let Err(failure) = connection.push(text)
        {
            self.socket = PeerSocket::Gone;
            self.unwritten.clear();
            self.virtual_peer.handle(Instant::now(), Input::Lost(failure));
        }
    }

    fn apply_command(&mut self, seat: Seat, command: EngineCommand) {
        let describes =
            matches!(command, EngineCommand::Offer | EngineCommand::Accept { .. } | EngineCommand::Apply { .. });
        let began = Instant::now();
        self.engine.order(began, self.virtual_peer.slot(seat), command);
        if describes {
            let now = Instant::now();
            self.record(now, EdgeEvent::OwnWork { spent: now - began }.to(seat));
        }
    }

    fn send(&mut self, now: Instant, message: OutgoingMessage) {
        let OutgoingMessage { to, payload, sequence, due, echo } = message;
        let sent = self.engine.send(now, self.virtual_peer.slot(to), &payload);
        match (sent, echo) {
            (true, false) => {
                let bytes = payload.len() as u32;
                self.record(now, EdgeEvent::MessageSent { sequence, due, bytes }.to(to));
            }
            (false, false) => self.record(now, EdgeEvent::MessageDropped.to(to)),
            (_, true) => {}
        }
    }

    fn close(&mut self, now: Instant) {
        self.socket_changed = true;
        if self.silent {
            // The operating system closes the sockets, which the server notices unless the peer vanishes; the other peers
            // time out.
            let socket = std::mem::replace(&mut self.socket, PeerSocket::Gone);
            if let (PeerSocket::Open(connection), true) = (socket, self.vanishes) {
                self.vanished = Some(connection);
            }
            return;
        }
        self.engine.close(now);
        self.socket = match std::mem::replace(&mut self.socket, PeerSocket::Gone) {
            PeerSocket::Open(connection) => PeerSocket::Closing { connection, until: now + GOODBYE_MAX },
            _ => PeerSocket::Gone,
        };
    }

    /// Records the events of frames that were written `at`: all but the last `unsent` of them, and what follows those.
    fn record_written(&mut self, at: Instant, unsent: usize) {
        let is_frame = |what: &EventKind| matches!(what, EventKind::Peer(PeerEvent::Said { .. }));
        let mut frames = self.unwritten.iter().enumerate().rev().filter(|(_, (_, what))| is_frame(what));
        let place = |last| frames.nth(last).map_or(0, |(index, _)| index);
        let written = unsent.checked_sub(1).map_or(self.unwritten.len(), place);
        for (arrived, what) in self.unwritten.drain(..written) {
            (self.recorder)(Event::new(at, self.virtual_peer.place(), what).arrived(arrived));
        }
    }

    fn record(&self, at: Instant, what: EventKind) {
        (self.recorder)(Event::new(at, self.virtual_peer.place(), what).arrived(self.arrived));
    }
}
