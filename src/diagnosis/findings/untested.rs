//! `untested`: parts of a real deployment that this run says nothing about.

use super::record::{RunRecord, hint};
use crate::summary::{FindingConfidence, RunFinding};

pub(super) fn find(record: &RunRecord<'_>) -> Option<RunFinding> {
    if !record.evidence.dialect.is_socket_io || record.joined() == 0 {
        return None;
    }
    let sentence =
        "WebSocket only: browsers begin a Socket.IO connection with HTTP long polling, which was not tested.";
    let remedy =
        "With several processes, check that polling requests of one session reach the same one (sticky sessions).";
    let mut found = hint("untested", FindingConfidence::High, sentence.to_owned(), remedy, 1.0);
    found
        .evidence
        .push("permessage-deflate is not offered, so its cost at the server is not in the figures.".to_owned());
    found.evidence.push("Descriptions are smaller than those of a browser that sends audio and video.".to_owned());
    Some(found)
}
