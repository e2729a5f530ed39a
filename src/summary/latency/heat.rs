//! Latency bands for heat maps, two per doubling: few enough to keep counts for every second of a run.

/// The number of bands; they cover 1 ms to about half an hour.
pub(in crate::summary) const BANDS: usize = 42;

/// The band of a sample, from 0. Band 0 includes everything below a millisecond.
pub fn band(us: u64) -> usize {
    let us = us as f64;
    let near = ((us.max(1_000.0) / 1_000.0).log2() * 2.0) as usize;
    // Rounding of the logarithm may be off by one at a band's limit, so the limits decide.
    let band = (near.saturating_sub(1)..=near + 1).rev().find(|band| floor_us(*band) <= us);
    band.unwrap_or(0).min(BANDS - 1)
}

/// The lower limit of a band, in microseconds; the upper limit is that of the next band.
pub fn floor_us(band: usize) -> f64 {
    1_000.0 * (band as f64 / 2.0).exp2()
}

/// The number of samples (µs) in each band, up to the last band that has one.
pub fn count_by_band(samples_us: &[u32]) -> Vec<u64> {
    let mut counts = vec![];
    for us in samples_us {
        let band = band(u64::from(*us));
        if counts.len() <= band {
            counts.resize(band + 1, 0);
        }
        counts[band] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_starts_where_its_floor_says() {
        for at in 1..BANDS {
            let floor = floor_us(at).ceil() as u64;
            assert_eq!((band(floor), band(floor - 1)), (at, at - 1), "band {at}");
        }
    }

    #[test]
    fn no_sample_falls_outside() {
        assert_eq!((band(0), band(u64::MAX)), (0, BANDS - 1));
        assert_eq!(count_by_band(&[0, 999, 1_999, 2_000]), [2, 1, 1]);
        assert_eq!(count_by_band(&[]), [0u64; 0]);
    }
}
