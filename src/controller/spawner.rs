//! Lets the peers of a worker in when they are due, tells them of each other, and sees them out.

use super::churn_schedule::{ChurnAction, ChurnSchedule, ChurnStep};
use super::context::RunContext;
use super::engines::Engines;
use super::event_log::EventLogHandle;
use super::room_mailboxes::{RoomMailboxes, RoomState};
use crate::dialect::Conversation;
use crate::driver::{AlarmClock, IdExchange, PeerSpec, PeerTask};
use crate::metrics::Recorder;
use crate::peer::{PeerCommand, ReconnectBackoff, TrafficConfig};
use crate::plan::RoomPlan;
use crate::profile::Start;
use crate::signaling::{MemoryListener, Transport};
use crate::vocabulary::event::{Event, What};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::ids::{Place, Seat};
use crate::vocabulary::phase::Phase;
use crate::vocabulary::seed::Seed;
use rand::RngExt;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};

/// A peer that is due for longer than this is dropped, and counted.
const LATE_MAX: Duration = Duration::from_secs(5);

/// What a peer is told besides the arrival of its companions: talk, hush, leave, and room to spare.
const COMMANDS_MORE: usize = 8;

/// The peers of one worker, from arrival to departure.
pub struct PeerSpawner {
    common: Arc<RunContext>,
    plans: Vec<RoomPlan>,
    /// (due, room among this worker's, seat), in order; the next one is `next`.
    arrivals: Vec<(Duration, usize, Seat)>,
    next: usize,
    churn: ChurnSchedule,
    /// How often each who came back has come.
    sessions: FxHashMap<Place, u32>,
    engines: Engines,
    /// One a room; none for a dialect that needs none.
    exchanges: Vec<IdExchange>,
    clock: Rc<AlarmClock>,
    mailboxes: Rc<RoomMailboxes>,
    /// Where lines are opened, when signaling is passed in memory.
    listener: Option<MemoryListener>,
    tasks: JoinSet<usize>,
    places: FxHashMap<Id, (usize, Place)>,
    frames_waiting_max: usize,
    panics: u64,
}

impl PeerSpawner {
    /// `recorder` are those of `plans`' rooms, in which every fact of their peers is written.
    pub fn new(
        common: Arc<RunContext>,
        plans: Vec<RoomPlan>,
        clock: Rc<AlarmClock>,
        recorder: Rc<RefCell<Recorder>>,
        listener: Option<MemoryListener>,
    ) -> Self {
        let due = |(room, plan): (usize, &RoomPlan)| {
            let seats = plan.due.iter().enumerate();
            seats.map(|(seat, due)| (*due, room, Seat(seat as u16))).collect::<Vec<_>>()
        };
        let mut arrivals: Vec<_> = plans.iter().enumerate().flat_map(due).collect();
        arrivals.sort_unstable();
        let rooms = RefCell::new(plans.iter().map(|_| RoomState::default()).collect());
        let exchanges = match common.dialect.needs_id_exchange() {
            true => plans.iter().map(|plan| IdExchange::new(plan.size())).collect(),
            false => vec![],
        };
        let log = common.inbox.clone().map(EventLogHandle::new);
        let barrier = common.plan.profile.messages.start == Start::Barrier;
        Self {
            engines: Engines::new(&common),
            exchanges,
            common,
            churn: ChurnSchedule::new(&plans),
            sessions: FxHashMap::default(),
            plans,
            arrivals,
            next: 0,
            clock,
            mailboxes: Rc::new(RoomMailboxes { recorder, rooms, log, barrier }),
            listener,
            tasks: JoinSet::new(),
            places: FxHashMap::default(),
            frames_waiting_max: 0,
            panics: 0,
        }
    }

    /// Nobody is here any more.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Peers whose code panicked so far.
    pub fn panics(&self) -> u64 {
        self.panics
    }

    /// The most frames of one peer, among those that have ended, that were not on the wire yet.
    pub fn frames_waiting_max(&self) -> u64 {
        self.frames_waiting_max as u64
    }

