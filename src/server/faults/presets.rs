//! Named fault presets that reproduce failures of real deployments; the names are stable.

use super::rule::FaultRule;

/// (name, what it does, its rules).
const PRESETS: &[(&str, &str, &[&str])] = &[
    (
        "channel-isolation",
        "accepts the subscription to the chat channel and never routes that channel to the peer",
        &["drop direction=out channel=webrtc-dashboard-chat"],
    ),
    (
        "timing",
        "subscriptions take effect 300 ms late; what is said before is lost to that subscriber",
        &["delay 300ms type=subscribe"],
    ),
    (
        "channel-mismatch",
        "chat traffic reaches the chat's subscribers with channel set to the rooms channel",
        &["rename-channel webrtc-dashboard-rooms direction=out channel=webrtc-dashboard-chat"],
    ),
    ("connection", "frames of a peer's first second are read and discarded; the socket stays up", &["drop age=0s..1s"]),
    (
        "swallow-join",
        "a registry loses every user-joined-room without a word, although the room is listed",
        &["drop type=user-joined-room"],
    ),
    (
        "lost-first-offer",
        "the first offer to each peer is lost, aged receivers included",
        &["drop direction=out type=webrtc-offer nth=1"],
    ),
    ("stale-roster", "a closed socket stays in server-room-list", &["drop type=close"]),
    ("sdp-rewrite", "the fingerprint in a relayed SDP is altered", &["corrupt fingerprint"]),
    ("candidate-drop", "webrtc-ice is not relayed", &["drop type=webrtc-ice"]),
    ("slow-fanout", "delivery delay grows with the number of subscribers", &["delay 5ms/subscriber direction=out"]),
    (
        "name-taken",
        "turns every joining peer away, because its name were taken in that room",
        &["reject type=user-joined-room"],
    ),
    ("partition", "two processes that share nothing: connections are dealt to them in turn", &["partition 2"]),
    (
        "misroute",
        "a fifth of the offers, answers and candidates go to another peer of the room, as if they were for it",
        &["misroute p=20% type=webrtc-offer|webrtc-answer|webrtc-ice"],
    ),
    (
        "repeat",
        "each offer, answer and candidate arrives twice",
        &["duplicate 2 direction=out channel=webrtc-signaling"],
    ),
    (
        "alter-candidate",
        "each candidate arrives with another mid and m-line, which a browser refuses",
        &["corrupt candidate type=webrtc-ice"],
    ),
    (
        "no-leave-notice",
        "the goodbyes of peers that leave reach nobody",
        &["drop type=participant-left|user-left-room"],
    ),
    ("drift", "each minute every delivery is 40 ms slower", &["delay 40ms/min direction=out"]),
    (
        "unlisted",
        "the lists of a registry come, and name no room",
        &["corrupt list direction=out type=server-room-list"],
    ),
];

/// Name and one-sentence description of every preset.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    PRESETS.iter().map(|(name, what, _)| (*name, *what))
}

/// Parses a preset's name or the text of one rule.
///
/// # Errors
/// One sentence: the text is neither.
pub fn rules(text: &str) -> Result<Vec<FaultRule>, String> {
    match PRESETS.iter().find(|(name, ..)| *name == text.trim()) {
        Some((_, _, rules)) => rules.iter().map(|rule| rule.parse()).collect(),
        None => match text.parse() {
            Ok(rule) => Ok(vec![rule]),
            Err(_) if is_a_name(text) => Err(unknown(text)),
            Err(why) => Err(format!("{text}: {why}")),
        },
    }
}

/// True for a single word, which was meant as a preset's name.
fn is_a_name(text: &str) -> bool {
    !text.trim().is_empty() && !text.trim().contains(char::is_whitespace)
}

fn unknown(text: &str) -> String {
    match crate::profile::nearest(text, all().map(|(name, _)| name)) {
        Some(near) => format!("{text}: no such fault; did you mean {near}?"),
        None => {
            let names: Vec<_> = all().map(|(name, _)| name).collect();
            format!("{text}: neither a rule nor one of {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promised_name_is_there_and_its_rules_read_as_they_are_written() {
        let promised = [
            "channel-isolation",
            "timing",
            "channel-mismatch",
            "connection",
            "swallow-join",
            "lost-first-offer",
            "stale-roster",
            "sdp-rewrite",
            "candidate-drop",
            "slow-fanout",
            "name-taken",
            "partition",
            "misroute",
            "repeat",
            "alter-candidate",
            "no-leave-notice",
            "drift",
            "unlisted",
        ];
        assert_eq!(all().map(|(name, _)| name).collect::<Vec<_>>(), promised);
        for (name, _, written) in PRESETS {
            let read: Vec<String> = rules(name).unwrap().iter().map(ToString::to_string).collect();
            let reread: Vec<FaultRule> = written.iter().map(|rule| rule.parse().unwrap()).collect();
            assert_eq!(read, reread.iter().map(ToString::to_string).collect::<Vec<_>>(), "{name}");
        }
    }

    #[test]
    fn a_wrong_name_is_told_with_the_right_one() {
        assert_eq!(rules("timming").unwrap_err(), "timming: no such fault; did you mean timing?");
        assert_eq!(rules("drop"), Ok(vec!["drop".parse().unwrap()]));
        assert!(rules("drop nth=0").unwrap_err().starts_with("drop nth=0: "));
    }
}
