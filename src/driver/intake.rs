//! The intake of descriptions and candidates: what a server passes on is bounded before any engine reads it.

use crate::vocabulary::{Candidate, Heard, Signal, SignalPart};

/// The longest accepted SDP, in bytes.
pub const SDP_BYTES_MAX: usize = 64 * 1024;

/// The most lines of an SDP.
pub const SDP_LINES_MAX: usize = 256;

/// The longest line of an SDP, and the longest candidate with its mid and ufrag, in bytes.
pub const LINE_BYTES_MAX: usize = 1024;

/// Replaces a signal that no engine may read by the reason why.
pub fn check(heard: Heard<String>) -> Heard<String> {
    let Heard::Signal { from, signal, polite } = heard else { return heard };
    let checked = match &signal {
        Signal::Offer { sdp } | Signal::Answer { sdp } => check_description(sdp),
        Signal::Candidate(candidate) => check_candidate(candidate),
        Signal::EndOfCandidates => Ok(()),
    };
    match checked {
        Ok(()) => Heard::Signal { from, signal, polite },
        Err(why) => Heard::Malformed { from, why },
    }
}

/// Checks a session description: of one DataChannel association (RFC 8841), and of a length that costs little to read.
///
/// # Errors
/// The reason, as a failure's detail.
pub fn check_description(sdp: &str) -> Result<(), &'static str> {
    match sdp.len() {
        0 => return Err("no SDP"),
        1..=SDP_BYTES_MAX => {}
        _ => return Err("an SDP over 64 KiB"),
    }
    let mut sections = 0;
    for (index, line) in sdp.lines().enumerate() {
        if index >= SDP_LINES_MAX {
            return Err("an SDP over 256 lines");
        }
        if line.len() > LINE_BYTES_MAX {
            return Err("an SDP with a line over 1 KiB");
        }
        if line.starts_with("m=") {
            sections += 1;
            if sections > 1 || !line.starts_with("m=application ") {
                return Err("an SDP with other than one m=application");
            }
        }
    }
    if sections == 0 { Err("an SDP with other than one m=application") } else { Ok(()) }
}

/// Checks a candidate.
///
/// # Errors
/// The reason, as a failure's detail.
pub fn check_candidate(candidate: &Candidate) -> Result<(), &'static str> {
    if candidate_bytes(candidate) > LINE_BYTES_MAX { Err("a candidate over 1 KiB") } else { Ok(()) }
}

fn candidate_bytes(Candidate { candidate, mid, line: _, ufrag }: &Candidate) -> usize {
    candidate.len() + mid.as_ref().map_or(0, String::len) + ufrag.as_ref().map_or(0, String::len)
}

/// The part of a negotiation that a signal is.
pub(super) fn part(signal: &Signal) -> SignalPart {
    match signal {
        Signal::Offer { .. } => SignalPart::Offer,
        Signal::Answer { .. } => SignalPart::Answer,
        Signal::Candidate(_) => SignalPart::Candidate,
        Signal::EndOfCandidates => SignalPart::End,
    }
}

/// The length of a message's text, in bytes.
pub(super) fn text_bytes(heard: &Heard<String>) -> usize {
    let text = match heard {
        Heard::Signal { signal: Signal::Offer { sdp } | Signal::Answer { sdp }, .. } => sdp.len(),
        Heard::Signal { signal: Signal::Candidate(candidate), .. } => candidate_bytes(candidate),
        Heard::PairRefused { detail, .. } => detail.len(),
        _ => 0,
    };
    text + heard.who().map_or(0, String::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: &str = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";

    fn check_sdp(sdp: &str, expected: Result<(), &str>) {
        assert_eq!(check_description(sdp), expected, "{sdp:.100}");
    }

    #[test]
    fn a_description_is_of_one_association() {
        let other = Err("an SDP with other than one m=application");
        check_sdp(&format!("v=0\r\n{SECTION}"), Ok(()));
        check_sdp(&SECTION.replace("\r\n", "\n"), Ok(()));
        check_sdp("v=0\r\n", other);
        check_sdp(&format!("{SECTION}{SECTION}"), other);
        check_sdp(&format!("{SECTION}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"), other);
        check_sdp(&format!("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n{SECTION}"), other);
        check_sdp("m=applications 9 x\r\n", other);
    }

    #[test]
    fn at_its_bounds_a_description_is_taken_and_one_past_them_it_is_not() {
        let lines = |count: usize| format!("{SECTION}{}", "a=x\r\n".repeat(count - 1));
        check_sdp(&lines(SDP_LINES_MAX), Ok(()));
        check_sdp(&lines(SDP_LINES_MAX + 1), Err("an SDP over 256 lines"));
        let line = |length: usize| format!("{SECTION}a={}\r\n", "x".repeat(length - 2));
        check_sdp(&line(LINE_BYTES_MAX), Ok(()));
        check_sdp(&line(LINE_BYTES_MAX + 1), Err("an SDP with a line over 1 KiB"));
        let long = |length: usize| {
            let filled = format!("{SECTION}{}", format!("a={}\r\n", "x".repeat(500)).repeat(120));
            format!("{filled}{}", "a=x\r\n".repeat(100))[..].chars().cycle().take(length).collect::<String>()
        };
        check_sdp(&long(SDP_BYTES_MAX + 1), Err("an SDP over 64 KiB"));
        check_sdp("", Err("no SDP"));
    }

    #[test]
    fn a_candidate_counts_with_all_its_texts() {
        let check = |candidate: usize, mid: usize, ufrag: usize, expected: Result<(), &str>| {
            let text = |length: usize| "x".repeat(length);
            let candidate =
                Candidate { candidate: text(candidate), mid: Some(text(mid)), line: Some(0), ufrag: Some(text(ufrag)) };
            assert_eq!(check_candidate(&candidate), expected);
        };
        check(LINE_BYTES_MAX - 2, 1, 1, Ok(()));
        check(LINE_BYTES_MAX, 1, 0, Err("a candidate over 1 KiB"));
        check(1, LINE_BYTES_MAX, 0, Err("a candidate over 1 KiB"));
        check(1, 0, LINE_BYTES_MAX, Err("a candidate over 1 KiB"));
    }
}
