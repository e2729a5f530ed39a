//! Latency histograms with three significant digits: the only file that uses hdrhistogram.

use crate::vocabulary::format::micros;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::time::{Duration, SystemTime};

/// Ten minutes, in microseconds; longer samples are recorded as this value.
pub const LONGEST_US: u64 = 600_000_000;

const DIGITS: u8 = 3;
/// Latencies below 2 to this power have a bucket each, at three digits; from there on a bucket is twice as wide with each doubling.
const BUCKETS_OF_A_DOUBLING_BITS: u32 = 11;
/// The first four bytes of the plain and of the deflated V2 encoding (HdrHistogram, "V2 encoding").
const COOKIE_V2: u32 = 0x1c84_9303 | 0x10;
const COOKIE_V2_DEFLATED: u32 = 0x1c84_9304 | 0x10;
/// The length of the header: cookie, payload length, offset, digits, lowest, highest, ratio.
const HEADER_BYTES: usize = 40;
/// The longest payload: at most nine bytes for the count of each bucket.
const PAYLOAD_BYTES_MAX: usize = BUCKETS * 9;
/// The number of buckets that the bounds and digits give.
const BUCKETS: usize = 21_504;

/// A histogram from 1 µs to 10 min, saturating at both ends. An empty one allocates nothing.
#[derive(Clone, Default)]
pub struct Histogram {
    buckets: Option<Box<Hdr<u64>>>,
}

impl Histogram {
    pub fn record(&mut self, sample: Duration) {
        self.record_us(micros(sample));
    }

    pub fn record_us(&mut self, us: u64) {
        self.buckets.get_or_insert_with(|| Box::new(fresh())).saturating_record(us.clamp(1, LONGEST_US));
    }

    /// Records the same sample `count` times.
    pub fn record_many_us(&mut self, us: u64, count: u64) {
        self.buckets.get_or_insert_with(|| Box::new(fresh())).saturating_record_n(us.clamp(1, LONGEST_US), count);
    }

    pub fn merge(&mut self, other: &Self) {
        let Some(theirs) = &other.buckets else { return };
        match &mut self.buckets {
            Some(ours) => ours.add(theirs.as_ref()).expect("all histograms have the same bounds"),
            None => self.buckets = Some(theirs.clone()),
        }
    }

    pub fn count(&self) -> u64 {
        self.buckets.as_ref().map_or(0, |buckets| buckets.len())
    }

    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The recorded latencies in microseconds, to three digits, each with its number of samples.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> {
        let values = self.buckets.iter().flat_map(|buckets| buckets.iter_recorded());
        values.map(|value| (value.value_iterated_to(), value.count_at_value()))
    }

    /// The latency at `quantile` (0 to 1), in microseconds; 0 when empty.
    pub fn quantile_us(&self, quantile: f64) -> u64 {
        self.buckets.as_ref().map_or(0, |buckets| buckets.value_at_quantile(quantile).min(LONGEST_US))
    }

    /// In microseconds; 0 when empty.
    pub fn min_us(&self) -> u64 {
        self.buckets.as_ref().map_or(0, |buckets| buckets.min())
    }

    /// In microseconds; 0 when empty.
    pub fn max_us(&self) -> u64 {
        self.buckets.as_ref().map_or(0, |buckets| buckets.max().min(LONGEST_US))
    }

    /// In microseconds; 0 when empty.
    pub fn mean_us(&self) -> u64 {
        self.buckets.as_ref().map_or(0, |buckets| buckets.mean().round() as u64)
    }

    /// In microseconds; 0 when empty.
    pub fn stdev_us(&self) -> u64 {
        self.buckets.as_ref().map_or(0, |buckets| buckets.stdev().round() as u64)
    }

    /// Encodes as HdrHistogram V2, deflated, in base64: the `hdr` of summary.json.
    pub fn encode(&self) -> String {
        let empty = fresh();
        let buckets = self.buckets.as_deref().unwrap_or(&empty);
        let mut bytes = vec![];
        V2DeflateSerializer::new().serialize(buckets, &mut bytes).expect("writing to memory does not fail");
        BASE64.encode(bytes)
    }

    /// Decodes the output of `encode`. The text may be hostile: forty bytes can claim 512 MiB, so the header's ranges
    /// are checked before anything is allocated.
    ///
    /// # Errors
    /// The text is no histogram, or one with other bounds.
    pub fn decode(text: &str) -> Result<Self, Undecodable> {
        let bytes = BASE64.decode(text).map_err(|_| Undecodable("not base64"))?;
        let plain = inflate(&bytes)?;
        check_header(&plain)?;
        check_payload(&plain[HEADER_BYTES..])?;
        let decoded: Hdr<u64> =
            Deserializer::new().deserialize(&mut plain.as_slice()).map_err(|_| Undecodable("not a V2 histogram"))?;
        Ok(if decoded.is_empty() { Self::default() } else { Self { buckets: Some(Box::new(decoded)) } })
    }
}

