//! Judges a failed edge by its events, by what works elsewhere, and by the probe's experiments where there were any.

pub(super) mod delivery_index;
mod delivery_times;
mod dialect;
mod discovery;
pub(super) mod failures;
mod late;
mod negotiation;
#[cfg(test)]
mod tests;
mod this_machine;
pub(super) mod transport;

use super::cause::{Cause, Confidence, Insight};
use super::experiments::{
    self, observations::CheckedMessage, observations::Experiments, repeated_words, silent_observer,
};
use super::timeline::Timeline;
use super::words::join_request::JoinRequest;
use crate::vocabulary::{Failure, Phase, Reason, Seat};
use delivery_index::{DeliveryIndex, SeenWorking};

/// The evidence about one room and its target.
pub(super) struct EdgeEvidence<'a> {
    pub index: &'a DeliveryIndex<'a>,
    pub seen: &'a SeenWorking,
    pub trials: Option<&'a Experiments>,
    /// The handshake in which words were said again.
    pub repeat: Option<&'a Timeline>,
    /// The same once more, with longer pauses.
    pub confirmed: Option<&'a Timeline>,
    /// The handshake with a silent observer.
    pub observed: Option<&'a Timeline>,
    /// The first frame of the server where a Socket.IO server would be.
    pub elsewhere: Option<&'a str>,
}

impl EdgeEvidence<'_> {
    /// The insight of the first row that holds: this machine, the dialect, the wire, the server, the network between peers.
    pub(super) fn judge(&self, edge: (Seat, Seat), failure: &Failure) -> Insight {
        let (timeline, words) = (self.index.timeline, self.index.words);
        let directions = [edge, (edge.1, edge.0)];
        let refusal = || self.shut_out(edge, failure).or_else(|| failures::judge(failure));
        let own_limit = Some(failure).filter(|failure| failure.reason == Reason::GeneratorLimit);
        let insight = own_limit
            .and_then(failures::judge)
            .or_else(|| dialect::wrong(timeline, self.elsewhere, words, failure))
            .or_else(|| dialect::cut_off(timeline, words, directions))
            .or_else(|| dialect::flawed(timeline, words, directions, failure.phase))
            .or_else(|| self.unreadable(directions, failure))
            .or_else(|| this_machine::judge(timeline, edge, failure).filter(|_| failure.phase == Phase::Connect))
            .or_else(refusal)
            .or_else(|| late::judge(self.index, self.seen, edge, failure))
            .or_else(|| transport::foreign_description(timeline, directions))
            .or_else(|| self.trials.and_then(experiments::judge))
            .or_else(|| transport::altered_description(timeline, directions))
            .or_else(|| self.second_look())
            .or_else(|| {
                let repeat = self.repeat_if_it_explains(failure)?;
                repeated_words::judge(repeat, self.confirmed, words)
            })
            .or_else(|| self.observed.and_then(|observed| silent_observer::judge(observed, words)))
            .or_else(|| dialect::unmatched(timeline, words, directions, failure.phase))
            .unwrap_or_else(|| self.by_phase_twice(edge, failure));
        if self.seen.frames { insight } else { dialect::maybe_wrong(insight, words) }
    }

    /// A description that its receiver could not read, and that is not the one that was said.
    fn unreadable(&self, directions: [(Seat, Seat); 2], failure: &Failure) -> Option<Insight> {
        let is_offence = failure.phase >= Phase::Negotiation && failure.reason == Reason::Protocol;
        let altered = transport::altered_description(self.index.timeline, directions).filter(|_| is_offence)?;
        Some(altered.and(format!("Its receiver can't use it: {}.", failure.detail)))
    }

    /// A flaw of the dialect that shows in the handshake in which words were said again: the first one may have ended before.
    fn second_look(&self) -> Option<Insight> {
        let repeat = self.repeat?;
        let (one, two, failure) = repeat.worst_edge()?;
        dialect::flawed(repeat, self.index.words, [(one, two), (two, one)], failure.phase)
    }

    /// The handshake in which words were said again, for a failure by which a word was lost.
    fn repeat_if_it_explains(&self, failure: &Failure) -> Option<&Timeline> {
        self.repeat.filter(|_| failure.phase <= Phase::Negotiation)
    }

    /// A peer could not connect while another one was connected: the server is there.
    fn shut_out(&self, edge: (Seat, Seat), failure: &Failure) -> Option<Insight> {
        let timeline = self.index.timeline;
        if failure.phase != Phase::Connect || failure.reason == Reason::Rejected {
            return None;
        }
        let is_out = |seat: &Seat| timeline.upgraded_at(*seat).is_none();
        let out = [edge.0, edge.1].into_iter().find(is_out)?;
        let inside = timeline.seats().find(|seat| !is_out(seat))?;
        let (out, inside) = (timeline.number(out), timeline.number(inside));
        let evidence = format!("Peer {out} could not connect ({failure}) while peer {inside} was connected.");
        Some(Insight::unknown(evidence).and("A limit on connections fits, and a server that comes and goes."))
    }

    /// A loss is sure only if the handshake that followed it, in which words were said again, came to the same.
    fn by_phase_twice(&self, edge: (Seat, Seat), failure: &Failure) -> Insight {
        let insight = self.by_phase(edge, failure);
        let Some(repeat) = self.repeat.filter(|_| insight.confidence == Confidence::High) else { return insight };
        let index = DeliveryIndex::of(repeat, self.index.words);
        let again = repeat.worst_edge().map(|(one, two, failure)| {
            EdgeEvidence { index: &index, repeat: None, confirmed: None, ..*self }.by_phase((one, two), &failure)
        });
        if again.is_some_and(|again| again.causes == insight.causes) {
            return insight;
        }
        insight.evidence.into_iter().fold(Insight::unknown("Two handshakes came out in two ways."), Insight::and)
    }

    fn by_phase(&self, edge: (Seat, Seat), failure: &Failure) -> Insight {
        let Self { index, seen, .. } = self;
        match failure.phase {
            Phase::Discovery => discovery::judge(index, seen, edge),
            Phase::Negotiation => negotiation::judge(index, seen, edge),
            Phase::Ice => transport::ice(index.timeline, index.words, [edge, (edge.1, edge.0)], failure),
            Phase::Dtls => transport::between_peers(index.timeline, edge, Cause::DtlsFailed, ("ICE was up", failure)),
            Phase::Channel => {
                transport::between_peers(index.timeline, edge, Cause::ChannelNotOpened, ("DTLS was up", failure))
            }
            Phase::Join => self.join(edge, failure),
            Phase::Connect | Phase::Room => no_further(failure),
        }
    }

    fn join(&self, (one, two): (Seat, Seat), failure: &Failure) -> Insight {
        let Some(request) = [one, two].into_iter().find_map(|seat| self.index.request(seat)) else {
            return no_further(failure);
        };
        let evidence = request.evidence(self.index.timeline);
        match request {
            JoinRequest::Unanswered { .. } | JoinRequest::AnswerLost { .. } => Insight::high(Cause::NoAnswer, evidence),
            // The experiments send only one message on the access channel.
            JoinRequest::Unheard { .. } => match self.trials.filter(|trials| trials.aged.lost(CheckedMessage::Request))
            {
                Some(trials) => {
                    Insight::likely(&[Cause::ChannelIsolation], evidence).and(experiments::arrived(&trials.aged))
                }
                None => Insight::unknown(evidence),
            },
        }
    }
}

fn no_further(failure: &Failure) -> Insight {
    Insight::unknown(format!("It came no further than phase {}.", failure.phase.name()))
}
