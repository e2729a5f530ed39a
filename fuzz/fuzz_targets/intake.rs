//! Descriptions and candidates through the intake, and what it lets pass into the engine that reads it. An empty line ends
//! the description; the candidate's mid and the candidate follow, a line each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::driver::intake::{LINE_BYTES_MAX, SDP_BYTES_MAX, SDP_LINES_MAX, check_candidate, check_description};
use meshload::engine::lean::sdp::Description;
use meshload::vocabulary::Candidate;

fuzz_target!(|input: &str| {
    let (sdp, more) = input.split_once("\n\n").unwrap_or((input, ""));
    let (mid, candidate) = more.split_once('\n').map_or((None, more), |(mid, candidate)| (Some(mid), candidate));
    if check_description(sdp).is_ok() {
        assert!(!sdp.is_empty() && sdp.len() <= SDP_BYTES_MAX && sdp.lines().count() <= SDP_LINES_MAX);
        assert!(sdp.lines().all(|line| line.len() <= LINE_BYTES_MAX));
        let sections = sdp.lines().filter(|line| line.starts_with("m=")).count();
        assert_eq!(sections, 1);
        drop(Description::read(sdp));
    }
    let candidate = Candidate { candidate: candidate.to_owned(), mid: mid.map(str::to_owned), line: None, ufrag: None };
    let bytes = candidate.candidate.len() + candidate.mid.as_ref().map_or(0, String::len);
    assert_eq!(check_candidate(&candidate).is_ok(), bytes <= LINE_BYTES_MAX);
});
