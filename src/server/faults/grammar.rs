//! Parses the text form of fault rules.
//!
//! ```text
//! rule      = action { blank match }
//! action    = "drop" | "delay" blank span | "duplicate" [ blank count ] | "reorder"
//!           | "corrupt" blank ( "frame" | "fingerprint" | "candidate" | "address" | "list" )
//!           | "reject" | "disconnect" | "stall" blank time | "misroute"
//!           | "rename-channel" blank name | "capacity" blank count ( "/s" | blank "frames/s" )
//!           | "partition" [ blank count ] | "split" blank count | "idle-close" blank time
//!           | "limit-by-address" blank count
//! The actions of the last two lines apply to the whole server and take no match.
//! An action may be followed by a colon, as it is often written: capacity: 900 frames/s.
//! span      = time                  fixed
//!           | time ".." time        uniform
//!           | time "~" time         normal: mean and standard deviation
//!           | time "/subscriber"    grows with the number of receivers
//!           | time "/min"           grows with the time since the server started
//! match     = "direction=" ( "in" | "out" ) | "type=" names | "channel=" names | "room=" pattern | "peer=" pattern
//!           | "p=" share | "nth=" ( count | [ count ] ".." [ count ] ) | "age=" range | "time=" range
//! range     = [ time ] ".." [ time ]
//! names     = name { "|" name }
//! pattern   = [ "*" ] name
//! time      = as in a profile: 300ms, 1.5s      share = as in a profile: 5%, 0.05
//! ```

use super::rule::{Damage, Direction, FaultAction, FaultRule, Match, Span, Window};
use crate::profile::{duration, nearest, share};
use std::str::FromStr;
use std::time::Duration;

const ACTIONS: &[&str] = &[
    "drop",
    "delay",
    "duplicate",
    "reorder",
    "corrupt",
    "reject",
    "disconnect",
    "stall",
    "rename-channel",
    "capacity",
    "misroute",
    "partition",
    "split",
    "idle-close",
    "limit-by-address",
];
const KEYS: &[&str] = &["direction", "type", "channel", "room", "peer", "p", "nth", "age", "time"];

impl FromStr for FaultRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        rule(text)
    }
}

/// Parses a rule.
///
/// # Errors
/// One sentence, with the nearest known word.
pub(super) fn rule(text: &str) -> Result<FaultRule, String> {
    let mut words = text.split_ascii_whitespace().peekable();
    let name = words.next().ok_or("a rule begins with an action, such as drop")?;
    let name = name.strip_suffix(':').unwrap_or(name);
    // A word with `=` is a condition, not an argument.
    let mut argument = || words.next_if(|word| !word.contains('='));
    let mut needed = |what: &str| argument().ok_or(format!("{name} of what? expected {what} after it"));
    let action = match name {
        "drop" => FaultAction::Drop,
        "delay" => FaultAction::Delay(span(needed("a time, such as 50ms")?)?),
        "duplicate" => FaultAction::Duplicate(argument().map_or(Ok(2), copies)?),
        "reorder" => FaultAction::Reorder,
        "corrupt" => FaultAction::Corrupt(damage(needed(DAMAGES)?)?),
        "reject" => FaultAction::Reject,
        "disconnect" => FaultAction::Disconnect,
        "stall" => FaultAction::Stall(time(needed("a time, such as 5s")?)?),
        "rename-channel" => FaultAction::RenameChannel(needed("a channel's name")?.to_owned()),
        "capacity" => {
            let count = needed("a rate, such as 500/s")?;
            let unit = if count.contains('/') { None } else { argument() };
            FaultAction::Capacity(rate(&format!("{count}{}", unit.unwrap_or_default()))?)
        }
        "misroute" => FaultAction::Misroute,
        "partition" => FaultAction::Partition(argument().map_or(Ok(2), |text| number("partition", text, 2))?),
        "split" => FaultAction::Split(number("split", needed("the seats of an instance, such as 8")?, 1)?),
        "idle-close" => FaultAction::IdleClose(time(needed("a time, such as 6s")?)?),
        "limit-by-address" => {
            FaultAction::LimitByAddress(number("limit-by-address", needed("a number of connections, such as 30")?, 1)?)
        }
        other => return Err(unknown("action", other, ACTIONS)),
    };
    if let (true, Some(word)) = (action.is_standing(), words.peek()) {
        return Err(format!("{word}: {name} applies to the whole server and takes no condition"));
    }
    let mut matches = Match::default();
    for word in words {
        let (key, value) =
            word.split_once('=').ok_or_else(|| format!("{word}: expected KEY=VALUE; keys are {}", KEYS.join(", ")))?;
        if value.is_empty() {
            return Err(format!("{key}= has no value"));
        }
        condition(&mut matches, key, value)?;
    }
    Ok(FaultRule { action, matches })
}

