//! The result of a search: one versioned value from which every capacity report is rendered.

use crate::capacity::forecast::{ForecastCell, forecast};
use crate::capacity::model::{Model, model};
use crate::capacity::probe::{Probe, ProbeVerdict};
use crate::capacity::search::Ends;
use crate::capacity::vary::Vary;
use crate::profile::Profile;
use crate::summary::{Build, GateResult, Machine, RunFinding};
use crate::vocabulary::format::{plural, short_percent};
use crate::vocabulary::inert_text::inert_json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of capacity.json. Within a version keys are added, never renamed.
const SCHEMA: u32 = 1;

/// The content of `capacity.json`. Loads are in the unit of `vary`, durations in microseconds, shares from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityResult {
    pub schema: u32,
    /// The result in one sentence.
    pub sentence: String,
    pub vary: Vary,
    /// The largest load that held; absent if no load held.
    pub limit: Option<f64>,
    /// The limit for people: `210 rooms of 4`.
    pub limit_words: Option<String>,
    /// The side that limits the load. Only with `target` is `limit` the target's.
    pub limited_by: LimitedBy,
    /// The load to plan for: the limit less the headroom.
    pub plan_for: Option<f64>,
    pub headroom: f64,
    pub require: Option<f64>,
    pub bracket: Bracket,
    /// Probes of the limit that held; three confirm it.
    pub held_trials: usize,
    /// The lowest load at which a gate on a time failed; absent if none did.
    #[serde(default)]
    pub slow_from: Option<LoadFinding>,
    /// The lowest load with errors beyond a gate, or at which the target restarted; absent if there was none.
    #[serde(default)]
    pub broken_from: Option<LoadFinding>,
    /// The reason why the search ended early.
    pub stopped_by: Option<StoppedBy>,
    pub gates: Vec<SearchGate>,
    pub probes: Vec<Probe>,
    pub model: Model,
    #[serde(rename = "outlook")]
    pub forecast: Vec<ForecastCell>,
    /// The conclusion from the target's resource use.
    pub target_says: Option<String>,
    pub reproduction: Reproduction,
    pub scope: SearchContext,
    /// True if probes that were not valid counted, because the profile has `on_invalid = "warn"`.
    pub counts_invalid: bool,
    /// The result of another search for comparison; its own `beside` is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Box<CapacityResult>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitedBy {
    /// The target broke a gate.
    Target,
    /// This machine could not generate more: the limit is a lower bound.
    Generator,
    /// The search range or its time ended: the limit is a lower bound.
    Range,
}

impl LimitedBy {
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Target => "the target: it broke a gate",
            Self::Generator => "this generator: the target may hold more",
            Self::Range => "the range of the search: the target may hold more",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoppedBy {
    Budget,
    Signal,
    /// A gate had too few samples to be judged.
    Samples,
    /// No peer of the first probe connected.
    Unreachable,
    /// The command that restarts the target failed.
    Restart,
    /// A further probe could not start, such as one whose agents were lost.
    Start,
}

/// A finding at one load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadFinding {
    pub load: f64,
    pub peers: u64,
    /// The gate with its figure, or the restart.
    pub why: String,
}

/// The bracket of the limit, from `held` to `broke`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bracket {
    pub held: Option<f64>,
    pub broke: Option<f64>,
    /// The lowest load at which this machine had no valid run.
    pub not_valid: Option<f64>,
}

/// A gate of the search. `limit_us`: the limit of a gate on `time_to_open`, for the latency chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchGate {
    pub gate: String,
    /// The gate for people.
    #[serde(default)]
    pub words: String,
    pub limit_us: Option<u64>,
}

/// Command lines that reproduce the result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reproduction {
    /// The whole search.
    pub search: String,
    /// One run at the limit.
    pub run: Option<String>,
    /// One run at the lowest load that broke.
    pub broken_run: Option<String>,
}

/// The context of a search: version, profile, target, time and machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchContext {
    pub meshload: Build,
    pub profile: String,
    /// The user's own words about the search (`[tags]`, `--tag`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The target's URL, without any secret.
    pub target: String,
    pub dialect: String,
    pub engine: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub duration_us: u64,
    pub machine: Machine,
}

