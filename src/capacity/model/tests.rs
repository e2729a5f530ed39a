//! Growth models of servers whose growth is known, from noisy measurements.

use super::{GrowthKind, growth, model};
use crate::capacity::probe::{Probe, ProbeVerdict};
use crate::summary::Summary;
use crate::vocabulary::Seed;
use rand::RngExt;

/// The populations of a search.
const PEERS: [f64; 8] = [20.0, 40.0, 80.0, 160.0, 226.0, 268.0, 292.0, 320.0];

/// The kind found for a cost with relative noise of up to `noise`, on each of many seeds.
fn check(cost: impl Fn(f64) -> f64, noise: f64, expected: GrowthKind) {
    for seed in 0..200 {
        let mut draws = Seed(seed).stream("model", 0);
        let points: Vec<_> =
            PEERS.iter().map(|peers| (*peers, cost(*peers) * (1.0 + draws.random_range(-noise..=noise)))).collect();
        assert_eq!(growth(&points).kind, expected, "seed {seed}: {points:?}");
    }
}

#[test]
fn a_constant_cost_is_told_from_a_growing_one() {
    check(|_| 3.0, 0.1, GrowthKind::Constant);
    check(|peers| 0.6 * peers, 0.1, GrowthKind::Population);
    check(|peers| 20.0 + 0.3 * peers, 0.1, GrowthKind::Population);
}

#[test]
fn exact_figures_are_no_trouble() {
    check(|_| 3.0, 0.0, GrowthKind::Constant);
    check(|peers| peers - 1.0, 0.0, GrowthKind::Population);
    let line = growth(&PEERS.map(|peers| (peers, 5.0 + 2.0 * peers)));
    assert!((line.constant - 5.0).abs() < 1e-6 && (line.slope - 2.0).abs() < 1e-9, "{line:?}");
    let power = growth(&PEERS.map(|peers| (peers, 2.0 * peers)));
    assert!((power.exponent.unwrap() - 1.0).abs() < 1e-9 && power.exponent_low.unwrap() > 0.99, "{power:?}");
}

#[test]
fn few_points_or_close_ones_tell_nothing() {
    assert_eq!(growth(&[]).kind, GrowthKind::Unknown);
    assert_eq!(growth(&[(20.0, 1.0), (40.0, 2.0), (80.0, 4.0)]).kind, GrowthKind::Unknown);
    assert_eq!(growth(&[(100.0, 1.0), (110.0, 2.0), (120.0, 3.0), (130.0, 4.0)]).kind, GrowthKind::Unknown);
}

/// A probe of `rooms` × `size` whose frames reach `fan_out` peers.
fn probe(rooms: u64, size: u64, fan_out: f64) -> Probe {
    let mut probe = Probe::of(rooms as f64, ProbeVerdict::Held, &Summary::default(), vec![]);
    (probe.rooms, probe.room_size, probe.peers) = (rooms, size as f64, rooms * size);
    (probe.edges_planned, probe.edges_opened) = (100, 100);
    probe.fan_out = Some(fan_out);
    probe
}

fn check_model(probes: &[Probe], expected: GrowthKind, words: &str) {
    let model = model(probes);
    assert_eq!(model.fan_out.kind, expected, "{model:?}");
    assert!(model.says[0].contains(words), "{:?}", model.says);
}

#[test]
fn a_broadcast_is_named_quadratic_and_an_addressed_room_is_not() {
    let rooms = [5, 10, 20, 40, 60];
    check_model(&rooms.map(|rooms| probe(rooms, 4, 0.6 * (rooms * 4) as f64)), GrowthKind::Population, "quadratic");
    check_model(&rooms.map(|rooms| probe(rooms, 4, 2.9)), GrowthKind::Room, "linear in the number of rooms");
    check_model(&rooms.map(|rooms| probe(rooms, 4, 1.0)), GrowthKind::Constant, "linear in the number of edges");
}

/// As measured on an addressing server near its limit: rooms wait, so more of their peers are there to receive.
#[test]
fn a_room_that_fills_before_it_is_served_is_no_broadcast() {
    let reaches = [(8, 2.06), (16, 2.06), (23, 2.06), (27, 2.06), (29, 2.36), (30, 2.44), (31, 2.46), (32, 2.47)];
    check_model(&reaches.map(|(rooms, reach)| probe(rooms, 4, reach)), GrowthKind::Room, "addresses the room");
}

#[test]
fn larger_rooms_are_told_from_a_larger_population() {
    let sizes = [2, 4, 8, 16, 24];
    check_model(&sizes.map(|size| probe(10, size, size as f64 - 1.0)), GrowthKind::Room, "addresses the room");
    check_model(&sizes.map(|size| probe(10, size, 0.7 * (10 * size) as f64)), GrowthKind::Population, "broadcasts");
}

#[test]
fn a_probe_that_did_not_come_up_is_no_point() {
    let mut probes = [5, 10, 20, 40, 60].map(|rooms| probe(rooms, 4, 2.9));
    probes[4].edges_opened = 50;
    probes[4].fan_out = Some(40.0);
    assert_eq!(model(&probes).fan_out.points, 4);
}
