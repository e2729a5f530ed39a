//! One SCTP association inside DTLS, sans-IO (RFC 9260, RFC 8261): told the time, fed packets, asked for packets.

mod held;
mod inbound;
mod opening;
mod outbound;
mod queue;
mod reset;
mod rto;
mod streams;
mod wire;

use super::packets::Packets;
use inbound::Inbound;
use opening::{Opening, Remote, write_init};
use outbound::{Outbound, PACKET_BYTES_MAX};
pub use queue::Limit;
use queue::Outgoing;
use reset::{Change, Reset};
use std::borrow::Cow;
use std::time::{Duration, Instant};
use streams::Streams;
use wire::{Chunk, Data, Packet, Sack, Writer, kind, u32_at};

/// T1 and T2 double up to this: what opens or ends a connection is repeated more often than what goes through it.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Repeats of INIT and COOKIE-ECHO; more time than any handshake is given.
const OPENING_REPEATS_MAX: u8 = 60;

/// Repeats of SHUTDOWN and SHUTDOWN-ACK.
const CLOSING_REPEATS_MAX: u8 = 5;

/// The largest HEARTBEAT that is answered; in bytes.
const HEARTBEAT_BYTES_MAX: usize = 512;

/// What an association is told before it begins.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Ours and the other end's, of the descriptions (RFC 8841 §5).
    pub ports: (u16, u16),
    /// The longest message that the other end takes, and the longest that we do; in bytes (RFC 8841 §6).
    pub send_bytes_max: usize,
    pub receive_bytes_max: usize,
}

/// Numbers that must be hard to guess.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    pub tag: u32,
    pub tsn: u32,
    pub cookie: u64,
}

/// What the association tells.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// It stands.
    Up,
    Message {
        stream: u16,
        ppid: u32,
        payload: Cow<'a, [u8]>,
    },
    /// The other end has closed its half of a stream.
    StreamClosed(u16),
    /// The other end has ended the association.
    Closed,
    Failed(&'static str),
}

/// Why the other end is not talked to any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refused(&'static str);

/// A message's promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub ordered: bool,
    pub limit: Limit,
}

impl Delivery {
    pub const RELIABLE: Self = Self { ordered: true, limit: Limit::Never };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not begun, or waiting a moment for the other end's INIT.
    Idle,
    CookieWait,
    CookieEchoed,
    Established,
    ShutdownPending,
    ShutdownSent,
    ShutdownReceived,
    ShutdownAckSent,
    Over,
}

/// Control chunks that are to go out.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    init: bool,
    init_ack: bool,
    cookie_echo: bool,
    cookie_ack: bool,
    shutdown: bool,
    shutdown_ack: bool,
    shutdown_complete: bool,
    abort: bool,
}

/// One association. After `connect`, `handle`, `send`, `wake` and the like, `flush` it.
#[derive(Debug)]
pub struct Association {
    config: Config,
    draws: Draws,
    state: State,
    due: Due,
    remote_tag: u32,
    zero_checksum: bool,
    opening: Option<Box<Opening>>,
    streams: Streams,
    outbound: Outbound,
    inbound: Inbound,
    reset: Reset,
    heartbeat: Option<Box<[u8]>>,
    /// T1 and T2.
    timer: Option<Instant>,
    repeats: u8,
}

impl Association {
    pub fn new(config: Config, draws: Draws) -> Self {
        // A tag of zero means INIT (RFC 9260 §3.3.2).
        let draws = Draws { tag: draws.tag.max(1), ..draws };
        Self {
            config,
            draws,
            state: State::Idle,
            due: Due::default(),
            remote_tag: 0,
            zero_checksum: false,
            opening: None,
            streams: Streams::default(),
            outbound: Outbound::new(draws.tsn),
            inbound: Inbound::new(0),
            reset: Reset::new(draws.tsn),
            heartbeat: None,
            timer: None,
            repeats: 0,
        }
    }

    /// Begins. Both ends do in WebRTC, and one handshake is enough: the end that expects the other's INIT lets it come for
    /// `pause` before it sends its own.
    pub fn connect(&mut self, now: Instant, pause: Duration) {
        if self.state != State::Idle || self.timer.is_some() {
            return;
        }
        self.timer = Some(now + pause);
        if pause.is_zero() {
            self.on_control_timeout(now);
        }
    }

