//! The plan, the servers and the queues that all workers of a run share.

use super::chronicle::Inbox;
use super::endpoint::Endpoints;
use super::pulse::Pulses;
use crate::dialect::Dialect;
use crate::engine::Gathering;
use crate::metrics::TraceSample;
use crate::peer::TalkPattern;
use crate::plan::{Plan, RoomPlan};
use crate::profile::Pattern;
use crate::summary::distribution::Clock;
use crate::vocabulary::ids::Naming;
use std::sync::Arc;
use std::time::Instant;

/// What all workers of a run have in common.
pub struct RunContext {
    pub plan: Plan,
    /// None in a control run: signaling is passed in memory.
    pub endpoints: Option<Endpoints>,
    /// Where the engine webrtc gets its candidates.
    pub gathering: Gathering,
    pub dialect: Dialect,
    pub naming: Naming,
    /// The run's time zero, on both clocks: the wall clock in ms since the Unix epoch.
    pub start: Instant,
    pub start_unix_ms: u64,
    /// What random payloads are cut from.
    pub pool: Arc<[u8]>,
    pub pulses: Pulses,
    /// The timers that gates read while the run goes on; `None` if no gate is watched.
    pub watched: Option<Vec<(String, Clock)>>,
    /// The rooms whose handshakes are kept.
    pub sample: TraceSample,
    /// Where every fact is handed to, if a file of them is wanted.
    pub inbox: Option<Inbox>,
}

impl RunContext {
    /// A room's id on the wire: two runs against one target must not meet in a room.
    pub fn room_id(&self, room: &RoomPlan) -> String {
        format!("{}-{}", self.naming.prefix(), room.id)
    }

    /// Candidates are sent one by one, if the profile wants it and the dialect has words for them.
    pub fn trickles(&self) -> bool {
        self.plan.profile.handshake.trickle && self.dialect.trickles()
    }

    pub fn talk_pattern(&self) -> TalkPattern {
        match self.plan.profile.messages.pattern {
            Pattern::Broadcast => TalkPattern::Broadcast,
            Pattern::PingPong => TalkPattern::PingPong,
            Pattern::None => TalkPattern::Silence,
        }
    }
}
