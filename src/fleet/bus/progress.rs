//! One line on how a run over the bus stands: who is missing, who is slowest, who is lost.

use super::messages::AgentState;
use super::roster::{AgentRoster, SeatedAgent};
use crate::vocabulary::format::duration;

/// While agents are waited for.
pub(super) fn gathering(roster: &AgentRoster) -> String {
    let is_ready =
        |agent: &SeatedAgent| matches!(agent.state, AgentState::Prepared { .. } | AgentState::Reached { .. });
    let ready = roster.agents().filter(|(_, agent)| is_ready(agent)).count();
    let unready = roster.agents().filter(|(_, agent)| !is_ready(agent)).map(|(slot, agent)| named(slot, agent));
    let mut parts = vec![format!("{ready} of {} agents ready", roster.len())];
    parts.extend(list("not ready", unready));
    let taken: Vec<u32> = roster.agents().map(|(slot, _)| slot).collect();
    let free = (0..roster.len() as u32).filter(|slot| !taken.contains(slot)).map(|slot| slot.to_string());
    parts.extend(list("free slots", free));
    parts.join("; ")
}

/// While agents play.
pub(super) fn playing(roster: &AgentRoster) -> String {
    let sums = roster.sums();
    let mut parts =
        vec![format!("peers {}, edges {} open, {} failed", sums.peers_joined, sums.edges_opened, sums.edges_failed)];
    let is_playing = |agent: &SeatedAgent| !agent.is_done && !agent.is_lost && !agent.status.phase.is_empty();
    let playing = roster.agents().filter(|(_, agent)| is_playing(agent));
    if let Some((slot, agent)) = playing.max_by_key(|(_, agent)| agent.status.lag_p99_us) {
        let (phase, late) = (&agent.status.phase, duration(agent.status.lag_p99_us));
        parts.push(format!("slowest {} in {phase}, timers late p99 {late}", named(slot, agent)));
    }
    let done = roster.agents().filter(|(_, agent)| agent.is_done).count();
    if done > 0 {
        parts.push(format!("{done} of {} reported", roster.len()));
    }
    parts.extend(list("lost", roster.lost().map(|(slot, agent)| named(slot, agent))));
    parts.join("; ")
}

fn named(slot: u32, agent: &SeatedAgent) -> String {
    format!("{slot} ({})", agent.machine.host)
}

/// `name: a, b`, of at most ten; `None` if there are none.
fn list(name: &str, items: impl Iterator<Item = String>) -> Option<String> {
    const SHOWN_MAX: usize = 10;
    let items: Vec<String> = items.collect();
    let more = items.len().saturating_sub(SHOWN_MAX);
    let shown = items.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!items.is_empty()).then(|| format!("{name}: {shown}{more}"))
}

#[cfg(test)]
mod tests {
    use super::super::messages::{Heartbeat, SlotRequest};
    use super::*;
    use crate::controller::RunStatus;
    use crate::fleet::AgentMachine;
    use std::time::{Duration, Instant};

    /// An agent on a machine of its name takes the next slot.
    fn join(roster: &mut AgentRoster, now: Instant, name: &str) {
        let machine = AgentMachine { host: name.to_owned(), ..AgentMachine::default() };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        roster.join(now, SlotRequest { slot: None, uuid: name.to_owned(), version, machine });
    }

    fn beat(name: &str, state: AgentState, edges_opened: u64, lag_p99_us: u64) -> Heartbeat {
        let status = RunStatus { phase: "steady".to_owned(), edges_opened, lag_p99_us, ..RunStatus::default() };
        Heartbeat { uuid: name.to_owned(), attempt: 1, state, status }
    }

    #[test]
    fn who_is_not_ready_and_which_slots_are_free_is_told() {
        let (now, mut roster) = (Instant::now(), AgentRoster::new(4, Duration::from_secs(10)));
        assert_eq!(gathering(&roster), "0 of 4 agents ready; free slots: 0, 1, 2, 3");
        ["red", "green"].iter().for_each(|name| join(&mut roster, now, name));
        let ready = AgentState::Prepared { round: 1, plan_sha256: "x".to_owned() };
        roster.hear(now, 1, beat("green", ready, 0, 0));
        assert_eq!(gathering(&roster), "1 of 4 agents ready; not ready: 0 (red); free slots: 2, 3");
        let many = AgentRoster::new(300, Duration::from_secs(10));
        assert!(gathering(&many).ends_with("free slots: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 290 more"));
    }

    #[test]
    fn all_agents_are_summed_and_the_slowest_and_the_lost_named() {
        let (start, mut roster) = (Instant::now(), AgentRoster::new(4, Duration::from_secs(10)));
        let names = ["red", "green", "blue", "grey"];
        names.iter().for_each(|name| join(&mut roster, start, name));
        roster.begin();
        let later = start + Duration::from_secs(10);
        for (slot, (name, lag)) in (0..).zip([("red", 2_000), ("green", 30_000), ("blue", 400)]) {
            roster.hear(later, slot, beat(name, AgentState::Playing { round: 1 }, 10, lag));
        }
        roster.take_silent(later);
        roster.done(2);
        let expected = "peers 0, edges 30 open, 0 failed; slowest 1 (green) in steady, timers late p99 30.0 ms; \
                        1 of 4 reported; lost: 3 (grey)";
        assert_eq!(playing(&roster), expected);
    }
}
