//! Two sides compared: no false alarm on equal ones, a fifth more is caught by repeats, and nothing undecided passes.

use crate::common::draws::{latencies, normal, share as draw, timer};
use meshload::gates::baseline::{Comparison, ComparisonVerdict, Finding, ToleranceRule, compare};
use meshload::report::{Format, TextOptions, render};
use meshload::summary::{
    Counts, Edges, Machine, Outcome, Peers, Rates, Run, SCHEMA, Summary, Validity, Verdict as Trust,
};
use meshload::vocabulary::Seed;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const PAIRS: u64 = 20;

/// Thirty rooms of ten. Runs differ by some hundredths though nothing changed, as they do on a shared machine.
fn run(seed: u64, delivery_us: f64) -> Summary {
    let mut random = Seed(seed).stream("compare", 0);
    let random = &mut random;
    let mood = (0.02 * normal(random)).exp();
    let mut sampled = |us: f64, spread: f64, count: usize| latencies(random, us * mood, spread, count);
    let signal_delivery = sampled(delivery_us, 0.15, 9_000);
    let discovery = sampled(delivery_us * 1.1, 0.2, 1_350);
    let negotiation = sampled(delivery_us * 2.2 + 1_500.0, 0.2, 1_350);
    let rest = sampled(9_000.0, 0.25, 1_350);
    let time_to_open = (0..1_350).map(|edge| discovery[edge] + negotiation[edge] + rest[edge]).collect();
    let timers = [
        ("signal_delivery", signal_delivery),
        ("discovery", discovery),
        ("negotiation", negotiation),
        ("ice", rest),
        ("time_to_open", time_to_open),
    ];
    let timers = timers.into_iter().map(|(name, samples): (&str, Vec<u64>)| (name.to_owned(), timer(&samples)));
    Summary {
        schema: SCHEMA,
        result: Outcome::Passed,
        run: Run {
            name: "ci".into(),
            plan_sha256: "a".into(),
            complete: true,
            machine: Machine { cpu: "AMD EPYC 7B13".into(), cores: 2.0, ..Machine::default() },
            ..Run::default()
        },
        counts: Counts {
            peers: Peers { planned: 300, joined: 300, ..Peers::default() },
            edges: Edges { planned: 1_350, opened: 1_350, ..Edges::default() },
            ..Counts::default()
        },
        rates: Rates { edges_failed: Some(0.0), mesh_complete: Some(1.0), ..Rates::default() },
        amplification: Some(30.0),
        timers: timers.collect(),
        ..Summary::default()
    }
}

fn runs(seed: u64, count: u64, delivery_us: f64) -> Vec<Summary> {
    (0..count).map(|repeat| run(seed * 100 + repeat, delivery_us)).collect()
}

fn text(comparison: &Comparison, verbose: bool) -> String {
    render(Format::Text(TextOptions { verbose, ..TextOptions::default() }), comparison)
}

/// Number of twenty pairs of sides that have the verdict.
fn found(repeats: u64, slower: f64, verdict: ComparisonVerdict) -> u64 {
    let found = (0..PAIRS).filter(|pair| {
        let (base, new) = (runs(2 * pair, repeats, 20_000.0), runs(2 * pair + 1, repeats, 20_000.0 * slower));
        compare(&base, &new, &ToleranceRule::default()).verdict == verdict
    });
    let found = found.count() as u64;
    println!("{repeats} run(s) a side, deliveries × {slower:.2}: {found} of {PAIRS} {verdict:?}");
    found
}

#[test]
fn equal_runs_raise_at_most_one_alarm_in_twenty_and_a_fifth_more_is_caught_by_three_repeats() {
    for repeats in [1, 3] {
        assert!(found(repeats, 1.0, ComparisonVerdict::Regressed) <= 1);
    }
    assert_eq!(found(3, 1.2, ComparisonVerdict::Regressed), PAIRS);
}

