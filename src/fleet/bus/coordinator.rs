//! The controller's side of the bus: offers the plan, seats agents, starts them at one time, and collects their parts.

use super::agent::{BEAT_EVERY, CONTROLLER_SILENCE, REPORT_MAX, STANDSTILL_MIN, now_us, part_subject, runtime};
use super::connection::{BusConnection, Inbox};
use super::messages::{BusError, Heartbeat, Manifest, Order, PlanOffer, SlotReply, SlotRequest};
use super::pieces::{PartialPart, is_plausible};
use super::progress::{gathering, playing};
use super::roster::{AgentRoster, GivenUp};
use super::settings::{BusSettings, RunName};
use crate::controller::{Stop, StopSignal, StopSignals};
use crate::fleet::part::Part;
use crate::gates::{Gate, judge, tripped};
use crate::metrics::Tally;
use crate::plan::ShareOf;
use crate::summary::GateResult;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

/// The time from the order to go to the start: all agents have heard it by then, and resolved the target.
const GO_LEAD: Duration = Duration::from_secs(2);

/// The interval at which silences and parts are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The time for agents that were told to stop to hand over their parts: the files are on disk 5 s after a signal.
const STOP_MAX: Duration = Duration::from_millis(4_500);

/// The interval at which gates marked `abort` are judged; agents tell their figures once a second.
const JUDGE_EVERY: Duration = Duration::from_secs(1);

const LINE_EVERY: Duration = Duration::from_secs(5);

/// The rules by which a run over the bus waits and goes on.
#[derive(Clone, Debug)]
pub struct FleetRules {
    /// An agent that is silent for so long is lost.
    pub silence: Duration,
    /// The time for all agents to join and get ready.
    pub gather_max: Duration,
    /// The share of the edges that may be lost before the run is stopped, from 0 to 1.
    pub tolerate_loss: f64,
    /// The gates marked `abort`, which the figures of all agents together may end the run by.
    pub gates: Vec<Gate>,
}

/// The controller of a run on several machines.
pub struct Coordinator<'a> {
    runtime: Runtime,
    state: CoordinatorState<'a>,
}

/// All that the controller watches while it waits.
struct CoordinatorState<'a> {
    connection: BusConnection,
    roster: AgentRoster,
    rules: FleetRules,
    /// The edges of each slot's share in this round.
    edges: Vec<u64>,
    order: watch::Sender<Order>,
    /// The agent that may not load the target, in one sentence.
    barred: Option<String>,
    joins: Inbox,
    beats: Inbox,
    look: Interval,
    /// Since then the bus is away.
    away: Option<Instant>,
    /// Agents that were stopped on their machines: their shares are not the plan's.
    cut_short: Vec<u32>,
    looked_at: Instant,
    line_due: Instant,
    signals: StopSignals,
    tell: &'a dyn Fn(String),
}

impl<'a> Coordinator<'a> {
    /// Opens a run of so many agents on the bus; `tell` gets a line about each thing that happens.
    ///
    /// # Errors
    /// The bus can't be used, or the run's name is taken.
    pub fn open(
        settings: &BusSettings,
        run: &RunName,
        agents: u32,
        rules: FleetRules,
        signals: &StopSignals,
        tell: &'a dyn Fn(String),
    ) -> Result<Self, BusError> {
        let runtime = runtime()?;
        let state = runtime.block_on(async {
            let connection = BusConnection::open(settings, run).await?;
            let clock = connection.inbox("clk").await?;
            let (joins, beats) = (connection.inbox("join").await?, connection.inbox("hb.*").await?);
            connection.create_run().await?;
            let mut look = tokio::time::interval(LOOK_EVERY);
            look.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let order = watch::Sender::new(Order::Gather { round: 0, attempts: vec![] });
            tokio::spawn(announce(connection.clone(), order.subscribe()));
            tokio::spawn(tell_time(connection.clone(), clock));
            Ok(CoordinatorState {
                roster: AgentRoster::new(agents, rules.silence),
                rules,
                edges: vec![],
                order,
                barred: None,
                joins,
                beats,
                look,
                away: None,
                cut_short: vec![],
                looked_at: Instant::now(),
                line_due: Instant::now() + LINE_EVERY,
                signals: signals.clone(),
                tell,
                connection,
            })
        })?;
        Ok(Self { runtime, state })
    }