/// The inputs of a result.
pub struct Evidence<'a> {
    pub vary: Vary,
    pub profile: &'a Profile,
    pub ends: Ends,
    pub held_trials: usize,
    pub stopped_by: Option<StoppedBy>,
    pub headroom: f64,
    pub require: Option<f64>,
    pub gates: Vec<SearchGate>,
    pub probes: Vec<Probe>,
    pub reproduction: Reproduction,
    pub scope: SearchContext,
    pub counts_invalid: bool,
}

impl CapacityResult {
    /// Makes the result of a search.
    pub fn new(evidence: Evidence<'_>) -> Self {
        let Evidence { vary, profile, ends, headroom, .. } = evidence;
        let limited_by = match (ends.broke, ends.out_of_reach) {
            (Some(broke), out_of_reach) if out_of_reach.is_none_or(|out| broke < out) => LimitedBy::Target,
            (_, Some(_)) => LimitedBy::Generator,
            _ => LimitedBy::Range,
        };
        let limit = ends.held;
        let plan_for = limit.map(|limit| {
            let less = limit * (1.0 - headroom);
            if vary.is_whole() { less.floor().max(vary.least()) } else { less }
        });
        let limit_words = limit.map(|limit| vary.label(profile, limit));
        let model = model(&evidence.probes);
        let sentence = sentence(&evidence, limited_by, plan_for);
        let cores = evidence.scope.machine.cores_host.max(1).into();
        let target_says = highest(&evidence.probes)
            .and_then(|probe| probe.target.as_ref()?.conclusion(&vary.label(profile, probe.load), cores));
        Self {
            schema: SCHEMA,
            sentence,
            vary,
            limit,
            limit_words,
            limited_by,
            plan_for,
            headroom,
            require: evidence.require,
            bracket: Bracket { held: ends.held, broke: ends.broke, not_valid: ends.out_of_reach },
            held_trials: evidence.held_trials,
            slow_from: lowest(&evidence.probes, |probe| probe.slow().map(GateResult::in_words)),
            broken_from: lowest(&evidence.probes, Probe::broken),
            stopped_by: evidence.stopped_by,
            gates: evidence.gates,
            forecast: forecast(&evidence.probes, &model, limit),
            probes: evidence.probes,
            model,
            target_says,
            reproduction: evidence.reproduction,
            scope: evidence.scope,
            counts_invalid: evidence.counts_invalid,
            beside: None,
        }
    }

    /// The longest capacity.json that is read, in bytes.
    pub const BYTES_MAX: u64 = 64 << 20;

    /// Reads a capacity.json.
    ///
    /// # Errors
    /// One sentence without a subject.
    pub fn read(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            schema: u64,
        }
        if text.len() as u64 > Self::BYTES_MAX {
            return Err(format!("longer than the {} MiB that a capacity.json may have", Self::BYTES_MAX >> 20));
        }
        // Its texts are foreign: another run's target said them, or whoever wrote the file.
        let text = inert_json(text);
        // The version is read first, so that a later version is reported as such and not as a syntax error.
        let foreign = |error: serde_json::Error| format!("not the capacity.json of a search: {error}");
        let version: Version = serde_json::from_str(&text).map_err(foreign)?;
        if version.schema != u64::from(SCHEMA) {
            return Err(format!("schema {} is not the {SCHEMA} that this meshload reads", version.schema));
        }
        serde_json::from_str(&text).map_err(foreign)
    }

    /// The findings of all probes, each at the lowest load that has it, worst first.
    pub fn findings(&self) -> Vec<(&Probe, &RunFinding)> {
        let mut found: Vec<(&Probe, &RunFinding)> = vec![];
        for (probe, finding) in self.probes.iter().flat_map(|probe| probe.findings.iter().map(move |one| (probe, one)))
        {
            match found.iter_mut().find(|(_, known)| known.id == finding.id) {
                Some(known) if probe.load < known.0.load => *known = (probe, finding),
                Some(_) => {}
                None => found.push((probe, finding)),
            }
        }
        found.sort_by_key(|(_, finding)| (finding.severity, finding.confidence));
        found
    }

    /// The result reduced for another one's `beside`: without its own `beside` and the samples of its target.
    #[must_use]
    pub fn for_comparison(mut self) -> Self {
        self.beside = None;
        self.probes.iter_mut().for_each(|probe| probe.target_rows.clear());
        self
    }

    /// The JSON of the file: indented, with a newline at the end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("findings hold nothing that JSON can't");
        text.push('\n');
        text
    }
}

