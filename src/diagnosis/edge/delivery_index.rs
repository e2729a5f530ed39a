//! An index of announcements by channel and receiver: in one room, and over all traced rooms.

use super::super::experiments::observations::{CheckedMessage, DeliveryCheck, Experiments};
use super::super::timeline::{JUST_JOINED, Timeline};
use super::super::words::join_request::JoinRequest;
use super::super::words::{AnnouncementChannel, Words};
use super::delivery_times::DeliveryTimes;
use crate::vocabulary::{Concern, EdgeEvent, Event, EventKind, FrameKind, PeerEvent, Seat, SignalPart};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The outcome, at one peer, of another peer's announcements on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reception {
    Heard,
    /// Received on another channel than they were sent on.
    Elsewhere,
    /// Not received, although a working server would have delivered them.
    Lost,
    /// Not received; the server need not have delivered them.
    Unheard,
    Unsaid,
}

/// The index of one room.
pub(in crate::diagnosis) struct DeliveryIndex<'a> {
    pub timeline: &'a Timeline,
    pub words: &'a Words,
    /// By sender and receiver: the arrival of the first frame.
    met: BTreeMap<(Seat, Seat), Instant>,
    /// Receivers of frames that take a subscription, or come from a peer.
    heard: BTreeSet<Seat>,
    signals: BTreeMap<(Seat, Seat), u32>,
    /// By receiver: announcements under an id that no peer of the room has.
    unnamed: BTreeSet<(Seat, FrameKind)>,
    pub(super) deliveries: Option<DeliveryTimes>,
}

/// The channels that work in at least one of the rooms.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::diagnosis) struct SeenWorking {
    pub rooms: bool,
    pub chat: bool,
    pub signaling: bool,
    /// The shortest time after its connect at which a peer first received from another.
    pub heard_from: Option<Duration>,
    /// A frame of any kind came from the server.
    pub frames: bool,
    /// The slowest delivery.
    pub slowest: Option<Duration>,
}

impl<'a> DeliveryIndex<'a> {
    pub(in crate::diagnosis) fn of(timeline: &'a Timeline, words: &'a Words) -> Self {
        let mut index = Self {
            timeline,
            words,
            met: BTreeMap::new(),
            heard: BTreeSet::new(),
            signals: BTreeMap::new(),
            unnamed: BTreeSet::new(),
            deliveries: DeliveryTimes::of(timeline),
        };
        for event in timeline.events() {
            let own = event.place.seat;
            match &event.kind {
                EventKind::Peer(PeerEvent::Frame {
                    kind,
                    concern: Concern::Me { from } | Concern::Elsewhere { from },
                    ..
                }) => {
                    if from.is_none() && words.announces(*kind) {
                        index.unnamed.insert((own, *kind));
                    }
                    if from.is_some() || words.has_channels() {
                        index.heard.insert(own);
                    }
                    if let Some(from) = from {
                        index.met.entry((*from, own)).or_insert(event.at);
                    }
                }
                EventKind::Edge { other, event: EdgeEvent::Signal { said: false, .. } } => {
                    *index.signals.entry((*other, own)).or_default() += 1;
                }
                _ => {}
            }
        }
        index
    }

    /// The reception, at `to`, of the announcements of `from`.
    pub(super) fn reception(&self, channel: AnnouncementChannel, from: Seat, to: Seat) -> Reception {
        // Without channels, the server may tell of a peer in a word of its own.
        if channel == AnnouncementChannel::Rooms && !self.words.has_channels() && self.timeline.met(to, from).is_some()
        {
            return Reception::Heard;
        }
        let mut reception = Reception::Unsaid;
        for kind in self.words.on(channel) {
            match self.timeline.heard_in_place(from, to, *kind) {
                Some(true) => return Reception::Heard,
                Some(false) => reception = Reception::Elsewhere,
                None if reception == Reception::Elsewhere => {}
                None => {
                    let Some(said) = self.timeline.said_at(from, *kind) else { continue };
                    if self.must_arrive(said, from, to) {
                        reception = Reception::Lost;
                    } else if reception != Reception::Lost {
                        reception = Reception::Unheard;
                    }
                }
            }
        }
        reception
    }

    /// True if a working server would have delivered to `to` what `from` sent at `said`.
    fn must_arrive(&self, said: Instant, from: Seat, to: Seat) -> bool {
        // A frame of `to` that reached `from` was sent after the subscriptions of `to`, on the same connection.
        let knew = self.met.get(&(to, from)).is_some_and(|met| *met < said);
        let guard = JUST_JOINED.max(2 * self.timeline.connect_time(to).unwrap_or_default());
        knew || self.timeline.joined_at(to).is_some_and(|joined| joined + guard < said)
    }

    /// An announcement that `from` said, and that reached `to` under an id that no peer of the room has.
    pub(super) fn unnamed(&self, from: Seat, to: Seat) -> Option<FrameKind> {
        let said = self.words.announcements().into_iter().filter(|kind| self.timeline.said_at(from, *kind).is_some());
        said.into_iter().find(|kind| self.unnamed.contains(&(to, *kind)))
    }

