//! The agent's side of the bus: joins, waits for the start, beats, obeys, and hands its part over.

use super::clock::{ClockExchange, ClockOffset};
use super::connection::{BusConnection, Inbox};
use super::messages::{
    AgentMachine, AgentState, BusError, Claim, ClaimedSlot, Heartbeat, Order, PlanOffer, PlanRefusal, SlotReply,
    SlotRequest,
};
use super::pieces::cut;
use super::settings::{BusSettings, RunName};
use crate::controller::{RunStatus, StopSignal, StopSignals};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::timeout;

/// A delay by which this process stood still, and could hear nobody.
pub(super) const STANDSTILL_MIN: Duration = Duration::from_millis(500);

/// The time between two heartbeats, of agents and controller.
pub(super) const BEAT_EVERY: Duration = Duration::from_secs(1);

/// The pause before a controller that does not answer yet, or has no free slot, is asked again.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Exchanges by which the clock is compared.
const EXCHANGES: usize = 32;

/// The time for which a part is sent again while the server is away, and once the controller is lost as well.
pub(super) const REPORT_MAX: Duration = Duration::from_secs(60);
const REPORT_ALONE_MAX: Duration = Duration::from_secs(5);

/// The silence of the controller at which an agent gives up, in silences at which an agent is lost.
pub(super) const CONTROLLER_SILENCE: f64 = 1.5;

/// The sender of an agent's heartbeats.
#[derive(Clone)]
struct HeartbeatSender {
    connection: BusConnection,
    seat: ClaimedSlot,
    uuid: String,
    state: watch::Sender<AgentState>,
    status: watch::Sender<RunStatus>,
}

/// An agent that holds a slot of a run.
pub struct BusAgent {
    /// Beats and listens on a thread of its own while the run is played.
    runtime: Runtime,
    heartbeat: HeartbeatSender,
    order: watch::Receiver<Order>,
    signals: StopSignals,
}

impl BusAgent {
    /// Joins a run, and returns its plan with the slot. Waits at most for `patience` until the controller is there and has
    /// a slot; `tell` gets a sentence about what is waited for.
    ///
    /// # Errors
    /// The bus can't be used, the controller refuses this agent, or a signal came.
    pub fn join(
        settings: &BusSettings,
        run: &RunName,
        (slot, machine): (Option<u32>, AgentMachine),
        patience: Duration,
        signals: &StopSignals,
        tell: &dyn Fn(String),
    ) -> Result<(Self, PlanOffer), BusError> {
        let runtime = runtime()?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let uuid = format!("{:032x}", rand::random::<u128>());
        let request = SlotRequest { slot, uuid: uuid.clone(), version, machine };
        let joined = async {
            let connection = BusConnection::open(settings, run).await?;
            let seat = take_seat(&connection, &request, patience, tell).await?;
            let offer: PlanOffer = connection.plan().await?;
            Ok((connection, seat, offer))
        };
        let (connection, seat, offer) = runtime.block_on(until_signal(signals, joined))?;
        let inbox = runtime.block_on(connection.inbox("order"))?;
        let (state, status) = (watch::Sender::default(), watch::Sender::default());
        let heartbeat = HeartbeatSender { connection, seat, uuid, state, status };
        let (ordered, order) = watch::channel(Order::Gather { round: 0, attempts: vec![] });
        let silence = offer.silence.mul_f64(CONTROLLER_SILENCE);
        runtime.spawn(listen(inbox, silence, ordered, heartbeat.state.subscribe(), signals.clone()));
        runtime.spawn(heartbeat.clone().run());
        Ok((Self { runtime, heartbeat, order, signals: signals.clone() }, offer))
    }

    /// From 0.
    pub fn slot(&self) -> u32 {
        self.heartbeat.seat.slot
    }

    /// Takes the state of the run while it is played.
    pub fn status(&self) -> watch::Sender<RunStatus> {
        self.heartbeat.status.clone()
    }

    /// Tells the controller that this agent can't play the plan.
    pub fn refuse(&self, refusal: PlanRefusal) {
        self.send_state(AgentState::Refused(refusal));
    }

    /// The controller's reason to stop the run, if it gave one.
    pub fn stopped_by(&self) -> Option<String> {
        match &*self.order.borrow() {
            Order::Stop { why, .. } => why.clone(),
            _ => None,
        }
    }

    /// Tells the controller that this agent goes.
    pub fn leave(&self) {
        self.send_state(AgentState::Left);
    }