/// The words after `corrupt`.
const DAMAGES: &str = "frame, fingerprint, candidate, address or list";

fn damage(text: &str) -> Result<Damage, String> {
    Ok(match text {
        "frame" => Damage::Frame,
        "fingerprint" => Damage::Fingerprint,
        "candidate" => Damage::Candidate,
        "address" => Damage::Address,
        "list" => Damage::List,
        other => return Err(format!("corrupt {other}: expected {DAMAGES}")),
    })
}

fn condition(matches: &mut Match, key: &str, value: &str) -> Result<(), String> {
    match key {
        "direction" => {
            matches.direction = match value {
                "in" => Direction::In,
                "out" => Direction::Out,
                other => return Err(format!("direction={other}: expected in or out")),
            }
        }
        "type" => matches.kinds = names(value)?,
        "channel" => matches.channels = names(value)?,
        "room" => matches.room = Some(value.to_owned()),
        "peer" => matches.peer = Some(value.to_owned()),
        "p" => matches.chance = Some((share(value)? * 1e6).round() as u32),
        "nth" => matches.nth = Some(counted(value)?),
        "age" => matches.age = Some(timed(key, value)?),
        "time" => matches.time = Some(timed(key, value)?),
        other => return Err(unknown("key", other, KEYS)),
    }
    Ok(())
}

fn unknown(what: &str, wrong: &str, right: &[&'static str]) -> String {
    match nearest(wrong, right.iter().copied()) {
        Some(near) => format!("{wrong}: no such {what}; did you mean {near}?"),
        None => format!("{wrong}: no such {what}; known are {}", right.join(", ")),
    }
}

fn span(text: &str) -> Result<Span, String> {
    if let Some(each) = text.strip_suffix("/subscriber") {
        return time(each).map(Span::PerSubscriber);
    }
    if let Some(each) = text.strip_suffix("/min") {
        return time(each).map(Span::PerMinute);
    }
    if let Some((mean, deviation)) = text.split_once('~') {
        return Ok(Span::Normal(time(mean)?, time(deviation)?));
    }
    match text.split_once("..") {
        Some((from, until)) => {
            let (from, until) = (time(from)?, time(until)?);
            if from > until { Err(format!("{text} ends before it begins")) } else { Ok(Span::Uniform(from, until)) }
        }
        None => time(text).map(Span::Fixed),
    }
}

/// Parses a time of at most an hour, which keeps sums of times far from overflow.
fn time(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(3_600);
    let time = if text == "0" { Duration::ZERO } else { duration(text)? };
    if time > LONGEST { Err(format!("{text} is too long; at most 1h")) } else { Ok(time) }
}

fn copies(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|copies| (2..=100).contains(copies)).ok_or(format!("duplicate {text}: expected 2 to 100"))
}

fn number(action: &str, text: &str, least: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (least..=1_000_000).contains(number));
    number.ok_or(format!("{action} {text}: expected {least} to 1000000"))
}

