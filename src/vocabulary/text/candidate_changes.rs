//! Compares the candidates that a peer received with those that the other peer sent.

use crate::vocabulary::{Candidate, EdgeEvent, Event, EventKind, Seat, SignalPart};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The longest quoted value, in characters.
const QUOTED_MAX: usize = 60;
/// The connection-address of a candidate-attribute (RFC 8839 §5.1).
const ADDRESS: usize = 4;

/// Candidates that arrived otherwise than they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateChanges {
    /// Candidates that arrived, those without text included.
    pub heard: u64,
    pub altered: u64,
    /// By field: how many arrived with another value, and the first such value before and after.
    pub fields: BTreeMap<Cow<'static, str>, FieldChange>,
    /// Candidates that a browser refuses: their sdpMid and sdpMLineIndex name no media section.
    pub refused: u64,
    /// Candidates whose address is a .local name.
    pub unresolvable: u64,
    /// Candidates that arrived without text.
    pub emptied: u64,
}

/// The changes of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub count: u64,
    pub said: String,
    pub heard: String,
}

/// The candidates on the way from one peer to another.
#[derive(Clone, Debug, Default)]
pub struct CandidateRoute<'a> {
    /// Candidates sent to this peer.
    pub said: Vec<&'a Candidate>,
    /// Candidates sent to the other peers: a server may choose the receiver.
    pub said_elsewhere: Vec<&'a Candidate>,
    pub heard: Vec<&'a Candidate>,
    /// Ends of candidates that were sent, and that arrived.
    pub ends: (u64, u64),
}

/// The candidates of one room by sender and receiver.
pub fn candidate_routes(events: &[Event]) -> BTreeMap<(Seat, Seat), CandidateRoute<'_>> {
    let mut routes = BTreeMap::<(Seat, Seat), CandidateRoute<'_>>::new();
    let mut all = BTreeMap::<Seat, Vec<(Seat, &Candidate)>>::new();
    for event in events {
        let EventKind::Edge { other, event: EdgeEvent::Signal { said, part, candidate, .. } } = &event.kind else {
            continue;
        };
        let own = event.place.seat;
        let way = if *said { (own, *other) } else { (*other, own) };
        let route = routes.entry(way).or_default();
        match (part, said, candidate.as_deref()) {
            (SignalPart::End, true, _) => route.ends.0 += 1,
            (SignalPart::End, false, _) => route.ends.1 += 1,
            (_, true, Some(candidate)) => {
                route.said.push(candidate);
                all.entry(own).or_default().push((*other, candidate));
            }
            (_, false, Some(candidate)) => route.heard.push(candidate),
            _ => {}
        }
    }
    for ((from, to), route) in &mut routes {
        let others = all.get(from).into_iter().flatten().filter(|(other, _)| other != to);
        route.said_elsewhere = others.map(|(_, candidate)| *candidate).collect();
    }
    routes
}

impl CandidateChanges {
    /// Compares one route; a field that the dialect does not carry is `None` in what was said, and not compared.
    pub fn of(route: &CandidateRoute<'_>) -> Self {
        let mut changes = Self { heard: route.heard.len() as u64, ..Self::default() };
        let mut open = route.said.clone();
        let mut unsaid = vec![];
        for heard in &route.heard {
            let all = || route.said.iter().chain(&route.said_elsewhere).copied();
            if all().any(|said| is_same(said, heard)) {
                open.retain(|said| !is_same(said, heard));
            } else {
                unsaid.push((*heard, all().find(|said| said.candidate == heard.candidate)));
            }
        }
        for (heard, twin) in unsaid {
            let place = match twin {
                Some(twin) => open.iter().position(|said| *said == twin),
                None => (!open.is_empty()).then_some(0),
            };
            let said = place.map(|place| open.remove(place)).or(twin);
            // A candidate that the server adds has no original.
            if let Some(said) = said {
                changes.add(said, heard);
            }
        }
        let emptied = route.ends.1.saturating_sub(route.ends.0).min(open.len() as u64);
        for said in open.iter().take(emptied as usize) {
            changes.heard += 1;
            changes.altered += 1;
            changes.emptied += 1;
            changes.change("candidate", &said.candidate, "");
        }
        changes
    }