    /// Plays a round, in which each slot has its share of the `edges`: offers its plan, waits until all agents are ready,
    /// starts them, and returns the parts that came. `began` is told the start.
    ///
    /// # Errors
    /// The plan does not fit on the bus, not all agents got ready in time, one may not load the target or was lost before, or a signal came before the round
    /// began.
    pub fn play(
        &mut self,
        offer: &PlanOffer,
        edges: Vec<u64>,
        began: &mut dyn FnMut(Instant),
        sums: &mut dyn FnMut(Tally),
    ) -> Result<Vec<Part>, BusError> {
        let Self { runtime, state } = self;
        (state.edges, state.cut_short) = (edges, vec![]);
        runtime.block_on(async {
            state.connection.offer(offer).await?;
            state.gather(offer).await?;
            let start = Instant::now() + GO_LEAD;
            began(start);
            Ok(state.collect(offer, start, sums).await)
        })
    }

    /// Tells all agents that the run is over, and forgets it on the bus unless an agent may still report.
    pub fn close(self, why: &str) {
        let Self { runtime, state } = self;
        let over = Order::Over(why.to_owned());
        runtime.block_on(async {
            state.order.send_replace(over.clone());
            state.connection.tell("order", &over).await;
            state.connection.flush().await;
            if state.roster.lost().next().is_none() {
                state.connection.delete_run().await;
            }
        });
    }
}

