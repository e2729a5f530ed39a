//! Any datagram that claims to be a TURN server's response, as it is and as ChannelData.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::engine::turn::{TurnReply, parse_reply, without_channel_header};

/// Code, a space, and the 40 characters of a reason, of four bytes at most.
const TEXT_BYTES_MAX: usize = 4 + 40 * 4;

fuzz_target!(|datagram: &[u8]| {
    for datagram in [datagram, without_channel_header(datagram)] {
        if let Some(TurnReply::Refused(why)) = parse_reply(datagram) {
            assert!(why.len() <= TEXT_BYTES_MAX, "{why}");
            assert!(!why.chars().any(char::is_control), "{why:?}");
        }
    }
});
