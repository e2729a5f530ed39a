//! The slots of a run and their agents, as the controller knows them: told the time, without a connection.

use super::messages::{AgentMachine, AgentState, ClaimedSlot, Heartbeat, PlanRefusal, SlotReply, SlotRequest};
use crate::controller::RunStatus;
use crate::metrics::{LiveMetrics, Tally};
use crate::vocabulary::format::plural;
use std::time::{Duration, Instant};

/// All slots of a run. Before it begins, a silent agent's slot is free again; after that it is lost.
pub(super) struct AgentRoster {
    slots: Vec<AgentSlot>,
    silence: Duration,
    has_begun: bool,
}

struct AgentSlot {
    /// Of the agent that has the slot, or will be given it: one more than that of the last that was given up.
    attempt: u32,
    agent: Option<SeatedAgent>,
}

/// The agent of a slot.
#[derive(Clone, Debug)]
pub(super) struct SeatedAgent {
    uuid: String,
    /// It was given the slot that it asked for, and can play no other.
    is_fixed: bool,
    pub machine: AgentMachine,
    heard: Instant,
    pub state: AgentState,
    pub status: RunStatus,
    /// The part is here.
    pub is_done: bool,
    pub is_lost: bool,
}

/// A slot that its agent gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GivenUp {
    /// One sentence that names slot and machine.
    pub told: String,
    /// The agent may not load the plan's target.
    pub is_of_target: bool,
}

impl AgentRoster {
    pub(super) fn new(slots: u32, silence: Duration) -> Self {
        let slots = (0..slots).map(|_| AgentSlot { attempt: 1, agent: None }).collect();
        Self { slots, silence, has_begun: false }
    }

    /// Gives the asker its slot, or the first free one. An agent that can play any slot gives way to one that can't, while
    /// another slot is free for it.
    pub(super) fn join(&mut self, now: Instant, request: SlotRequest) -> SlotReply {
        let own = env!("CARGO_PKG_VERSION");
        if request.version != own {
            let theirs = request.version;
            return SlotReply::Refused(format!("this agent is meshload {theirs}, the controller {own}; install one"));
        }
        let count = self.slots.len();
        if let Some(slot) = request.slot.filter(|slot| *slot as usize >= count) {
            return SlotReply::Refused(format!("--slot {slot}: the run has {}, from 0", plural(count as u64, "slot")));
        }
        let is_own = |slot: &&AgentSlot| slot.agent.as_ref().is_some_and(|agent| agent.uuid == request.uuid);
        // The answer was lost, and it asks again.
        if let Some(index) = self.slots.iter().position(|slot| is_own(&slot)) {
            return SlotReply::Claimed(ClaimedSlot { slot: index as u32, attempt: self.slots[index].attempt });
        }
        if self.has_begun {
            return SlotReply::Refused("the run has begun, and its slots are taken for good".to_owned());
        }
        let free = self.slots.iter().position(|slot| slot.agent.is_none());
        let Some(index) = request.slot.map(|slot| slot as usize).or(free) else {
            return SlotReply::Wait(format!("all {} are taken", plural(count as u64, "slot")));
        };
        let slot = &mut self.slots[index];
        if let Some(holder) = &slot.agent {
            if holder.is_fixed || free.is_none() {
                return SlotReply::Wait(format!("slot {index} is held by an agent on {}", holder.machine.host));
            }
            slot.give_up(false);
        }
        slot.agent = Some(SeatedAgent {
            uuid: request.uuid,
            is_fixed: request.slot.is_some(),
            machine: request.machine,
            heard: now,
            state: AgentState::Joined,
            status: RunStatus::default(),
            is_done: false,
            is_lost: false,
        });
        SlotReply::Claimed(ClaimedSlot { slot: index as u32, attempt: slot.attempt })
    }

    /// Takes a heartbeat; one of an earlier attempt, or of a lost agent, is ignored. Tells if the agent gave up its slot.
    pub(super) fn hear(&mut self, now: Instant, slot: u32, beat: Heartbeat) -> Option<GivenUp> {
        let place = self.slots.get_mut(slot as usize)?;
        let is_current = place.attempt == beat.attempt;
        let agent = place.agent.as_mut().filter(|agent| is_current && agent.uuid == beat.uuid && !agent.is_lost)?;
        agent.heard = now;
        agent.status = beat.status;
        let why = match &beat.state {
            AgentState::Refused(refusal) => Some(refusal.clone()),
            AgentState::Left => Some(PlanRefusal { why: "it was stopped".to_owned(), is_of_target: false }),
            _ => None,
        };
        agent.state = beat.state;
        let PlanRefusal { why, is_of_target } = why.filter(|_| !agent.is_done)?;
        let host = agent.machine.host.clone();
        place.give_up(self.has_begun);
        Some(GivenUp { told: format!("slot {slot} on {host}: {why}"), is_of_target })
    }

