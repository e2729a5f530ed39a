//! Distribution of a plan's rooms over machines and workers: whole rooms, each exactly once, with balanced edges.

use super::{Plan, RoomPlan};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The most shares of a plan.
pub(super) const SHARES_MAX: u32 = 1_000;

/// The rooms that one machine or one worker runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    pub rooms: Vec<RoomPlan>,
}

/// A machine's share of a plan; written `1/3` to `3/3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShareOf {
    /// From 0.
    pub index: u32,
    pub of: u32,
}

impl ShareOf {
    /// The whole plan.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// One of at most a thousand shares.
    pub fn is_sound(self) -> bool {
        self.index < self.of && self.of <= SHARES_MAX
    }
}

impl FromStr for ShareOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(index, of)| {
            Some(Self { index: index.trim().parse::<u32>().ok()?.checked_sub(1)?, of: of.trim().parse().ok()? })
        });
        let why = || format!("expected I/N, such as 2/3: the second of three shares, at most {SHARES_MAX}");
        parsed.filter(|share| share.is_sound()).ok_or_else(why)
    }
}

impl fmt::Display for ShareOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index.saturating_add(1), self.of)
    }
}

impl Share {
    pub fn edges(&self) -> u64 {
        self.rooms.iter().map(RoomPlan::edges).sum()
    }

    pub fn peers(&self) -> u64 {
        self.rooms.iter().map(|room| u64::from(room.size())).sum()
    }

    /// Part `index` of `of`. Each room, in order of arrival, goes to the part with the fewest edges so far: the load is
    /// balanced at all times, not only at the end.
    pub fn share(&self, index: usize, of: usize) -> Self {
        dealt(&self.rooms, index, of)
    }
}

impl Plan {
    /// Share `index` of `of`, dealt as `Share::share` deals.
    pub fn share(&self, index: usize, of: usize) -> Share {
        dealt(&self.rooms, index, of)
    }
}

fn dealt(rooms: &[RoomPlan], index: usize, of: usize) -> Share {
    let mut edges = vec![0u64; of.max(1)];
    let mut dealt = vec![];
    for room in rooms {
        let lightest = (0..edges.len()).min_by_key(|&share| edges[share]).unwrap_or(0);
        edges[lightest] += room.edges();
        if lightest == index {
            dealt.push(room.clone());
        }
    }
    Share { rooms: dealt }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_one_of_so_many() {
        for text in ["1/1", "2/3", "1000/1000"] {
            assert_eq!(text.parse::<ShareOf>().map(|share| share.to_string()), Ok(text.to_owned()));
        }
        for text in ["0/3", "4/3", "1/0", "1/1001", "2", "a/b", "-1/3", ""] {
            assert!(text.parse::<ShareOf>().unwrap_err().starts_with("expected I/N"), "{text}");
        }
    }
}
