//! Outages: times in which joined peers had lost the signaling server.

use crate::vocabulary::Reason;
use crate::vocabulary::format::{count, duration, plural};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An outage from the first loss until all peers rejoined; times in microseconds. Open channels stay open meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outage {
    /// The first loss, from the start of the run.
    pub began_us: u64,
    /// The time from the first loss to the last reconnect; absent if no peer reconnected, or if a peer was still without
    /// the server at the end.
    pub recovery_us: Option<u64>,
    /// Peers that lost their socket; one that lost it several times counts once.
    pub lost: u64,
    /// Lost peers that joined again and were not lost anew.
    pub back: u64,
    /// Lost peers that were there until the end of the run and still without the server.
    #[serde(default)]
    pub never: u64,
    /// Losses of a socket, each peer's further ones included.
    #[serde(default)]
    pub losses: u64,
    /// Redials that failed.
    pub redials: u64,
    /// The causes of losses and failed redials, in order of their first occurrence.
    pub causes: Vec<OutageCause>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutageCause {
    pub reason: String,
    pub detail: String,
    pub count: u64,
    /// The first occurrence, from the start of the run.
    pub first_us: u64,
}

impl Outage {
    /// `3 peers lost the server 12.0 s into the run, and 3 were back within 2.1 s (closed, refused)`. Details, which may
    /// be the target's text, are only in summary.json.
    pub fn in_words(&self) -> String {
        let mut reasons: Vec<&str> = vec![];
        for OutageCause { reason, .. } in &self.causes {
            if Reason::ALL.iter().any(|known| known.name() == reason) && !reasons.contains(&reason.as_str()) {
                reasons.push(reason);
            }
        }
        let within = self.recovery_us.map(|us| format!(" within {}", duration(us))).unwrap_or_default();
        let again =
            if self.losses > self.lost { format!(", {} times in all,", count(self.losses)) } else { String::new() };
        let (lost, began) = (plural(self.lost, "peer"), duration(self.began_us));
        let back = match self.back {
            0 => "none came".to_owned(),
            1 => "1 was".to_owned(),
            back => format!("{} were", count(back)),
        };
        format!("{lost} lost the server{again} {began} into the run, and {back} back{within} ({})", reasons.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_in_one_line_without_the_servers_own_words() {
        let cause = |reason: &str, detail: &str| OutageCause {
            reason: reason.into(),
            detail: detail.into(),
            ..OutageCause::default()
        };
        let causes = vec![cause("closed", "</script>"), cause("refused", "ECONNREFUSED"), cause("::warning", "")];
        let mut outage = Outage {
            began_us: 12_000_000,
            recovery_us: Some(2_100_000),
            lost: 3,
            back: 3,
            never: 0,
            losses: 3,
            redials: 9,
            causes,
        };
        assert_eq!(
            outage.in_words(),
            "3 peers lost the server 12.0 s into the run, and 3 were back within 2.10 s (closed, refused)"
        );
        (outage.lost, outage.back, outage.recovery_us) = (1, 0, None);
        assert_eq!(
            outage.in_words(),
            "1 peer lost the server, 3 times in all, 12.0 s into the run, and none came back (closed, refused)"
        );
    }
}