    /// Reports readiness for a round, and waits for its start: the local time, and the clock's offset that it rests on.
    /// `reach` waits for the target, when the controller says that all are ready.
    ///
    /// # Errors
    /// The run ended, goes on without this agent, another has its slot, or a signal came.
    pub fn wait_for_start(
        &mut self,
        round: u32,
        plan_sha256: String,
        reach: impl Future<Output = ()>,
    ) -> Result<(SystemTime, ClockOffset), BusError> {
        let Self { runtime, heartbeat: HeartbeatSender { connection, seat, state, status, .. }, order, signals } = self;
        status.send_replace(RunStatus::default());
        runtime.block_on(until_signal(signals, async {
            let clock = compared_clock(connection).await?;
            state.send_replace(AgentState::Prepared { round, plan_sha256: plan_sha256.clone() });
            let is_final = |order: &Order| match order {
                Order::Go { round: of, .. } => *of == round,
                Order::Gather { attempts, .. } | Order::Reach { attempts, .. } => seat.is_displaced(attempts),
                Order::Over(_) => true,
                Order::Stop { .. } => false,
            };
            let may_reach = |order: &Order| matches!(order, Order::Reach { round: of, .. } if *of == round);
            let closed = |_| BusError::Broken("--bus: the connection is closed".to_owned());
            let may_start = order.wait_for(|order| is_final(order) || may_reach(order)).await.map_err(closed)?.clone();
            if may_reach(&may_start) {
                let local = LocalSet::new();
                tokio::select! {
                    biased;
                    _ = order.wait_for(is_final) => {}
                    () = local.run_until(reach) => {
                        state.send_replace(AgentState::Reached { round, plan_sha256 });
                    }
                }
            }
            let ordered = order.wait_for(is_final).await.map_err(closed)?.clone();
            match ordered {
                Order::Go { at_us, attempts, .. } => {
                    if attempts.get(seat.slot as usize) != Some(&seat.attempt) {
                        return Err(BusError::Over(format!("slot {} was given to another agent", seat.slot)));
                    }
                    state.send_replace(AgentState::Playing { round });
                    let at = UNIX_EPOCH + Duration::from_micros(at_us.unsigned_abs());
                    Ok((clock.local(at), clock))
                }
                Order::Gather { .. } | Order::Reach { .. } => {
                    Err(BusError::Displaced(format!("slot {} was given to another agent", seat.slot)))
                }
                Order::Over(why) => Err(BusError::Over(why)),
                Order::Stop { .. } => unreachable!("no agent waits for it"),
            }
        }))
    }

    /// Hands the part of a round to the controller: each piece is there once, and the manifest after all of them.
    ///
    /// # Errors
    /// The bus stays away for a minute, or for 5 s without a controller, or the run is over there.
    pub fn report(&self, round: u32, part: &[u8]) -> Result<(), BusError> {
        let HeartbeatSender { connection, seat, state, .. } = &self.heartbeat;
        state.send_replace(AgentState::Drained { round });
        let is_alone = self.signals.received() == Some(StopSignal::ControllerLost);
        let until = Instant::now() + if is_alone { REPORT_ALONE_MAX } else { REPORT_MAX };
        self.runtime.block_on(async {
            let subject = part_subject(round, seat.slot);
            let (pieces, manifest) = cut(part, seat.attempt, connection.payload_max());
            for (index, piece) in pieces.iter().enumerate() {
                connection.store_once(&format!("{subject}.{index}"), piece, until).await?;
            }
            let manifest = serde_json::to_vec(&manifest).expect("a manifest has a JSON form");
            connection.store_once(&format!("{subject}.end"), &manifest, until).await
        })?;
        self.send_state(AgentState::Reported { round });
        Ok(())
    }

    /// Waits for the plan of a round later than `round`; `None` if the run is over.
    ///
    /// # Errors
    /// The plan can't be read, or a signal came.
    pub fn next_offer(&mut self, round: u32) -> Result<Option<PlanOffer>, BusError> {
        let Self { runtime, heartbeat: HeartbeatSender { connection, .. }, order, signals } = self;
        runtime.block_on(until_signal(signals, async {
            let is_later = |order: &Order| matches!(order, Order::Gather { round: of, .. } if *of > round);
            let ordered = order.wait_for(|order| is_later(order) || matches!(order, Order::Over(_))).await;
            let is_over = ordered.map_or(true, |order| matches!(*order, Order::Over(_)));
            if is_over { Ok(None) } else { connection.plan().await.map(Some) }
        }))
    }

