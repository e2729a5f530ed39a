//! The growth of the server's work per frame and edge: constant, with the room or with the population, fitted to probes.

use crate::capacity::probe::Probe;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The quantity with which a cost per unit grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrowthKind {
    /// None: the cost per unit is constant, and the total linear.
    Constant,
    /// The number of other peers in the room.
    Room,
    /// The number of connected peers: the total is quadratic.
    Population,
    /// Unknown: the probes do not determine it.
    Unknown,
}

/// A fit of a cost per unit to the population, `constant + slope × peers`, compared with a constant fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Growth {
    pub kind: GrowthKind,
    pub points: usize,
    /// The parameters of the better fit; the slope of a constant is 0.
    pub constant: f64,
    pub slope: f64,
    /// The power of the population with which the cost grows, with its 95 % interval: 0 is constant, 1 linear.
    pub exponent: Option<f64>,
    pub exponent_low: Option<f64>,
    pub exponent_high: Option<f64>,
    /// Akaike's information criterion, corrected for few points, of both fits: the lower fits better.
    pub aicc_constant: Option<f64>,
    pub aicc_linear: Option<f64>,
    /// The range of measured populations, in peers; the fit extrapolates beyond it.
    pub peers_min: f64,
    pub peers_max: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// Receivers of each frame that a peer sent.
    pub fan_out: Growth,
    /// CPU time of the target per edge, in microseconds; absent without `--target-pid`.
    pub cpu_us_per_edge: Option<Growth>,
    /// The conclusions, in sentences.
    pub says: Vec<String>,
}

/// The least number of points for a fit.
const POINTS_MIN: usize = 4;
/// The least ratio of the largest to the smallest population for a fit.
const SPAN_MIN: f64 = 2.0;
/// The least relative error that is assumed of a figure.
const EXACT: f64 = 0.01;
/// The least relative change of the cost, over the measured range, that counts as growth.
const CHANGE_MIN: f64 = 0.2;

/// Fits the growth of fan-out and CPU to the probes that came up whole.
pub fn model(probes: &[Probe]) -> Model {
    let whole: Vec<&Probe> = probes.iter().filter(|probe| probe.is_whole()).collect();
    let series = |of: fn(&Probe) -> Option<f64>| -> Vec<(f64, f64)> {
        whole.iter().filter_map(|probe| Some((probe.peers as f64, of(probe)?))).collect()
    };
    let fan_out = fan_out_kind(growth(&series(|probe| probe.fan_out)), &whole);
    let cpu = series(|probe| probe.target.as_ref()?.cpu_us_per_edge);
    let cpu_us_per_edge = (!cpu.is_empty()).then(|| growth(&cpu));
    let says = sentences(&fan_out, cpu_us_per_edge.as_ref(), &whole);
    Model { fan_out, cpu_us_per_edge, says }
}

/// Corrects the kind of a fan-out's growth. A frame with no more receivers than its room has other peers stays in the
/// room even if the fan-out grows: a server that lags reaches more of a room, since more peers have joined by then.
fn fan_out_kind(fan_out: Growth, whole: &[&Probe]) -> Growth {
    let reaches = || whole.iter().filter_map(|probe| Some((probe.fan_out?, (probe.room_size - 1.0).max(1.0))));
    let beyond_the_room = reaches().any(|(reach, others)| reach > 1.1 * others);
    let widest = reaches().map(|(reach, _)| reach).fold(0.0, f64::max);
    let sizes = || whole.iter().map(|probe| probe.room_size);
    let one_size = sizes().fold(0.0, f64::max) < 1.05 * sizes().fold(f64::INFINITY, f64::min);
    match fan_out.kind {
        GrowthKind::Population if !beyond_the_room && one_size => {
            Growth { kind: GrowthKind::Room, constant: widest, slope: 0.0, ..fan_out }
        }
        GrowthKind::Population if !beyond_the_room => Growth { kind: GrowthKind::Room, ..fan_out },
        GrowthKind::Constant if fan_out.constant > 1.5 => Growth { kind: GrowthKind::Room, ..fan_out },
        _ => fan_out,
    }
}

