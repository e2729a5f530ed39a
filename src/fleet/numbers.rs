//! Bounds the integers of MessagePack before anything is made of them: sums of figures must stay within 64 bits.

/// True if no integer of more than 32 bits lies outside ±`most`. MessagePack's items lie one after the other, containers
/// only tell how many follow, so that a flat scan sees each of them; what is cut off or unknown is the decoder's to refuse.
pub(super) fn all_at_most(mut bytes: &[u8], most: u64) -> bool {
    while let Some((marker, rest)) = bytes.split_first() {
        let long = || rest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let is_within = match marker {
            0xcf => long() <= most,
            0xd3 => (long() as i64).unsigned_abs() <= most,
            _ => true,
        };
        if !is_within {
            return false;
        }
        bytes = rest.get(payload_bytes(*marker, rest)..).unwrap_or_default();
    }
    true
}

/// The bytes after a marker that are no items of their own (the MessagePack specification, "Formats").
fn payload_bytes(marker: u8, rest: &[u8]) -> usize {
    let length = |bytes: usize| rest.iter().take(bytes).fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    match marker {
        0xa0..=0xbf => usize::from(marker & 0x1f),
        0xc4 | 0xd9 => 1 + length(1),
        0xc5 | 0xda => 2 + length(2),
        0xc6 | 0xdb => 4 + length(4),
        0xc7 => 2 + length(1),
        0xc8 => 3 + length(2),
        0xc9 => 5 + length(4),
        0xcc | 0xd0 => 1,
        0xcd | 0xd1 | 0xd4 | 0xdc | 0xde => 2,
        0xd5 => 3,
        0xca | 0xce | 0xd2 | 0xdd | 0xdf => 4,
        0xd6 => 5,
        0xcb | 0xcf | 0xd3 => 8,
        0xd7 => 9,
        0xd8 => 17,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    fn check(value: &impl Serialize, expected: bool) {
        let bytes = rmp_serde::to_vec_named(value).unwrap();
        assert_eq!(all_at_most(&bytes, 1 << 53), expected, "{bytes:x?}");
    }

    #[test]
    fn a_number_is_found_behind_every_kind_of_item() {
        let long = "x".repeat(70_000);
        for text in ["", "short", &long[..40], &long[..300], &long] {
            check(&(text, 1u64 << 53), true);
            check(&(text, (1u64 << 53) + 1), false);
            check(&(text, -(1i64 << 53) - 1), false);
        }
        let many: Vec<i64> = (0..70_000).collect();
        check(
            &(many.clone(), 1.5, 1.5f32, -3, -300, -70_000, 200u8, 60_000u16, 4_000_000_000u32, [true, false], ()),
            true,
        );
        check(&(many, 1.5, 1.5f32, -3, -300, -70_000, 200u8, 60_000u16, 4_000_000_000u32, [true], (), u64::MAX), false);
        check(&std::collections::BTreeMap::from([("a", 1u64), ("b", u64::MAX)]), false);
    }

    #[test]
    fn what_is_cut_off_ends_the_scan() {
        assert!(
            all_at_most(&[0xdb, 0xff, 0xff, 0xff, 0xff, 1], 0) && all_at_most(&[0xcf, 1], 0) && all_at_most(&[], 0)
        );
    }
}