#[test]
fn single_runs_tell_what_more_than_doubled_and_leave_the_rest_undecided() {
    assert_eq!(found(1, 1.0, ComparisonVerdict::Undecided), PAIRS);
    assert_eq!(found(1, 1.2, ComparisonVerdict::Undecided), PAIRS);
    assert_eq!(found(1, 3.0, ComparisonVerdict::Regressed), PAIRS);
}

/// A run of `ci` that lost each edge with a probability of `share`.
fn losing(seed: u64, share: f64) -> Summary {
    let mut random = Seed(seed).stream("losing", 0);
    let failed = (0..150).filter(|_| draw(&mut random) < share).count() as u64;
    let mut run = run(seed, 20_000.0);
    run.counts.peers = Peers { planned: 100, joined: 100, ..Peers::default() };
    run.counts.edges = Edges { planned: 150, opened: 150 - failed, failed, ..Edges::default() };
    let failed = failed as f64 / 150.0;
    run.rates = Rates { edges_failed: Some(failed), mesh_complete: Some(1.0 - failed), ..Rates::default() };
    run
}

#[test]
fn a_run_that_lost_a_tenth_of_its_edges_never_passes() {
    for seed in 0..40 {
        let comparison = compare(&[losing(seed, 0.0)], &[losing(seed + 1_000, 0.1)], &ToleranceRule::default());
        let fails = comparison.verdict == ComparisonVerdict::Regressed || comparison.exceeds();
        assert!(fails, "seed {seed}: {}", text(&comparison, true));
    }
}

#[test]
fn a_run_that_failed_by_itself_is_named_in_the_first_line() {
    let failed = |_: &mut Vec<Summary>, new: &mut Vec<Summary>, _: &mut ToleranceRule| {
        new[0].result = Outcome::Failed;
    };
    let comparison = check(failed, ComparisonVerdict::Undecided);
    let text = text(&comparison, false);
    assert!(text.lines().next().is_some_and(|line| line.ends_with("NEW did not pass by itself: failed.")), "{text}");
}

#[test]
fn only_figures_that_decide_are_shown_unless_asked_for_more() {
    let comparison = check(|_, _, _| {}, ComparisonVerdict::Undecided);
    let (short, long) = (text(&comparison, false), text(&comparison, true));
    assert!(short.contains("mesh_complete rate") && !short.contains("time_to_open p50"), "{short}");
    assert!(long.contains("time_to_open p50"), "{long}");
}

#[test]
fn the_worst_figure_stands_first() {
    let worse = |base: &mut Vec<Summary>, new: &mut Vec<Summary>, _: &mut ToleranceRule| {
        (*base, *new) = (runs(1, 3, 20_000.0), runs(2, 3, 30_000.0));
        new.iter_mut().for_each(|run| run.amplification = Some(300.0));
    };
    let comparison = check(worse, ComparisonVerdict::Regressed);
    assert_eq!(comparison.changes[0].metric, "amplification");
    assert!(comparison.changes[1].fails() && !comparison.changes.last().unwrap().judged);
}

#[test]
fn a_summary_that_claims_any_number_of_peers_takes_no_longer() {
    for claimed in [100_000, 10_000_000, u64::MAX] {
        let claiming = |base: &mut Vec<Summary>, new: &mut Vec<Summary>, _: &mut ToleranceRule| {
            for (run, failed) in base.iter_mut().zip([0.3]).chain(new.iter_mut().zip([0.300_1])) {
                run.counts.peers = Peers { planned: claimed, joined: claimed, ..Peers::default() };
                run.counts.edges = Edges { planned: claimed, opened: claimed, ..Edges::default() };
                run.rates = Rates { edges_failed: Some(failed), peers_failed: Some(failed), ..Rates::default() };
            }
        };
        let began = std::time::Instant::now();
        check(claiming, ComparisonVerdict::Undecided);
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{claimed} peers take {:?}", began.elapsed());
    }
}

