//! Descriptions of the other end, as signaling brings them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::engine::lean::ice::Credentials;
use meshload::engine::lean::sdp::{Description, Own, Setup};

fuzz_target!(|input: &str| {
    let Ok(description) = Description::read(input) else { return };
    let credentials = Credentials { ufrag: "0000abcd".into(), password: "password password password".into() };
    let fingerprint = "sha-256 00";
    let own = Own {
        session: 1,
        credentials: &credentials,
        fingerprint,
        setup: Setup::Active,
        candidate: None,
        message_bytes_max: 9,
    };
    let answer = own.answer(&description.sections);
    // Each section costs a line or five, and what it repeats of the offer.
    assert!(answer.len() <= 2_048 + 8 * input.len(), "{} bytes of answer to {}", answer.len(), input.len());
});
