//! Spawns a worker's peers when they are due, tells them of each other, and plays arrivals, churn and the end.

use super::super::context::RunContext;
use super::super::report::event_log::EventLogHandle;
use super::super::target::endpoint::EndpointPeer;
use super::churn_schedule::{ChurnAction, ChurnSchedule, ChurnStep};
use super::engines::Engines;
use super::room_mailboxes::{RoomMailboxes, RoomState};
use crate::dialect::Conversation;
use crate::driver::{AlarmClock, COMMANDS_MORE, IdExchange, PeerEnd, PeerSpec, PeerTask};
use crate::metrics::Recorder;
use crate::peer::{PeerCommand, ReconnectBackoff, TrafficConfig};
use crate::plan::{LeaveManner, RoomPlan};
use crate::profile::{Scenario, Start};
use crate::signaling::{MemoryListener, SignalingConnection, Transport};
use crate::vocabulary::{Event, EventKind, Failure, HandshakeSettings, PeerEvent, Phase, Place, Reason, Seat, Seed};
use rand::RngExt;
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};

/// A peer that has been due for longer than this is dropped, and counted.
const LATE_MAX: Duration = Duration::from_secs(5);

/// The peers of one worker, from arrival to end.
pub(super) struct PeerSpawner {
    common: Arc<RunContext>,
    plans: Vec<RoomPlan>,
    /// Due time since the run's start, index of the room among this worker's, seat; in order of due.
    arrivals: Vec<(Duration, usize, Seat)>,
    /// Index into `arrivals` of the next one.
    next: usize,
    churn: ChurnSchedule,
    /// The number of returns of each peer that came back.
    sessions: FxHashMap<Place, u32>,
    /// Engines of each scenario.
    engines: Vec<Engines>,
    /// One a room; empty if the dialect needs no exchange of ids.
    exchanges: Vec<IdExchange>,
    clock: Rc<AlarmClock>,
    mailboxes: Rc<RoomMailboxes>,
    /// The in-memory servers of a control run, one a scenario; empty with a real target.
    listeners: Vec<MemoryListener>,
    /// Each gives the most frames that waited to be written.
    tasks: JoinSet<PeerEnd>,
    /// Connections of peers that vanished; they stay open until the worker ends.
    vanished: Vec<Box<dyn SignalingConnection>>,
    places: FxHashMap<Id, (usize, Place)>,
    frames_waiting_max: usize,
    panics: u64,
}

impl PeerSpawner {
    /// `recorder` knows the rooms of `plans`; all events of their peers go to it.
    pub(super) fn new(
        common: Arc<RunContext>,
        plans: Vec<RoomPlan>,
        clock: Rc<AlarmClock>,
        recorder: Rc<RefCell<Recorder>>,
        listeners: Vec<MemoryListener>,
    ) -> Self {
        let due = |(room, plan): (usize, &RoomPlan)| {
            let seats = plan.due.iter().enumerate();
            seats.map(|(seat, due)| (*due, room, Seat(seat as u16))).collect::<Vec<_>>()
        };
        let mut arrivals: Vec<_> = plans.iter().enumerate().flat_map(due).collect();
        arrivals.sort_unstable();
        let room = |plan: &RoomPlan| {
            let has_barrier = common.scenario(plan).messages.start == Start::Barrier;
            RoomState { has_barrier, ..RoomState::default() }
        };
        let rooms = RefCell::new(plans.iter().map(room).collect());
        let exchanges = match common.dialect.needs_id_exchange() {
            true => plans.iter().map(|plan| IdExchange::new(plan.size())).collect(),
            false => vec![],
        };
        let log = common.events.clone().map(EventLogHandle::new);
        let redactor = common.redactor.clone();
        Self {
            engines: common.plan.profile.scenarios.iter().map(|scenario| Engines::new(&common, scenario)).collect(),
            exchanges,
            common,
            churn: ChurnSchedule::new(&plans),
            sessions: FxHashMap::default(),
            plans,
            arrivals,
            next: 0,
            clock,
            mailboxes: Rc::new(RoomMailboxes { recorder, rooms, log, redactor }),
            listeners,
            tasks: JoinSet::new(),
            vanished: vec![],
            places: FxHashMap::default(),
            frames_waiting_max: 0,
            panics: 0,
        }
    }

    /// No peer is running.
    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Peers whose code panicked so far.
    pub(super) fn panics(&self) -> u64 {
        self.panics
    }

    /// The most frames of one peer that waited to be written, among peers that have ended.
    pub(super) fn frames_waiting_max(&self) -> u64 {
        self.frames_waiting_max as u64
    }