    /// Changes the state, and waits until a heartbeat that has it is with the server.
    fn send_state(&self, state: AgentState) {
        self.heartbeat.state.send_replace(state);
        self.runtime.block_on(async {
            self.heartbeat.tell().await;
            self.heartbeat.connection.flush().await;
        });
    }
}

impl HeartbeatSender {
    /// Sends the state each second and when it changes.
    async fn run(self) {
        let (mut changes, mut tick) = (self.state.subscribe(), tokio::time::interval(BEAT_EVERY));
        loop {
            self.tell().await;
            tokio::select! {
                _ = tick.tick() => {}
                // Fails only if there is no sender, and this is one.
                _ = changes.changed() => {}
            }
        }
    }

    async fn tell(&self) {
        let Self { connection, seat, uuid, state, status } = self;
        let (state, status) = (state.borrow().clone(), status.borrow().clone());
        let mut beat = Heartbeat { uuid: uuid.clone(), attempt: seat.attempt, state, status };
        let subject = format!("hb.{}", seat.slot);
        if !connection.tell(&subject, &beat).await {
            // An agent that is not heard is lost; without its figures no gate is judged before the end.
            beat.status.live = None;
            connection.tell(&subject, &beat).await;
        }
    }
}

/// The subject of a part's pieces.
pub(super) fn part_subject(round: u32, slot: u32) -> String {
    format!("res.{round}.{slot}")
}

pub(super) fn runtime() -> Result<Runtime, BusError> {
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("bus").enable_all().build();
    runtime.map_err(|error| BusError::Broken(format!("--bus: no thread: {error}")))
}

pub(super) fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64
}

async fn until_signal<T>(
    signals: &StopSignals,
    work: impl Future<Output = Result<T, BusError>>,
) -> Result<T, BusError> {
    let mut signals = signals.clone();
    tokio::select! {
        biased;
        signal = signals.first() => Err(BusError::Stopped(signal)),
        done = work => done,
    }
}

/// Asks for a slot until there is one, and claims it.
async fn take_seat(
    connection: &BusConnection,
    request: &SlotRequest,
    patience: Duration,
    tell: &dyn Fn(String),
) -> Result<ClaimedSlot, BusError> {
    let (until, mut told) = (Instant::now() + patience, String::new());
    loop {
        let waits_for = match connection.ask("join", request).await {
            Some(SlotReply::Claimed(seat)) => {
                let claim = Claim { uuid: request.uuid.clone(), attempt: seat.attempt };
                if connection.claim(seat.slot, &claim).await? {
                    return Ok(seat);
                }
                format!("slot {} was claimed by another agent", seat.slot)
            }
            Some(SlotReply::Refused(why)) => return Err(BusError::Refused(why)),
            Some(SlotReply::Wait(why)) => why,
            None => format!("no controller of the run {} answers yet", connection.run()),
        };
        if Instant::now() > until {
            return Err(BusError::Over(format!("{waits_for}, after {} s", patience.as_secs())));
        }
        if waits_for != told {
            tell(format!("waiting: {waits_for}"));
            told = waits_for;
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

async fn compared_clock(connection: &BusConnection) -> Result<ClockOffset, BusError> {
    let mut exchanges = vec![];
    for _ in 0..EXCHANGES {
        let before = now_us();
        if let Some(remote) = connection.ask("clk", &()).await {
            exchanges.push(ClockExchange { before, remote, after: now_us() });
        }
    }
    let none = || BusError::Over("the controller does not answer, so that its clock is not known".to_owned());
    ClockOffset::of(&exchanges).ok_or_else(none)
}

/// Takes the controller's orders. Its silence, or its order to stop, stops the load as a signal would.
async fn listen(
    mut inbox: Inbox,
    silence: Duration,
    order: watch::Sender<Order>,
    state: watch::Receiver<AgentState>,
    signals: StopSignals,
) {
    loop {
        let since = Instant::now();
        let Ok(message) = timeout(silence, inbox.next()).await else {
            // An agent that stood still itself has not read yet what came meanwhile.
            if since.elapsed() > silence + STANDSTILL_MIN {
                continue;
            }
            signals.stop(StopSignal::ControllerLost);
            return;
        };
        let Some(heard) = message.read::<Order>() else { continue };
        match &heard {
            Order::Stop { signal, .. } => signals.stop(*signal),
            // The run goes on without this agent.
            Order::Over(_) if matches!(*state.borrow(), AgentState::Playing { .. }) => {
                signals.stop(StopSignal::ControllerLost);
            }
            _ => {}
        }
        order.send_if_modified(|known| {
            let is_new = *known != heard;
            *known = heard;
            is_new
        });
    }
}