    fn add(&mut self, said: &Candidate, heard: &Candidate) {
        self.altered += 1;
        if said.candidate != heard.candidate {
            match (address(&said.candidate), address(&heard.candidate)) {
                (Some((before, from)), Some((after, to))) if before == after => self.change("address", from, to),
                _ => self.change("candidate", &said.candidate, &heard.candidate),
            }
            self.unresolvable += u64::from(address(&heard.candidate).is_some_and(|(_, to)| to.ends_with(".local")));
        }
        let text = |line: Option<u16>| line.map_or_else(|| "null".to_owned(), |line| line.to_string());
        if said.mid.is_some() && said.mid != heard.mid {
            let [from, to] = [said, heard].map(|one| one.mid.as_deref().unwrap_or("null"));
            self.change("sdpMid", from, to);
        }
        if said.line.is_some() && said.line != heard.line {
            self.change("sdpMLineIndex", &text(said.line), &text(heard.line));
        }
        // The mid counts before the index, and one of them must be there (W3C WebRTC, addIceCandidate).
        let is_refused = match (&said.mid, &heard.mid) {
            (Some(said), Some(heard)) => said != heard,
            (None, Some(_)) => false,
            (_, None) => said.line.is_some() && heard.line != said.line || said.line.is_none() && said.mid.is_some(),
        };
        self.refused += u64::from(is_refused);
    }

    fn change(&mut self, field: &'static str, said: &str, heard: &str) {
        let quoted = |text: &str| text.chars().filter(|letter| !letter.is_control()).take(QUOTED_MAX).collect();
        let first = || FieldChange { count: 0, said: quoted(said), heard: quoted(heard) };
        self.fields.entry(field.into()).or_insert_with(first).count += 1;
    }

    pub fn merge(&mut self, other: Self) {
        self.heard += other.heard;
        self.altered += other.altered;
        self.refused += other.refused;
        self.unresolvable += other.unresolvable;
        self.emptied += other.emptied;
        for (field, change) in other.fields {
            let none = FieldChange { count: 0, ..change.clone() };
            self.fields.entry(field).or_insert(none).count += change.count;
        }
    }

    /// `true`: no value became another one; fields only arrived without one.
    pub fn are_only_missing(&self) -> bool {
        self.emptied == 0 && self.fields.values().all(|change| change.heard == "null")
    }

    /// `2 of 2 candidates arrived altered: sdpMid in 2 ("0" became "audio").`, with what a browser does.
    pub fn in_words(&self) -> String {
        let told: Vec<String> = self
            .fields
            .iter()
            .map(|(field, change)| {
                let FieldChange { count, said, heard } = change;
                format!("{field} in {count} (\"{said}\" became \"{heard}\")")
            })
            .collect();
        let mut sentence =
            format!("{} of {} candidates arrived altered: {}.", self.altered, self.heard, told.join(", "));
        let effects = [
            (self.refused, "refuses", ": they name no media section of the description"),
            (self.unresolvable, "can't use", " unless the name can be resolved by multicast DNS"),
            (self.emptied, "takes", " for the end of candidates"),
        ];
        for (count, verb, why) in effects.into_iter().filter(|(count, ..)| *count > 0) {
            sentence.push_str(&format!(" A browser {verb} {count} of them{why}."));
        }
        sentence
    }
}

/// Tells if a candidate arrived as it was sent, as far as the dialect carries it.
fn is_same(said: &Candidate, heard: &Candidate) -> bool {
    said.candidate == heard.candidate
        && (said.mid.is_none() || said.mid == heard.mid)
        && (said.line.is_none() || said.line == heard.line)
}

