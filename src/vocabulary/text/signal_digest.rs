//! Digests of offers, answers and candidates, by which what arrived is compared with what was said.

use crate::vocabulary::Signal;
use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::{Hash, Hasher};

/// The fields of a description, a part of its digest each.
const FIELDS: [&str; 8] = ["fingerprint", "ice-ufrag", "ice-pwd", "setup", "mid", "candidate", "sctp", "the rest"];

/// The digest of a description, 32 bits a field, or of a candidate; all 0 for the end of candidates. Peers that share a
/// certificate share a field, so that a narrow one that collides would hide the same change in each of their edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SignalDigest([u32; FIELDS.len()]);

impl SignalDigest {
    pub fn of(signal: &Signal) -> Self {
        match signal {
            Signal::Offer { sdp } | Signal::Answer { sdp } => description(sdp),
            Signal::Candidate(candidate) => {
                let mut hasher = FxHasher::default();
                hasher.write(candidate.candidate.as_bytes());
                let hash = hasher.finish();
                Self([(hash >> 32) as u32, hash as u32, 0, 0, 0, 0, 0, 0])
            }
            Signal::EndOfCandidates => Self::default(),
        }
    }

    /// The fields in which two descriptions differ.
    pub fn changed_fields(self, heard: Self) -> impl Iterator<Item = &'static str> {
        let changed = move |field: &(usize, &str)| self.0[field.0] != heard.0[field.0];
        FIELDS.into_iter().enumerate().filter(changed).map(|(_, name)| name)
    }
}

/// 16 hexadecimal digits, alike for equal digests.
impl fmt::Display for SignalDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hasher = FxHasher::default();
        self.0.hash(&mut hasher);
        write!(f, "{:016x}", hasher.finish())
    }
}

fn description(sdp: &str) -> SignalDigest {
    let mut hashers: [FxHasher; FIELDS.len()] = Default::default();
    for line in sdp.lines() {
        let hasher = &mut hashers[field(line)];
        hasher.write(line.as_bytes());
        hasher.write_u8(b'\n');
    }
    // The upper bits of FxHash are the better ones.
    SignalDigest(hashers.map(|hasher| (hasher.finish() >> 32) as u32))
}

/// The position in `FIELDS` of a line of SDP (RFC 8866 §5, RFC 8839 §5, RFC 8841 §5).
fn field(line: &str) -> usize {
    const PREFIXES: [(&str, usize); 9] = [
        ("a=fingerprint:", 0),
        ("a=ice-ufrag:", 1),
        ("a=ice-pwd:", 2),
        ("a=setup:", 3),
        ("a=mid:", 4),
        ("a=group:", 4),
        ("a=candidate:", 5),
        ("a=sctp", 6),
        ("a=max-message-size:", 6),
    ];
    PREFIXES.iter().find(|(prefix, _)| line.starts_with(prefix)).map_or(7, |(_, field)| *field)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str =
        "v=0\r\na=fingerprint:sha-256 AB:CD\r\na=ice-ufrag:u1\r\na=ice-pwd:p1\r\na=setup:actpass\r\na=mid:0\r\n";

    fn digest(sdp: &str) -> SignalDigest {
        SignalDigest::of(&Signal::Offer { sdp: sdp.to_owned() })
    }

    #[test]
    fn the_fields_that_differ_are_named() {
        let check = |from: &str, to: &str, expected: &[&str]| {
            let changed: Vec<_> = digest(SDP).changed_fields(digest(&SDP.replace(from, to))).collect();
            assert_eq!(changed, expected);
        };
        check("AB:CD", "AB:CD", &[]);
        check("AB:CD", "0B:CD", &["fingerprint"]);
        check("u1", "u2", &["ice-ufrag"]);
        check("a=setup:actpass\r\na=mid:0", "a=setup:active\r\na=mid:audio", &["setup", "mid"]);
        check("v=0\r\n", "v=0\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n", &["candidate"]);
    }

    #[test]
    fn no_certificate_of_twenty_thousand_hides_a_change_of_its_fingerprint() {
        for n in 0..20_000_u32 {
            let said = SDP.replace("AB:CD", &format!("A{n:08X}"));
            let heard = SDP.replace("AB:CD", &format!("0{n:08X}"));
            assert_ne!(digest(&said), digest(&heard), "{said}");
        }
    }
}
