//! The forecast of the server's load for other numbers and sizes of rooms, measured or by the growth model.

use crate::capacity::model::{GrowthKind, Model};
use crate::capacity::probe::{Probe, ProbeVerdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One row of the forecast. Rates are the server's while the rooms arrive, in the time that they took here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastCell {
    pub rooms: u64,
    pub room_size: u64,
    pub edges: u64,
    pub frames_in_per_second: f64,
    pub frames_out_per_second: f64,
    pub mbit_out_per_second: f64,
    /// True if a probe ran with this size; otherwise the figures are the model's.
    pub measured: bool,
    /// True for a population outside of the measured range.
    pub extrapolated: bool,
}

/// Forecasts half, once and twice the rooms of the largest load that held, in rooms of several sizes. Empty without a
/// held probe that came up whole.
pub fn forecast(probes: &[Probe], model: &Model, limit: Option<f64>) -> Vec<ForecastCell> {
    let whole = probes.iter().filter(|probe| probe.is_whole());
    let Some(base) = whole
        .filter(|probe| probe.verdict == ProbeVerdict::Held)
        .filter(|probe| limit.is_none_or(|limit| probe.load <= limit))
        .max_by(|one, other| one.load.total_cmp(&other.load))
    else {
        return vec![];
    };
    let own_size = base.room_size.round().max(2.0) as u64;
    let mut sizes = vec![2, 4, 8, 16, own_size];
    sizes.sort_unstable();
    sizes.dedup();
    let rooms = [base.rooms.div_ceil(2), base.rooms, base.rooms.saturating_mul(2)];
    let cells = sizes.iter().flat_map(|size| rooms.iter().map(|rooms| cell(probes, base, model, *rooms, *size)));
    let mut cells: Vec<ForecastCell> = cells.flatten().collect();
    cells.dedup_by_key(|cell| (cell.rooms, cell.room_size));
    cells
}

fn cell(probes: &[Probe], base: &Probe, model: &Model, rooms: u64, size: u64) -> Option<ForecastCell> {
    let peers = rooms.saturating_mul(size);
    let edges = rooms.saturating_mul(size * (size - 1) / 2);
    let measured = probes
        .iter()
        .find(|probe| probe.is_whole() && probe.rooms == rooms && (probe.room_size - size as f64).abs() < 0.01);
    let growth = &model.fan_out;
    let extrapolated = measured.is_none() && !growth.is_measured(peers as f64);
    let (frames_in, frames_out, mbit_out) = match measured {
        Some(probe) => (probe.frames_in_per_second?, probe.frames_out_per_second?, probe.mbit_out_per_second?),
        None => {
            // Frames are assumed to grow with the edges, since most of them are part of a handshake.
            let frames_in = base.frames_in_per_second? * edges as f64 / base.edges_planned.max(1) as f64;
            let reach = match growth.kind {
                GrowthKind::Population => growth.at(peers as f64).max(1.0) / growth.at(base.peers as f64).max(1.0),
                GrowthKind::Room => (size - 1) as f64 / (base.room_size - 1.0).max(1.0),
                GrowthKind::Constant | GrowthKind::Unknown => 1.0,
            };
            let per_frame_in = base.frames_out_per_second? / base.frames_in_per_second?.max(1e-9);
            let frames_out = frames_in * per_frame_in * reach;
            let mbit_per_frame = base.mbit_out_per_second? / base.frames_out_per_second?.max(1e-9);
            (frames_in, frames_out, frames_out * mbit_per_frame)
        }
    };
    Some(ForecastCell {
        rooms,
        room_size: size,
        edges,
        frames_in_per_second: frames_in,
        frames_out_per_second: frames_out,
        mbit_out_per_second: mbit_out,
        measured: measured.is_some(),
        extrapolated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::model::model;
    use crate::summary::Summary;

    fn probe(rooms: u64, fan_out: f64) -> Probe {
        let mut probe = Probe::of(rooms as f64, ProbeVerdict::Held, &Summary::default(), vec![]);
        (probe.rooms, probe.room_size, probe.peers) = (rooms, 4.0, rooms * 4);
        (probe.edges_planned, probe.edges_opened) = (rooms * 6, rooms * 6);
        probe.fan_out = Some(fan_out);
        probe.frames_in_per_second = Some(rooms as f64 * 10.0);
        probe.frames_out_per_second = Some(rooms as f64 * 10.0 * fan_out);
        probe.mbit_out_per_second = Some(rooms as f64 * 0.01 * fan_out);
        probe
    }

    /// Checks the frames out per second of `rooms` rooms of `size`, after 10 to 80 rooms of 4 were measured.
    fn check(fan_out: impl Fn(u64) -> f64, rooms: u64, size: u64, expected: f64) {
        let probes = [10, 20, 40, 80].map(|rooms| probe(rooms, fan_out(rooms * 4)));
        let cells = forecast(&probes, &model(&probes), None);
        let cell = cells.iter().find(|cell| (cell.rooms, cell.room_size) == (rooms, size)).unwrap();
        assert!((cell.frames_out_per_second / expected - 1.0).abs() < 0.01, "{cell:?}");
        assert_eq!(
            (cell.measured, cell.extrapolated),
            (rooms <= 80 && size == 4, rooms * size > 336 || rooms * size < 38)
        );
    }

    #[test]
    fn twice_the_rooms_are_twice_the_frames_where_rooms_are_addressed() {
        check(|_| 3.0, 80, 4, 2_400.0);
        check(|_| 3.0, 160, 4, 4_800.0);
    }

    #[test]
    fn twice_the_rooms_are_four_times_the_frames_of_a_broadcast() {
        check(|peers| peers as f64, 80, 4, 256_000.0);
        check(|peers| peers as f64, 160, 4, 1_024_000.0);
    }

    #[test]
    fn larger_rooms_cost_their_edges_and_their_reach() {
        // 28 edges instead of 6, and 7 receivers per frame instead of 3.
        check(|_| 3.0, 40, 8, 40.0 * 10.0 * 28.0 / 6.0 * 7.0);
    }

    #[test]
    fn nothing_measured_has_no_outlook() {
        assert!(forecast(&[], &model(&[]), None).is_empty());
    }
}
