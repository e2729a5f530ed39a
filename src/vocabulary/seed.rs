//! The seed of a run and the independent random streams derived from it.

use crate::vocabulary::format::hex;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The source of all randomness of a run: the same seed and profile give the same plan on any machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

impl Seed {
    /// The random stream of `purpose` and `index`. Draws from one stream never shift another.
    pub fn stream(self, purpose: &str, index: u64) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        hash.update(index.to_le_bytes());
        hash.update(purpose.as_bytes());
        ChaCha8Rng::from_seed(hash.finalize().into())
    }
}

/// A peer's place in the traces of the servers that it asks (W3C Trace Context). Each run has other ids, which its report
/// names again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: [u8; 16],
    span: [u8; 8],
}

impl TraceContext {
    /// The context of the peer with this index in the plan.
    pub fn of(seed: Seed, run_id: &str, peer: u32) -> Self {
        let mut random = seed.stream(&format!("trace of {run_id}"), peer.into());
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        random.fill_bytes(&mut trace);
        random.fill_bytes(&mut span);
        // An id of zeros alone is none (§3.2.2.3).
        (trace[0], span[0]) = (trace[0].max(1), span[0].max(1));
        Self { trace, span }
    }

    /// 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        hex(&self.trace)
    }

    /// The header `traceparent`, sampled, so that a server which follows its caller keeps the trace (§3.2).
    pub fn header(&self) -> String {
        format!("00-{}-{}-01", self.trace_id(), hex(&self.span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_of_a_run_has_a_trace_of_its_own_that_the_report_can_name_again() {
        let of = |seed: u64, run: &str, peer: u32| TraceContext::of(Seed(seed), run, peer);
        assert_eq!(of(1, "m1", 7), of(1, "m1", 7));
        for other in [of(2, "m1", 7), of(1, "m2", 7), of(1, "m1", 8)] {
            assert_ne!(other.trace_id(), of(1, "m1", 7).trace_id());
        }
        let header = of(1, "m1", 7).header();
        let parts: Vec<&str> = header.split('-').collect();
        assert_eq!((parts[0], parts[1].len(), parts[2].len(), parts[3]), ("00", 32, 16, "01"), "{header}");
        assert!(header.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    }

    #[test]
    fn a_stream_depends_on_seed_purpose_and_index_alone() {
        let first = |seed: u64, purpose: &str, index: u64| Seed(seed).stream(purpose, index).next_u64();
        assert_eq!(first(1, "arrivals", 0), first(1, "arrivals", 0));
        assert_ne!(first(1, "arrivals", 0), first(2, "arrivals", 0));
        assert_ne!(first(1, "arrivals", 0), first(1, "arrivals", 1));
        assert_ne!(first(1, "arrivals", 0), first(1, "sizes", 0));
    }
}
