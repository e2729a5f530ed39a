//! Cases that wait more than they work, each on a thread of its own.

use std::thread;

/// Plays every case, and fails if one of them did.
pub fn at_once<T: Send>(cases: impl IntoIterator<Item = T>, play: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| play(case));
        }
    });
}

/// Every pair of one of `left` and one of `right`.
pub fn pairs<A: Copy, B: Copy>(left: &[A], right: &[B]) -> Vec<(A, B)> {
    left.iter().flat_map(|first| right.iter().map(|second| (*first, *second))).collect()
}