impl CoordinatorState<'_> {
    async fn gather(&mut self, offer: &PlanOffer) -> Result<(), BusError> {
        let (round, sha256, wait) = (offer.round, offer.plan_sha256.as_str(), offer.wait_for_target);
        let (until, mut signals) = (Instant::now() + self.rules.gather_max + wait, self.signals.clone());
        self.roster.next_round();
        loop {
            let is_prepared = self.roster.is_prepared(round, sha256);
            if is_prepared && (wait.is_zero() || self.roster.has_reached(round, sha256)) {
                break;
            }
            // Agents whose slot was given to another hear of it. Nothing touches the target before all are ready.
            let attempts = self.roster.attempts();
            let wanted = if is_prepared { Order::Reach { round, attempts } } else { Order::Gather { round, attempts } };
            self.order.send_if_modified(|order| std::mem::replace(order, wanted.clone()) != wanted);
            let silent = tokio::select! {
                biased;
                signal = signals.first() => return Err(BusError::Stopped(signal)),
                silent = self.step() => silent,
            };
            for slot in silent {
                (self.tell)(format!("slot {slot}: its agent was silent"));
            }
            if let Some(why) = self.barred.take() {
                return Err(BusError::Barred(why));
            }
            if let Some((slot, _)) = self.roster.lost().next() {
                return Err(BusError::Over(format!("slot {slot} is lost, and was in the run before")));
            }
            if Instant::now() > until {
                let seconds = self.rules.gather_max.as_secs();
                return Err(BusError::Over(format!("{} after {seconds} s", gathering(&self.roster))));
            }
            self.line(gathering);
        }
        let at_us = now_us() + GO_LEAD.as_micros() as i64;
        let attempts = self.roster.begin();
        (self.tell)(format!("all {} agents are ready", attempts.len()));
        self.order.send_replace(Order::Go { round, at_us, attempts });
        Ok(())
    }

    async fn collect(&mut self, offer: &PlanOffer, start: Instant, sums: &mut dyn FnMut(Tally)) -> Vec<Part> {
        let (round, run_id) = (offer.round, offer.run_id.as_str());
        let (mut parts, mut signals) = (vec![], self.signals.clone());
        let mut judge_due = start;
        let mut until = None;
        while !self.roster.is_decided() {
            let (stopped, silent) = tokio::select! {
                biased;
                signal = signals.first(), if until.is_none() => (Some(signal), vec![]),
                silent = self.step() => (None, silent),
            };
            for slot in self.roster.reported(round) {
                parts.extend(self.fetch(round, slot, run_id).await);
            }
            for slot in silent {
                // It may have reported while the bus was away.
                match self.fetch(round, slot, run_id).await {
                    Some(part) => parts.push(part),
                    None => (self.tell)(format!("slot {slot} is lost: its agent was silent")),
                }
            }
            let own = if until.is_none() { self.stopped_there(&parts) } else { None };
            let lost_too_much = self.lost_share() > self.rules.tolerate_loss;
            let lost = lost_too_much.then_some(own.unwrap_or(StopSignal::AgentLost));
            let mut stop = stopped.or(lost).map(|signal| (signal, None));
            let now = Instant::now();
            if is_gone(self.away, now, self.rules.silence) {
                (self.tell)("the bus stays away, and no agent waits for it any longer".to_owned());
                break;
            }
            if now >= judge_due && stop.is_none() && until.is_none() {
                judge_due = now + JUDGE_EVERY;
                sums(self.roster.sums());
                stop =
                    self.tripped_gate(now.saturating_duration_since(start)).map(|gate| (StopSignal::Gate, Some(gate)));
            }
            if let Some((signal, gate)) = stop.filter(|_| until.is_none()) {
                until = Some(now + STOP_MAX);
                let why = gate.map(|gate| format!("the gate {}", gate.in_words()));
                why.iter().for_each(|why| (self.tell)(format!("stopped by {why}")));
                self.order.send_replace(Order::Stop { signal, why });
            }
            if until.is_some_and(|until| Instant::now() > until) {
                break;
            }
            self.line(playing);
        }
        self.roster.lose_the_rest();
        parts
    }

    /// The signal of an agent that was newly stopped on its own machine, by its part.
    fn stopped_there(&mut self, parts: &[Part]) -> Option<StopSignal> {
        let mut signals = parts.iter().filter_map(|Part { context, .. }| match context.stop? {
            Stop::Signal(signal) => Some((context.share.index, &context.host, signal)),
            Stop::Brake | Stop::Gate => None,
        });
        let (slot, host, signal) = signals.find(|(slot, ..)| !self.cut_short.contains(slot))?;
        self.cut_short.push(slot);
        (self.tell)(format!("slot {slot} was stopped on {host}: {}", signal.name()));
        Some(signal)
    }

    /// Waits for one thing to happen, and takes note of it. Returns the slots whose agents have fallen silent, once all that
    /// was heard is read.
    async fn step(&mut self) -> Vec<u32> {
        tokio::select! {
            biased;
            message = self.joins.next() => {
                let Some(request) = message.read::<SlotRequest>() else { return vec![] };
                let (host, cores) = (request.machine.host.clone(), request.machine.cores);
                let reply = self.roster.join(Instant::now(), request);
                match &reply {
                    SlotReply::Claimed(seat) => (self.tell)(format!("slot {}: an agent on {host}, {cores} cores", seat.slot)),
                    SlotReply::Refused(why) => (self.tell)(format!("an agent on {host} was refused: {why}")),
                    SlotReply::Wait(_) => {}
                }
                self.connection.answer(message, &reply).await;
            }
            message = self.beats.next() => {
                let (Ok(slot), Some(beat)) = (message.last_token().parse(), message.read::<Heartbeat>()) else { return vec![] };
                if !beat.is_plausible() {
                    return vec![];
                }
                match self.roster.hear(Instant::now(), slot, beat) {
                    Some(GivenUp { told, is_of_target: true }) if !self.roster.has_begun() => self.barred = Some(told),
                    Some(GivenUp { told, .. }) => (self.tell)(told),
                    None => {}
                }
            }
            _ = self.look.tick() => return self.look_for_silence(Instant::now()),
        }
        vec![]
    }

    /// The slots whose agents have fallen silent; none while the bus is away, or after this process stood still itself.
    fn look_for_silence(&mut self, now: Instant) -> Vec<u32> {
        let is_connected = self.connection.is_connected();
        let has_changed = is_connected == self.away.is_some();
        if has_changed {
            (self.tell)(if is_connected { "the bus is back" } else { "the bus is away" }.to_owned());
        }
        let stood_still = now.saturating_duration_since(self.looked_at) > STANDSTILL_MIN;
        if stood_still || has_changed {
            self.roster.listen_anew(now);
        }
        self.looked_at = now;
        self.away = if is_connected { None } else { self.away.or(Some(now)) };
        if is_connected { self.roster.take_silent(now) } else { vec![] }
    }

    fn line(&mut self, progress: fn(&AgentRoster) -> String) {
        if Instant::now() >= self.line_due {
            self.line_due = Instant::now() + LINE_EVERY;
            (self.tell)(progress(&self.roster));
        }
    }

    /// The gate marked `abort` that fails on the figures of all agents so far, and ends a run of this age.
    fn tripped_gate(&self, elapsed: Duration) -> Option<GateResult> {
        let gates = &self.rules.gates;
        let live = self.roster.live().filter(|_| !gates.is_empty())?;
        tripped(gates, elapsed, &judge(gates, &live)).cloned()
    }

    /// The share of the edges that agents played which are lost, or were stopped on their machines, from 0 to 1.
    fn lost_share(&self) -> f64 {
        let slots = self.roster.lost().map(|(slot, _)| slot).chain(self.cut_short.iter().copied());
        let lost: u64 = slots.filter_map(|slot| self.edges.get(slot as usize)).sum();
        lost as f64 / self.edges.iter().sum::<u64>().max(1) as f64
    }

    /// The part of a slot, if it is on the bus; one that can't be used makes its agent lost.
    async fn fetch(&mut self, round: u32, slot: u32, run_id: &str) -> Option<Part> {
        match self.part(round, slot, run_id).await {
            Ok(part) => {
                if part.is_some() {
                    self.roster.done(slot);
                }
                part
            }
            Err(why) => {
                self.roster.lose(slot);
                (self.tell)(format!("slot {slot} is lost: its part: {why}"));
                None
            }
        }
    }

    /// # Errors
    /// The part is not that of the slot in this run.
    async fn part(&self, round: u32, slot: u32, run_id: &str) -> Result<Option<Part>, String> {
        let subject = part_subject(round, slot);
        // A bus that does not answer is asked again.
        let Ok(Some(end)) = self.connection.stored(&format!("{subject}.end")).await else { return Ok(None) };
        let manifest: Manifest = serde_json::from_slice(&end).map_err(|error| error.to_string())?;
        if manifest.attempt != self.roster.attempt(slot) || !is_plausible(&manifest) {
            return Err("its manifest is not that of the agent that was started".to_owned());
        }
        let mut partial = PartialPart::new(&manifest);
        for index in 0..manifest.pieces {
            let Ok(Some(piece)) = self.connection.stored(&format!("{subject}.{index}")).await else { return Ok(None) };
            partial.add(&piece)?;
        }
        let part = Part::read(&partial.end()?).map_err(|unusable| unusable.to_string())?;
        let share = ShareOf { index: slot, of: self.roster.len() as u32 };
        if part.context.share != share || part.played.facts.id != run_id {
            return Err(format!("it is share {} of the run {}", part.context.share, part.played.facts.id));
        }
        Ok(Some(part))
    }
}

