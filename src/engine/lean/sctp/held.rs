//! Fragments of incomplete messages, and complete messages that wait for an earlier one (RFC 9260 §6.5, §6.9).

use super::streams::{InboundStream, SctpEvent};
use super::wire::{Data, flag};
use crate::engine::lean::drive::Ended;
use std::collections::BTreeMap;

/// Each fragment run or waiting message counts this much beside its payload, which bounds small ones too; in bytes.
const COST: usize = 96;

const TOO_LONG: &str = "message too long";

/// Fragments of one message with consecutive TSNs.
#[derive(Debug)]
struct TsnRun {
    last: u64,
    flags: u8,
    stream: u16,
    ssn: u16,
    ppid: u32,
    bytes: Vec<u8>,
}

/// Received payload that is not delivered yet; exists only while there is some.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Fragment runs, by the TSN of their first fragment.
    runs: BTreeMap<u64, TsnRun>,
    /// Complete ordered messages by stream and SSN: PPID and payload.
    waiting: BTreeMap<(u16, u16), (u32, Vec<u8>)>,
    bytes: usize,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.waiting.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps a chunk; an ordered message that it completes waits for its turn, an unordered one is delivered.
    ///
    /// # Errors
    /// The message is longer than `message_bytes_max`, or its sequence number is taken by a waiting message.
    pub(super) fn put(
        &mut self,
        tsn: u64,
        data: &Data<'_>,
        message_bytes_max: usize,
        events: &mut Vec<SctpEvent>,
    ) -> Result<(), Ended> {
        let is_next = |run: &TsnRun| {
            run.last + 1 == tsn
                && run.flags & flag::ENDS == 0
                && data.flags & flag::BEGINS == 0
                && (run.flags ^ data.flags) & flag::UNORDERED == 0
                && (run.stream, run.ssn) == (data.stream, data.ssn)
        };
        self.bytes += data.payload.len();
        let first = match self.runs.range_mut(..tsn).next_back().filter(|(_, run)| is_next(run)) {
            Some((first, run)) => {
                run.bytes.extend_from_slice(data.payload);
                run.last = tsn;
                run.flags |= data.flags & flag::ENDS;
                if run.bytes.len() > message_bytes_max {
                    return Err(Ended::failed(TOO_LONG));
                }
                *first
            }
            None => {
                self.bytes += COST;
                let run = TsnRun {
                    last: tsn,
                    flags: data.flags & (flag::WHOLE | flag::UNORDERED),
                    stream: data.stream,
                    ssn: data.ssn,
                    ppid: data.ppid,
                    bytes: data.payload.to_vec(),
                };
                self.runs.insert(tsn, run);
                tsn
            }
        };
        self.complete(first, message_bytes_max, events)
    }

    /// Joins the runs around the one at `first`, if together they are a message. The search looks ahead first:
    /// while fragments come in order, it ends there at once.
    fn complete(&mut self, first: u64, message_bytes_max: usize, events: &mut Vec<SctpEvent>) -> Result<(), Ended> {
        let Some((begin, end)) = self.message_around(first) else { return Ok(()) };
        let Some(mut whole) = self.runs.remove(&begin) else { return Ok(()) };
        while whole.last < end
            && let Some(run) = self.runs.remove(&(whole.last + 1))
        {
            self.bytes -= COST;
            whole.bytes.extend_from_slice(&run.bytes);
            whole.last = run.last;
        }
        if whole.bytes.len() > message_bytes_max {
            return Err(Ended::failed(TOO_LONG));
        }
        if whole.flags & flag::UNORDERED != 0 {
            self.bytes -= COST + whole.bytes.len();
            events.push(SctpEvent::Message { stream: whole.stream, ppid: whole.ppid, payload: whole.bytes });
        } else if self.waiting.insert((whole.stream, whole.ssn), (whole.ppid, whole.bytes)).is_some() {
            return Err(Ended::failed("two messages with one sequence number"));
        }
        Ok(())
    }

    /// First and last TSN of the complete message that the run at `first` is part of.
    fn message_around(&self, first: u64) -> Option<(u64, u64)> {
        let mut expected = first;
        let mut end = None;
        for (start, run) in self.runs.range(first..) {
            if *start != expected || *start != first && run.flags & flag::BEGINS != 0 {
                return None;
            }
            expected = run.last + 1;
            if run.flags & flag::ENDS != 0 {
                end = Some(run.last);
                break;
            }
        }
        let end = end?;
        expected = first;
        for (start, run) in self.runs.range(..=first).rev() {
            if *start != first && (run.last + 1 != expected || run.flags & flag::ENDS != 0) {
                return None;
            }
            if run.flags & flag::BEGINS != 0 {
                return Some((*start, end));
            }
            expected = *start;
        }
        None
    }

    /// Delivers the stream's waiting messages up to the next gap in its SSNs.
    pub(super) fn hand_on(&mut self, id: u16, stream: &mut InboundStream, events: &mut Vec<SctpEvent>) {
        while let Some((ppid, bytes)) = self.waiting.remove(&(id, stream.next_in)) {
            self.bytes -= COST + bytes.len();
            stream.next_in = stream.next_in.wrapping_add(1);
            events.push(SctpEvent::Message { stream: id, ppid, payload: bytes });
        }
    }

    /// Delivers the messages that wait up to `ssn`, past the missing ones, and those that follow in order.
    pub(super) fn skip(&mut self, id: u16, ssn: u16, stream: &mut InboundStream, events: &mut Vec<SctpEvent>) {
        let distance = |other: u16| other.wrapping_sub(stream.next_in);
        let of_stream = self.waiting.range((id, 0)..=(id, u16::MAX)).map(|((_, other), _)| *other);
        let mut before: Vec<u16> = of_stream.filter(|other| distance(*other) <= distance(ssn)).collect();
        before.sort_unstable_by_key(|other| distance(*other));
        for other in before {
            // One that followed an earlier one without a gap is delivered already.
            if self.waiting.contains_key(&(id, other)) {
                stream.next_in = other;
                self.hand_on(id, stream, events);
            }
        }
    }

    /// Drops the fragment runs that begin at or before `tsn`: the rest of their messages will not come.
    pub(super) fn drop_incomplete(&mut self, tsn: u64) {
        let kept = self.runs.split_off(&(tsn + 1));
        for run in std::mem::replace(&mut self.runs, kept).into_values() {
            self.bytes -= COST + run.bytes.len();
        }
    }
}
