//! The search: grow until it breaks, halve the gap, then ask the edge again with other seeds.

/// How many held trials make the limit: the first, and two that confirm it.
const HELD_MIN: usize = 3;

/// How many broken trials make the edge above it: one may have been bad luck.
const BROKE_MIN: usize = 2;

/// A load whose trials are still even by then counts as broken.
const TRIALS_MAX: usize = 5;

/// Not valid this often, and never valid: this machine can't carry the load.
const NOT_VALID_MAX: usize = 2;

const GROWTH: f64 = 2.0;

/// The loads that may be tried, and how finely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadRange {
    pub from: f64,
    pub to: f64,
    /// Rooms and peers come in whole numbers.
    pub whole: bool,
    /// The gap that is narrow enough, as a share of the load.
    pub resolution: f64,
}

/// What one probe said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeOutcome {
    Held,
    Broke,
    /// The generator was strained: nothing is known of the target.
    NotValid,
    /// This machine can't carry the load at all, so it was not tried.
    Beyond,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// `attempt` counts the trials of this load from 0: each wants a seed of its own.
    Probe {
        load: f64,
        attempt: usize,
    },
    Over,
}

/// What is known: the largest load that held, and what stopped the search above it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ends {
    pub held: Option<f64>,
    pub broke: Option<f64>,
    /// The lowest load that this machine could not make.
    pub out_of_reach: Option<f64>,
}

/// All trials so far; what to do next follows from them alone.
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
    /// Even, or not known at all.
    Open,
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
            self.trials.iter().rev().map(|(load, _)| *load).find(|load| self.standing(*load) == LoadVerdict::Open);
        if let Some(load) = open {
            return self.probe(load);
        }
        let Ends { held, broke, out_of_reach } = self.ends();
        let wall = [broke, out_of_reach].into_iter().flatten().reduce(f64::min);
        match (held, wall) {
            (None, None) => self.probe(self.range.from),
            (None, Some(wall)) => self.confirm_wall(wall),
            (Some(held), None) if held >= self.range.to => self.confirm_limit(held, None),
            (Some(held), None) => self.probe(self.snap(held * GROWTH)),
            (Some(held), Some(wall)) => match self.between(held, wall) {
                Some(load) => self.probe(load),
                None => self.confirm_limit(held, Some(wall)),
            },
        }
    }

    /// The bracket as it is now. What broke or was out of reach below a load that held is no end of it,
    /// and what held above an end is not believed.
    pub fn ends(&self) -> Ends {
        let lowest = |is: fn(&LoadVerdict) -> bool| {
            let loads = self.trials.iter().map(|(load, _)| *load);
            loads.filter(|load| is(&self.standing(*load))).reduce(f64::min)
        };
        let broke = lowest(|standing| matches!(standing, LoadVerdict::Broke(_)));
        let out_of_reach = lowest(|standing| *standing == LoadVerdict::OutOfReach);
        let wall = [broke, out_of_reach].into_iter().flatten().fold(f64::INFINITY, f64::min);
        let loads = self.trials.iter().map(|(load, _)| *load);
        let held = loads.filter(|load| *load < wall && matches!(self.standing(*load), LoadVerdict::Held(_)));
        Ends { held: held.reduce(f64::max), broke, out_of_reach }
    }

    /// How many trials of `load` held.
    pub fn held_at(&self, load: f64) -> usize {
        self.count(load, ProbeOutcome::Held)
    }

    fn confirm_limit(&self, held: f64, wall: Option<f64>) -> Next {
        match self.standing(held) {
            LoadVerdict::Held(trials) if trials < HELD_MIN && self.trials_of(held) < TRIALS_MAX => self.probe(held),
            _ => wall.map_or(Next::Over, |wall| self.confirm_wall(wall)),
        }
    }

    fn confirm_wall(&self, wall: f64) -> Next {
        match self.standing(wall) {
            LoadVerdict::Broke(trials) if trials < BROKE_MIN && self.trials_of(wall) < TRIALS_MAX => self.probe(wall),
            _ => Next::Over,
        }
    }

    fn probe(&self, load: f64) -> Next {
        Next::Probe { load, attempt: self.trials_of(load) }
    }

    fn standing(&self, load: f64) -> LoadVerdict {
        let (held, broke) = (self.count(load, ProbeOutcome::Held), self.count(load, ProbeOutcome::Broke));
        let spent = self.trials_of(load) >= TRIALS_MAX;
        match (held, broke) {
            (0, 0) if self.count(load, ProbeOutcome::Beyond) > 0 => LoadVerdict::OutOfReach,
            (0, 0) if self.count(load, ProbeOutcome::NotValid) >= NOT_VALID_MAX => LoadVerdict::OutOfReach,
            (held, broke) if held > broke => LoadVerdict::Held(held),
            (held, broke) if broke > held || (spent && broke > 0) => LoadVerdict::Broke(broke),
            _ => LoadVerdict::Open,
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

    /// A load that parts the gap by its geometric mean; none if it is narrow enough.
    fn between(&self, held: f64, wall: f64) -> Option<f64> {
        let narrow = wall <= held * (1.0 + self.range.resolution) || (self.range.whole && wall - held <= 1.0);
        let load = self.snap((held * wall).sqrt());
        (!narrow && load > held && load < wall).then_some(load)
    }
}

#[cfg(test)]
mod tests;