/// The result in one sentence: `holds 210 rooms of 4 (840 peers) with time_to_open p99 below 800ms; plan for 147, 30 % less`.
fn sentence(evidence: &Evidence<'_>, limited_by: LimitedBy, plan_for: Option<f64>) -> String {
    let Evidence { vary, profile, ends, .. } = evidence;
    let label = |load: f64| {
        let peers = evidence.probes.iter().find(|probe| probe.load == load).map(|probe| probe.peers);
        let peers = peers.map_or(String::new(), |peers| format!(" ({})", plural(peers, "peer")));
        format!("{}{peers}", vary.label(profile, load))
    };
    let gates = gates_in_words(&evidence.gates);
    let mut sentence = match (ends.held, limited_by) {
        (None, LimitedBy::Target) => {
            let lowest = ends.broke.map(label).unwrap_or_default();
            return format!("does not hold the lowest load of the search, {lowest}{gates}");
        }
        (None, LimitedBy::Generator) => {
            return "no probe was valid, so nothing is known of the target: this machine is the limit".to_owned();
        }
        (None, LimitedBy::Range) => {
            let why = match evidence.stopped_by {
                Some(StoppedBy::Samples) => "a gate had too few samples to be judged".to_owned(),
                Some(StoppedBy::Unreachable) => format!("nothing answered at {}", evidence.scope.target),
                Some(StoppedBy::Signal) => "the search was stopped before a probe was valid".to_owned(),
                Some(StoppedBy::Budget) => "the budget ended before a probe was valid".to_owned(),
                Some(StoppedBy::Restart) => "the target could not be restarted, and no probe was valid".to_owned(),
                Some(StoppedBy::Start) => "a further probe could not start, and none was valid".to_owned(),
                None => "no probe was judged".to_owned(),
            };
            return format!("{why}, so nothing is known of the target");
        }
        (Some(held), LimitedBy::Target) => format!("holds {}{gates}", label(held)),
        (Some(held), LimitedBy::Generator) => {
            format!("holds at least {}{gates}, which is the limit of this generator and not the target's", label(held))
        }
        (Some(held), LimitedBy::Range) => {
            format!("holds at least {}{gates}; no valid probe went higher", label(held))
        }
    };
    if let Some(plan_for) = plan_for {
        let less = short_percent(evidence.headroom);
        sentence.push_str(&format!("; plan for {}, {less} less", vary.short_label(plan_for)));
    }
    match evidence.stopped_by {
        Some(StoppedBy::Budget) => sentence.push_str("; the budget ended before the search did"),
        Some(StoppedBy::Signal) => sentence.push_str("; stopped before the search was done"),
        Some(StoppedBy::Restart) => sentence.push_str("; the target could not be restarted for the next probe"),
        Some(StoppedBy::Start) => sentence.push_str("; the next probe could not start"),
        // Only the first probe can be unreachable, so no load held.
        Some(StoppedBy::Unreachable) => {}
        Some(StoppedBy::Samples) => sentence.push_str("; above it a gate had too few samples to be judged"),
        None => {}
    }
    sentence
}

fn gates_in_words(gates: &[SearchGate]) -> String {
    if gates.is_empty() {
        return String::new();
    }
    let gates: Vec<&str> = gates.iter().map(|line| line.words.as_str()).collect();
    format!(" with {}", gates.join(" and "))
}

/// The lowest load of which `why` has something to say.
fn lowest(probes: &[Probe], why: impl Fn(&Probe) -> Option<String>) -> Option<LoadFinding> {
    let found = |probe: &Probe| Some(LoadFinding { load: probe.load, peers: probe.peers, why: why(probe)? });
    probes.iter().filter_map(found).min_by(|one, other| one.load.total_cmp(&other.load))
}