/// The middle of the bucket that `us` lies in, in microseconds: a sample as means and sums count it.
pub(in crate::summary) fn middle_us(us: u64) -> u64 {
    let width_bits = (u64::BITS - us.leading_zeros()).saturating_sub(BUCKETS_OF_A_DOUBLING_BITS);
    (us >> width_bits << width_bits) + (1 << width_bits >> 1)
}

/// As `encode` writes it.
impl Serialize for Histogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&if self.is_empty() { String::new() } else { self.encode() })
    }
}

/// As `decode` reads it; nothing is an empty one.
impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        if text.is_empty() { Ok(Self::default()) } else { Self::decode(&text).map_err(serde::de::Error::custom) }
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        match (&self.buckets, &other.buckets) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => self.is_empty() && other.is_empty(),
        }
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Histogram({} samples, max {} µs)", self.count(), self.max_us())
    }
}

/// The reason why a text is no histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecodable(pub &'static str);

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a histogram can't be read: {}", self.0)
    }
}

impl std::error::Error for Undecodable {}

/// A line of an interval log. Its tag has no comma and no space; `from` counts from the start of the log.
#[derive(Clone, Debug)]
pub struct LogInterval {
    pub tag: String,
    pub from: Duration,
    pub lasted: Duration,
    pub histogram: Histogram,
}

/// An HdrHistogram interval log, a line for each interval.
pub fn interval_log(began: SystemTime, intervals: &[LogInterval]) -> Vec<u8> {
    let mut log = vec![];
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    // Values are in microseconds; readers of the log expect its maximum in milliseconds.
    builder.with_start_time(began).with_base_time(began).with_max_value_divisor(1_000.0);
    let mut writer = builder.begin_log_with(&mut log, &mut serializer).expect("writing to memory does not fail");
    for LogInterval { tag, from, lasted, histogram } in intervals {
        let (Some(tag), Some(buckets)) = (Tag::new(tag), &histogram.buckets) else { continue };
        writer.write_histogram(buckets.as_ref(), *from, *lasted, Some(tag)).expect("writing to memory does not fail");
    }
    log
}

fn fresh() -> Hdr<u64> {
    Hdr::new_with_bounds(1, LONGEST_US, DIGITS).expect("the bounds are constants that hdrhistogram accepts")
}

/// Inflates a histogram, up to the length of the largest with our bounds.
fn inflate(bytes: &[u8]) -> Result<Vec<u8>, Undecodable> {
    if bytes.len() < 8 || word(bytes, 0) != COOKIE_V2_DEFLATED {
        return Err(Undecodable("not a deflated V2 histogram"));
    }
    let mut plain = vec![];
    let limit = (HEADER_BYTES + PAYLOAD_BYTES_MAX + 1) as u64;
    ZlibDecoder::new(&bytes[8..]).take(limit).read_to_end(&mut plain).map_err(|_| Undecodable("broken deflate"))?;
    if plain.len() as u64 == limit {
        return Err(Undecodable("inflates to more than any of ours"));
    }
    Ok(plain)
}

fn check_header(plain: &[u8]) -> Result<(), Undecodable> {
    if plain.len() < HEADER_BYTES || word(plain, 0) != COOKIE_V2 {
        return Err(Undecodable("no V2 header"));
    }
    if word(plain, 4) as usize != plain.len() - HEADER_BYTES {
        return Err(Undecodable("the payload is not as long as its header says"));
    }
    let range = (word(plain, 12), long(plain, 16), long(plain, 24), long(plain, 32));
    if word(plain, 8) != 0 || range != (u32::from(DIGITS), 1, LONGEST_US, 1.0f64.to_bits()) {
        return Err(Undecodable("other bounds than 1 µs to 10 min at 3 digits"));
    }
    Ok(())
}

/// Checks that the counts fit into the buckets and their sums into 64 bits.
fn check_payload(mut payload: &[u8]) -> Result<(), Undecodable> {
    let (mut at, mut total) = (0usize, 0u64);
    while !payload.is_empty() {
        let (number, rest) = zig_zag(payload).ok_or(Undecodable("a count is cut off"))?;
        payload = rest;
        let width = if number < 0 { usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX) } else { 1 };
        at = at.saturating_add(width);
        total = total.checked_add(number.max(0) as u64).ok_or(Undecodable("the counts overflow"))?;
        // Sums of value times count stay within 64 bits too.
        if at > BUCKETS || total > u64::MAX / LONGEST_US / 2 {
            return Err(Undecodable("more counts than buckets or samples can be"));
        }
    }
    Ok(())
}