fn check(
    change: impl FnOnce(&mut Vec<Summary>, &mut Vec<Summary>, &mut ToleranceRule),
    expected: ComparisonVerdict,
) -> Comparison {
    let (mut base, mut new, mut rule) = (runs(1, 1, 20_000.0), runs(2, 1, 20_000.0), ToleranceRule::default());
    change(&mut base, &mut new, &mut rule);
    let comparison = compare(&base, &new, &rule);
    assert_eq!(comparison.verdict, expected, "{}", text(&comparison, true));
    comparison
}

fn finding(comparison: &Comparison, metric: &str, aggregation: &str) -> Finding {
    let found = comparison.changes.iter().find(|change| change.metric == metric && change.aggregation == aggregation);
    found.unwrap_or_else(|| panic!("no {metric} {aggregation}")).finding
}

#[test]
fn a_change_within_the_tolerance_passes_and_one_beyond_it_fails() {
    let slow = |by: f64| {
        move |base: &mut Vec<Summary>, new: &mut Vec<Summary>, _: &mut ToleranceRule| {
            (*base, *new) = (runs(1, 5, 20_000.0), runs(2, 5, 20_000.0 * by));
        }
    };
    check(slow(1.02), ComparisonVerdict::Passed);
    let comparison = check(slow(1.3), ComparisonVerdict::Regressed);
    assert_eq!(finding(&comparison, "signal_delivery", "p50"), Finding::Worse);
    assert_eq!(finding(&comparison, "ice", "p50"), Finding::Same);
    let comparison = check(slow(0.7), ComparisonVerdict::Passed);
    assert_eq!(finding(&comparison, "signal_delivery", "p50"), Finding::Better);
}

#[test]
fn a_tolerance_of_its_own_lets_one_metric_pass() {
    let names = ["signal_delivery", "discovery", "negotiation", "time_to_open"];
    let loose = |base: &mut Vec<Summary>, new: &mut Vec<Summary>, rule: &mut ToleranceRule| {
        (*base, *new) = (runs(1, 3, 20_000.0), runs(2, 3, 26_000.0));
        rule.overrides = names.into_iter().map(|name| (name.to_owned(), 0.7)).collect();
    };
    check(loose, ComparisonVerdict::Passed);
}

#[test]
fn growth_below_the_floor_is_none() {
    let grown = |floor_us: u64| {
        move |base: &mut Vec<Summary>, new: &mut Vec<Summary>, rule: &mut ToleranceRule| {
            (*base, *new) = (runs(1, 5, 20_000.0), runs(2, 5, 26_000.0));
            rule.floor = std::time::Duration::from_micros(floor_us);
        }
    };
    check(grown(500), ComparisonVerdict::Regressed);
    let comparison = check(grown(60_000), ComparisonVerdict::Passed);
    assert_eq!(comparison.floor_us, 60_000);
}

#[test]
fn unlike_plans_are_refused_unless_forced() {
    let comparison = check(|_, new, _| new[0].run.plan_sha256 = "b".into(), ComparisonVerdict::Unlike);
    assert_eq!((comparison.plan.len(), comparison.changes.len()), (1, 0));
    let forced = |_: &mut Vec<Summary>, new: &mut Vec<Summary>, rule: &mut ToleranceRule| {
        new[0].run.plan_sha256 = "b".into();
        rule.force = true;
    };
    check(forced, ComparisonVerdict::Undecided);
}

#[test]
fn another_machine_is_shown_and_judged_only_on_request() {
    let other = |across_machines: bool| {
        move |_: &mut Vec<Summary>, new: &mut Vec<Summary>, rule: &mut ToleranceRule| {
            *new = runs(2, 1, 90_000.0);
            new[0].run.machine.cores = 4.0;
            rule.across_machines = across_machines;
        }
    };
    let comparison = check(other(false), ComparisonVerdict::OtherMachine);
    assert_eq!(comparison.machine[0].what, "cores");
    assert!(!comparison.changes.is_empty());
    check(other(true), ComparisonVerdict::Regressed);
}

