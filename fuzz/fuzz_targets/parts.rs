//! A `part.mesh` with a right checksum around any content: it is refused, or it merges without harm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::fleet::{Part, merge, sealed};
use std::time::Instant;

fuzz_target!(|plain: &[u8]| {
    // As it is, for the header; and sealed, for what comes behind the checksum.
    assert!(Part::read(plain).is_err(), "no fuzzer finds a checksum");
    let Ok(part) = Part::read(&sealed(plain)) else { return };
    let again = Part::read(&part.to_bytes());
    assert!(again.is_ok(), "what was read can be read again: {:?}", again.err());
    if let Ok(merged) = merge(vec![part], Instant::now()) {
        drop(merged.summary.to_json());
    }
});
