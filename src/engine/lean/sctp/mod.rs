//! One SCTP association inside DTLS, sans-IO (RFC 9260, RFC 8261): the caller passes in time and packets, and takes packets.

mod held;
mod inbound;
mod opening;
mod outbound;
mod queue;
mod receiving;
mod reset;
mod rto;
mod sending;
mod streams;
mod wire;

use super::drive::Ended;
use inbound::Inbound;
use opening::Opening;
use outbound::Outbound;
pub use queue::ChannelPromise;
use queue::Outgoing;
use reset::Reset;
use rto::OPENING_REPEATS_MAX;
use std::time::{Duration, Instant};
pub use streams::SctpEvent;
use streams::Streams;
use wire::{Packet, kind};

/// T1's first value, which doubles up to `OPENING_PAUSE_MAX`. It is shorter than the RTO of data, because an answer to INIT
/// or COOKIE-ECHO is never delayed.
const OPENING_PAUSE: Duration = Duration::from_millis(200);
const OPENING_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Most repeats of SHUTDOWN and SHUTDOWN-ACK.
const CLOSING_REPEATS_MAX: u8 = 5;

/// Settings of an association, from the two descriptions.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Our SCTP port and the other end's, from the descriptions (RFC 8841 §5).
    pub ports: (u16, u16),
    /// The longest message that the other end takes, and below it the longest that we take; in bytes (RFC 8841 §6).
    pub send_bytes_max: usize,
    pub receive_bytes_max: usize,
}

/// Random numbers that must be hard to guess.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    pub tag: u32,
    pub tsn: u32,
    pub cookie: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not begun, or waiting for the other end's INIT before sending its own.
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

/// One association. Call `flush` after each method that changes it, such as `connect`, `handle`, `send` and `wake`.
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

    /// Begins the handshake. In WebRTC both ends do, and one handshake is enough: the end that expects the other's INIT waits
    /// for `pause` before it sends its own.
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
    pub fn send(&mut self, now: Instant, stream: u16, ppid: u32, promise: ChannelPromise, payload: &[u8]) -> bool {
        let is_closing =
            !matches!(self.state, State::Idle | State::CookieWait | State::CookieEchoed | State::Established);
        if is_closing || payload.is_empty() || payload.len() > self.config.send_bytes_max {
            return false;
        }
        if !self.outbound.has_room(payload.len()) {
            return false;
        }
        let Some(sequence) = self.streams.at(stream) else { return false };
        let ssn = promise.ordered.then_some(sequence.next_out);
        if promise.ordered {
            sequence.next_out = sequence.next_out.wrapping_add(1);
        }
        self.outbound.push(now, Outgoing { stream, ssn, ppid, reliability: promise.reliability, payload });
        true
    }

    /// Closes our half of a stream, after the queued messages. `false`: the association is not established, or another stream
    /// is being closed.
    pub fn close_stream(&mut self, stream: u16) -> bool {
        self.state == State::Established && self.reset.ask(stream, self.outbound.last_tsn())
    }

    /// Ends the association once the queued messages have arrived (RFC 9260 §9.2).
    pub fn shutdown(&mut self) {
        if self.state == State::Established {
            self.state = State::ShutdownPending;
        }
    }

    /// Ends the association at once, with an ABORT to the other end (RFC 9260 §9.1).
    pub fn abort(&mut self) {
        if self.state != State::Over && self.remote_tag != 0 {
            self.due = Due { abort: true, ..Due::default() };
        }
        self.end();
    }

    /// Takes in one packet. Its answers go out with the next `flush`.
    ///
    /// # Errors
    /// The other end has ended the association, or broken its rules; the packet's earlier chunks count.
    pub fn handle(&mut self, now: Instant, packet: &[u8], events: &mut Vec<SctpEvent>) -> Result<(), Ended> {
        let Some(packet) = Packet::read(packet, true) else { return Ok(()) };
        if packet.ports != (self.config.ports.1, self.config.ports.0) || self.state == State::Over {
            return Ok(());
        }
        let mut has_data = false;
        for (index, chunk) in packet.chunks.enumerate() {
            if chunk.kind == kind::INIT {
                if index == 0 && packet.tag == 0 {
                    self.on_init(now, chunk.body);
                }
                return Ok(());
            }
            if !self.has_right_tag(packet.tag, chunk) {
                return Ok(());
            }
            match self.on_chunk(now, chunk, events) {
                Ok(was_data) => has_data |= was_data,
                Err(ended) => return Err(self.ended(ended)),
            }
            // An unknown chunk ends the packet, unless its first bit says to skip it (RFC 9260 §3.2).
            if self.state == State::Over || !wire::is_known(chunk.kind) && chunk.kind & 0x80 == 0 {
                return Ok(());
            }
        }
        if has_data {
            self.inbound.after_packet(now);
        }
        Ok(())
    }

    /// Time of the next `wake`.
    pub fn wake_at(&self) -> Option<Instant> {
        [self.timer, self.outbound.timer, self.inbound.timer, self.reset.timer].into_iter().flatten().min()
    }

    /// Serves the timers that are due; call `flush` afterwards.
    ///
    /// # Errors
    /// The other end did not answer.
    pub fn wake(&mut self, now: Instant) -> Result<(), Ended> {
        let is_due = |timer: Option<Instant>| timer.is_some_and(|at| at <= now);
        if is_due(self.timer) && !self.on_control_timeout(now) {
            if self.state == State::ShutdownAckSent {
                // The other end has closed, as was told, and has gone without a SHUTDOWN-COMPLETE.
                self.end();
                return Ok(());
            }
            return Err(self.ended(Ended::failed("no answer to an association's chunk")));
        }
        if is_due(self.inbound.timer) {
            self.inbound.on_timeout();
        }
        if is_due(self.outbound.timer) && !self.outbound.on_timeout(now) {
            return Err(self.ended(Ended::failed("no acknowledgement came")));
        }
        if is_due(self.reset.timer) && !self.reset.on_timeout() {
            return Err(self.ended(Ended::failed("no answer to a stream reset")));
        }
        Ok(())
    }

    /// Serves T1-init, T1-cookie and T2-shutdown. `false`: the chunk was repeated too often without an answer.
    fn on_control_timeout(&mut self, now: Instant) -> bool {
        self.timer = Some(now + (OPENING_PAUSE * (1 << self.repeats.min(5))).min(OPENING_PAUSE_MAX));
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

    /// Tells the other end of a failure.
    fn ended(&mut self, ended: Ended) -> Ended {
        if ended != Ended::Closed {
            self.abort();
        }
        ended
    }

    /// Ends the association: drops its state, and sends no more than the control chunks already due.
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
