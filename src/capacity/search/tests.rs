//! Searches against targets whose limit is known.

use super::{Ends, LoadRange, Next, ProbeOutcome, Search};
use crate::vocabulary::Seed;
use proptest::prelude::*;
use rand::RngExt;

const WHOLE: LoadRange = LoadRange { from: 1.0, to: 5_000.0, whole: true, resolution: 0.05 };

/// The most probes of any search.
const PROBES_MAX: usize = 100;

/// Searches to the end; returns the ends and the number of probes.
fn play(range: LoadRange, mut target: impl FnMut(f64, usize) -> ProbeOutcome) -> (Ends, usize) {
    let mut search = Search::new(range);
    for probes in 0..PROBES_MAX {
        match search.next() {
            Next::Probe { load, attempt } => {
                assert!((range.from..=range.to).contains(&load), "{load} lies outside of {range:?}");
                search.record(load, target(load, attempt));
            }
            Next::Over => return (search.ends(), probes),
        }
    }
    panic!("no end after {PROBES_MAX} probes: {search:?}");
}

fn up_to(limit: f64) -> impl Fn(f64, usize) -> ProbeOutcome {
    move |load, _| if load <= limit { ProbeOutcome::Held } else { ProbeOutcome::Broke }
}

fn ends(held: f64, broke: f64) -> Ends {
    Ends { held: Some(held), broke: Some(broke), out_of_reach: None }
}

#[test]
fn it_grows_halves_and_confirms() {
    let mut loads = vec![];
    let (found, _) = play(WHOLE, |load, attempt| {
        loads.push((load, attempt));
        up_to(100.0)(load, attempt)
    });
    assert_eq!(found, ends(99.0, 103.0));
    let grown = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0].map(|load| (load, 0));
    let halved = [91.0, 108.0, 99.0, 103.0].map(|load| (load, 0));
    let confirmed = [(99.0, 1), (99.0, 2), (103.0, 1)];
    assert_eq!(loads, [&grown[..], &halved, &confirmed].concat());
}

#[test]
fn a_target_that_breaks_at_once_is_asked_twice() {
    let (found, probes) = play(WHOLE, up_to(0.0));
    assert_eq!((found, probes), (Ends { broke: Some(1.0), ..Ends::default() }, 2));
}

#[test]
fn a_target_without_a_limit_ends_at_the_range_confirmed() {
    let range = LoadRange { from: 10.0, to: 30.0, ..WHOLE };
    let (found, probes) = play(range, up_to(f64::INFINITY));
    assert_eq!((found, probes), (Ends { held: Some(30.0), ..Ends::default() }, 5));
}

#[test]
fn what_the_generator_can_t_make_says_nothing_about_the_target() {
    let (found, _) = play(WHOLE, |load, _| if load <= 200.0 { ProbeOutcome::Held } else { ProbeOutcome::NotValid });
    let wall = found.out_of_reach.unwrap();
    assert!(found.broke.is_none() && (191.0..=200.0).contains(&found.held.unwrap()) && wall > 200.0, "{found:?}");
    let (found, probes) = play(WHOLE, |_, _| ProbeOutcome::NotValid);
    assert_eq!((found.held, probes), (None, 2));
    let (found, probes) = play(WHOLE, |_, _| ProbeOutcome::Beyond);
    assert_eq!((found.held, probes), (None, 1));
}

#[test]
fn one_probe_that_was_not_valid_is_tried_again() {
    let (found, _) =
        play(WHOLE, |load, attempt| if attempt == 0 { ProbeOutcome::NotValid } else { up_to(100.0)(load, attempt) });
    assert_eq!(found, ends(99.0, 103.0));
}

#[test]
fn one_unlucky_probe_far_below_the_limit_does_not_end_the_growth() {
    let unlucky =
        |load: f64, attempt| if load == 16.0 && attempt == 0 { ProbeOutcome::Broke } else { up_to(100.0)(load, 0) };
    let (found, _) = play(WHOLE, unlucky);
    assert_eq!(found, ends(99.0, 103.0));
}

#[test]
fn one_lucky_probe_above_the_limit_is_not_believed() {
    let lucky =
        |load: f64, attempt| if load == 128.0 && attempt == 0 { ProbeOutcome::Held } else { up_to(100.0)(load, 0) };
    let found = play(WHOLE, lucky).0.held.unwrap();
    assert!((90.0..=100.0).contains(&found), "{found}");
}

/// True if the limit is found within `tolerance`, where it moves by up to `noise` from probe to probe and one probe in
/// `flips_one_in` has the opposite outcome.
fn finds(seed: u64, noise: f64, flips_one_in: u32, tolerance: f64) -> bool {
    let mut draws = Seed(seed).stream("noisy edge", 0);
    let limit = draws.random_range(20.0..2_000.0_f64);
    let (found, _) = play(WHOLE, |load, _| {
        let edge = limit * (1.0 + draws.random_range(-noise..=noise));
        let flipped = flips_one_in > 0 && draws.random_range(0..flips_one_in) == 0;
        if (load <= edge) != flipped { ProbeOutcome::Held } else { ProbeOutcome::Broke }
    });
    found.held.is_some_and(|held| (held / limit - 1.0).abs() <= tolerance)
}

#[test]
fn a_noisy_edge_is_found_within_fifteen_percent() {
    let lost: Vec<u64> = (0..500).filter(|seed| !finds(*seed, 0.1, 0, 0.15)).collect();
    assert!(lost.is_empty(), "seeds {lost:?}");
}

#[test]
fn probes_that_now_and_then_say_the_contrary_seldom_matter() {
    let lost = (0..500).filter(|seed| !finds(*seed, 0.05, 25, 0.15)).count();
    assert!(lost <= 25, "{lost} of 500");
}

proptest! {
    #[test]
    fn any_threshold_is_found_within_its_resolution(
        from in 1.0..50.0_f64,
        span in 1.0..1_000.0_f64,
        share in 0.0..1.2_f64,
        resolution in 0.01..0.3_f64,
        whole in any::<bool>(),
    ) {
        let from = if whole { from.round() } else { from };
        let to = if whole { (from * span).round() } else { from * span };
        let limit = from * span.powf(share);
        let range = LoadRange { from, to, whole, resolution };
        let (found, _) = play(range, up_to(limit));
        let held = found.held.unwrap();
        prop_assert!(held <= limit && held >= from);
        match found.broke {
            Some(broke) => {
                prop_assert!(broke > limit);
                prop_assert!(broke <= held * (1.0 + resolution) || (whole && broke - held <= 1.0), "{held} {broke}");
            }
            None => prop_assert_eq!(held, to),
        }
    }

    #[test]
    fn the_search_ends_whatever_the_target_says(seed in any::<u64>()) {
        let mut draws = Seed(seed).stream("chaos", 0);
        let outcomes = [ProbeOutcome::Held, ProbeOutcome::Broke, ProbeOutcome::NotValid, ProbeOutcome::Beyond];
        let (found, _) = play(WHOLE, |_, _| outcomes[draws.random_range(0..4)]);
        if let (Some(held), Some(broke)) = (found.held, found.broke) {
            prop_assert!(held < broke);
        }
    }
}