fn rate(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/s").map(|count| count.strip_suffix("frames").unwrap_or(count));
    let number = number.and_then(|number| number.parse().ok());
    number.filter(|rate| (1..=1_000_000).contains(rate)).ok_or(format!("capacity {text}: expected 1/s to 1000000/s"))
}

fn names(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = text.split('|').map(str::to_owned).collect();
    if names.iter().any(String::is_empty) { Err(format!("{text}: a name is empty")) } else { Ok(names) }
}

fn counted(text: &str) -> Result<Window<u64>, String> {
    let count = |text: &str| {
        text.parse::<u64>().ok().filter(|count| *count >= 1).ok_or(format!("{text}: expected a number from 1"))
    };
    let Some((from, until)) = text.split_once("..") else {
        return count(text).map(|only| Window { from: only, until: Some(only) });
    };
    let from = if from.is_empty() { 1 } else { count(from)? };
    let until = if until.is_empty() { None } else { Some(count(until)?) };
    if until.is_some_and(|until| until < from) {
        return Err(format!("nth={text} ends before it begins"));
    }
    Ok(Window { from, until })
}

fn timed(key: &str, text: &str) -> Result<Window<Duration>, String> {
    let (from, until) = text.split_once("..").ok_or(format!("{key}={text}: expected a range, such as 0s..1s"))?;
    let from = if from.is_empty() { Duration::ZERO } else { time(from)? };
    let until = if until.is_empty() { None } else { Some(time(until)?) };
    if until.is_some_and(|until| until <= from) {
        return Err(format!("{key}={text} ends before it begins"));
    }
    Ok(Window { from, until })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        let check = |text: &str| assert_eq!(rule(text).unwrap().to_string(), text);
        for text in [
            "drop",
            "delay 50ms",
            "delay 10ms..20ms direction=out",
            "delay 10ms~2ms type=peer-ready|webrtc-offer",
            "delay 5ms/subscriber direction=out",
            "duplicate 3 channel=webrtc-signaling",
            "reorder p=12.5%",
            "corrupt frame room=*-room-1 peer=*-0001",
            "corrupt fingerprint",
            "corrupt candidate p=50%",
            "corrupt address",
            "corrupt list direction=out",
            "delay 40ms/min direction=out",
            "misroute type=webrtc-offer",
            "partition 3",
            "split 8",
            "idle-close 6s",
            "limit-by-address 30",
            "reject type=user-joined-room",
            "disconnect nth=3",
            "stall 5s nth=2.. age=1s..",
            "rename-channel other nth=1..4 time=10s..20s",
            "capacity 500/s",
        ] {
            check(text);
        }
        assert_eq!(rule("duplicate").unwrap(), rule("duplicate 2").unwrap());
        assert_eq!(rule("partition").unwrap(), rule("partition 2").unwrap());
        assert_eq!(rule("capacity: 500 frames/s type=x").unwrap(), rule("capacity 500/s type=x").unwrap());
        assert_eq!(rule("drop nth=..2 age=..1s").unwrap(), rule(" drop  nth=1..2 age=0s..1000ms ").unwrap());
    }

    #[test]
    fn a_mistake_is_told_in_one_sentence() {
        let check = |text: &str, expected: &str| assert_eq!(rule(text).unwrap_err(), expected);
        check("", "a rule begins with an action, such as drop");
        check("dorp", "dorp: no such action; did you mean drop?");
        check("delay", "delay of what? expected a time, such as 50ms after it");
        check("delay type=x", "delay of what? expected a time, such as 50ms after it");
        check("delay 20ms..10ms", "20ms..10ms ends before it begins");
        check("corrupt all", "corrupt all: expected frame, fingerprint, candidate, address or list");
        check("partition 1", "partition 1: expected 2 to 1000000");
        check("split", "split of what? expected the seats of an instance, such as 8 after it");
        check("idle-close 6s type=x", "type=x: idle-close applies to the whole server and takes no condition");
        check("duplicate 1", "duplicate 1: expected 2 to 100");
        check("capacity 0/s", "capacity 0/s: expected 1/s to 1000000/s");
        check("capacity 500", "capacity 500: expected 1/s to 1000000/s");
        check("capacty: 500/s", "capacty: no such action; did you mean capacity?");
        check("drop chanel=x", "chanel: no such key; did you mean channel?");
        check("drop type=", "type= has no value");
        check(
            "drop everything",
            "everything: expected KEY=VALUE; keys are direction, type, channel, room, peer, p, nth, age, time",
        );
        check("drop nth=0", "0: expected a number from 1");
        check("drop age=1s..1s", "age=1s..1s ends before it begins");
        check("stall 2h", "2h is too long; at most 1h");
    }

    fn a_time() -> impl Strategy<Value = Duration> {
        prop_oneof![0..3_600_000_000_u64, (0..3_600_u64).prop_map(|s| s * 1_000_000)].prop_map(Duration::from_micros)
    }

    fn a_name() -> impl Strategy<Value = String> {
        "[a-z][a-z0-9-]{0,12}"
    }

    fn an_action() -> impl Strategy<Value = FaultAction> {
        let span = prop_oneof![
            a_time().prop_map(Span::Fixed),
            (a_time(), a_time()).prop_map(|(a, b)| Span::Uniform(a.min(b), a.max(b))),
            (a_time(), a_time()).prop_map(|(mean, deviation)| Span::Normal(mean, deviation)),
            a_time().prop_map(Span::PerSubscriber),
            a_time().prop_map(Span::PerMinute),
        ];
        prop_oneof![
            Just(FaultAction::Drop),
            span.prop_map(FaultAction::Delay),
            (2..=100_u32).prop_map(FaultAction::Duplicate),
            Just(FaultAction::Reorder),
            Just(FaultAction::Corrupt(Damage::Frame)),
            Just(FaultAction::Corrupt(Damage::Fingerprint)),
            Just(FaultAction::Reject),
            Just(FaultAction::Disconnect),
            a_time().prop_map(FaultAction::Stall),
            a_name().prop_map(FaultAction::RenameChannel),
            (1..=1_000_000_u32).prop_map(FaultAction::Capacity),
            Just(FaultAction::Misroute),
            Just(FaultAction::Corrupt(Damage::Candidate)),
        ]
    }

    fn a_match() -> impl Strategy<Value = Match> {
        use proptest::collection::vec;
        use proptest::option::of;
        let window = || {
            (a_time(), of(1..1_000_000_u64)).prop_map(|(from, longer)| Window {
                from: from / 2,
                until: longer.map(|longer| from / 2 + Duration::from_micros(longer)),
            })
        };
        let nth = (1..1_000_u64, of(0..1_000_u64))
            .prop_map(|(from, more)| Window { from, until: more.map(|more| from + more) });
        (
            any::<bool>(),
            vec(a_name(), 0..3),
            vec(a_name(), 0..3),
            of(a_name()),
            of(a_name()),
            of(0..=1_000_000_u32),
            of(nth),
            of(window()),
            of(window()),
        )
            .prop_map(|(out, kinds, channels, room, peer, chance, nth, age, time)| {
                let direction = if out { Direction::Out } else { Direction::In };
                // Half of a microsecond can't be written.
                let whole = |window: Option<Window<Duration>>| {
                    window.map(|window| {
                        let us = |time: Duration| Duration::from_micros(time.as_micros() as u64);
                        Window { from: us(window.from), until: window.until.map(us) }
                    })
                };
                Match { direction, kinds, channels, room, peer, chance, nth, age: whole(age), time: whole(time) }
            })
    }

    proptest! {
        #[test]
        fn every_rule_reads_back_from_its_text(action in an_action(), matches in a_match()) {
            let written = FaultRule { action, matches };
            prop_assert_eq!(rule(&written.to_string()), Ok(written));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,60}") {
            let _ = rule(&text);
        }
    }
}
