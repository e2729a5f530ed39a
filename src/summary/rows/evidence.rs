//! The facts of a run on which findings rest and which no report shows.

use crate::vocabulary::CandidateChanges;
use derive_more::AddAssign;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// All facts; bounded by the numbers of peers and rooms.
#[derive(Clone, Debug, Default)]
pub struct RunEvidence {
    /// Losses of the server by joined peers, the first ones of each worker.
    pub losses: Vec<ServerLoss>,
    /// Connections opened, ended and refused, in order of time; the first ones of each worker.
    pub connections: Vec<ConnectionChange>,
    /// The detail of the first refused connection: `HTTP 429`.
    pub refusal: Option<String>,
    /// The rooms whose joined peers are not connected with each other.
    pub split_rooms: Vec<RoomGroups>,
    /// Rooms with at least two joined peers, and the largest of them that is not split.
    pub rooms: u64,
    pub whole_room_max: u16,
    pub signals: SignalCheck,
    /// By message type: announcements by the age of the connection they were said to.
    pub announcements: Vec<AnnouncementCheck>,
    pub leaves: LeaveNotices,
    /// Timers second by second.
    pub seconds: Vec<TimedSecond>,
    /// By message type: frames received, and those of them that concerned their reader.
    pub received: Vec<(u64, u64)>,
    pub dialect: DialectFacts,
}

/// The facts about a dialect.
#[derive(Clone, Debug, Default)]
pub struct DialectFacts {
    /// Message types, by their `FrameKind`.
    pub kinds: Vec<String>,
    /// Frames that a peer repeats: their message type, and the interval in microseconds.
    pub repeats: Vec<(String, u64)>,
    /// The interval in which each peer says one of them, in microseconds; some may do so more often.
    pub keepalive_us: Option<u64>,
    /// Each remaining peer gets a notice of a leave.
    pub tells_leaves: bool,
    /// Message types of the server's lists of peers.
    pub lists: Vec<usize>,
    /// Offers have no addressee: the server gives each to a peer of its choice.
    pub pools_offers: bool,
    /// Browsers begin such a connection with HTTP long polling.
    pub is_socket_io: bool,
    /// The dialect is tested against its server; a user's file may be wrong.
    pub is_built_in: bool,
}

/// A joined peer's loss of the server; times in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerLoss {
    /// From the start of the run.
    pub at_us: u64,
    /// From the last frame that the peer wrote.
    pub silent_us: u64,
    /// From the last frame that the peer read.
    pub unheard_us: u64,
    /// From the begin of the connection.
    pub age_us: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionChange {
    /// Microseconds from the start of the run.
    pub at_us: u64,
    pub kind: SocketChange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SocketChange {
    Opened,
    Ended,
    /// Refused with a word of a limit: the upgrade by HTTP 429, or the connection, right after it, by close 4429.
    Refused,
}

/// A room that is in several groups, between which no edge opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomGroups {
    pub room: String,
    /// Sizes of the groups, in the order in which their first members joined.
    pub sizes: Vec<u16>,
    /// The groups are those that joined one after the other; absent if the joins were too close to tell.
    pub in_order: Option<bool>,
    /// Within the groups every edge opened.
    pub whole: bool,
    /// No peer heard of one of another group.
    pub apart: bool,
}

/// Offers, answers and candidates as said and as received, in the traced rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalCheck {
    /// Words that were received by the peer they were for.
    pub words: u64,
    /// Offers and answers that were received more often than they were said, and how often they were received. A
    /// candidate can be the same for several peers, and tells nothing.
    pub repeated: u64,
    pub copies: u64,
    /// Words received by another peer than the one they were for.
    pub misrouted: u64,
    pub misrouted_example: Option<String>,
    /// Offers and answers received.
    pub descriptions: u64,
    /// Those of them that nobody said.
    pub altered: u64,
    /// By field of a description: how many arrived with another value.
    pub altered_fields: BTreeMap<Cow<'static, str>, u64>,
    pub candidates: CandidateChanges,
}

/// Announcements of one type, as their listeners received them; ages in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncementCheck {
    pub lost: u64,
    /// The oldest listener that missed one.
    pub lost_age_max_us: u64,
    pub heard: u64,
    /// The youngest listener that received one.
    pub heard_age_min_us: u64,
}

/// Leaves with a goodbye in the steady phase, and the notices of them.
#[derive(AddAssign, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveNotices {
    pub leavers: u64,
    /// Peers that were there at a leave, over all leaves.
    pub expected: u64,
    pub told: u64,
}

/// Samples of the timers of one second, or of several merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimedSecond {
    pub second: u64,
    pub frames: u64,
    /// By `TimedSecond::TIMERS`: number and sum in microseconds.
    pub timers: [(u64, u64); 3],
}

impl TimedSecond {
    pub const TIMERS: [&'static str; 3] = ["signal_delivery", "leave_notice", "time_to_open"];
}

impl SignalCheck {
    pub fn merge(&mut self, other: Self) {
        self.candidates.merge(other.candidates);
        self.words += other.words;
        self.repeated += other.repeated;
        self.copies += other.copies;
        self.misrouted += other.misrouted;
        self.misrouted_example = self.misrouted_example.take().or(other.misrouted_example);
        self.descriptions += other.descriptions;
        self.altered += other.altered;
        for (field, count) in other.altered_fields {
            *self.altered_fields.entry(field).or_default() += count;
        }
    }
}

impl AnnouncementCheck {
    /// Adds one announcement to a listener of `age_us`.
    pub fn add(&mut self, age_us: u64, heard: bool) {
        let youngest = if self.heard == 0 { u64::MAX } else { self.heard_age_min_us };
        if heard {
            self.heard += 1;
            self.heard_age_min_us = youngest.min(age_us);
        } else {
            self.lost += 1;
            self.lost_age_max_us = self.lost_age_max_us.max(age_us);
        }
    }

    pub fn merge(&mut self, other: &Self) {
        if other.heard > 0 {
            let youngest = if self.heard == 0 { u64::MAX } else { self.heard_age_min_us };
            self.heard_age_min_us = youngest.min(other.heard_age_min_us);
        }
        self.heard += other.heard;
        self.lost += other.lost;
        self.lost_age_max_us = self.lost_age_max_us.max(other.lost_age_max_us);
    }
}
