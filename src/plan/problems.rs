//! Reasons not to play a plan: it, or a part of it, would measure nothing.

use super::{Plan, RoomPlan};
use crate::profile::Scenario;
use std::collections::BTreeSet;

impl Plan {
    /// Reasons why the run, or a scenario, would measure nothing, as sentences; empty if all will measure something.
    pub fn problems(&self) -> Vec<String> {
        let (warmup, count) = (self.profile.phases.warmup, self.rooms.len());
        if self.rooms.iter().all(|room| room.warmup) {
            let why =
                format!("phases.warmup: all {count} rooms arrive within {warmup:?}, so nothing would be measured");
            return vec![why];
        }
        let scenarios = self.profile.scenarios.iter().enumerate();
        let unmeasured = scenarios.filter_map(|(index, scenario)| self.unmeasured(index, scenario));
        unmeasured.chain(self.equal_ids()).collect()
    }

    /// The reason why nothing of one scenario would be measured.
    fn unmeasured(&self, index: usize, scenario: &Scenario) -> Option<String> {
        let (name, share) = (&scenario.name, scenario.share * 100.0);
        let mut own = self.rooms.iter().filter(|room| room.scenario == index).peekable();
        if own.peek().is_none() {
            let count = self.rooms.len();
            let why =
                format!("{count} rooms are too few for one of {name}, which has {share}% of the peers; plan more");
            return Some(format!("rooms.count: {why}"));
        }
        let warmup = self.profile.phases.warmup;
        own.all(|room| room.warmup).then(|| {
            format!("phases.warmup: all rooms of {name} arrive within {warmup:?}, so nothing of it would be measured")
        })
    }

    /// Two rooms with one id, which the ids of different scenarios can have.
    fn equal_ids(&self) -> Option<String> {
        if self.profile.scenario_names().is_empty() {
            return None;
        }
        let mut ids = BTreeSet::new();
        let twice = self.rooms.iter().find(|room: &&RoomPlan| !ids.insert(room.id.as_str()))?;
        Some(format!(
            "rooms.id: two rooms would have the id {}; begin each scenario's with a word of its own",
            twice.id
        ))
    }
}
