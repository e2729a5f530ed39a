//! Who heard what of whom, channel by channel: in one room, and in all of them together.

use super::super::join_request::{JoinRequest, JoinRequestWords};
use super::super::timeline::Timeline;
use crate::vocabulary::event::{Concern, What};
use crate::vocabulary::ids::Seat;
use crate::vocabulary::message::FrameKind;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What is said so soon after its hearer joined may have overtaken the subscriptions, and proves nothing by itself.
const JUST_JOINED: Duration = Duration::from_millis(20);

/// A dialect's announcements, by the channel that they are said on. A dialect without any has other words for all
/// this, and its failures in discovery can't be explained.
#[derive(Clone, Debug, Default)]
pub struct AnnouncementKinds {
    rooms: Vec<FrameKind>,
    chat: Vec<FrameKind>,
    asking: JoinRequestWords,
}

/// A channel that announcements are said on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnnouncementChannel {
    Rooms,
    Chat,
}

/// What came of one peer's announcements on a channel, at another peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reception {
    Heard,
    /// On another channel than they were said on.
    Elsewhere,
    /// A server that delivers would have delivered them.
    Lost,
    /// None arrived; a server may have been in the right.
    Unheard,
    Unsaid,
}

/// One room, indexed.
pub(super) struct DeliveryIndex<'a> {
    pub timeline: &'a Timeline,
    words: &'a AnnouncementKinds,
    /// When the first frame of the one reached the other.
    met: BTreeMap<(Seat, Seat), Instant>,
    /// When a peer last heard of the room by a channel that it had subscribed to, from whomever.
    last: BTreeMap<Seat, Instant>,
    signals: BTreeMap<(Seat, Seat), u32>,
}

/// What works somewhere among all rooms that are looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SeenWorking {
    pub rooms: bool,
    pub chat: bool,
    pub signaling: bool,
    /// The youngest that a peer was when it first heard an announcement.
    pub heard_from: Option<Duration>,
}

impl AnnouncementKinds {
    /// By the names of a dialect's message types.
    pub fn of(kinds: &[&str]) -> Self {
        Self {
            rooms: FrameKind::named(kinds, &["user-joined-room"]),
            chat: FrameKind::named(kinds, &["participant-joined", "peer-ready"]),
            asking: JoinRequestWords::of(kinds),
        }
    }

    pub fn all(&self) -> Vec<FrameKind> {
        self.rooms.iter().chain(&self.chat).copied().collect()
    }

    fn on(&self, channel: AnnouncementChannel) -> &[FrameKind] {
        match channel {
            AnnouncementChannel::Rooms => &self.rooms,
            AnnouncementChannel::Chat => &self.chat,
        }
    }
}

impl<'a> DeliveryIndex<'a> {
    pub fn of(timeline: &'a Timeline, words: &'a AnnouncementKinds) -> Self {
        let mut index = Self { timeline, words, met: BTreeMap::new(), last: BTreeMap::new(), signals: BTreeMap::new() };
        for event in timeline.events() {
            let own = event.place.seat;
            match &event.what {
                What::Frame { concern: Concern::Me { from } | Concern::Elsewhere { from }, .. } => {
                    index.last.insert(own, event.at);
                    if let Some(from) = from {
                        index.met.entry((*from, own)).or_insert(event.at);
                    }
                }
                What::Signal { other, said: false, .. } => *index.signals.entry((*other, own)).or_default() += 1,
                _ => {}
            }
        }
        index
    }

    /// What `to` heard of what `from` announced.
    pub fn fate(&self, channel: AnnouncementChannel, from: Seat, to: Seat) -> Reception {
        let mut fate = Reception::Unsaid;
        for kind in self.words.on(channel) {
            match self.timeline.heard_in_place(from, to, *kind) {
                Some(true) => return Reception::Heard,
                Some(false) => fate = Reception::Elsewhere,
                None if fate == Reception::Elsewhere => {}
                None => {
                    let Some(said) = self.timeline.said_at(from, *kind) else { continue };
                    if self.was_owed(said, from, to) {
                        fate = Reception::Lost;
                    } else if fate != Reception::Lost {
                        fate = Reception::Unheard;
                    }
                }
            }
        }
        fate
    }

    /// Whether a server that delivers would have delivered to `to` what `from` said then.
    fn was_owed(&self, said: Instant, from: Seat, to: Seat) -> bool {
        // What `from` had heard of `to` came after the subscriptions of `to`, on the same connection.
        let knew = self.met.get(&(to, from)).is_some_and(|met| *met < said);
        let guard = JUST_JOINED.max(2 * self.timeline.connect_time(to).unwrap_or_default());
        knew || self.timeline.joined_at(to).is_some_and(|joined| joined + guard < said)
    }

    /// How long `to` had been connected when `from` last announced itself.
    pub fn age(&self, from: Seat, to: Seat) -> Option<Duration> {
        let said = self.words.all().into_iter().filter_map(|kind| self.timeline.said_at(from, kind)).max()?;
        Some(said.saturating_duration_since(self.timeline.upgraded_at(to)?))
    }

    /// What became of the peer's request to be let in, if it asked and has not joined.
    pub fn request(&self, peer: Seat) -> Option<JoinRequest> {
        self.words.asking.of_peer(self.timeline, peer)
    }

    /// Somebody of the room has heard the peer.
    pub fn is_heard(&self, peer: Seat) -> bool {
        self.met.keys().any(|(from, _)| *from == peer)
    }

    /// The peer has heard anything that takes a subscription.
    pub fn hears(&self, peer: Seat) -> bool {
        self.last.contains_key(&peer)
    }

    /// The peer was told something by the server itself, as a registry tells its list.
    pub fn is_told(&self, peer: Seat) -> bool {
        self.timeline.events().iter().any(|event| {
            event.place.seat == peer && matches!(event.what, What::Frame { concern: Concern::Me { from: None }, .. })
        })
    }

    /// Parts of the negotiation that `to` heard of `from`.
    pub fn signals(&self, from: Seat, to: Seat) -> u32 {
        self.signals.get(&(from, to)).copied().unwrap_or(0)
    }

    /// Parts of the negotiation that `to` heard of anybody.
    pub fn signals_to(&self, to: Seat) -> u32 {
        self.signals.iter().filter(|((_, hearer), _)| *hearer == to).map(|(_, count)| count).sum()
    }
}

impl SeenWorking {
    pub fn of(all: &[DeliveryIndex<'_>]) -> Self {
        let mut seen = Self::default();
        for index in all {
            seen.signaling |= !index.signals.is_empty();
            let young = index
                .met
                .iter()
                .filter_map(|((_, to), at)| Some(at.saturating_duration_since(index.timeline.upgraded_at(*to)?)));
            seen.heard_from = seen.heard_from.into_iter().chain(young).min();
            for (from, to) in index.timeline.directions() {
                seen.rooms |= index.fate(AnnouncementChannel::Rooms, from, to) == Reception::Heard;
                seen.chat |= index.fate(AnnouncementChannel::Chat, from, to) == Reception::Heard;
            }
        }
        seen
    }
}