    /// Peers that are due at `now` and have not begun.
    pub(super) fn overdue(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.common.start);
        self.arrivals[self.next..].partition_point(|(due, _, _)| *due <= since) as u64
    }

    /// The time at which the next peer is due to arrive, leave or return.
    pub(super) fn next_due(&self) -> Option<Instant> {
        [self.next_arrival(), self.churn.next_due()].into_iter().flatten().min()
    }

    /// Peers that left and are to come back.
    pub(super) fn away(&self) -> u64 {
        self.churn.away()
    }

    fn next_arrival(&self) -> Option<Instant> {
        self.arrivals.get(self.next).map(|(due, _, _)| self.common.start + *due)
    }

    /// Waits until a peer has ended; without end if none is running. A panic is recorded as a failure of its peer.
    pub(super) async fn peer_ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, end))) => {
                self.frames_waiting_max = self.frames_waiting_max.max(end.frames_waiting_max);
                self.vanished.extend(end.vanished);
                self.places.remove(&id);
            }
            Some(Err(error)) => {
                let place = self.places.remove(&error.id());
                if let (true, Some((room, place))) = (error.is_panic(), place) {
                    self.panics += 1;
                    self.mark_absent(room, place.seat);
                    let failure = Failure::new(Phase::Connect, Reason::GeneratorLimit, "meshload panicked");
                    self.mailboxes.record(
                        room,
                        Event::new(Instant::now(), place, EventKind::Peer(PeerEvent::PeerFailed { failure })),
                    );
                }
            }
            None => std::future::pending().await,
        }
    }

    /// Starts or stops the one peer that is due next.
    pub(super) fn run_next(&mut self) {
        match (self.next_arrival(), self.churn.next_due()) {
            (Some(arrival), Some(churn)) if churn < arrival => self.run_churn_step(),
            (None, Some(_)) => self.run_churn_step(),
            _ => self.start_arrival(),
        }
    }

    fn run_churn_step(&mut self) {
        let Some((due, ChurnStep { room, seat, action, .. })) = self.churn.take() else { return };
        match action {
            ChurnAction::Leave { manner, returns } => {
                let command = match manner {
                    LeaveManner::Goodbye => PeerCommand::Depart { silent: false },
                    LeaveManner::Silent => PeerCommand::Depart { silent: true },
                    LeaveManner::Vanish => PeerCommand::Vanish,
                };
                if self.mailboxes.stop_peer(room, seat, command) && returns {
                    self.churn.mark_away(room, seat);
                }
            }
            ChurnAction::Return => {
                *self.sessions.entry(self.plans[room].place(seat)).or_default() += 1;
                if let Some(exchange) = self.exchanges.get(room) {
                    exchange.mark_returning(seat);
                }
                self.start_peer(due, room, seat, PeerCommand::Back { seat });
            }
        }
    }

    fn start_arrival(&mut self) {
        let Some((due, room, seat)) = self.arrivals.get(self.next).copied() else { return };
        self.next += 1;
        let (due, now) = (self.common.start + due, Instant::now());
        if now.saturating_duration_since(due) > LATE_MAX {
            let place = self.plans[room].place(seat);
            self.mailboxes.record(room, Event::new(now, place, EventKind::Peer(PeerEvent::Dropped { due })));
            self.mark_absent(room, seat);
            return;
        }
        self.start_peer(due, room, seat, PeerCommand::Companion { seat });
    }

    /// Starts a peer, and sends `announcement` to the others of its room. A peer that can't start has failed.
    fn start_peer(&mut self, due: Instant, room: usize, seat: Seat, announcement: PeerCommand) {
        let (now, place) = (Instant::now(), self.plans[room].place(seat));
        let mailboxes = self.mailboxes.clone();
        let record = |what| mailboxes.record(room, Event::new(now, place, what));
        match self.task(room, place) {
            Ok((task, mailbox)) => {
                self.mailboxes.add_peer(room, seat, mailbox, announcement);
                let handle = self.tasks.spawn_local(task.run(due));
                self.places.insert(handle.id(), (room, place));
            }
            Err(failure) => {
                record(EventKind::Peer(PeerEvent::Began { due }));
                record(EventKind::Peer(PeerEvent::PeerFailed { failure }));
                self.mark_absent(room, seat);
            }
        }
    }

    /// Tells the room's id exchange that this peer will not come, so that no other waits for it.
    fn mark_absent(&self, room: usize, seat: Seat) {
        if let Some(exchange) = self.exchanges.get(room) {
            exchange.mark_gone(seat);
        }
    }

    /// Passes a command of the controller to every peer.
    pub(super) fn apply(&mut self, command: PeerCommand) {
        match command {
            PeerCommand::StartTraffic => self.churn.begin(Instant::now()),
            _ => self.churn.end(),
        }
        for room in self.mailboxes.rooms.borrow_mut().iter_mut() {
            match command {
                PeerCommand::StartTraffic => room.start_traffic(),
                PeerCommand::StopTraffic => room.stop_traffic(),
                command => room.send_all(command),
            }
        }
    }

    /// Builds one peer's task, ready to run, and its mailbox.
    ///
    /// # Errors
    /// This machine has no descriptor, port or memory left for the peer, or its URL does not parse.
    #[expect(clippy::type_complexity, reason = "a task and its mailbox; a name would hide that it is a pair")]
    fn task(
        &self,
        room: usize,
        place: Place,
    ) -> Result<(PeerTask<impl Fn(Event) + use<>>, mpsc::Sender<PeerCommand>), Failure> {
        let (common, plan) = (&self.common, &self.plans[room]);
        if common.out_of_memory.load(Ordering::Relaxed) {
            return Err(Failure::new(Phase::Connect, Reason::GeneratorLimit, "memory"));
        }
        let (profile, scenario) = (&common.plan.profile, common.scenario(plan));
        let session = self.sessions.get(&place).copied().unwrap_or(0);
        let seed = session_seed(common.plan.seed, session);
        let draws = seed.stream("redial", place.peer.0.into());
        let endpoints = common.endpoints.get(plan.scenario);
        let spec = PeerSpec {
            place,
            room_size: plan.size(),
            guests: scenario.rooms.guests,
            naming: common.naming.clone(),
            name: place.peer.to_string(),
            room: common.room_id(plan),
            dialect: common.dialect.clone(),
            handshake: HandshakeSettings { trickle: common.trickles(scenario), ..scenario.handshake },
            epoch: (common.start, common.start_unix_ms),
            data: endpoints.map_or(Value::Null, |all| all.data(place.peer.0)),
            token: endpoints.map_or("", |all| all.token_in(plan, place)).to_owned(),
            seed,
            traffic: traffic(common, scenario, place, session),
            backoff: profile.reconnect.map(|reconnect| ReconnectBackoff::new(reconnect.first, reconnect.cap, draws)),
            exchange: self.exchanges.get(room).cloned(),
        };
        let mut virtual_peer = spec.build();
        let transport = self.transport(place, plan, virtual_peer.conversation())?;
        let engine = self.engines[plan.scenario].open(seed, place, plan.size())?;
        let (mailbox, commands) =
            mpsc::channel(usize::from(plan.size()) + ChurnSchedule::steps_max(plan) + COMMANDS_MORE);
        let mailboxes = self.mailboxes.clone();
        let recorder = move |event: Event| mailboxes.record(room, event);
        Ok((PeerTask::new(virtual_peer, engine, transport, commands, self.clock.alarm(), recorder), mailbox))
    }

    /// # Errors
    /// The peer's URL does not parse.
    fn transport(
        &self,
        place: Place,
        plan: &RoomPlan,
        conversation: &mut dyn Conversation,
    ) -> Result<Transport, Failure> {
        if let Some(listener) = self.listeners.get(plan.scenario) {
            return Ok(Transport::Memory(listener.clone()));
        }
        let unfit = |why: String| Failure::new(Phase::Connect, Reason::Protocol, format!("URL: {why}"));
        let common = &self.common;
        let endpoints = common.endpoints.get(plan.scenario).ok_or_else(|| unfit("there is none".to_owned()))?;
        let peer = EndpointPeer {
            id: &common.naming.peer(place.peer),
            index: place.peer.0,
            token: endpoints.token_in(plan, place),
            room_id: &common.room_id(plan),
        };
        let endpoint = endpoints.of(peer, Some(conversation)).map_err(|error| unfit(error.to_string()))?;
        Ok(Rc::new(endpoint).into())
    }
}

/// The seed of a peer's session. A return has another seed than the session before, so ids and passwords are new.
fn session_seed(seed: Seed, session: u32) -> Seed {
    match session {
        0 => seed,
        session => Seed(seed.stream("session", session.into()).random()),
    }
}

fn traffic(common: &RunContext, scenario: &Scenario, place: Place, session: u32) -> TrafficConfig {
    let (plan, messages) = (&common.plan, &scenario.messages);
    TrafficConfig {
        pattern: common.traffic_pattern(scenario),
        interval: Duration::from_secs_f64(1.0 / messages.rate.max(f64::MIN_POSITIVE)).min(Duration::from_secs(86_400)),
        bytes: (messages.bytes_min, messages.bytes_max),
        pool: common.pool.clone(),
        draws: session_seed(plan.seed, session).stream("talk", place.peer.0.into()),
    }
}

#[cfg(test)]
mod tests;
