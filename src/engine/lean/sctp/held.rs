//! Fragments of incomplete messages, and complete messages that wait for an earlier one (RFC 9260 §6.5, §6.9).

use super::streams::{InboundStream, SctpEvent};
use super::wire::{Data, flag};
use crate::engine::lean::drive::Ended;
use std::collections::BTreeMap;

/// Each fragment run or waiting message counts this much beside its payload, which bounds small ones too; in bytes.
const COST: usize = 96;

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

impl TsnRun {
    /// `true`: the run whose first TSN follows this one's last goes on with the same message.
    fn goes_on_with(&self, next: &Self) -> bool {
        self.flags & flag::ENDS == 0
            && next.flags & flag::BEGINS == 0
            && (self.flags ^ next.flags) & flag::UNORDERED == 0
            && (self.stream, self.ssn) == (next.stream, next.ssn)
    }

    fn append(&mut self, next: &Self) {
        self.bytes.extend_from_slice(&next.bytes);
        self.flags |= next.flags;
        self.last = next.last;
    }
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

    /// Keeps a chunk, joined with its neighbours; an ordered message that it completes waits for its turn, an unordered one is
    /// delivered.
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
        let Data { stream, ppid, payload, .. } = *data;
        // An unordered message's number means nothing (RFC 9260 §6.6).
        let ssn = if data.is_unordered() { 0 } else { data.ssn };
        let flags = data.flags & (flag::WHOLE | flag::UNORDERED);
        let (mut first, mut run) = (tsn, TsnRun { last: tsn, flags, stream, ssn, ppid, bytes: payload.to_vec() });
        self.bytes += COST + payload.len();
        let continued = |before: &TsnRun| before.last + 1 == tsn && before.goes_on_with(&run);
        let before = self.runs.range(..tsn).next_back().filter(|(_, before)| continued(before));
        if let Some(start) = before.map(|(start, _)| *start)
            && let Some(mut joined) = self.runs.remove(&start)
        {
            joined.append(&run);
            (first, run) = (start, joined);
            self.bytes -= COST;
        }
        let next = run.last + 1;
        if self.runs.get(&next).is_some_and(|after| run.goes_on_with(after))
            && let Some(after) = self.runs.remove(&next)
        {
            run.append(&after);
            self.bytes -= COST;
        }
        if run.bytes.len() > message_bytes_max {
            return Err(Ended::failed("message too long"));
        }
        if run.flags & flag::WHOLE != flag::WHOLE {
            self.runs.insert(first, run);
        } else if data.is_unordered() {
            self.bytes -= COST + run.bytes.len();
            events.push(SctpEvent::Message { stream, ppid: run.ppid, payload: run.bytes });
        } else if self.waiting.insert((stream, ssn), (run.ppid, run.bytes)).is_some() {
            return Err(Ended::failed("two messages with one sequence number"));
        }
        Ok(())
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
