//! A target that is killed in the middle of a run and comes back: peers reconnect, and the report says how that went.

use meshload::report::{Format, render};
use meshload::summary::{Outcome, Summary};
use std::thread;
use std::time::Duration;
use support::serving::Serving;
use support::watched::Watched;

/// Two rooms whose messages flow for long enough to lose the server and to see it again.
const PROFILE: &str = r#"
[target]
reconnect_first = "200ms"
reconnect_cap = "1s"
[rooms]
count = 2
size = 4
[arrivals]
shape = "burst"
[phases]
steady = "14s"
drain = "5s"
[messages]
rate = "5/s"
"#;

/// Plays a run whose server is killed when a line of progress has `sign`, and started again after `down`.
fn play(kind: &str, more: &str, sign: &str, down: Duration) -> Summary {
    let server = Serving::start(&["--kind", kind]);
    let address = server.url.trim_start_matches("ws://").trim_end_matches("/ws/").to_owned();
    let mut run = Watched::start(&format!("{PROFILE}{more}"), &["--target", &server.url]);
    run.until_steady(sign);
    drop(server);
    // How long the target is down is what is played here.
    thread::sleep(down);
    let _server = Serving::start(&["--kind", kind, "--listen", &address]);
    run.end().0
}

fn check(kind: &str) {
    let down = Duration::from_millis(1_500);
    let summary = play(kind, "", "edges 12/12", down);
    let (peers, edges, messages) = (&summary.counts.peers, &summary.counts.edges, &summary.counts.messages);
    assert_eq!((edges.opened, edges.failed, edges.closed_early), (12, 0, 0), "{kind}: open channels stay");
    // The channels know nothing of the server: each message comes once, in order, up to those that are in flight when
    // the run ends.
    println!("{kind}: {messages:?}");
    assert_eq!((messages.lost, messages.duplicated, messages.out_of_order), (0, 0, 0), "{kind}: {messages:?}");
    assert!(messages.sent > 1_000 && messages.cut <= 24, "{kind}: {messages:?}");
    assert_eq!((peers.joined, peers.rejoins, peers.reconnects), (8, 0, 8), "{kind}: {peers:?}");

    let [outage] = &summary.outages[..] else { panic!("{kind}: {:#?}", summary.outages) };
    assert_eq!((outage.lost, outage.back), (8, 8), "{kind}: {outage:#?}");
    let recovery = Duration::from_micros(outage.recovery_us.unwrap());
    assert!(recovery >= down && recovery < down + Duration::from_secs(4), "{kind}: {recovery:?}");
    let reasons: Vec<_> = outage.causes.iter().map(|cause| cause.reason.as_str()).collect();
    assert_eq!(reasons, ["closed", "refused"], "{kind}: {outage:#?}");
    assert_eq!(outage.causes[0].count, 8, "{kind}: {outage:#?}");
    let switched_us = outage.causes[1].first_us - outage.causes[0].first_us;
    assert!(switched_us < 1_000_000, "{kind}: refused {switched_us} us after closed");
    let process = summary.target_process.expect("it is found by its socket");
    assert_eq!(
        (process.name.as_str(), process.pids.len(), process.restarts),
        ("meshload", 1, 1),
        "{kind}: {process:#?}"
    );
    assert!(process.rss_bytes_max > 100_000 && process.series.len() > 2, "{kind}: {process:#?}");
    // At most a dial at once and one each half second, on average, of each peer; a storm would be thousands.
    assert!(outage.redials >= 8 && outage.redials < 8 * 12, "{kind}: {outage:#?}");
}

#[test]
fn a_relay_that_is_killed_and_comes_back_gets_all_of_its_peers_back() {
    check("relay");
}

#[test]
fn a_registry_that_is_killed_and_comes_back_gets_all_of_its_peers_back() {
    check("registry");
}

#[test]
fn peers_that_leave_and_come_back_around_an_outage_find_the_others_again() {
    let churn = "[churn]\nleave = \"10%/s\"\nhost_leaves = true\nsilent = \"50%\"\n";
    let summary = play("registry", churn, "edges", Duration::from_millis(1_500));
    let (peers, edges, messages) = (&summary.counts.peers, &summary.counts.edges, &summary.counts.messages);
    println!("{peers:?}\n{edges:?}\n{messages:?}\n{:#?}\n{:#?}", summary.failures, summary.outages);
    assert!(peers.rejoins > 2 && peers.reconnects > 2, "{peers:?}");
    assert_eq!((peers.unfinished, peers.dropped), (0, 0), "{peers:?}");
    // Who came back while nobody answered has failed, and so has what was being negotiated then; nothing else.
    let expected = ["refused", "closed"];
    assert!(summary.failures.iter().all(|row| expected.contains(&row.reason.as_str())), "{:#?}", summary.failures);
    assert!(edges.opened > 12 && edges.left > 0 && edges.closed_early == edges.left, "{edges:?}");
    assert_eq!((messages.lost, messages.duplicated), (0, 0), "{messages:?}");
    let [outage] = &summary.outages[..] else { panic!("{:#?}", summary.outages) };
    assert!(outage.back > 2 && outage.back <= outage.lost, "{outage:#?}");
}

#[test]
fn a_run_whose_peers_all_lose_the_server_for_good_is_failed_and_says_so_first() {
    for reconnect in ["", "reconnect = false\n"] {
        let server = Serving::start(&[]);
        let profile = PROFILE.replace("[rooms]", &format!("{reconnect}[rooms]")).replace("14s", "8s");
        let mut run = Watched::start(&profile, &["--target", &server.url]);
        run.until_steady("edges 12/12");
        drop(server);
        let (summary, exit_code) = run.end();
        assert_eq!((summary.result, exit_code), (Outcome::Failed, Some(99)), "{reconnect}");
        assert_eq!((summary.counts.peers.stayed, summary.counts.peers.lost), (8, 8), "{reconnect}");
        assert_eq!(summary.outages.iter().map(|outage| outage.never).sum::<u64>(), 8, "{:#?}", summary.outages);
        let found = &summary.findings[0];
        assert_eq!(found.id, "server-lost", "{:#?}", summary.findings);
        assert!(
            found.sentence.starts_with("8 of 8 peers lost the server") && found.sentence.contains("none came back")
        );
        let text = render(Format::Markdown, &summary);
        assert!(text.contains("at the end 8 of 8 peers had no server"), "{text}");
    }
}
