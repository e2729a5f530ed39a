//! The plan, the servers and the queues that all workers of a run share.

use super::report::event_log::EventSink;
use super::target::endpoint::Endpoints;
use super::worker::status::WorkerStatuses;
use crate::dialect::Dialect;
use crate::engine::Gathering;
use crate::metrics::{RoomDetail, TraceSample};
use crate::peer::TrafficPattern;
use crate::plan::{Plan, RoomPlan, Share};
use crate::profile::{MessagePattern, Scenario};
use crate::summary::{Clock, TargetRoute};
use crate::vocabulary::{EngineKind, Naming, Redactor};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Read-only data of a run, and the statuses that its workers publish.
pub(super) struct RunContext {
    pub plan: Plan,
    /// The rooms of the plan that this process plays.
    pub share: Share,
    /// Those of each scenario; empty in a control run, whose signaling is passed in memory.
    pub endpoints: Vec<Endpoints>,
    /// STUN and TURN servers, and the transport policy, of the `webrtc` engine.
    pub gathering: Gathering,
    pub dialect: Dialect,
    /// Hides the run's secrets in what the server says.
    pub redactor: Arc<Redactor>,
    pub naming: Naming,
    /// Time zero of the run; arrivals count from it.
    pub start: Instant,
    /// `start` by the wall clock, in ms since the Unix epoch.
    pub start_unix_ms: u64,
    /// Random bytes, from which payloads are cut.
    pub pool: Arc<[u8]>,
    pub statuses: WorkerStatuses,
    /// The timers that workers publish for gates; `None` if no gate is watched.
    pub watched: Option<Vec<(String, Clock)>>,
    /// The state of the rooms that workers publish beside all timers, when they are asked for them.
    pub rooms_shown: RoomDetail,
    /// The rooms whose events are kept as traces.
    pub sample: TraceSample,
    /// The writer of `--events`, if the file is wanted.
    pub events: Option<EventSink>,
    /// The memory granted is nearly used up, so no further peer starts.
    pub out_of_memory: AtomicBool,
}

/// The message types of a dialect, in the order of their `Kind`.
pub(super) fn kinds_of(dialect: &Dialect) -> Vec<String> {
    dialect.kinds().iter().map(|kind| (*kind).to_owned()).collect()
}

impl RunContext {
    /// The route to the target, as reports show it.
    pub(super) fn way(&self) -> TargetRoute {
        let shown = |endpoints: &Endpoints| endpoints.route_shown(&self.dialect, &self.redactor);
        self.endpoints.first().map(shown).unwrap_or_default()
    }

    /// A room's id on the wire. It begins with the run's id: two runs against one target must not meet in a room.
    pub(super) fn room_id(&self, room: &RoomPlan) -> String {
        format!("{}-{}", self.naming.prefix(), room.id)
    }

    /// The settings of a room's peers.
    pub(super) fn scenario(&self, room: &RoomPlan) -> &Scenario {
        &self.plan.profile.scenarios[room.scenario]
    }

    /// Tells if candidates are sent one by one: the scenario wants it, and the dialect has a message for them.
    pub(super) fn trickles(&self, scenario: &Scenario) -> bool {
        scenario.handshake.trickle && self.dialect.trickles()
    }

    /// The pattern of the channels' messages; the engine `none` has no channel that could carry one.
    pub(super) fn traffic_pattern(&self, scenario: &Scenario) -> TrafficPattern {
        match scenario.messages.pattern {
            _ if self.plan.profile.engine.kind == EngineKind::None => TrafficPattern::Silence,
            MessagePattern::Broadcast => TrafficPattern::Broadcast,
            MessagePattern::PingPong => TrafficPattern::PingPong,
            MessagePattern::None => TrafficPattern::Silence,
        }
    }
}
