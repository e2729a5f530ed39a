//! The verdict, where it must be bad and where it must be good.

use super::plays::play;
use super::processes::run_beside_a_spinner;
use super::table::Row;
use meshload::summary::{Validity, Verdict};

/// A burst of peers on one CPU that a spinning process wants as well, over four workers.
pub fn starved(times: usize, peers: usize) -> Row {
    let profile = format!(
        "[rooms]\ncount = {}\nsize = 4\n[arrivals]\nshape = \"burst\"\n[messages]\npattern = \"none\"\n\
         [phases]\nsteady = \"1s\"\ndrain = \"0s\"\n",
        peers / 4
    );
    let verdict = |_| {
        let (_, summary) = run_beside_a_spinner(&profile, &["--workers", "4"]);
        (summary.validity.verdict, summary.offered.offered)
    };
    let runs: Vec<(Verdict, bool)> = (0..times).map(verdict).collect();
    let verdicts: Vec<Verdict> = runs.iter().map(|(verdict, _)| *verdict).collect();
    let wrong = runs.iter().filter(|(verdict, offered)| !offered && *verdict != Verdict::Invalid).count();
    Row::new(
        format!("starved, a burst of {peers} peers: a pass without the load"),
        told(&verdicts),
        "never decided",
        wrong == 0,
    )
}

/// About half of what two cores can do: 345 edges a second. In rooms of four, the last to come opens three edges at
/// once; of rooms of eight it is seven, and for the 10 ms that they take this worker is late indeed.
pub fn idle(times: usize) -> Row {
    let profile = "[rooms]\ncount = 100\nsize = 4\n[arrivals]\nrate = \"230/s\"\n[messages]\nrate = \"1/s\"\n\
                   [phases]\nsteady = \"2s\"\ndrain = \"1s\"\n";
    always_valid("half load, 345 edges/s", profile, times)
}

pub fn small(times: usize) -> Row {
    let profile = "[rooms]\ncount = 2\nsize = 3\n[arrivals]\nrate = \"20/s\"\n[phases]\nsteady = \"1s\"\n";
    always_valid("small run, 6 edges", profile, times)
}

fn always_valid(what: &str, profile: &str, times: usize) -> Row {
    let runs: Vec<Validity> = (0..times).map(|_| play(profile, None, 2).validity).collect();
    let verdicts: Vec<Verdict> = runs.iter().map(|run| run.verdict).collect();
    let mut observed = told(&verdicts);
    if let Some(doubt) = runs.iter().find_map(|run| run.reasons.first()) {
        observed.push_str(&format!(" ({}: {})", doubt.what, doubt.observed));
    }
    Row::new(what, observed, format!("{times} times VALID"), count(&verdicts, Verdict::Valid) == times)
}

fn told(verdicts: &[Verdict]) -> String {
    let all = [Verdict::Valid, Verdict::Suspect, Verdict::Invalid];
    let seen = all.into_iter().filter(|verdict| count(verdicts, *verdict) > 0);
    seen.map(|verdict| format!("{} {}", count(verdicts, verdict), verdict.name())).collect::<Vec<_>>().join(", ")
}

fn count(verdicts: &[Verdict], verdict: Verdict) -> usize {
    verdicts.iter().filter(|seen| **seen == verdict).count()
}
