//! The seed of a run and the independent random streams derived from it.

use rand::SeedableRng;
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

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn a_stream_depends_on_seed_purpose_and_index_alone() {
        let first = |seed: u64, purpose: &str, index: u64| Seed(seed).stream(purpose, index).next_u64();
        assert_eq!(first(1, "arrivals", 0), first(1, "arrivals", 0));
        assert_ne!(first(1, "arrivals", 0), first(2, "arrivals", 0));
        assert_ne!(first(1, "arrivals", 0), first(1, "arrivals", 1));
        assert_ne!(first(1, "arrivals", 0), first(1, "sizes", 0));
    }
}
