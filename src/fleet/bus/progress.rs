//! One line on how a run over the bus stands: who is missing, who is slowest, who is lost.

use super::messages::AgentState;
use super::roster::{AgentRoster, SeatedAgent};
use crate::vocabulary::format::duration;

/// While agents are waited for.
pub(super) fn gathering(roster: &AgentRoster) -> String {
    let is_ready = |agent: &SeatedAgent| matches!(agent.state, AgentState::Prepared { .. });
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
    let sum = |figure: fn(&SeatedAgent) -> u64| roster.agents().map(|(_, agent)| figure(agent)).sum::<u64>();
    let mut parts = vec![format!(
        "peers {}, edges {} open, {} failed",
        sum(|agent| agent.status.peers_joined),
        sum(|agent| agent.status.edges_opened),
        sum(|agent| agent.status.edges_failed)
    )];
    let playing = || roster.agents().filter(|(_, agent)| !agent.is_done && !agent.is_lost);
    if let Some((slot, agent)) = playing().max_by_key(|(_, agent)| agent.status.lag_p99_us) {
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
