//! Sets of numbers that arrive out of order, such as the bytes of a message or the TSNs of an association.

use std::ops::Range;

/// Ranges in ascending order that do not touch each other.
#[derive(Debug, Default)]
pub(super) struct Ranges(Vec<Range<u64>>);

impl Ranges {
    pub(super) fn as_slice(&self) -> &[Range<u64>] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `true`: the set is this one range.
    pub(super) fn is_just(&self, range: Range<u64>) -> bool {
        self.0.len() == 1 && self.0[0] == range
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        let at = self.0.partition_point(|range| range.end <= number);
        self.0.get(at).is_some_and(|range| range.contains(&number))
    }

    /// Adds a range, joined with those that it touches. `false`: it touches none, and `ranges_max` are kept already.
    pub(super) fn add(&mut self, new: Range<u64>, ranges_max: usize) -> bool {
        let first = self.0.partition_point(|range| range.end < new.start);
        let after = self.0.partition_point(|range| range.start <= new.end);
        if first == after && self.0.len() >= ranges_max {
            return false;
        }
        let touched = &self.0[first..after];
        let start = touched.first().map_or(new.start, |range| range.start.min(new.start));
        let end = touched.last().map_or(new.end, |range| range.end.max(new.end));
        self.0.splice(first..after, std::iter::once(start..end));
        true
    }

    /// Removes all ranges that start at or below `number`, and returns the number after their end and its own.
    pub(super) fn drain_to(&mut self, number: u64) -> u64 {
        let mut next = number;
        while self.0.first().is_some_and(|first| first.start <= next) {
            next = next.max(self.0.remove(0).end);
        }
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ranges_hold_what_was_added_in_any_order(added in proptest::collection::vec((0_u64..60, 1_u64..6), 0..40), number in 0_u64..70) {
            let (mut ranges, mut expected) = (Ranges::default(), BTreeSet::new());
            for (start, length) in added {
                prop_assert!(ranges.add(start..start + length, 40));
                expected.extend(start..start + length);
            }
            prop_assert_eq!(ranges.as_slice().iter().cloned().flatten().collect::<Vec<_>>(), expected.iter().copied().collect::<Vec<_>>());
            prop_assert!(ranges.as_slice().windows(2).all(|two| two[0].end < two[1].start), "apart: {ranges:?}");
            prop_assert_eq!(ranges.contains(number), expected.contains(&number));
            let next = (number..).find(|next| !expected.contains(next)).unwrap();
            prop_assert_eq!(ranges.drain_to(number), next);
            prop_assert!(ranges.as_slice().iter().all(|range| range.start > next));
        }
    }

    #[test]
    fn a_range_too_many_is_refused_and_one_that_joins_is_not() {
        let mut ranges = Ranges::default();
        assert!(ranges.add(0..1, 2) && ranges.add(5..6, 2));
        assert!(!ranges.add(9..10, 2));
        assert!(ranges.add(1..5, 2));
        assert!(ranges.is_just(0..6));
    }
}