    /// The age of the connection of `to` when `from` last announced itself.
    pub(super) fn age(&self, from: Seat, to: Seat) -> Option<Duration> {
        let said = self.words.announcements().into_iter().filter_map(|kind| self.timeline.said_at(from, kind)).max()?;
        Some(said.saturating_duration_since(self.timeline.upgraded_at(to)?))
    }

    /// The peer's join request, if it asked and has not joined.
    pub(super) fn request(&self, peer: Seat) -> Option<JoinRequest> {
        self.words.join_requests.of_peer(self.timeline, peer)
    }

    /// True if a frame of the peer has reached another peer.
    pub(super) fn is_heard(&self, peer: Seat) -> bool {
        self.met.keys().any(|(from, _)| *from == peer)
    }

    /// True if a frame that takes a subscription, or comes from a peer, has reached the peer.
    pub(super) fn hears(&self, peer: Seat) -> bool {
        self.heard.contains(&peer)
    }

    /// True if a frame of the server itself has reached the peer, such as a registry's list.
    pub(super) fn hears_server(&self, peer: Seat) -> bool {
        self.timeline.events().iter().any(|event| {
            event.place.seat == peer
                && matches!(event.kind, EventKind::Peer(PeerEvent::Frame { concern: Concern::Me { from: None }, .. }))
        })
    }

    /// The number of parts of the negotiation that reached `to` from `from`.
    pub(super) fn signals(&self, from: Seat, to: Seat) -> u32 {
        self.signals.get(&(from, to)).copied().unwrap_or(0)
    }

    /// A peer besides `to` that received frames of peers, and later none of the offers and answers that `from` said to it.
    pub(super) fn deaf_to(&self, from: Seat, to: Seat) -> Option<Seat> {
        let said = self.timeline.events().iter().filter(|event| event.place.seat == from);
        said.filter_map(|event| match &event.kind {
            EventKind::Edge { other, event: EdgeEvent::Signal { said: true, part, .. } } if *other != to => {
                matches!(part, SignalPart::Offer | SignalPart::Answer).then_some((*other, event.at))
            }
            _ => None,
        })
        .find(|(other, at)| {
            let hears_by_then = self.met.iter().any(|((_, hearer), met)| hearer == other && met < at);
            hears_by_then && self.signals(from, *other) == 0
        })
        .map(|(other, _)| other)
    }

    /// True if each peer that was to get offers lacks one of them, as where the first to each is lost.
    pub(super) fn loses_first_offers(&self) -> bool {
        let mut lost = BTreeMap::<Seat, usize>::new();
        for (from, to) in self.timeline.directions() {
            if self.timeline.count(from, to, SignalPart::Offer) > 0 {
                *lost.entry(to).or_default() += self.timeline.unheard(from, to, SignalPart::Offer);
            }
        }
        lost.values().all(|lost| *lost == 1)
    }

    /// The number of parts of the negotiation that reached `to` from any peer.
    pub(super) fn signals_to(&self, to: Seat) -> u32 {
        self.signals.iter().filter(|((_, hearer), _)| *hearer == to).map(|(_, count)| count).sum()
    }
}

impl SeenWorking {
    pub(in crate::diagnosis) fn of(all: &[DeliveryIndex<'_>], trials: Option<&Experiments>) -> Self {
        let mut seen = trials.map_or_else(Self::default, Self::by_experiment);
        for index in all {
            seen.signaling |= !index.signals.is_empty();
            seen.slowest = seen.slowest.max(index.deliveries.map(|times| times.slowest));
            let is_frame = |event: &Event| matches!(event.kind, EventKind::Peer(PeerEvent::Frame { .. }));
            seen.frames |= index.timeline.events().iter().any(is_frame);
            let young = index
                .met
                .iter()
                .filter_map(|((_, to), at)| Some(at.saturating_duration_since(index.timeline.upgraded_at(*to)?)));
            seen.heard_from = seen.heard_from.into_iter().chain(young).min();
            for (from, to) in index.timeline.directions() {
                seen.rooms |= index.reception(AnnouncementChannel::Rooms, from, to) == Reception::Heard;
                seen.chat |= index.reception(AnnouncementChannel::Chat, from, to) == Reception::Heard;
            }
        }
        seen
    }

    /// The channels that work between the probe's own connections.
    fn by_experiment(trials: &Experiments) -> Self {
        let hears_at_once = trials.fresh_receiver.as_ref().is_some_and(DeliveryCheck::chat_arrives);
        Self {
            rooms: !trials.aged.lost(CheckedMessage::Joined),
            chat: trials.aged.chat_arrives(),
            signaling: trials.aged.signaling_arrives(),
            heard_from: hears_at_once.then_some(Duration::ZERO),
            frames: trials.aged.others_arrive() || trials.aged.chat_arrives(),
            slowest: None,
        }
    }
}
