//! The metrics of each scenario, in families of their own, so that a sum over a family counts nothing twice.

use super::MetricsSamples;
use super::family::Family;
use super::figures::{outcomes, rates, timer};
use crate::summary::{ScenarioFigures, Summary, TimerSamples, metric::TIMERS};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// `meshload_scenario_…` beside `meshload_…`, with the label `scenario`; none without `[[scenarios]]`.
pub(super) fn of_scenarios<'a>(summary: &Summary, samples: &'a MetricsSamples) -> Vec<Family<'a>> {
    let mut all: Vec<Family<'a>> = vec![];
    for (name, figures) in &summary.scenarios {
        static NOTHING: BTreeMap<String, TimerSamples> = BTreeMap::new();
        let own = of_scenario(name, figures, samples.scenarios.get(name).unwrap_or(&NOTHING));
        if all.is_empty() {
            all = own;
        } else {
            all.iter_mut().zip(own).for_each(|(all, own)| all.series.extend(own.series));
        }
    }
    all
}

fn of_scenario<'a>(
    name: &str,
    figures: &ScenarioFigures,
    timers: &'a BTreeMap<String, TimerSamples>,
) -> Vec<Family<'a>> {
    let help = "Of the rooms of one scenario; see `meshload explain`, warm-up left out.";
    let mut families: Vec<Family<'a>> = TIMERS
        .iter()
        .map(|timer_name| timer(format!("meshload_{timer_name}_seconds"), help, timer_name, timers))
        .collect();
    families.extend(outcomes(&figures.counts));
    families.extend(rates(&figures.rates, figures.amplification, figures.signaling_bytes_per_edge));
    for family in &mut families {
        family.name = Cow::Owned(family.name.replacen("meshload_", "meshload_scenario_", 1));
        family
            .series
            .iter_mut()
            .for_each(|series| series.labels.insert(0, (Cow::Borrowed("scenario"), name.to_owned())));
    }
    families
}