    pub fn is_established(&self) -> bool {
        self.state == State::Established
    }

    /// Queues a message of at least one byte. `false`: it is too long, there is no room, or the association is closing.
    pub fn send(&mut self, now: Instant, stream: u16, ppid: u32, delivery: Delivery, payload: &[u8]) -> bool {
        let is_closing =
            !matches!(self.state, State::Idle | State::CookieWait | State::CookieEchoed | State::Established);
        if is_closing || payload.is_empty() || payload.len() > self.config.send_bytes_max {
            return false;
        }
        if !self.outbound.has_room(payload.len()) {
            return false;
        }
        let Some(sequence) = self.streams.at(stream) else { return false };
        let ssn = delivery.ordered.then_some(sequence.next_out);
        if delivery.ordered {
            sequence.next_out = sequence.next_out.wrapping_add(1);
        }
        self.outbound.push(now, Outgoing { stream, ssn, ppid, limit: delivery.limit, payload });
        true
    }

    /// Closes our half of a stream, after what is queued.
    pub fn close_stream(&mut self, stream: u16) -> bool {
        self.state == State::Established && self.reset.ask(stream, self.outbound.last_tsn())
    }

    /// Ends the association after what is queued has arrived (RFC 9260 §9.2).
    pub fn shutdown(&mut self) {
        if self.state == State::Established {
            self.state = State::ShutdownPending;
        }
    }

    /// Ends it at once, and tells the other end (RFC 9260 §9.1).
    pub fn abort(&mut self) {
        if self.state != State::Over && self.remote_tag != 0 {
            self.due = Due { abort: true, ..Due::default() };
        }
        self.end();
    }

    /// Takes in one packet. What it leads to goes out with the next `flush`.
    pub fn handle(&mut self, now: Instant, packet: &[u8], events: &mut dyn FnMut(Event<'_>)) {
        let Some(packet) = Packet::read(packet, true) else { return };
        if packet.ports != (self.config.ports.1, self.config.ports.0) || self.state == State::Over {
            return;
        }
        let mut has_data = false;
        for (index, chunk) in packet.chunks.enumerate() {
            if chunk.kind == kind::INIT {
                if index == 0 && packet.tag == 0 {
                    self.on_init(now, chunk.body);
                }
                return;
            }
            if !self.has_right_tag(packet.tag, chunk) {
                return;
            }
            match self.on_chunk(now, chunk, events) {
                Ok(was_data) => has_data |= was_data,
                Err(Refused(why)) => return self.fail(why, events),
            }
            // An unknown chunk ends the packet, unless its first bit says to skip it (RFC 9260 §3.2).
            if self.state == State::Over || !is_known(chunk.kind) && chunk.kind & 0x80 == 0 {
                return;
            }
        }
        if has_data {
            self.inbound.after_packet(now);
        }
    }

    /// RFC 9260 §8.5 and §8.5.1: an end that has no other tag may reflect the sender's own.
    fn has_right_tag(&self, tag: u32, chunk: Chunk<'_>) -> bool {
        let may_reflect = matches!(chunk.kind, kind::ABORT | kind::SHUTDOWN_COMPLETE) && chunk.flags & 1 != 0;
        tag == self.draws.tag || may_reflect && self.remote_tag != 0 && tag == self.remote_tag
    }

    /// `true`: it was data.
    fn on_chunk(&mut self, now: Instant, chunk: Chunk<'_>, events: &mut dyn FnMut(Event<'_>)) -> Result<bool, Refused> {
        match chunk.kind {
            kind::INIT_ACK => self.on_init_ack(now, chunk.body),
            kind::COOKIE_ECHO => self.on_cookie_echo(now, chunk.body, events),
            kind::COOKIE_ACK if self.state == State::CookieEchoed => self.establish(now, events),
            kind::ABORT => {
                self.end();
                events(Event::Closed);
            }
            _ if self.opening.is_some() || self.state == State::Idle => {}
            kind::DATA => {
                let Some(data) = Data::read(chunk) else { return Err(Refused("a chunk without data")) };
                self.inbound.on_data(&data, &mut self.streams, self.config.receive_bytes_max, events)?;
                return Ok(true);
            }
            kind::SACK => {
                if let Some(sack) = Sack::read(chunk.body) {
                    self.outbound.on_sack(now, &sack);
                }
            }
            kind::FORWARD_TSN => self.inbound.on_forward(chunk.body, &mut self.streams, events),
            kind::HEARTBEAT if chunk.body.len() <= HEARTBEAT_BYTES_MAX => self.heartbeat = Some(chunk.body.into()),
            kind::RE_CONFIG => self.on_re_config(chunk.body, events),
            kind::SHUTDOWN => self.on_shutdown(now, chunk.body, events),
            kind::SHUTDOWN_ACK => {
                self.end();
                self.due.shutdown_complete = true;
                events(Event::Closed);
            }
            kind::SHUTDOWN_COMPLETE if self.state == State::ShutdownAckSent => self.end(),
            _ => {}
        }
        Ok(false)
    }

