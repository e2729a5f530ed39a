//! Anything that can arrive on a peer's UDP socket.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::engine::lean::stun;

fuzz_target!(|datagram: &[u8]| {
    if let Some(ufrag) = stun::receiver_ufrag(datagram) {
        assert!(stun::is_stun(datagram), "only STUN has a user name");
        assert!(!ufrag.contains(':'), "{ufrag}");
    }
});