    /// The slots whose agents have been silent for too long: free again, or lost.
    pub(super) fn take_silent(&mut self, now: Instant) -> Vec<u32> {
        let (silence, has_begun) = (self.silence, self.has_begun);
        let is_silent = |agent: &SeatedAgent| {
            !agent.is_done && !agent.is_lost && now.saturating_duration_since(agent.heard) >= silence
        };
        let mut silent = vec![];
        for (slot, place) in (0..).zip(&mut self.slots) {
            if place.agent.as_ref().is_some_and(is_silent) {
                silent.push(slot);
                place.give_up(has_begun);
            }
        }
        silent
    }

    /// No agent could be heard for a while: silence counts anew.
    pub(super) fn listen_anew(&mut self, now: Instant) {
        self.slots.iter_mut().filter_map(|slot| slot.agent.as_mut()).for_each(|agent| agent.heard = now);
    }

    /// True if every slot has an agent that is ready for the round, and worked out the plan of this hash.
    pub(super) fn is_prepared(&self, round: u32, sha256: &str) -> bool {
        self.slots.iter().all(|slot| slot.is_ready(round, sha256))
    }

    /// True if all of them have waited for the target as well.
    pub(super) fn has_reached(&self, round: u32, sha256: &str) -> bool {
        let has_reached = |slot: &AgentSlot| {
            let state = slot.agent.as_ref().map(|agent| &agent.state);
            slot.is_ready(round, sha256) && matches!(state, Some(AgentState::Reached { .. }))
        };
        self.slots.iter().all(has_reached)
    }

    /// All agents are wanted for another round.
    pub(super) fn next_round(&mut self) {
        self.slots.iter_mut().filter_map(|slot| slot.agent.as_mut()).for_each(|agent| agent.is_done = false);
    }

    /// Begins a round: from now on no slot is given again. Returns the attempts that play it.
    pub(super) fn begin(&mut self) -> Vec<u32> {
        self.has_begun = true;
        self.slots
            .iter_mut()
            .filter_map(|slot| slot.agent.as_mut())
            .for_each(|agent| agent.status = RunStatus::default());
        self.attempts()
    }