#[test]
fn an_invalid_run_is_left_out_and_a_side_of_only_such_is_invalid() {
    let invalid = Validity { verdict: Trust::Invalid, ..Validity::default() };
    check(|base, _, _| base[0].validity = invalid.clone(), ComparisonVerdict::Invalid);
    let comparison = check(
        |base, _, _| {
            base.push(run(900, 90_000.0));
            base[1].validity = invalid.clone();
        },
        ComparisonVerdict::Undecided,
    );
    assert_eq!((comparison.base.runs, comparison.base.invalid), (1, 1));
}

#[test]
fn what_is_no_longer_measured_got_worse() {
    let comparison = check(|_, new, _| new[0].timers = BTreeMap::new(), ComparisonVerdict::Regressed);
    assert_eq!(finding(&comparison, "time_to_open", "p50"), Finding::Gone);
}

#[test]
fn a_percentile_with_too_few_samples_is_not_judged() {
    let few = |base: &mut Vec<Summary>, new: &mut Vec<Summary>, _: &mut ToleranceRule| {
        for (side, us) in [(base, 20_000u64), (new, 90_000)] {
            side[0].timers = BTreeMap::from([("time_to_open".to_owned(), timer(&[us; 19]))]);
        }
    };
    let comparison = check(few, ComparisonVerdict::Regressed);
    assert_eq!(finding(&comparison, "time_to_open", "p50"), Finding::Worse);
    assert_eq!(finding(&comparison, "time_to_open", "p95"), Finding::TooFew);
}

#[test]
fn failures_weigh_by_what_is_sure() {
    let failing = |share: f64| {
        move |_: &mut Vec<Summary>, new: &mut Vec<Summary>, _: &mut ToleranceRule| {
            new[0].rates = Rates { edges_failed: Some(share), mesh_complete: Some(1.0 - share), ..Rates::default() };
        }
    };
    assert!(!check(failing(0.009), ComparisonVerdict::Undecided).exceeds());
    let comparison = check(failing(0.05), ComparisonVerdict::Regressed);
    assert_eq!(finding(&comparison, "edges_failed", "rate"), Finding::Worse);
    assert_eq!(finding(&comparison, "mesh_complete", "rate"), Finding::Worse);
}

#[test]
fn more_amplification_is_worse() {
    let comparison = check(|_, new, _| new[0].amplification = Some(34.0), ComparisonVerdict::Regressed);
    assert_eq!(finding(&comparison, "amplification", "value"), Finding::Worse);
    check(|_, new, _| new[0].amplification = Some(32.0), ComparisonVerdict::Undecided);
}

#[test]
fn every_format_says_the_verdict_and_keeps_hostile_words_inert() {
    let hostile = "<script>alert(1)</script>|x\u{2028}\n::error::no @all";
    let named = |_: &mut Vec<Summary>, new: &mut Vec<Summary>, _: &mut ToleranceRule| {
        *new = runs(2, 1, 90_000.0);
        new[0].run.name = hostile.into();
    };
    let comparison = check(named, ComparisonVerdict::Regressed);
    let of = |format: Format| render(format, &comparison);
    let (text, markdown) = (text(&comparison, true), of(Format::Markdown));
    let (html, json) = (of(Format::Html), of(Format::Json));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (name, content) in [("compare.html", &html), ("compare.md", &markdown), ("compare.txt", &text)] {
        fs::write(folder.join(name), content).unwrap();
    }
    assert!(text.starts_with("Regressed: ") && markdown.contains("# meshload compare: Regressed"));
    assert!(html.contains("Regressed") && json.contains("\"verdict\": \"regressed\""));
    for page in [&markdown, &html] {
        assert!(!page.contains("<script") && !page.contains('\u{2028}'));
    }
    assert!(!text.contains('\u{2028}') && !text.lines().any(|line| line.trim_start().starts_with("::")));
    assert!(!markdown.contains("@all"));
}
