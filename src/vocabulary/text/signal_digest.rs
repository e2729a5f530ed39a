//! Digests of offers, answers and candidates, by which what arrived is compared with what was said.

use crate::vocabulary::Signal;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// The fields of a description, one byte of its digest each.
const FIELDS: [&str; 8] = ["fingerprint", "ice-ufrag", "ice-pwd", "setup", "mid", "candidate", "sctp", "the rest"];

/// The digest of a description or candidate; 0 for the end of candidates. Each byte of a description's digest is that
/// of one field, so that two digests tell which fields differ.
pub fn signal_digest(signal: &Signal) -> u64 {
    match signal {
        Signal::Offer { sdp } | Signal::Answer { sdp } => description(sdp),
        Signal::Candidate(candidate) => {
            let mut hasher = FxHasher::default();
            hasher.write(candidate.candidate.as_bytes());
            hasher.finish()
        }
        Signal::EndOfCandidates => 0,
    }
}

/// The fields in which two descriptions differ, by their digests.
pub fn changed_fields(said: u64, heard: u64) -> impl Iterator<Item = &'static str> {
    let changed = move |field: &(usize, &str)| said.to_le_bytes()[field.0] != heard.to_le_bytes()[field.0];
    FIELDS.into_iter().enumerate().filter(changed).map(|(_, name)| name)
}

fn description(sdp: &str) -> u64 {
    let mut hashers: [FxHasher; FIELDS.len()] = Default::default();
    for line in sdp.lines() {
        let hasher = &mut hashers[field(line)];
        hasher.write(line.as_bytes());
        hasher.write_u8(b'\n');
    }
    // The upper bits of FxHash are the better ones.
    u64::from_le_bytes(hashers.map(|hasher| (hasher.finish() >> 56) as u8))
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

    fn digest(sdp: &str) -> u64 {
        signal_digest(&Signal::Offer { sdp: sdp.to_owned() })
    }

    #[test]
    fn the_fields_that_differ_are_named() {
        let check = |from: &str, to: &str, expected: &[&str]| {
            let changed: Vec<_> = changed_fields(digest(SDP), digest(&SDP.replace(from, to))).collect();
            assert_eq!(changed, expected);
        };
        check("AB:CD", "AB:CD", &[]);
        check("AB:CD", "0B:CD", &["fingerprint"]);
        check("u1", "u2", &["ice-ufrag"]);
        check("a=setup:actpass\r\na=mid:0", "a=setup:active\r\na=mid:audio", &["setup", "mid"]);
        check("v=0\r\n", "v=0\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n", &["candidate"]);
    }
}
