//! A real server that is killed and another one in its place, and peers that leave and come back: who has been away finds
//! the others.

use meshload::summary::Summary;
use std::thread;
use std::time::Duration;
use support::door::Door;
use support::target::Target;
use support::watched::Watched;

/// Time between a server's end and its return.
const DOWN: Duration = Duration::from_millis(1_500);

const ROOMS: &str = r#"
[target]
reconnect_first = "200ms"
reconnect_cap = "1s"
[rooms]
count = 2
size = 4
[arrivals]
shape = "burst"
[phases]
steady = "12s"
drain = "5s"
[messages]
rate = "5/s"
"#;

/// Everybody leaves about once, the first of the room too, half of them without a goodbye.
const CHURN: &str = r#"
[churn]
leave = "10%/s"
host_leaves = true
silent = "50%"
"#;

/// Open channels stay open, messages flow on, and every peer is known to the new server as it was to the old.
pub fn check_revived(dialect: &str, target: &Target) {
    let Some(summary) = play(dialect, target, "", true) else { return };
    let (peers, edges, messages) = (&summary.counts.peers, &summary.counts.edges, &summary.counts.messages);
    let timeline = format!("{dialect}: {peers:?} {edges:?} {messages:?} {:#?}", summary.outages);
    assert_eq!((edges.opened, edges.failed, edges.closed_early), (12, 0, 0), "{timeline}");
    assert_eq!((messages.lost, messages.duplicated, messages.out_of_order), (0, 0, 0), "{timeline}");
    assert_eq!((peers.joined, peers.rejoins, peers.reconnects), (8, 0, 8), "{timeline}");
    let [outage] = &summary.outages[..] else { panic!("{timeline}") };
    assert_eq!((outage.lost, outage.back), (8, 8), "{timeline}");
    assert!(outage.recovery_us >= Some(DOWN.as_micros() as u64), "{timeline}");
}

/// A peer that comes back meets all that are there.
pub fn check_churn(dialect: &str, target: &Target) {
    let Some(summary) = play(dialect, target, CHURN, false) else { return };
    let (peers, edges) = (&summary.counts.peers, &summary.counts.edges);
    let timeline = format!("{dialect}: {peers:?} {edges:?} {:?} {:#?}", summary.counts.messages, summary.failures);
    println!("{timeline}");
    assert_eq!((peers.failed, peers.unfinished, peers.joined), (0, 0, 8 + peers.rejoins), "{timeline}");
    assert_eq!((edges.failed, edges.dropped, edges.planned), (0, 0, 12), "{timeline}");
    assert!(peers.rejoins > 3 && edges.rejoins > peers.rejoins, "{timeline}");
    // An edge is unfinished only where a leave came into its handshake.
    let leaves = edges.left.min(edges.unfinished);
    assert_eq!((edges.opened + edges.unfinished, edges.unfinished), (12 + edges.rejoins, leaves), "{timeline}");
    assert_eq!(summary.counts.messages.lost, 0, "{timeline}");
}

/// Both at once: who comes back after the outage meets all, which a new server learns from them alone.
pub fn check_churn_around_an_outage(dialect: &str, target: &Target) {
    let Some(summary) = play(dialect, target, CHURN, true) else { return };
    let (peers, edges) = (&summary.counts.peers, &summary.counts.edges);
    let timeline = format!("{dialect}: {peers:?} {edges:?} {:#?} {:#?}", summary.failures, summary.outages);
    println!("{timeline}");
    assert!(peers.rejoins > 2 && peers.reconnects > 2, "{timeline}");
    assert_eq!((peers.unfinished, peers.dropped), (0, 0), "{timeline}");
    // Who came back while nobody answered has failed, and so has what was being negotiated then; nothing else.
    let expected = ["refused", "closed"];
    assert!(summary.failures.iter().all(|row| expected.contains(&row.reason.as_str())), "{timeline}");
    assert!(edges.opened > 12 && edges.left > 0 && edges.closed_early == edges.left, "{timeline}");
    assert_eq!(summary.counts.messages.lost, 0, "{timeline}");
}

/// Plays a run; with `dies`, its server is killed once all channels are open, and one that knows nothing takes its place.
/// That one has started before: how long the outage lasts is no matter of how fast a server starts.
fn play(dialect: &str, target: &Target, more: &str, dies: bool) -> Option<Summary> {
    let server = target.start()?;
    let next = if dies { target.start() } else { None };
    let mut door = Door::to(server.port());
    let args = ["--dialect", dialect, "--target", &target.url_at(door.port())];
    let mut run = Watched::start(&format!("{ROOMS}{more}"), &args);
    run.until_steady("edges");
    if let Some(next) = &next {
        door.shut();
        drop(server);
        // How long it is away is what is played here.
        thread::sleep(DOWN);
        door.open(next.port());
    }
    let (summary, _) = run.end();
    Some(summary)
}