/// Decodes one zig-zag LEB128-64b9B number, whose ninth byte has eight bits; also returns the rest.
fn zig_zag(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut value = 0u64;
    for index in 0..9 {
        let byte = u64::from(*bytes.get(index)?);
        let last = index == 8 || byte & 0x80 == 0;
        value |= (if index == 8 { byte } else { byte & 0x7f }) << (7 * index);
        if last {
            return Some((((value >> 1) as i64) ^ -((value & 1) as i64), &bytes[index + 1..]));
        }
    }
    None
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) << 32 | u64::from(word(bytes, at + 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    fn of(samples: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        samples.iter().for_each(|us| histogram.record_us(*us));
        histogram
    }

    /// A deflated V2 histogram with any header and payload.
    fn foreign(digits: u32, low: u64, high: u64, payload: &[u8]) -> String {
        let mut plain = COOKIE_V2.to_be_bytes().to_vec();
        plain.extend((payload.len() as u32).to_be_bytes());
        plain.extend(0u32.to_be_bytes());
        plain.extend(digits.to_be_bytes());
        plain.extend(low.to_be_bytes());
        plain.extend(high.to_be_bytes());
        plain.extend(1.0f64.to_be_bytes());
        plain.extend(payload);
        let mut deflated = ZlibEncoder::new(vec![], Compression::default());
        deflated.write_all(&plain).unwrap();
        let deflated = deflated.finish().unwrap();
        let mut bytes = COOKIE_V2_DEFLATED.to_be_bytes().to_vec();
        bytes.extend((deflated.len() as u32).to_be_bytes());
        bytes.extend(deflated);
        BASE64.encode(bytes)
    }

    #[test]
    fn samples_outside_the_range_count_at_its_ends() {
        let histogram = of(&[0, u64::MAX]);
        assert_eq!((histogram.min_us(), histogram.max_us(), histogram.count()), (1, LONGEST_US, 2));
    }

    #[test]
    fn an_empty_histogram_reads_as_zeros_and_survives_the_trip() {
        let empty = Histogram::default();
        assert_eq!((empty.count(), empty.quantile_us(0.99), empty.mean_us()), (0, 0, 0));
        assert_eq!(Histogram::decode(&empty.encode()), Ok(empty));
    }

    #[test]
    fn buckets_are_hdrhistograms_own() {
        let theirs = fresh();
        assert_eq!(theirs.distinct_values(), BUCKETS);
        for us in (1..30).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1, 3 << (power - 1)]) {
            assert_eq!(middle_us(us), theirs.median_equivalent(us), "{us}");
        }
    }

    fn check_refusal(text: &str, expected: &'static str) {
        assert_eq!(Histogram::decode(text), Err(Undecodable(expected)));
    }

    #[test]
    fn a_foreign_histogram_is_refused_before_it_costs_anything() {
        let bounds = "other bounds than 1 µs to 10 min at 3 digits";
        check_refusal(&foreign(5, 1, u64::MAX / 2, &[]), bounds);
        check_refusal(&foreign(3, 1, LONGEST_US + 1, &[]), bounds);
        check_refusal(&foreign(3, 1, LONGEST_US, &[0x80]), "a count is cut off");
        check_refusal(&foreign(3, 1, LONGEST_US, &[0xff; 9]), "more counts than buckets or samples can be");
        check_refusal(&foreign(3, 1, LONGEST_US, &vec![0; BUCKETS + 1]), "more counts than buckets or samples can be");
        check_refusal(&foreign(3, 1, LONGEST_US, &vec![0; PAYLOAD_BYTES_MAX + 1]), "inflates to more than any of ours");
        check_refusal("AAAA", "not a deflated V2 histogram");
        check_refusal("é", "not base64");
        assert!(Histogram::decode(&foreign(3, 1, LONGEST_US, &vec![0; BUCKETS])).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back(samples in prop::collection::vec(0..2 * LONGEST_US, 0..200)) {
            let histogram = of(&samples);
            let back = Histogram::decode(&histogram.encode()).unwrap();
            prop_assert_eq!(back.encode(), histogram.encode());
            prop_assert_eq!(back, histogram);
        }

        #[test]
        fn any_split_merges_to_the_whole_bit_for_bit(
            samples in prop::collection::vec((0..2 * LONGEST_US, 0..4usize), 0..200),
        ) {
            let mut parts = vec![Histogram::default(); 4];
            samples.iter().for_each(|(us, part)| parts[*part].record_us(*us));
            let mut merged = Histogram::default();
            parts.iter().rev().for_each(|part| merged.merge(part));
            let whole = of(&samples.iter().map(|(us, _)| *us).collect::<Vec<_>>());
            prop_assert_eq!(merged.encode(), whole.encode());
            prop_assert_eq!(merged.stdev_us(), whole.stdev_us());
        }

        #[test]
        fn any_bytes_are_read_or_refused_without_harm(payload in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Histogram::decode(&foreign(3, 1, LONGEST_US, &payload));
            let _ = Histogram::decode(&BASE64.encode(&payload));
        }
    }
}
