//! Logs of connections: opened, ended, refused and lost, up to a bound.

use crate::metrics::run_time::RunTime;
use crate::summary::{ConnectionChange, ServerLoss, SocketChange};
use crate::vocabulary::{Failure, Reason};
use serde::{Deserialize, Serialize};

/// Most entries of each log, of 16 to 24 bytes.
const ENTRIES_MAX: usize = 32_768;

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

    /// Records a failed connection; `was_open`: it had been upgraded.
    pub(crate) fn failed(&mut self, at: RunTime, failure: &Failure, was_open: bool) {
        let is_limit =
            failure.reason == Reason::Rejected && LIMIT_WORDS.iter().any(|word| failure.detail.contains(word));
        match (is_limit, was_open) {
            (true, true) => self.add(at, SocketChange::Expelled),
            (true, false) => self.add(at, SocketChange::Refused),
            (false, true) => self.add(at, SocketChange::Ended),
            (false, false) => {}
        }
        if is_limit {
            self.refusal.get_or_insert_with(|| failure.detail.chars().take(40).collect());
        }
    }

    /// Records that a joined peer lost the server: when it spoke last, and since when it was connected.
    pub(crate) fn lost(&mut self, at: RunTime, said: RunTime, connected: RunTime) {
        if self.losses.len() < ENTRIES_MAX {
            let loss = ServerLoss {
                at_us: at.since(RunTime::of_start()),
                silent_us: at.since(said),
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