/// The candidate-attribute without its address, and the address.
fn address(candidate: &str) -> Option<(Vec<&str>, &str)> {
    let mut fields: Vec<&str> = candidate.split(' ').collect();
    (fields.len() > ADDRESS).then(|| {
        let address = fields.remove(ADDRESS);
        (fields, address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(text: &str, mid: Option<&str>, line: Option<u16>) -> Candidate {
        Candidate { candidate: text.to_owned(), mid: mid.map(str::to_owned), line, ufrag: None }
    }

    const HOST: &str = "candidate:1 1 udp 5 127.0.0.1 9 typ host";

    fn check(said: &Candidate, heard: &[Candidate], ends: (u64, u64), expected: Option<&str>) {
        let route = CandidateRoute { said: vec![said], heard: heard.iter().collect(), ends, ..Default::default() };
        let changes = CandidateChanges::of(&route);
        assert_eq!((changes.altered > 0).then(|| changes.in_words()).as_deref(), expected);
    }

    #[test]
    fn values_that_are_missing_are_told_from_those_that_became_others() {
        let said = candidate(HOST, Some("0"), Some(0));
        for (mid, line, expected) in [(None, None, true), (Some("0"), None, true), (Some("audio"), None, false)] {
            let heard = candidate(HOST, mid, line);
            let route = CandidateRoute { said: vec![&said], heard: vec![&heard], ..Default::default() };
            assert_eq!(CandidateChanges::of(&route).are_only_missing(), expected, "{mid:?} {line:?}");
        }
    }

    #[test]
    fn each_change_is_told_with_what_a_browser_does() {
        let said = candidate(HOST, Some("0"), Some(0));
        let whole = |heard: Candidate, expected| check(&said, &[heard], (1, 1), expected);
        whole(said.clone(), None);
        whole(
            candidate(HOST, Some("audio"), Some(3)),
            Some(
                "1 of 1 candidates arrived altered: sdpMLineIndex in 1 (\"0\" became \"3\"), sdpMid in 1 (\"0\" became \
                 \"audio\"). A browser refuses 1 of them: they name no media section of the description.",
            ),
        );
        whole(
            candidate(HOST, None, None),
            Some(
                "1 of 1 candidates arrived altered: sdpMLineIndex in 1 (\"0\" became \"null\"), sdpMid in 1 (\"0\" \
                 became \"null\"). A browser refuses 1 of them: they name no media section of the description.",
            ),
        );
        whole(
            candidate(HOST, None, Some(0)),
            Some("1 of 1 candidates arrived altered: sdpMid in 1 (\"0\" became \"null\")."),
        );
        whole(
            candidate(&HOST.replace("127.0.0.1", "x.local"), Some("0"), Some(0)),
            Some(
                "1 of 1 candidates arrived altered: address in 1 (\"127.0.0.1\" became \"x.local\"). A browser can't \
                 use 1 of them unless the name can be resolved by multicast DNS.",
            ),
        );
    }

    #[test]
    fn a_candidate_without_text_is_an_end_that_nobody_said() {
        let said = candidate(HOST, Some("0"), Some(0));
        check(
            &said,
            &[],
            (1, 2),
            Some(
                "1 of 1 candidates arrived altered: candidate in 1 (\"candidate:1 1 udp 5 127.0.0.1 9 typ host\" became \
                 \"\"). A browser takes 1 of them for the end of candidates.",
            ),
        );
        check(&said, &[], (1, 1), None);
        check(&said, std::slice::from_ref(&said), (1, 2), None);
    }

    #[test]
    fn what_the_dialect_does_not_carry_is_not_compared() {
        let said = candidate(HOST, None, Some(0));
        check(&said, &[candidate(HOST, None, Some(0))], (0, 0), None);
        check(&candidate(HOST, None, None), &[candidate(HOST, None, None)], (0, 0), None);
        // A candidate that the server adds is none of ours.
        check(&said, &[said.clone(), candidate("candidate:2", None, Some(0))], (0, 0), None);
    }
}
