//! Stream reset, as far as closing a DataChannel needs it (RFC 6525, RFC 8831 §6.7).

use super::streams::{SctpEvent, Streams};
use super::wire::{PacketWriter, Parameters, kind, parameter, u16_at, u32_at};
use std::time::{Duration, Instant};

const OUTGOING_RESET: u16 = 13;
const INCOMING_RESET: u16 = 14;
const ASSOCIATION_RESET: u16 = 15;
const RESPONSE: u16 = 16;
const ADD_OUTGOING: u16 = 17;
const ADD_INCOMING: u16 = 18;

/// Results of a request (RFC 6525 §4.4).
mod result {
    pub(super) const NOTHING_TO_DO: u32 = 0;
    pub(super) const PERFORMED: u32 = 1;
    pub(super) const DENIED: u32 = 2;
    pub(super) const WRONG_NUMBER: u32 = 5;
    pub(super) const IN_PROGRESS: u32 = 6;
}

/// Most repeats of our request.
const REPEATS_MAX: u8 = 10;

/// Our request, until it is answered; it first waits until its stream's last message is acknowledged.
#[derive(Debug)]
struct Request {
    stream: u16,
    last_tsn: u32,
    repeats: u8,
    due: bool,
}

/// Reset requests and answers of both ends; each end's request numbers begin at its first TSN.
#[derive(Debug)]
pub(super) struct Reset {
    own_number: u32,
    other_number: u32,
    last_result: u32,
    /// Number and result of the answer that is due.
    answer: Option<(u32, u32)>,
    request: Option<Box<Request>>,
    pub timer: Option<Instant>,
}

impl Reset {
    pub(super) fn new(first_tsn: u32) -> Self {
        Self {
            own_number: first_tsn,
            other_number: 0,
            last_result: result::NOTHING_TO_DO,
            answer: None,
            request: None,
            timer: None,
        }
    }

    pub(super) fn begin(&mut self, other_first_tsn: u32) {
        self.other_number = other_first_tsn;
    }

    /// Closes our half of a stream once all up to `last_tsn` is acknowledged. `false`: another request is open.
    pub(super) fn ask(&mut self, stream: u16, last_tsn: u32) -> bool {
        if self.request.is_some() {
            return false;
        }
        self.request = Some(Box::new(Request { stream, last_tsn, repeats: 0, due: true }));
        true
    }

    /// Takes in a RE-CONFIG chunk; every TSN up to `cumulative` has come.
    pub(super) fn on_chunk(
        &mut self,
        body: &[u8],
        cumulative: u32,
        streams: &mut Streams,
        events: &mut Vec<SctpEvent>,
    ) {
        // A chunk has two parameters at most (RFC 6525 §3.1).
        for (kind, value) in Parameters(body).take(2) {
            let Some(number) = u32_at(value, 0) else { return };
            match kind {
                OUTGOING_RESET => self.on_outgoing(number, value, cumulative, streams, events),
                RESPONSE => self.on_response(number, value, streams),
                INCOMING_RESET | ASSOCIATION_RESET | ADD_OUTGOING | ADD_INCOMING => {
                    self.conclude(number, result::DENIED);
                }
                _ => {}
            }
        }
    }

    /// The other end closes its half of the streams named, or of all if none is.
    fn on_outgoing(
        &mut self,
        number: u32,
        value: &[u8],
        cumulative: u32,
        streams: &mut Streams,
        events: &mut Vec<SctpEvent>,
    ) {
        let (Some(last_tsn), Some(named)) = (u32_at(value, 8), value.get(12..)) else { return };
        if number != self.other_number {
            return self.conclude(number, result::DENIED);
        }
        if (last_tsn.wrapping_sub(cumulative) as i32) > 0 {
            // The other end repeats the same request later (RFC 6525 §5.2.2, E2).
            self.answer = Some((number, result::IN_PROGRESS));
            return;
        }
        self.conclude(number, result::PERFORMED);
        let named = named.chunks_exact(2).filter_map(|stream| u16_at(stream, 0));
        let all = streams.ids().filter(|_| value.len() == 12);
        for stream in named.chain(all).collect::<Vec<_>>() {
            streams.reset_in(stream);
            events.push(SctpEvent::StreamClosed(stream));
        }
    }

    /// Answers a request: a new one with `outcome`, a repeat of the last one with its first result.
    fn conclude(&mut self, number: u32, outcome: u32) {
        if number == self.other_number {
            self.other_number = number.wrapping_add(1);
            self.last_result = outcome;
        }
        let is_last = number.wrapping_add(1) == self.other_number;
        self.answer = Some((number, if is_last { self.last_result } else { result::WRONG_NUMBER }));
    }

    /// The other end answered our request: our half of the stream is closed.
    fn on_response(&mut self, number: u32, value: &[u8], streams: &mut Streams) {
        let Some(outcome) = u32_at(value, 4) else { return };
        if number != self.own_number || outcome == result::IN_PROGRESS {
            return;
        }
        if let Some(request) = self.request.take_if(|request| !request.due) {
            self.own_number = self.own_number.wrapping_add(1);
            self.timer = None;
            streams.reset_out(request.stream);
        }
    }

    /// Repeats our request. `false`: it was repeated too often without an answer.
    pub(super) fn on_timeout(&mut self) -> bool {
        self.timer = None;
        let Some(request) = self.request.as_deref_mut() else { return true };
        request.repeats += 1;
        request.due = true;
        request.repeats <= REPEATS_MAX
    }

    /// Appends the answer and the request that are due, everything up to `acked` being acknowledged; the request is repeated
    /// after `patience`, which doubles each time.
    pub(super) fn write(&mut self, now: Instant, patience: Duration, acked: u32, writer: &mut PacketWriter<'_>) {
        if let Some((number, outcome)) = self.answer.take() {
            writer.chunk(kind::RE_CONFIG, 0, |body| {
                parameter(body, RESPONSE, |value| {
                    value.extend_from_slice(&number.to_be_bytes());
                    value.extend_from_slice(&outcome.to_be_bytes());
                });
            });
        }
        let (own_number, other_number) = (self.own_number, self.other_number);
        let is_acked = |request: &Request| (acked.wrapping_sub(request.last_tsn) as i32) >= 0;
        let Some(request) = self.request.as_deref_mut().filter(|request| request.due && is_acked(request)) else {
            return;
        };
        request.due = false;
        self.timer = Some(now + patience * (1 << request.repeats.min(5)));
        writer.chunk(kind::RE_CONFIG, 0, |body| {
            parameter(body, OUTGOING_RESET, |value| {
                value.extend_from_slice(&own_number.to_be_bytes());
                value.extend_from_slice(&other_number.wrapping_sub(1).to_be_bytes());
                value.extend_from_slice(&request.last_tsn.to_be_bytes());
                value.extend_from_slice(&request.stream.to_be_bytes());
            });
        });
    }
}