fn sentences(fan_out: &Growth, cpu: Option<&Growth>, whole: &[&Probe]) -> Vec<String> {
    let power = exponent_in_words(fan_out);
    let measured = format!("{:.0} to {:.0} peers", fan_out.peers_min, fan_out.peers_max);
    let mut sentences = vec![match fan_out.kind {
        GrowthKind::Population => format!(
            "each frame said reaches a share of everybody connected{power}, measured from {measured}: the server \
             broadcasts, and its total work is quadratic in the population"
        ),
        GrowthKind::Room => format!(
            "each frame said reaches up to {:.1} peers, no more than its room has{power}, measured from {measured}: the \
             server addresses the room, and its total work is linear in the number of rooms",
            fan_out.at(fan_out.peers_max)
        ),
        GrowthKind::Constant => format!(
            "each frame said reaches {:.1} peers whatever the population{power}, measured from {measured}: the server \
             addresses the one it is for, and its total work is linear in the number of edges",
            fan_out.constant
        ),
        GrowthKind::Unknown => format!(
            "how the work grows can't be told from {} probes over {measured}; it takes {POINTS_MIN} that came up \
             whole, over populations a factor of {SPAN_MIN} apart",
            fan_out.points
        ),
    }];
    if fan_out.kind != GrowthKind::Population
        && let Some(share) =
            whole.iter().filter_map(|probe| probe.notices_share).reduce(f64::max).filter(|share| *share > 0.3)
    {
        sentences.push(format!(
            "up to {:.0} % of all frames that the server sent are its own notices, which nobody said: where they go to \
             everybody, their number is quadratic in the population",
            share * 100.0
        ));
    }
    match cpu {
        Some(Growth { kind: GrowthKind::Constant, constant, .. }) => {
            sentences.push(format!("the target spends {constant:.0} µs of CPU an edge whatever the population"));
        }
        Some(cpu @ Growth { kind: GrowthKind::Population | GrowthKind::Room, .. }) => sentences.push(format!(
            "the target's CPU an edge grows with the population{}: {:.0} µs at {:.0} peers, {:.0} µs at {:.0}",
            exponent_in_words(cpu),
            cpu.at(cpu.peers_min),
            cpu.peers_min,
            cpu.at(cpu.peers_max),
            cpu.peers_max
        )),
        Some(Growth { kind: GrowthKind::Unknown, .. }) | None => {}
    }
    sentences
}

fn exponent_in_words(growth: &Growth) -> String {
    match (growth.exponent, growth.exponent_low, growth.exponent_high) {
        (Some(power), Some(low), Some(high)) => {
            format!(" (power {power:.2} of it, 95 % interval {low:.2} to {high:.2})")
        }
        _ => String::new(),
    }
}

impl Growth {
    /// The fitted cost at a population.
    pub fn at(&self, peers: f64) -> f64 {
        self.constant + self.slope * peers
    }

    pub fn is_measured(&self, peers: f64) -> bool {
        (self.peers_min * 0.95..=self.peers_max * 1.05).contains(&peers)
    }
}

