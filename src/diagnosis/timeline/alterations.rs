//! Descriptions and candidates that arrived otherwise than they were said.

use super::Timeline;
use crate::vocabulary::{
    CandidateChanges, Concern, Event, EventKind, FrameKind, PeerEvent, Seat, SignalDigest, SignalPart, candidate_routes,
};

impl Timeline {
    /// The part of a description that `other` received and `own` never sent in this form, to any peer, while what it sent
    /// never came: a server may choose the receiver of an offer that has no addressee.
    pub fn altered(&self, own: Seat, other: Seat) -> Option<SignalPart> {
        let part = self.unsaid(own, other)?;
        (!self.heard_as_said(own, other, part)).then_some(part)
    }

    /// True if `other` received a description that `own` never sent, and one of the same part that it did send.
    pub(in crate::diagnosis) fn has_foreign(&self, own: Seat, other: Seat) -> bool {
        self.unsaid(own, other).is_some_and(|part| self.heard_as_said(own, other, part))
    }

    /// True if `other` received a message that `own` said after its first candidate, and none of whose type before.
    pub(in crate::diagnosis) fn hears_after(
        &self,
        own: Seat,
        other: Seat,
        is_candidate: impl Fn(FrameKind) -> bool,
    ) -> bool {
        let said = self.events.iter().filter(|event| event.place.seat == own).filter_map(|event| match event.kind {
            EventKind::Peer(PeerEvent::Said { kind, .. }) => Some(kind),
            _ => None,
        });
        let said: Vec<FrameKind> = said.collect();
        let first = said.iter().position(|kind| is_candidate(*kind)).unwrap_or(said.len());
        let (before, after) = said.split_at(first);
        let from_own = Concern::Me { from: Some(own) };
        let is_later = |event: &Event| match &event.kind {
            EventKind::Peer(PeerEvent::Frame { kind, concern, .. }) => {
                *concern == from_own && after.contains(kind) && !before.contains(kind)
            }
            _ => false,
        };
        self.events.iter().any(|event| event.place.seat == other && is_later(event))
    }

    fn heard_as_said(&self, own: Seat, other: Seat, part: SignalPart) -> bool {
        self.descriptions(own, other).any(|heard| heard.0 == part && self.was_said(own, heard))
    }

    fn unsaid(&self, own: Seat, other: Seat) -> Option<SignalPart> {
        self.descriptions(own, other).find(|heard| !self.was_said(own, heard)).map(|(part, _)| *part)
    }

    fn was_said(&self, own: Seat, heard: &(SignalPart, SignalDigest)) -> bool {
        let of_own = self.pairs.range((own, Seat(0))..=(own, Seat(u16::MAX)));
        of_own.flat_map(|(_, pair)| &pair.said).any(|said| said == heard)
    }

    /// The offers and answers of `own` that `other` received.
    fn descriptions(&self, own: Seat, other: Seat) -> impl Iterator<Item = &(SignalPart, SignalDigest)> {
        let heard = self.pairs.get(&(other, own)).map_or(&[][..], |pair| &pair.heard).iter();
        heard.filter(|(part, _)| matches!(part, SignalPart::Offer | SignalPart::Answer))
    }

    /// The candidates that arrived otherwise than they were sent, on the given ways; `None` if there are none.
    pub(in crate::diagnosis) fn altered_candidates(
        &self,
        is_meant: impl Fn(Seat, Seat) -> bool,
    ) -> Option<CandidateChanges> {
        let mut changes = CandidateChanges::default();
        for ((own, other), route) in candidate_routes(&self.events) {
            if is_meant(own, other) {
                changes.merge(CandidateChanges::of(&route));
            }
        }
        (changes.altered > 0).then_some(changes)
    }
}
