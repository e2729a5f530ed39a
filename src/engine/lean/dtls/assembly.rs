//! Reassembles and orders the other end's handshake messages (RFC 6347 §4.2.2, §4.2.3).

use super::bytes::Reader;
use crate::engine::lean::ranges::Ranges;

pub(super) const HEADER_BYTES: usize = 12;

/// The longest message, a chain of certificates; in bytes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Most messages that are kept ahead of the next one: a flight has five.
const AHEAD_MAX: u16 = 8;

/// Most ranges of one message; a fragment that would add one is dropped, and the other end sends it again.
const RANGES_MAX: usize = 32;

/// A fragment of a message, as in a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    pub kind: u8,
    pub sequence: u16,
    length: usize,
    offset: usize,
    body: &'a [u8],
    /// Header and body as received.
    bytes: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Splits the first fragment off a record. `None`: nothing is left, or a length is wrong.
    pub(super) fn split(record: &mut &'a [u8]) -> Option<Self> {
        let mut reader = Reader(record);
        let (kind, length, sequence) = (reader.u8()?, reader.u24()?, reader.u16()?);
        let (offset, body) = (reader.u24()?, reader.vec24()?.0);
        let (bytes, rest) = record.split_at_checked(HEADER_BYTES + body.len())?;
        *record = rest;
        (offset + body.len() <= length).then_some(Self { kind, sequence, length, offset, body, bytes })
    }

    fn is_whole(&self) -> bool {
        self.body.len() == self.length
    }
}

/// A message longer than any that is expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

#[derive(Debug)]
struct Partial {
    sequence: u16,
    /// The message with the header of an unfragmented one, as the transcript needs it.
    bytes: Vec<u8>,
    /// Received bytes of the body.
    ranges: Ranges,
}

impl Partial {
    fn is_whole(&self) -> bool {
        self.ranges.is_just(0..(self.bytes.len() - HEADER_BYTES) as u64)
    }

    fn put(&mut self, fragment: &Fragment<'_>) {
        let (from, to) = (fragment.offset, fragment.offset + fragment.body.len());
        if self.ranges.add(from as u64..to as u64, RANGES_MAX) {
            self.bytes[HEADER_BYTES + from..HEADER_BYTES + to].copy_from_slice(fragment.body);
        }
    }
}

/// Messages that arrived out of order or in fragments.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// The sequence number of the next message.
    pub next: u16,
    partials: Vec<Partial>,
}

impl Assembly {
    /// Returns the next message if the fragment is all of it. `None`: the fragment was kept, dropped, or is known.
    ///
    /// # Errors
    /// The message is too long.
    pub(super) fn take<'a>(&mut self, fragment: &Fragment<'a>) -> Result<Option<&'a [u8]>, TooLong> {
        if fragment.length > MESSAGE_BYTES_MAX {
            return Err(TooLong);
        }
        if fragment.sequence == self.next && fragment.is_whole() {
            self.next += 1;
            self.partials.retain(|partial| partial.sequence != fragment.sequence);
            return Ok(Some(fragment.bytes));
        }
        if fragment.sequence < self.next || fragment.sequence - self.next >= AHEAD_MAX {
            return Ok(None);
        }
        let known = self.partials.iter().position(|partial| partial.sequence == fragment.sequence);
        let at = known.unwrap_or_else(|| {
            let mut bytes = fragment.bytes[..HEADER_BYTES].to_vec();
            bytes[6..9].fill(0);
            bytes.copy_within(1..4, 9);
            bytes.resize(HEADER_BYTES + fragment.length, 0);
            self.partials.push(Partial { sequence: fragment.sequence, bytes, ranges: Ranges::default() });
            self.partials.len() - 1
        });
        // A fragment whose type or length differs from its message's is not from the same end.
        if self.partials[at].bytes[..4] == fragment.bytes[..4] {
            self.partials[at].put(fragment);
        }
        Ok(None)
    }

    /// Removes and returns the next message if its kept fragments complete it.
    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let at = self.partials.iter().position(|partial| partial.sequence == self.next && partial.is_whole())?;
        self.next += 1;
        Some(self.partials.swap_remove(at).bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(sequence: u16, length: usize, offset: usize, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![11];
        bytes.extend_from_slice(&(length as u32).to_be_bytes()[1..]);
        bytes.extend_from_slice(&sequence.to_be_bytes());
        bytes.extend_from_slice(&(offset as u32).to_be_bytes()[1..]);
        bytes.extend_from_slice(&(body.len() as u32).to_be_bytes()[1..]);
        bytes.extend_from_slice(body);
        bytes
    }

    fn take(assembly: &mut Assembly, bytes: &[u8]) -> Result<Option<Vec<u8>>, TooLong> {
        let fragment = Fragment::split(&mut &*bytes).expect("a fragment");
        assembly.take(&fragment).map(|whole| whole.map(<[u8]>::to_vec))
    }

    #[test]
    fn fragments_in_any_order_make_one_message() {
        let whole = fragment(0, 6, 0, b"abcdef");
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]] {
            let pieces = [fragment(0, 6, 0, b"ab"), fragment(0, 6, 1, b"bcd"), fragment(0, 6, 3, b"def")];
            let mut assembly = Assembly::default();
            for at in order {
                assert_eq!(assembly.pop(), None);
                assert_eq!(take(&mut assembly, &pieces[at]), Ok(None));
            }
            assert_eq!(assembly.pop().as_ref(), Some(&whole), "{order:?}");
        }
    }

    #[test]
    fn a_message_ahead_of_its_turn_waits_and_a_known_one_is_dropped() {
        let mut assembly = Assembly::default();
        let (first, second) = (fragment(0, 1, 0, b"1"), fragment(1, 1, 0, b"2"));
        assert_eq!(take(&mut assembly, &second), Ok(None));
        assert_eq!(assembly.pop(), None);
        assert_eq!(take(&mut assembly, &first), Ok(Some(first.clone())));
        assert_eq!(assembly.pop(), Some(second.clone()));
        assert_eq!(take(&mut assembly, &first), Ok(None));
        assert_eq!(assembly.pop(), None);
    }

    #[test]
    fn a_hundred_thousand_fragments_cost_no_more_than_one_message() {
        let mut assembly = Assembly::default();
        for step in 0..100_000_usize {
            let offset = step * 2 % 16_000;
            assert_eq!(take(&mut assembly, &fragment((step % 9) as u16, 16_384, offset, b"x")), Ok(None));
        }
        assert_eq!(assembly.partials.len(), usize::from(AHEAD_MAX));
        assert!(assembly.partials.iter().all(|partial| partial.ranges.as_slice().len() <= RANGES_MAX));
        assert_eq!(take(&mut assembly, &fragment(0, 100_000, 0, b"certificate")), Err(TooLong));
    }

    #[test]
    fn wrong_lengths_are_no_fragment() {
        let whole = fragment(0, 6, 0, b"abcdef");
        for length in 0..whole.len() {
            assert!(Fragment::split(&mut &whole[..length]).is_none(), "{length} bytes of it");
        }
        assert!(Fragment::split(&mut &*fragment(0, 6, 5, b"ab")).is_none(), "past its end");
    }
}
