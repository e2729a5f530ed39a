//! Real browser tabs among virtual peers: every edge opens, messages go both ways, and a leave is noticed.
//! Skips, and says why, without chromium or without the right to make a network namespace; in CI that is a failure.

mod accessibility;
mod play;
mod recorded;

use play::{Side, play};
use support::{chromium, network};

/// Plays in a network of its own, from which no packet finds a way out. `offers`: who offers between each tab, by its
/// name, and the virtual peers; ids of a run begin with m.
fn check(test: &str, kind: &str, initiator: &str, offers: [(&str, Side); 3]) {
    let Some(chromium) = chromium::installed() else {
        return network::skip("no chromium is installed (apt-get install chromium)");
    };
    if network::is_own() {
        play(chromium, kind, initiator, offers);
    } else {
        network::alone(test);
    }
}

#[test]
fn by_the_lower_id_some_browsers_offer_and_some_answer() {
    let offers = [("alice", Side::Tab), ("bob", Side::Tab), ("zoe", Side::Peer)];
    check("by_the_lower_id_some_browsers_offer_and_some_answer", "relay", "lower-id", offers);
}

#[test]
fn whoever_is_there_already_offers_to_a_browser_that_comes() {
    let offers = ["alice", "bob", "zoe"].map(|name| (name, Side::Peer));
    check("whoever_is_there_already_offers_to_a_browser_that_comes", "registry", "existing", offers);
}

#[test]
fn a_browser_that_comes_offers_to_whoever_is_there() {
    let offers = ["alice", "bob", "zoe"].map(|name| (name, Side::Tab));
    check("a_browser_that_comes_offers_to_whoever_is_there", "relay", "newcomer", offers);
}

/// The tab that was there first offers if its id is the lower one; else it answers with a join of its own, and waits.
#[test]
fn a_dialect_is_learned_from_two_tabs_and_opens_every_channel() {
    let test = "a_dialect_is_learned_from_two_tabs_and_opens_every_channel";
    let Some(chromium) = chromium::installed() else {
        return network::skip("no chromium is installed (apt-get install chromium)");
    };
    if network::is_own() {
        recorded::play(chromium, ["alice", "bob"]);
        recorded::play(chromium, ["zoe", "bob"]);
    } else {
        network::alone(test);
    }
}