/// True if the bus was away for so long that every agent has given up: each stops for want of a controller, and then
/// tries for a while to report.
fn is_gone(away: Option<Instant>, now: Instant, silence: Duration) -> bool {
    away.is_some_and(|since| now.saturating_duration_since(since) > silence.mul_f64(CONTROLLER_SILENCE) + REPORT_MAX)
}

/// Sends the order each second and when it changes, from a task of its own: agents stop without it.
async fn announce(connection: BusConnection, mut order: watch::Receiver<Order>) {
    let mut tick = tokio::time::interval(BEAT_EVERY);
    loop {
        let now = order.borrow_and_update().clone();
        connection.tell("order", &now).await;
        tokio::select! {
            _ = tick.tick() => {}
            changed = order.changed() => if changed.is_err() { return },
        }
    }
}

/// Tells the time to agents that compare their clocks.
async fn tell_time(connection: BusConnection, mut inbox: Inbox) {
    loop {
        let message = inbox.next().await;
        connection.answer(message, &now_us()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_is_waited_for_as_long_as_an_agent_may_report() {
        let (since, silence) = (Instant::now(), Duration::from_secs(10));
        assert!(!is_gone(None, since, silence));
        for (seconds, expected) in [(75, false), (76, true)] {
            assert_eq!(is_gone(Some(since), since + Duration::from_secs(seconds), silence), expected, "{seconds} s");
        }
    }
}
