//! The search for the largest load that holds: doubling, bisection, then repeats at both ends with other seeds.

/// The trials that must hold at the limit: the first, and two that confirm it.
const HELD_MIN: usize = 3;

/// The trials that must break at the load above the limit: a single one may be chance.
const BROKE_MIN: usize = 2;

/// The most trials of one load; with as many held as broken it counts as broken.
const TRIALS_MAX: usize = 5;

/// The trials, none of them valid, after which a load is out of this machine's reach.
const NOT_VALID_MAX: usize = 2;

const GROWTH: f64 = 2.0;

/// The range of loads to search, and the resolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadRange {
    pub from: f64,
    pub to: f64,
    /// True for loads that are whole numbers: rooms, peers.
    pub whole: bool,
    /// The gap at which the search ends, as a share of the load.
    pub resolution: f64,
}

/// The outcome of one probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeOutcome {
    Held,
    Broke,
    /// The run was not valid: the generator was overloaded, and nothing is known of the target.
    NotValid,
    /// The load was not tried, because this machine can't generate it.
    Beyond,
}

/// The next step of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// Run a probe. `attempt` counts the trials of this load from 0; each needs its own seed.
    Probe {
        load: f64,
        attempt: usize,
    },
    Over,
}

/// The largest load that held, and the loads above it that ended the search.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ends {
    pub held: Option<f64>,
    pub broke: Option<f64>,
    /// The lowest load that this machine could not generate.
    pub out_of_reach: Option<f64>,
}

/// A search, whose next step depends on its trials only.
#[derive(Clone, Debug)]
pub struct Search {
    range: LoadRange,
    trials: Vec<(f64, ProbeOutcome)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoadVerdict {
    Held(usize),
    Broke(usize),
    OutOfReach,
    /// Undecided: as many held as broke.
    Undecided,
}

impl Search {
    pub fn new(range: LoadRange) -> Self {
        Self { range, trials: vec![] }
    }

    pub fn record(&mut self, load: f64, outcome: ProbeOutcome) {
        self.trials.push((load, outcome));
    }

    pub fn next(&self) -> Next {
        let open =
            self.trials.iter().rev().map(|(load, _)| *load).find(|load| self.verdict(*load) == LoadVerdict::Undecided);
        if let Some(load) = open {
            return self.probe(load);
        }
        let Ends { held, broke, out_of_reach } = self.ends();
        let ceiling = [broke, out_of_reach].into_iter().flatten().reduce(f64::min);
        match (held, ceiling) {
            (None, None) => self.probe(self.range.from),
            (None, Some(ceiling)) => self.confirm_ceiling(ceiling),
            (Some(held), None) if held >= self.range.to => self.confirm_limit(held, None),
            (Some(held), None) => self.probe(self.snap(held * GROWTH)),
            (Some(held), Some(ceiling)) => match self.between(held, ceiling) {
                Some(load) => self.probe(load),
                None => self.confirm_limit(held, Some(ceiling)),
            },
        }
    }

    /// The current bracket. Loads that held above the lowest one that broke or was out of reach do not count.
    pub fn ends(&self) -> Ends {
        let lowest = |is: fn(&LoadVerdict) -> bool| {
            let loads = self.trials.iter().map(|(load, _)| *load);
            loads.filter(|load| is(&self.verdict(*load))).reduce(f64::min)
        };
        let broke = lowest(|verdict| matches!(verdict, LoadVerdict::Broke(_)));
        let out_of_reach = lowest(|verdict| *verdict == LoadVerdict::OutOfReach);
        let ceiling = [broke, out_of_reach].into_iter().flatten().fold(f64::INFINITY, f64::min);
        let loads = self.trials.iter().map(|(load, _)| *load);
        let held = loads.filter(|load| *load < ceiling && matches!(self.verdict(*load), LoadVerdict::Held(_)));
        Ends { held: held.reduce(f64::max), broke, out_of_reach }
    }

    /// The number of trials of `load` that held.
    pub fn held_at(&self, load: f64) -> usize {
        self.count(load, ProbeOutcome::Held)
    }

    fn confirm_limit(&self, held: f64, ceiling: Option<f64>) -> Next {
        match self.verdict(held) {
            LoadVerdict::Held(trials) if trials < HELD_MIN && self.trials_of(held) < TRIALS_MAX => self.probe(held),
            _ => ceiling.map_or(Next::Over, |ceiling| self.confirm_ceiling(ceiling)),
        }
    }

    fn confirm_ceiling(&self, ceiling: f64) -> Next {
        match self.verdict(ceiling) {
            LoadVerdict::Broke(trials) if trials < BROKE_MIN && self.trials_of(ceiling) < TRIALS_MAX => {
                self.probe(ceiling)
            }
            _ => Next::Over,
        }
    }

    fn probe(&self, load: f64) -> Next {
        Next::Probe { load, attempt: self.trials_of(load) }
    }

    fn verdict(&self, load: f64) -> LoadVerdict {
        let (held, broke) = (self.count(load, ProbeOutcome::Held), self.count(load, ProbeOutcome::Broke));
        let spent = self.trials_of(load) >= TRIALS_MAX;
        match (held, broke) {
            (0, 0) if self.count(load, ProbeOutcome::Beyond) > 0 => LoadVerdict::OutOfReach,
            (0, 0) if self.count(load, ProbeOutcome::NotValid) >= NOT_VALID_MAX => LoadVerdict::OutOfReach,
            (held, broke) if held > broke => LoadVerdict::Held(held),
            (held, broke) if broke > held || (spent && broke > 0) => LoadVerdict::Broke(broke),
            _ => LoadVerdict::Undecided,
        }
    }

    fn count(&self, load: f64, outcome: ProbeOutcome) -> usize {
        self.trials.iter().filter(|trial| **trial == (load, outcome)).count()
    }

    fn trials_of(&self, load: f64) -> usize {
        self.trials.iter().filter(|(tried, _)| *tried == load).count()
    }

    fn snap(&self, load: f64) -> f64 {
        let load = if self.range.whole { load.round() } else { load };
        load.clamp(self.range.from, self.range.to)
    }

    /// The geometric mean of the gap; `None` if the gap is narrow enough.
    fn between(&self, held: f64, ceiling: f64) -> Option<f64> {
        let narrow = ceiling <= held * (1.0 + self.range.resolution) || (self.range.whole && ceiling - held <= 1.0);
        let load = self.snap((held * ceiling).sqrt());
        (!narrow && load > held && load < ceiling).then_some(load)
    }
}

#[cfg(test)]
mod tests;
