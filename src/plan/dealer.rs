//! The deal of a run's rooms to its scenarios, room by room, and the sizes of the rooms.

use crate::profile::{Scenario, Size};
use crate::vocabulary::Seed;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Deals each room to the scenario that is furthest behind its share of the peers. At any time each scenario is within
/// one of its rooms of its share, and more rooms never change the first ones.
pub(super) struct Dealer {
    hands: Vec<Hand>,
}

/// One scenario with its next room.
struct Hand {
    share: f64,
    sizes: Size,
    draws: ChaCha8Rng,
    /// Size of the next room, drawn before it is dealt.
    next: u16,
    peers: u32,
}

/// A room as dealt.
pub(super) struct DealtRoom {
    pub scenario: usize,
    pub size: u16,
    /// Peers of the same scenario that were dealt before.
    pub peers_before: u32,
}

impl Dealer {
    pub(super) fn new(scenarios: &[Scenario], seed: Seed) -> Self {
        let hand = |(index, scenario): (usize, &Scenario)| {
            let (sizes, mut draws) = (scenario.rooms.size, seed.stream("room sizes", index as u64));
            let next = draw(sizes, &mut draws);
            Hand { share: scenario.share, sizes, draws, next, peers: 0 }
        };
        Self { hands: scenarios.iter().enumerate().map(hand).collect() }
    }

    /// The next room.
    pub(super) fn deal(&mut self) -> DealtRoom {
        // Half of the next room, so that the first room of a small share comes when its share is nearest.
        let level = |hand: &Hand| (f64::from(hand.peers) + f64::from(hand.next) / 2.0) / hand.share;
        let behind = self.hands.iter().enumerate().min_by(|(_, one), (_, other)| level(one).total_cmp(&level(other)));
        let scenario = behind.map_or(0, |(scenario, _)| scenario);
        let hand = &mut self.hands[scenario];
        let (size, peers_before) = (hand.next, hand.peers);
        hand.peers += u32::from(size);
        hand.next = draw(hand.sizes, &mut hand.draws);
        DealtRoom { scenario, size, peers_before }
    }
}

fn draw(Size { min, max }: Size, draws: &mut ChaCha8Rng) -> u16 {
    if min == max { min } else { draws.random_range(min..=max) }
}
