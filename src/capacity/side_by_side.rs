//! Comparison of two searches: their differences besides the target, and the probes to compare.

use crate::capacity::model::{Growth, GrowthKind};
use crate::capacity::probe::Probe;
use crate::capacity::result::CapacityResult;
use crate::capacity::vary::Vary;

/// Differences between two searches besides the target, as sentences; each makes their comparison doubtful.
pub fn differences(one: &CapacityResult, other: &CapacityResult) -> Vec<String> {
    let gates = |result: &CapacityResult| {
        let gates: Vec<&str> = result.gates.iter().map(|line| line.gate.as_str()).collect();
        gates.join(", ")
    };
    let size = |result: &CapacityResult| {
        let sizes = || result.probes.iter().map(|probe| probe.room_size).filter(|size| *size > 0.0);
        let (least, most) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
        if least < most { format!("{least:.1} to {most:.1}") } else { format!("{most}") }
    };
    let pairs = [
        ("what grows", one.vary.name().to_owned(), other.vary.name().to_owned()),
        ("peers in a room", size(one), size(other)),
        ("dialect", one.scope.dialect.clone(), other.scope.dialect.clone()),
        ("engine", one.scope.engine.clone(), other.scope.engine.clone()),
        ("gates", gates(one), gates(other)),
        ("machine", one.scope.machine.cpu.clone(), other.scope.machine.cpu.clone()),
    ];
    let differ = pairs.into_iter().filter(|(_, one, other)| one != other);
    // The sizes that a search over room sizes reached are its outcome, not its setting.
    let both_grow = one.vary == Vary::RoomSize && other.vary == Vary::RoomSize;
    let differ = differ.filter(|(what, ..)| !(both_grow && *what == "peers in a room"));
    differ.map(|(what, one, other)| format!("unlike in more than the target: {what}, {one} and {other}")).collect()
}

/// The probes to compare: those of the largest load that came up whole in both searches, else the largest of each.
pub fn compared<'a>(one: &'a CapacityResult, other: &'a CapacityResult) -> (Option<&'a Probe>, Option<&'a Probe>) {
    let at = |result: &'a CapacityResult, load: f64| {
        result.probes.iter().rev().find(|probe| probe.is_whole() && (probe.load - load).abs() < 1e-9)
    };
    let largest = |result: &'a CapacityResult| {
        result.probes.iter().filter(|probe| probe.is_whole()).max_by(|one, other| one.load.total_cmp(&other.load))
    };
    let shared = one.probes.iter().filter(|probe| probe.is_whole() && at(other, probe.load).is_some());
    let shared = shared.map(|probe| probe.load).reduce(f64::max).filter(|_| one.vary == other.vary);
    match shared {
        Some(load) => (at(one, load), at(other, load)),
        None => (largest(one), largest(other)),
    }
}

impl Growth {
    /// The growth of the target's total work, in a few words.
    pub fn summary(&self) -> String {
        let law = match self.kind {
            GrowthKind::Population => "broadcast: quadratic in the population",
            GrowthKind::Room => "addressed to the room: linear in the rooms",
            GrowthKind::Constant => "addressed to one: linear in the edges",
            GrowthKind::Unknown => return "not known".to_owned(),
        };
        self.exponent.map_or(law.to_owned(), |power| format!("{law} (power {power:.2})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::{Ends, Evidence, ProbeVerdict, Reproduction, SearchContext};
    use crate::profile::{ProfileSource, read};
    use crate::summary::Summary;

    fn found(vary: Vary, loads: &[u64]) -> CapacityResult {
        let profile = read(ProfileSource { name: "t", text: "" }, &[], &|_| None).unwrap();
        let probe = |load: &u64| {
            let mut probe = Probe::of(*load as f64, ProbeVerdict::Held, &Summary::default(), vec![]);
            (probe.rooms, probe.room_size, probe.peers) = (*load, 4.0, load * 4);
            (probe.edges_planned, probe.edges_opened) = (load * 6, load * 6);
            probe
        };
        CapacityResult::new(Evidence {
            vary,
            profile: &profile,
            ends: Ends::default(),
            held_trials: 3,
            stopped_by: None,
            headroom: 0.3,
            require: None,
            gates: vec![],
            probes: loads.iter().map(probe).collect(),
            reproduction: Reproduction::default(),
            scope: SearchContext::default(),
            counts_invalid: false,
        })
    }

    /// The loads compared of two searches over rooms.
    fn check(one: &[u64], other: &[u64], expected: (Option<f64>, Option<f64>)) {
        let (one, other) = (found(Vary::Rooms, one), found(Vary::Rooms, other));
        let (one, other) = compared(&one, &other);
        assert_eq!((one.map(|probe| probe.load), other.map(|probe| probe.load)), expected);
    }

    #[test]
    fn the_largest_load_of_both_is_compared_or_else_each_one_s_own() {
        check(&[8, 16, 32], &[8, 16, 64], (Some(16.0), Some(16.0)));
        check(&[8, 16], &[5, 10], (Some(16.0), Some(10.0)));
        check(&[8], &[], (Some(8.0), None));
    }

    #[test]
    fn what_else_differs_is_said() {
        let one = found(Vary::Rooms, &[8]);
        assert!(differences(&one, &one).is_empty());
        let mut other = found(Vary::Arrivals, &[8]);
        other.scope.dialect = "peerjs".into();
        other.probes[0].room_size = 6.0;
        let found = differences(&one, &other);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[1], "unlike in more than the target: peers in a room, 4 and 6");
    }
}