    /// An INIT while ours may be under way is answered with the numbers that ours has (RFC 9260 §5.2.1). Once the association
    /// stands it is an old one: an end that had lost its state would have lost its DTLS keys, too.
    fn on_init(&mut self, now: Instant, body: &[u8]) {
        if !matches!(self.state, State::Idle | State::CookieWait | State::CookieEchoed) {
            return;
        }
        let Some((remote, _)) = Remote::read(body) else { return };
        self.opening.get_or_insert_default().invited = Some(remote);
        self.due.init_ack = true;
        if self.state == State::Idle {
            // Its COOKIE-ECHO comes next; should it be lost, our own INIT goes out.
            self.timer = self.timer.map(|_| now + self.outbound.rto.timeout());
        }
    }

    fn on_init_ack(&mut self, now: Instant, body: &[u8]) {
        if self.state != State::CookieWait {
            return;
        }
        let Some((remote, Some(cookie))) = Remote::read(body) else { return };
        let echo = cookie.to_vec();
        self.adopt(remote);
        self.state = State::CookieEchoed;
        self.due.cookie_echo = true;
        self.timer = Some(now + self.outbound.rto.timeout());
        self.repeats = 0;
        self.opening.get_or_insert_default().echo = echo;
    }

    /// RFC 9260 §5.1.5 and §5.2.4: the tags are compared by the cookie, which is ours alone and drawn for this association.
    fn on_cookie_echo(&mut self, now: Instant, body: &[u8], events: &mut dyn FnMut(Event<'_>)) {
        if body != self.draws.cookie.to_be_bytes() {
            return;
        }
        let invited = self.opening.as_ref().and_then(|opening| opening.invited);
        match (self.state, invited) {
            (State::Idle | State::CookieWait, Some(remote)) => {
                self.adopt(remote);
                self.establish(now, events);
            }
            (State::CookieEchoed, Some(remote)) if remote.tag == self.remote_tag => self.establish(now, events),
            // The acknowledgement was lost.
            (State::Established, _) => {}
            _ => return,
        }
        self.due.cookie_ack = true;
    }

    fn adopt(&mut self, remote: Remote) {
        self.remote_tag = remote.tag;
        self.zero_checksum = remote.zero_checksum;
        self.inbound = Inbound::new(remote.tsn);
        self.outbound.begin(remote.window, remote.forwards);
        self.reset.begin(remote.tsn);
    }

    fn establish(&mut self, now: Instant, events: &mut dyn FnMut(Event<'_>)) {
        self.state = State::Established;
        self.opening = None;
        self.timer = None;
        self.repeats = 0;
        self.due = Due::default();
        self.outbound.arm(now);
        events(Event::Up);
    }

    fn on_re_config(&mut self, body: &[u8], events: &mut dyn FnMut(Event<'_>)) {
        let streams = &mut self.streams;
        self.reset.on_chunk(body, self.inbound.cumulative(), &mut |change| match change {
            Change::Out(stream) => streams.reset_out(stream),
            Change::In(stream) => {
                streams.reset_in(stream);
                match stream {
                    Some(stream) => events(Event::StreamClosed(stream)),
                    None => streams.ids().for_each(|stream| events(Event::StreamClosed(stream))),
                }
            }
        });
    }

    /// RFC 9260 §9.2. It acknowledges as a SACK does.
    fn on_shutdown(&mut self, now: Instant, body: &[u8], events: &mut dyn FnMut(Event<'_>)) {
        let Some(tsn) = u32_at(body, 0) else { return };
        self.outbound.on_cumulative(now, tsn);
        match self.state {
            State::Established | State::ShutdownPending => {
                self.state = State::ShutdownReceived;
                events(Event::Closed);
            }
            // Both at once.
            State::ShutdownSent => {
                self.state = State::ShutdownAckSent;
                self.due.shutdown_ack = true;
                self.timer = Some(now + self.outbound.rto.timeout());
                events(Event::Closed);
            }
            State::ShutdownAckSent => self.due.shutdown_ack = true,
            _ => {}
        }
    }

    /// When `wake` is wanted.
    pub fn wake_at(&self) -> Option<Instant> {
        [self.timer, self.outbound.timer, self.inbound.timer, self.reset.timer].into_iter().flatten().min()
    }

    /// Serves the timers that are due; `flush` it afterwards.
    pub fn wake(&mut self, now: Instant, events: &mut dyn FnMut(Event<'_>)) {
        let is_due = |timer: Option<Instant>| timer.is_some_and(|at| at <= now);
        if is_due(self.timer) && !self.on_control_timeout(now) {
            if self.state == State::ShutdownAckSent {
                // Told already; the other end has gone without a word.
                return self.end();
            }
            return self.fail("no answer to an association's chunk", events);
        }
        if is_due(self.inbound.timer) {
            self.inbound.on_timeout();
        }
        if is_due(self.outbound.timer) && !self.outbound.on_timeout(now) {
            return self.fail("no acknowledgement came", events);
        }
        if is_due(self.reset.timer) && !self.reset.on_timeout() {
            self.fail("no answer to a stream reset", events);
        }
    }

    /// T1-init, T1-cookie and T2-shutdown. `false`: it was repeated in vain too often.
    fn on_control_timeout(&mut self, now: Instant) -> bool {
        let pause = self.outbound.rto.timeout() * (1 << self.repeats.min(5));
        self.timer = Some(now + pause.min(PAUSE_MAX));
        self.repeats = self.repeats.saturating_add(1);
        match self.state {
            State::Idle | State::CookieWait => {
                self.state = State::CookieWait;
                self.due.init = true;
            }
            State::CookieEchoed => {
                self.outbound.rewind();
                self.due.cookie_echo = true;
            }
            State::ShutdownSent => self.due.shutdown = true,
            State::ShutdownAckSent => self.due.shutdown_ack = true,
            _ => self.timer = None,
        }
        let is_closing = matches!(self.state, State::ShutdownSent | State::ShutdownAckSent);
        self.repeats <= if is_closing { CLOSING_REPEATS_MAX } else { OPENING_REPEATS_MAX }
    }

    /// Appends the packets that are due.
    pub fn flush(&mut self, now: Instant, out: &mut Packets) {
        if self.state == State::Over {
            return self.flush_last(out);
        }
        let invited = self.opening.as_ref().and_then(|opening| opening.invited);
        let Draws { tag, tsn, cookie } = self.draws;
        if let Some(remote) = invited
            && std::mem::take(&mut self.due.init_ack)
        {
            let write = |body: &mut Vec<u8>| write_init(body, tag, tsn, Some(cookie));
            self.write_alone(out, remote.tag, kind::INIT_ACK, write);
        }
        if std::mem::take(&mut self.due.init) {
            self.write_alone(out, 0, kind::INIT, |body| write_init(body, tag, tsn, None));
        }
        let mut more = self.remote_tag != 0;
        while more {
            self.close_when_empty(now);
            out.write(|bytes| more = self.write_packet(now, bytes));
        }
    }

    fn flush_last(&mut self, out: &mut Packets) {
        let due = std::mem::take(&mut self.due);
        if due.abort {
            self.write_alone(out, self.remote_tag, kind::ABORT, |_| {});
        }
        if due.shutdown_complete {
            self.write_alone(out, self.remote_tag, kind::SHUTDOWN_COMPLETE, |_| {});
        }
    }

    /// A packet of one chunk, always with its checksum (RFC 9653 §5.2).
    fn write_alone(&self, out: &mut Packets, tag: u32, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        out.write(|bytes| {
            let mut writer = Writer::new(bytes, self.config.ports, tag, PACKET_BYTES_MAX);
            writer.chunk(kind, 0, write);
            writer.end(true);
        });
    }

    /// `false`: nothing was left to send.
    fn write_packet(&mut self, now: Instant, bytes: &mut Vec<u8>) -> bool {
        let mut writer = Writer::new(bytes, self.config.ports, self.remote_tag, PACKET_BYTES_MAX);
        let due = std::mem::take(&mut self.due);
        if due.cookie_echo
            && let Some(opening) = &self.opening
        {
            writer.chunk(kind::COOKIE_ECHO, 0, |body| body.extend_from_slice(&opening.echo));
        }
        if due.cookie_ack {
            writer.chunk(kind::COOKIE_ACK, 0, |_| {});
        }
        if let Some(information) = self.heartbeat.take() {
            writer.chunk(kind::HEARTBEAT_ACK, 0, |body| body.extend_from_slice(&information));
        }
        if due.shutdown {
            let tsn = self.inbound.cumulative();
            writer.chunk(kind::SHUTDOWN, 0, |body| body.extend_from_slice(&tsn.to_be_bytes()));
        }
        if due.shutdown_ack {
            writer.chunk(kind::SHUTDOWN_ACK, 0, |_| {});
        }
        let outbound = &mut self.outbound;
        let is_up = self.opening.is_none();
        if is_up && self.reset.is_due(|tsn| outbound.is_acked(tsn)) {
            let patience = outbound.rto.timeout();
            self.reset.write(now, patience, |tsn| outbound.is_acked(tsn), &mut writer);
        }
        let mut is_worth_it = !writer.is_empty();
        let acknowledges =
            is_up && self.inbound.owes() && (is_worth_it || self.inbound.owes_at_once() || !outbound.is_empty());
        if acknowledges {
            self.inbound.write_sack(&mut writer);
        }
        is_worth_it |= acknowledges && self.inbound.owes_at_once();
        // The cookie may have data with it, but no second packet before it is acknowledged (RFC 9260 §5.1, C).
        if is_up || due.cookie_echo {
            is_worth_it |= outbound.fill(now, &mut writer);
        }
        if !is_up {
            outbound.timer = None;
        }
        if !is_worth_it {
            writer.take_back();
            return false;
        }
        if acknowledges {
            self.inbound.acknowledged();
        }
        writer.end(!self.zero_checksum || due.cookie_echo);
        is_up
    }

    /// The end of a shutdown, once everything is acknowledged (RFC 9260 §9.2).
    fn close_when_empty(&mut self, now: Instant) {
        if !self.outbound.is_empty() {
            return;
        }
        match self.state {
            State::ShutdownPending => {
                self.state = State::ShutdownSent;
                self.due.shutdown = true;
            }
            State::ShutdownReceived => {
                self.state = State::ShutdownAckSent;
                self.due.shutdown_ack = true;
            }
            _ => return,
        }
        self.timer = Some(now + self.outbound.rto.timeout());
    }

    fn fail(&mut self, why: &'static str, events: &mut dyn FnMut(Event<'_>)) {
        self.abort();
        events(Event::Failed(why));
    }

    /// Nothing more is sent but what is due already, and nothing is kept.
    fn end(&mut self) {
        self.state = State::Over;
        self.opening = None;
        self.timer = None;
        self.heartbeat = None;
        self.outbound.clear();
        self.inbound = Inbound::new(0);
        self.reset = Reset::new(0);
    }
}

fn is_known(kind: u8) -> bool {
    matches!(kind, kind::DATA..=kind::COOKIE_ACK | kind::SHUTDOWN_COMPLETE | kind::RE_CONFIG | kind::FORWARD_TSN)
}
