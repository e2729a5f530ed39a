//! Logs of connections: opened, ended, refused and lost, up to a bound.

use crate::metrics::record::peer::PeerRecord;
use crate::metrics::run_time::RunTime;
use crate::summary::{ConnectionChange, ServerLoss, SocketChange};
use crate::vocabulary::{Failure, Reason};
use serde::{Deserialize, Serialize};

/// Most entries of each log, of 16 to 32 bytes.
const ENTRIES_MAX: usize = 32_768;

/// A connection that is refused so soon after its upgrade was never let in, in microseconds.
const LET_IN_US: u64 = 1_000_000;

/// Words by which servers and proxies tell that there are too many connections.
const LIMIT_WORDS: [&str; 7] =
    ["HTTP 429", "HTTP 503", "HTTP 403", "close 4429", "close 1013", "close 1008", "close 4008"];

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::metrics) struct ConnectionLog {
    changes: Vec<ConnectionChange>,
    losses: Vec<ServerLoss>,
    refusal: Option<String>,
}

impl ConnectionLog {
    pub(crate) fn add(&mut self, at: RunTime, kind: SocketChange) {
        if self.changes.len() < ENTRIES_MAX {
            self.changes.push(ConnectionChange { at_us: at.since(RunTime::of_start()), kind });
        }
    }

    /// Records a failed connection, with the time of its upgrade, if it had been upgraded.
    pub(crate) fn failed(&mut self, at: RunTime, failure: &Failure, upgraded: Option<RunTime>) {
        let is_young = upgraded.is_none_or(|upgraded| at.since(upgraded) <= LET_IN_US);
        let is_limit = is_young
            && failure.reason == Reason::Rejected
            && LIMIT_WORDS.iter().any(|word| failure.detail.contains(word));
        match upgraded {
            Some(upgraded) if is_limit => self.take_back(upgraded),
            Some(_) => self.add(at, SocketChange::Ended),
            None if is_limit => self.add(at, SocketChange::Refused),
            None => {}
        }
        if is_limit {
            self.refusal.get_or_insert_with(|| failure.detail.chars().take(40).collect());
        }
    }

    /// Turns the connection that was upgraded then into a refused one.
    fn take_back(&mut self, upgraded: RunTime) {
        let at_us = upgraded.since(RunTime::of_start());
        let mut recent = self.changes.iter_mut().rev().take_while(|change| change.at_us >= at_us);
        let opened = recent.find(|change| change.at_us == at_us && change.kind == SocketChange::Opened);
        if let Some(opened) = opened {
            opened.kind = SocketChange::Refused;
        }
    }

    /// Records that a joined peer lost the server: when it spoke and heard last, and since when it was connected.
    pub(crate) fn lost(&mut self, at: RunTime, peer: &PeerRecord) {
        let PeerRecord { said, heard, connected, .. } = *peer;
        if self.losses.len() < ENTRIES_MAX {
            let loss = ServerLoss {
                at_us: at.since(RunTime::of_start()),
                // A peer that has come back and said nothing since is as silent as its connection is old.
                silent_us: at.since(said.max(connected)),
                unheard_us: at.since(heard.max(connected)),
                age_us: at.since(connected),
            };
            self.losses.push(loss);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.losses.extend(other.losses);
        self.refusal = self.refusal.take().or(other.refusal);
    }

    /// All connections in order of time, the losses, and the first refusal's detail.
    pub(crate) fn rows(&self) -> (Vec<ConnectionChange>, Vec<ServerLoss>, Option<String>) {
        let mut changes = self.changes.clone();
        changes.sort_by_key(|change| change.at_us);
        (changes, self.losses.clone(), self.refusal.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Phase;
    use SocketChange::{Ended, Opened, Refused};
    use std::time::{Duration, Instant};

    /// Opens a connection at each time, in ms, of which the last is closed so many ms later; the kinds of the changes.
    fn check(opened_ms: &[u64], closed_ms: u64, detail: &'static str, expected: &[SocketChange]) {
        let start = Instant::now();
        let at = |ms: u64| RunTime::of(start + Duration::from_millis(ms), start);
        let mut log = ConnectionLog::default();
        opened_ms.iter().for_each(|ms| log.add(at(*ms), Opened));
        let last = *opened_ms.last().unwrap();
        log.failed(at(last + closed_ms), &Failure::new(Phase::Join, Reason::Rejected, detail), Some(at(last)));
        let (changes, _, refusal) = log.rows();
        assert_eq!(changes.iter().map(|change| change.kind).collect::<Vec<_>>(), expected);
        assert_eq!(refusal.is_some(), expected.contains(&Refused), "{refusal:?}");
    }

    #[test]
    fn a_connection_that_is_closed_by_a_limit_right_after_its_upgrade_was_never_let_in() {
        check(&[1, 5, 5], 3, "close 4429: too many", &[Opened, Opened, Refused]);
        check(&[1, 5, 5], 1_000, "close 4429", &[Opened, Opened, Refused]);
        check(&[1, 5, 5], 1_001, "close 4429", &[Opened, Opened, Opened, Ended]);
        check(&[1, 5, 5], 3, "close 4001", &[Opened, Opened, Opened, Ended]);
    }
}
