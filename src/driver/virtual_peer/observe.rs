//! Turns what a conversation reports about frames, and what peers signal, into events.

use super::VirtualPeer;
use crate::dialect::Output as DialectOutput;
use crate::driver::intake;
use crate::driver::ports::Output;
use crate::vocabulary::{
    Candidate, EdgeEvent, EventKind, PeerEvent, Phase, Reason, Seat, Signal, SignalDigest, SignalPart,
};

impl VirtualPeer {
    /// Records a note, or the text of a frame.
    pub(super) fn observe(&mut self, output: DialectOutput) {
        let event = match output {
            DialectOutput::Note(note) => PeerEvent::Note { note },
            DialectOutput::Written { text, kind, to } => {
                PeerEvent::Written { kind, to: to.and_then(|id| self.seat(&id)), text }
            }
            DialectOutput::Read { text, kind, concern, rule, near } => {
                let concern = concern.map(|id: String| self.seat(&id));
                PeerEvent::Read { kind, concern, text, rule, near }
            }
            _ => return,
        };
        self.outputs.push_back(Output::Event(EventKind::Peer(event)));
    }

    /// Adds to the failure of a join its step, what that waits for, and what came instead.
    pub(super) fn explain_stopped_join(&self, what: &mut EventKind) {
        let EventKind::Peer(PeerEvent::PeerFailed { failure }) = what else { return };
        let detail = match (failure.phase, failure.reason) {
            (Phase::Join, Reason::TimedOut) if failure.detail.is_empty() => {
                self.conversation.waits_for().map(Into::into)
            }
            (Phase::Join, Reason::Closed) => self.conversation.closed_because().map(Into::into),
            _ => None,
        };
        if let Some(detail) = detail {
            failure.detail = detail;
        }
    }

    /// Records a signal's digest, so that received signals can be compared with sent ones.
    pub(super) fn record_signal(&mut self, other: Seat, said: bool, signal: &Signal) {
        if self.is_gone() || !self.connected {
            return;
        }
        let (part, digest) = (intake::part(signal), SignalDigest::of(signal));
        let carried = self.conversation.carried();
        if said && part == SignalPart::End && !carried.end {
            return;
        }
        let candidate = if let Signal::Candidate(candidate) = signal {
            // The ufrag is its edge's own, and nothing compares it.
            let mut candidate = Box::new(Candidate { ufrag: None, ..candidate.clone() });
            candidate.mid.take_if(|_| said && !carried.mid);
            candidate.line.take_if(|_| said && !carried.line);
            Some(candidate)
        } else {
            None
        };
        self.outputs.push_back(Output::Event(EdgeEvent::Signal { said, part, digest, candidate }.to(other)));
    }
}