/// The judged probe with the highest load among those with samples of the target.
fn highest(probes: &[Probe]) -> Option<&Probe> {
    let seen = probes.iter().filter(|probe| matches!(probe.verdict, ProbeVerdict::Held | ProbeVerdict::Broke));
    seen.filter(|probe| probe.target.is_some()).max_by(|one, other| one.load.total_cmp(&other.load))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{ProfileSource, read};

    fn check(ends: Ends, stopped_by: Option<StoppedBy>, limited_by: LimitedBy, sentence: &str) {
        let profile = read(ProfileSource { name: "t", text: "" }, &[], &|_| None).unwrap();
        let found = CapacityResult::new(Evidence {
            vary: Vary::Rooms,
            profile: &profile,
            ends,
            held_trials: 3,
            stopped_by,
            headroom: 0.3,
            require: None,
            gates: vec![SearchGate {
                gate: "time_to_open: p(99) < 800ms".into(),
                words: "time_to_open p99 below 800ms".into(),
                limit_us: Some(800_000),
            }],
            probes: vec![],
            reproduction: Reproduction::default(),
            scope: SearchContext::default(),
            counts_invalid: false,
        });
        assert_eq!((found.limited_by, found.sentence.as_str()), (limited_by, sentence));
        let json: serde_json::Value = serde_json::from_str(&found.to_json()).unwrap();
        for key in ["limit", "limited_by", "bracket", "probes", "model"] {
            assert!(json.get(key).is_some(), "{key}");
        }
    }

    const HELD: Ends = Ends { held: Some(210.0), broke: None, out_of_reach: None };

    #[test]
    fn the_limit_is_the_target_s_only_if_the_target_broke() {
        let broke = Ends { broke: Some(220.0), ..HELD };
        let at = "with time_to_open p99 below 800ms";
        check(broke, None, LimitedBy::Target, &format!("holds 210 rooms of 4 {at}; plan for 147, 30 % less"));
        let strained = Ends { out_of_reach: Some(220.0), ..HELD };
        let words = format!(
            "holds at least 210 rooms of 4 {at}, which is the limit of this generator and not the target's; plan for 147, 30 % less"
        );
        check(strained, None, LimitedBy::Generator, &words);
        let words = format!("holds at least 210 rooms of 4 {at}; no valid probe went higher; plan for 147, 30 % less");
        check(HELD, None, LimitedBy::Range, &words);
    }

    #[test]
    fn what_broke_beyond_the_generator_s_limit_is_not_the_target_s() {
        let both = Ends { broke: Some(400.0), out_of_reach: Some(220.0), ..HELD };
        let at = "with time_to_open p99 below 800ms";
        let words = format!(
            "holds at least 210 rooms of 4 {at}, which is the limit of this generator and not the target's; plan for 147, 30 % less"
        );
        check(both, None, LimitedBy::Generator, &words);
    }

    #[test]
    fn no_number_is_named_where_none_is_known() {
        let broke = Ends { broke: Some(10.0), ..Ends::default() };
        let words = "does not hold the lowest load of the search, 10 rooms of 4 with time_to_open p99 below 800ms";
        check(broke, None, LimitedBy::Target, words);
        let strained = Ends { out_of_reach: Some(10.0), ..Ends::default() };
        let words = "no probe was valid, so nothing is known of the target: this machine is the limit";
        check(strained, None, LimitedBy::Generator, words);
        let stopped = "the search was stopped before a probe was valid, so nothing is known of the target";
        check(Ends::default(), Some(StoppedBy::Signal), LimitedBy::Range, stopped);
        let unjudged = "a gate had too few samples to be judged, so nothing is known of the target";
        check(Ends::default(), Some(StoppedBy::Samples), LimitedBy::Range, unjudged);
    }

    #[test]
    fn what_is_no_capacity_json_is_told_why() {
        for (text, why) in [
            ("", "not the capacity.json of a search"),
            ("{\"schema\": 7}", "schema 7 is not the 1 that this meshload reads"),
            ("{\"schema\": 1, \"run\": {}}", "missing field `sentence`"),
        ] {
            let told = CapacityResult::read(text).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn a_search_that_was_stopped_says_so() {
        let broke = Ends { broke: Some(320.0), ..HELD };
        let words = "holds 210 rooms of 4 with time_to_open p99 below 800ms; plan for 147, 30 % less; stopped before the search was done";
        check(broke, Some(StoppedBy::Signal), LimitedBy::Target, words);
    }
}