/// Selects the better of both fits, `Constant` or `Population`; `Unknown` with too few or too close points.
fn growth(points: &[(f64, f64)]) -> Growth {
    let points: Vec<(f64, f64)> = points.iter().copied().filter(|(x, y)| *x > 0.0 && *y > 0.0).collect();
    let peers_min = points.iter().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
    let peers_max = points.iter().map(|(x, _)| *x).fold(0.0, f64::max);
    let mean = points.iter().map(|(_, y)| *y).sum::<f64>() / points.len().max(1) as f64;
    let unknown = Growth {
        kind: GrowthKind::Unknown,
        points: points.len(),
        constant: mean,
        slope: 0.0,
        exponent: None,
        exponent_low: None,
        exponent_high: None,
        aicc_constant: None,
        aicc_linear: None,
        peers_min: if points.is_empty() { 0.0 } else { peers_min },
        peers_max,
    };
    if points.len() < POINTS_MIN || peers_max < SPAN_MIN * peers_min {
        return unknown;
    }
    // Residuals are relative: the error of a cost grows with the cost.
    let weighted: Vec<(f64, f64, f64)> = points.iter().map(|(x, y)| (*x, *y, 1.0 / (y * y))).collect();
    let (flat, flat_error) = constant_fit(&weighted);
    let line = line_fit(&weighted);
    let (aicc_constant, aicc_linear) = (aicc(points.len(), 1, flat_error), aicc(points.len(), 2, line.error));
    let logs: Vec<(f64, f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln(), 1.0)).collect();
    let power = line_fit(&logs);
    let margin = student_975(points.len() - 2) * power.slope_error;
    let change = line.slope * (peers_max - peers_min) / mean;
    let grows = aicc_linear < aicc_constant && change > CHANGE_MIN && power.slope - margin > 0.0;
    let (kind, constant, slope) =
        if grows { (GrowthKind::Population, line.constant, line.slope) } else { (GrowthKind::Constant, flat, 0.0) };
    Growth {
        kind,
        constant,
        slope,
        exponent: Some(power.slope),
        exponent_low: Some(power.slope - margin),
        exponent_high: Some(power.slope + margin),
        aicc_constant: Some(aicc_constant),
        aicc_linear: Some(aicc_linear),
        ..unknown
    }
}

struct LinearFit {
    constant: f64,
    slope: f64,
    slope_error: f64,
    /// The weighted sum of squared residuals.
    error: f64,
}

fn constant_fit(points: &[(f64, f64, f64)]) -> (f64, f64) {
    let weights: f64 = points.iter().map(|(_, _, weight)| weight).sum();
    let level = points.iter().map(|(_, y, weight)| weight * y).sum::<f64>() / weights;
    (level, points.iter().map(|(_, y, weight)| weight * (y - level).powi(2)).sum())
}

/// A weighted least squares fit; the x must differ.
fn line_fit(points: &[(f64, f64, f64)]) -> LinearFit {
    let sum = |of: &dyn Fn(&(f64, f64, f64)) -> f64| points.iter().map(of).sum::<f64>();
    let weights = sum(&|(_, _, weight)| *weight);
    let (x_mean, y_mean) = (sum(&|(x, _, weight)| weight * x) / weights, sum(&|(_, y, weight)| weight * y) / weights);
    let spread = sum(&|(x, _, weight)| weight * (x - x_mean).powi(2));
    let slope = sum(&|(x, y, weight)| weight * (x - x_mean) * (y - y_mean)) / spread;
    let constant = y_mean - slope * x_mean;
    let error = sum(&|(x, y, weight)| weight * (y - constant - slope * x).powi(2));
    let freedom = points.len().saturating_sub(2).max(1) as f64;
    LinearFit { constant, slope, slope_error: (error / freedom / spread).sqrt(), error }
}

/// Akaike's information criterion of a least squares fit, with the residuals' variance as one more parameter.
fn aicc(points: usize, parameters: usize, error: f64) -> f64 {
    let (n, k) = (points as f64, parameters as f64 + 1.0);
    let floor = n * EXACT * EXACT;
    let correction = if n - k - 1.0 > 0.0 { 2.0 * k * (k + 1.0) / (n - k - 1.0) } else { 2.0 * k * (k + 1.0) };
    n * (error.max(floor) / n).ln() + 2.0 * k + correction
}

/// The 97.5 % quantile of Student's t.
fn student_975(freedom: usize) -> f64 {
    const TABLE: [f64; 12] = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18];
    match freedom {
        0 => f64::INFINITY,
        1..=12 => TABLE[freedom - 1],
        // Accurate to 0.3 % (Abramowitz and Stegun 26.7.5, first term).
        more => 1.96 + 2.37 / more as f64,
    }
}

#[cfg(test)]
mod tests;