    /// How many are due at `now` and have not begun.
    pub fn overdue(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.common.start);
        self.arrivals[self.next..].partition_point(|(due, _, _)| *due <= since) as u64
    }

    /// When the next peer is due to come or to go.
    pub fn next_due(&self) -> Option<Instant> {
        [self.next_arrival(), self.churn.next_due()].into_iter().flatten().min()
    }

    /// Who has left and is to come back.
    pub fn away(&self) -> u64 {
        self.churn.away()
    }

    fn next_arrival(&self) -> Option<Instant> {
        self.arrivals.get(self.next).map(|(due, _, _)| self.common.start + *due)
    }

    /// Waits until a peer has ended; for ever, when nobody is here.
    pub async fn departure(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, frames_waiting_max))) => {
                self.frames_waiting_max = self.frames_waiting_max.max(frames_waiting_max);
                self.places.remove(&id);
            }
            Some(Err(error)) => {
                let place = self.places.remove(&error.id());
                if let (true, Some((room, place))) = (error.is_panic(), place) {
                    self.panics += 1;
                    self.give_up(room, place.seat);
                    let failure = Failure::new(Phase::Connect, Reason::GeneratorLimit, "meshload panicked");
                    self.mailboxes.book(room, &Event { at: Instant::now(), place, what: What::PeerFailed { failure } });
                }
            }
            None => std::future::pending().await,
        }
    }

    /// Lets in or sees off whose turn it is, one at a time between what else is to be done.
    pub fn serve(&mut self) {
        match (self.next_arrival(), self.churn.next_due()) {
            (Some(arrival), Some(turn)) if turn < arrival => self.take_turn(),
            (None, Some(_)) => self.take_turn(),
            _ => self.admit(),
        }
    }

    fn take_turn(&mut self) {
        let Some((due, ChurnStep { room, seat, action, .. })) = self.churn.take() else { return };
        match action {
            ChurnAction::Leave { silent, returns } => {
                if self.mailboxes.see_off(room, seat, silent) && returns {
                    self.churn.seen_off(room, seat);
                }
            }
            ChurnAction::Return => {
                *self.sessions.entry(self.plans[room].place(seat)).or_default() += 1;
                if let Some(exchange) = self.exchanges.get(room) {
                    exchange.comes_back(seat);
                }
                self.let_in(due, room, seat, PeerCommand::Back { seat });
            }
        }
    }

    fn admit(&mut self) {
        let Some((due, room, seat)) = self.arrivals.get(self.next).copied() else { return };
        self.next += 1;
        let (due, now) = (self.common.start + due, Instant::now());
        if now.saturating_duration_since(due) > LATE_MAX {
            let place = self.plans[room].place(seat);
            self.mailboxes.book(room, &Event { at: now, place, what: What::Dropped { due } });
            self.give_up(room, seat);
            return;
        }
        self.let_in(due, room, seat, PeerCommand::Companion { seat });
    }

    /// Starts the peer; the others of its room are told `news`.
    fn let_in(&mut self, due: Instant, room: usize, seat: Seat, news: PeerCommand) {
        let (now, place) = (Instant::now(), self.plans[room].place(seat));
        let mailboxes = self.mailboxes.clone();
        let book = |what| mailboxes.book(room, &Event { at: now, place, what });
        match self.task(room, place) {
            Ok((task, mailbox)) => {
                self.mailboxes.introduce(room, seat, mailbox, news);
                let handle = self.tasks.spawn_local(task.run(due));
                self.places.insert(handle.id(), (room, place));
            }
            Err(failure) => {
                book(What::Began { due });
                book(What::PeerFailed { failure });
                self.give_up(room, seat);
            }
        }
    }

    /// The others of the room need not wait for this one.
    fn give_up(&self, room: usize, seat: Seat) {
        if let Some(exchange) = self.exchanges.get(room) {
            exchange.go(seat);
        }
    }

    /// Passes a command of the controller to every peer.
    pub fn command(&mut self, command: PeerCommand) {
        match command {
            PeerCommand::StartTraffic => self.churn.begin(Instant::now()),
            _ => self.churn.end(),
        }
        for room in self.mailboxes.rooms.borrow_mut().iter_mut() {
            match command {
                PeerCommand::StartTraffic => room.start_traffic(),
                PeerCommand::StopTraffic => room.stop_traffic(),
                command => room.tell(command),
            }
        }
    }

    /// One peer, ready to run, and its mailbox.
    ///
    /// # Errors
    /// This machine has no descriptor or port left for it, or its URL is none.
    #[expect(clippy::type_complexity, reason = "a task and its mailbox; a name would hide that it is a pair")]
    fn task(
        &self,
        room: usize,
        place: Place,
    ) -> Result<(PeerTask<impl Fn(Event) + use<>>, mpsc::Sender<PeerCommand>), Failure> {
        let (common, plan) = (&self.common, &self.plans[room]);
        let profile = &common.plan.profile;
        let session = self.sessions.get(&place).copied().unwrap_or(0);
        let seed = of_session(common.plan.seed, session);
        let draws = seed.stream("redial", place.peer.0.into());
        let spec = PeerSpec {
            place,
            room_size: plan.size(),
            guests: profile.rooms.guests,
            naming: common.naming.clone(),
            name: place.peer.to_string(),
            room: common.room_id(plan),
            dialect: common.dialect.clone(),
            trigger: profile.handshake.trigger,
            initiator: profile.handshake.initiator,
            settle: profile.handshake.settle,
            approval: profile.handshake.approval,
            timeout: profile.handshake.timeout,
            trickle: common.trickles(),
            epoch: (common.start, common.start_unix_ms),
            token: common.endpoints.as_ref().map_or("", |all| all.token(place.peer.0)).to_owned(),
            seed,
            traffic: traffic(common, place, session),
            backoff: profile.reconnect.map(|reconnect| ReconnectBackoff::new(reconnect.first, reconnect.cap, draws)),
            exchange: self.exchanges.get(room).cloned(),
        };
        let mut virtual_peer = spec.build();
        let transport = self.transport(place, &common.room_id(plan), virtual_peer.conversation())?;
        let engine = self.engines.open(seed, place, plan.size())?;
        let (mailbox, commands) =
            mpsc::channel(usize::from(plan.size()) + ChurnSchedule::turns_of(plan) + COMMANDS_MORE);
        let mailboxes = self.mailboxes.clone();
        let recorder = move |event: Event| mailboxes.book(room, &event);
        Ok((PeerTask::new(virtual_peer, engine, transport, commands, self.clock.alarm(), recorder), mailbox))
    }

    /// # Errors
    /// The peer's URL is none.
    fn transport(
        &self,
        place: Place,
        room_id: &str,
        conversation: &mut dyn Conversation,
    ) -> Result<Transport, Failure> {
        if let Some(listener) = &self.listener {
            return Ok(Transport::Memory(listener.clone()));
        }
        let unfit = |why: String| Failure::new(Phase::Connect, Reason::Protocol, format!("URL: {why}"));
        let endpoints = self.common.endpoints.as_ref().ok_or_else(|| unfit("there is none".to_owned()))?;
        let endpoint = endpoints
            .of(&self.common.naming.peer(place.peer), place.peer.0, room_id, Some(conversation))
            .map_err(|error| unfit(error.to_string()))?;
        Ok(Rc::new(endpoint).into())
    }
}

/// What a peer that came back draws is not what it drew before: its ids and passwords are new ones.
fn of_session(seed: Seed, session: u32) -> Seed {
    match session {
        0 => seed,
        session => Seed(seed.stream("session", session.into()).random()),
    }
}

fn traffic(common: &RunContext, place: Place, session: u32) -> TrafficConfig {
    let (plan, messages) = (&common.plan, &common.plan.profile.messages);
    TrafficConfig {
        pattern: common.traffic_pattern(),
        interval: Duration::from_secs_f64(1.0 / messages.rate.max(f64::MIN_POSITIVE)).min(Duration::from_secs(86_400)),
        bytes: (messages.bytes_min, messages.bytes_max),
        pool: common.pool.clone(),
        draws: of_session(plan.seed, session).stream("talk", place.peer.0.into()),
    }
}

#[cfg(test)]
mod tests;