    /// The attempts that count, by slot.
    pub(super) fn attempts(&self) -> Vec<u32> {
        self.slots.iter().map(|slot| slot.attempt).collect()
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The slots whose parts of the round are on the bus and not here.
    pub(super) fn reported(&self, round: u32) -> Vec<u32> {
        let is_waiting = |agent: &SeatedAgent| !agent.is_done && agent.state == AgentState::Reported { round };
        self.agents().filter(|(_, agent)| is_waiting(agent)).map(|(slot, _)| slot).collect()
    }

    /// The figures of all agents that are not lost, merged; `None` until each of them has told some.
    pub(super) fn live(&self) -> Option<LiveMetrics> {
        let mut present =
            self.agents().filter(|(_, agent)| !agent.is_lost).map(|(_, agent)| agent.status.live.as_ref());
        let mut sum = present.next()??.clone();
        present.try_for_each(|live| live.map(|live| sum.merge(live.clone())))?;
        Some(sum)
    }

    /// The counts that all agents tell, added up; the other counts are 0.
    pub(super) fn sums(&self) -> Tally {
        let mut sums = Tally::default();
        for (_, SeatedAgent { status, .. }) in self.agents() {
            sums.peers_joined += status.peers_joined;
            sums.edges_opened += status.edges_opened;
            sums.edges_failed += status.edges_failed;
        }
        sums
    }

    pub(super) fn done(&mut self, slot: u32) {
        if let Some(agent) = self.agent_mut(slot) {
            (agent.is_done, agent.is_lost) = (true, false);
        }
    }

    /// The agent of a slot will not report.
    pub(super) fn lose(&mut self, slot: u32) {
        if let Some(agent) = self.agent_mut(slot) {
            agent.is_lost = !agent.is_done;
        }
    }

    /// Nobody is waited for any longer.
    pub(super) fn lose_the_rest(&mut self) {
        (0..self.slots.len() as u32).for_each(|slot| self.lose(slot));
    }

    pub(super) fn is_decided(&self) -> bool {
        self.agents().all(|(_, agent)| agent.is_done || agent.is_lost)
    }

    pub(super) fn attempt(&self, slot: u32) -> u32 {
        self.slots.get(slot as usize).map_or(0, |slot| slot.attempt)
    }

    pub(super) fn lost(&self) -> impl Iterator<Item = (u32, &SeatedAgent)> {
        self.agents().filter(|(_, agent)| agent.is_lost)
    }

    pub(super) fn agents(&self) -> impl Iterator<Item = (u32, &SeatedAgent)> {
        (0..).zip(&self.slots).filter_map(|(index, slot)| Some((index, slot.agent.as_ref()?)))
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    fn agent_mut(&mut self, slot: u32) -> Option<&mut SeatedAgent> {
        self.slots.get_mut(slot as usize)?.agent.as_mut()
    }
}

impl AgentSlot {
    fn is_ready(&self, round: u32, sha256: &str) -> bool {
        match self.agent.as_ref().map(|agent| &agent.state) {
            Some(AgentState::Prepared { round: of, plan_sha256 } | AgentState::Reached { round: of, plan_sha256 }) => {
                *of == round && plan_sha256 == sha256
            }
            _ => false,
        }
    }

    /// Waits for the agent no longer: the slot is free again for a later attempt, or once the run has begun, lost.
    fn give_up(&mut self, has_begun: bool) {
        match &mut self.agent {
            Some(agent) if has_begun => agent.is_lost = true,
            agent => {
                *agent = None;
                self.attempt += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(10);

    fn request(uuid: &str, slot: Option<u32>) -> SlotRequest {
        let machine = AgentMachine { host: uuid.to_owned(), cores: 2.0, nofile: 1_024 };
        SlotRequest { slot, uuid: uuid.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), machine }
    }

    fn beat(uuid: &str, attempt: u32, state: AgentState) -> Heartbeat {
        Heartbeat { uuid: uuid.to_owned(), attempt, state, status: RunStatus::default() }
    }

    fn prepared(sha: &str) -> AgentState {
        AgentState::Prepared { round: 1, plan_sha256: sha.to_owned() }
    }

    fn seat(slot: u32, attempt: u32) -> SlotReply {
        SlotReply::Claimed(ClaimedSlot { slot, attempt })
    }

    #[test]
    fn before_the_run_a_silent_agents_slot_is_given_again_with_a_later_attempt() {
        let (start, mut roster) = (Instant::now(), AgentRoster::new(2, SILENCE));
        assert_eq!(roster.join(start, request("a", None)), seat(0, 1));
        assert_eq!(roster.join(start, request("a", None)), seat(0, 1), "asked again");
        assert_eq!(roster.join(start, request("b", Some(1))), seat(1, 1));
        assert!(matches!(roster.join(start, request("c", None)), SlotReply::Wait(_)));
        assert!(matches!(roster.join(start, request("c", Some(1))), SlotReply::Wait(why) if why.contains("on b")));
        assert!(matches!(roster.join(start, request("c", Some(2))), SlotReply::Refused(_)));
        let old = SlotRequest { version: "0.0.1".to_owned(), ..request("c", None) };
        assert!(matches!(roster.join(start, old), SlotReply::Refused(why) if why.contains("0.0.1")));
        roster.hear(start + SILENCE / 2, 1, beat("b", 1, prepared("x")));
        assert_eq!(roster.take_silent(start + SILENCE - Duration::from_millis(1)), [0u32; 0]);
        assert_eq!(roster.take_silent(start + SILENCE), [0]);
        assert_eq!(roster.join(start + SILENCE, request("c", None)), seat(0, 2));
        // The one that was given up wakes up.
        roster.hear(start + SILENCE, 0, beat("a", 1, prepared("x")));
        assert!(!roster.is_prepared(1, "x"));
        roster.hear(start + SILENCE, 0, beat("c", 2, prepared("x")));
        assert!(roster.is_prepared(1, "x") && !roster.is_prepared(2, "x") && !roster.is_prepared(1, "y"));
        let reached = |sha: &str| AgentState::Reached { round: 1, plan_sha256: sha.to_owned() };
        roster.hear(start + SILENCE, 0, beat("c", 2, reached("x")));
        assert!(roster.is_prepared(1, "x") && !roster.has_reached(1, "x"));
        roster.hear(start + SILENCE, 1, beat("b", 1, reached("x")));
        assert!(roster.has_reached(1, "x") && !roster.has_reached(1, "y"));
        assert_eq!(roster.begin(), [2, 1]);
    }

    #[test]
    fn after_the_run_has_begun_a_silent_agent_is_lost_and_no_slot_is_given() {
        let (start, mut roster) = (Instant::now(), AgentRoster::new(2, SILENCE));
        for uuid in ["a", "b"] {
            roster.join(start, request(uuid, None));
        }
        roster.begin();
        assert!(matches!(roster.join(start, request("c", None)), SlotReply::Refused(_)));
        let reported = AgentState::Reported { round: 1 };
        roster.hear(start + SILENCE, 0, beat("a", 1, reported.clone()));
        assert_eq!(roster.reported(1), [0]);
        assert_eq!(roster.take_silent(start + SILENCE), [1]);
        assert!(!roster.is_decided());
        roster.done(0);
        assert!(roster.is_decided() && roster.reported(1).is_empty());
        assert_eq!(roster.lost().map(|(slot, _)| slot).collect::<Vec<_>>(), [1]);
        // Done agents may fall silent, and a part that was on the bus all the same is taken.
        assert_eq!(roster.take_silent(start + 3 * SILENCE), [0u32; 0]);
        roster.done(1);
        assert_eq!(roster.lost().count(), 0);
    }

    #[test]
    fn silence_counts_anew_after_the_bus_was_away() {
        let (start, mut roster) = (Instant::now(), AgentRoster::new(1, SILENCE));
        roster.join(start, request("a", None));
        roster.begin();
        roster.listen_anew(start + SILENCE);
        assert_eq!(roster.take_silent(start + SILENCE + Duration::from_secs(1)), [0u32; 0]);
        assert_eq!(roster.take_silent(start + 2 * SILENCE), [0]);
    }

    #[test]
    fn an_agent_that_refuses_the_plan_gives_up_its_slot() {
        let (start, mut roster) = (Instant::now(), AgentRoster::new(1, SILENCE));
        roster.join(start, request("a", None));
        let refused = |why: &str, is_of_target| AgentState::Refused(PlanRefusal { why: why.to_owned(), is_of_target });
        let given_up = |told: &str, is_of_target| Some(GivenUp { told: told.to_owned(), is_of_target });
        let told = roster.hear(start, 0, beat("a", 1, refused("TOKEN is not set", false)));
        assert_eq!(told, given_up("slot 0 on a: TOKEN is not set", false));
        assert_eq!(roster.join(start, request("b", None)), seat(0, 2));
        let told = roster.hear(start, 0, beat("b", 2, refused("not my target", true)));
        assert_eq!(told, given_up("slot 0 on b: not my target", true));
        assert_eq!(roster.join(start, request("c", None)), seat(0, 3));
        roster.begin();
        assert!(roster.hear(start, 0, beat("c", 3, refused("no port is left", false))).is_some());
        assert_eq!(roster.lost().count(), 1);
    }

    #[test]
    fn an_agent_of_any_slot_gives_way_to_one_that_can_play_no_other() {
        let (start, mut roster) = (Instant::now(), AgentRoster::new(3, SILENCE));
        assert_eq!(roster.join(start, request("any", None)), seat(0, 1));
        assert_eq!(roster.join(start, request("first", Some(0))), seat(0, 2));
        // The other hears of the later attempt, and its own counts no longer.
        assert_eq!(roster.attempts(), [2, 1, 1]);
        assert_eq!(roster.hear(start, 0, beat("any", 1, prepared("x"))), None);
        assert_eq!(roster.join(start, request("any", None)), seat(1, 1));
        assert!(
            matches!(roster.join(start, request("another", Some(0))), SlotReply::Wait(why) if why.contains("first"))
        );
        assert_eq!(roster.join(start, request("last", Some(2))), seat(2, 1));
        // No slot is left for one that gave way, and nobody is missing.
        assert!(matches!(roster.join(start, request("late", Some(1))), SlotReply::Wait(why) if why.contains("on any")));
        for (slot, uuid, attempt) in [(0, "first", 2), (1, "any", 1), (2, "last", 1)] {
            roster.hear(start, slot, beat(uuid, attempt, prepared("x")));
        }
        assert!(roster.is_prepared(1, "x"));
        assert_eq!(roster.begin(), [2, 1, 1]);
        assert!(matches!(roster.join(start, request("late", Some(1))), SlotReply::Refused(_)));
    }

    /// Agents that ask again and again, in any order and of any kind, are all seated if their slots can be.
    #[test]
    fn in_whatever_order_they_come_all_slots_are_taken() {
        for order in 0..24u32 {
            let mut agents = vec![("a", Some(0)), ("b", Some(2)), ("c", None), ("d", None)];
            let mut shuffled = vec![];
            let mut rest = order;
            while !agents.is_empty() {
                let at = rest as usize % agents.len();
                rest /= agents.len() as u32;
                shuffled.push(agents.remove(at));
            }
            let (start, mut roster) = (Instant::now(), AgentRoster::new(4, SILENCE));
            for _ in 0..3 {
                for (uuid, slot) in &shuffled {
                    roster.join(start, request(uuid, *slot));
                }
            }
            assert_eq!(roster.agents().count(), 4, "{shuffled:?}");
        }
    }
}
