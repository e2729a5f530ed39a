//! A real server that is killed in the middle of a run: the run goes on to its end, and says how that was.

use meshload::summary::{FailureRow, Summary};
use support::target::Target;
use support::watched::Watched;

/// Stage of the run at which the server dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Some rooms are complete, some handshakes are under way, some peers have yet to come.
    Arriving,
    /// Every channel is open, and messages flow.
    Talking,
}

/// Summary of the run, and the exit code of the program.
struct Aftermath {
    summary: Summary,
    exit_code: Option<i32>,
}

/// Clients that are connected when the server dies in the midst of the arrivals: the last of them is due two seconds later.
const CLIENTS: usize = 10;

impl Moment {
    fn profile(self) -> &'static str {
        match self {
            Self::Arriving => {
                r#"
[rooms]
count = 6
size = 4
[arrivals]
rate = "6/s"
[phases]
steady = "1s"
drain = "5s"
[handshake]
timeout = "3s"
[gates]
mesh_complete = ["rate >= 99%"]
"#
            }
            Self::Talking => {
                r#"
[rooms]
count = 2
size = 4
[arrivals]
shape = "burst"
[phases]
steady = "8s"
drain = "5s"
[messages]
rate = "5/s"
[gates]
mesh_complete = ["rate >= 99%"]
"#
            }
        }
    }
}

/// At both moments.
pub fn check(dialect: &str, target: &Target) {
    for moment in [Moment::Arriving, Moment::Talking] {
        let Some(after) = play(dialect, target, moment) else { return };
        let summary = &after.summary;
        let timeline = timeline(dialect, moment, &after);
        println!("{timeline}");
        assert_eq!(summary.counts.edges.closed_early, 0, "open channels stay; {timeline}");
        assert_eq!(summary.counts.edges.unfinished + summary.counts.peers.unfinished, 0, "{timeline}");
        assert_eq!(summary.counts.messages.lost, 0, "{timeline}");
        match moment {
            Moment::Arriving => check_arriving(&after, &timeline),
            Moment::Talking => check_talking(&after, &timeline),
        }
    }
}

/// Open edges stay, the others fail by the server's end, and no peer waits longer than for a timeout.
fn check_arriving(Aftermath { summary, exit_code }: &Aftermath, timeline: &str) {
    let (peers, edges) = (&summary.counts.peers, &summary.counts.edges);
    let ends = (peers.joined + peers.failed, edges.opened + edges.failed);
    assert_eq!((ends, edges.rejoins), ((24, edges.planned), 0), "{timeline}");
    assert!(peers.failed > 0 && edges.failed > 0, "{timeline}");
    assert_eq!((*exit_code, summary.rates.mesh_complete < Some(0.99)), (Some(99), true), "{timeline}");
    assert_eq!(summary.failures.iter().map(|row| row.count).sum::<u64>(), edges.failed, "{timeline}");
    for row in &summary.failures {
        let by_the_end = matches!(row.reason.as_str(), "closed" | "refused");
        // The last candidates of a pair may have died with the server.
        let unconnected = row.phase == "ice" && matches!(row.reason.as_str(), "timed_out" | "ice_failed");
        assert!(by_the_end || unconnected, "{timeline}");
    }
    assert!(summary.run.duration_us < 15_000_000, "{timeline}");
}

/// No channel needs the server any more: messages flow on, and the outage, of which no peer is back, fails the run.
fn check_talking(Aftermath { summary, exit_code }: &Aftermath, timeline: &str) {
    let (peers, edges, messages) = (&summary.counts.peers, &summary.counts.edges, &summary.counts.messages);
    assert_eq!((peers.joined, peers.reconnects), (8, 0), "{timeline}");
    assert_eq!((*exit_code, edges.opened, edges.failed), (Some(99), 12, 0), "{timeline}");
    // More than 24 directions can have said in the five seconds before.
    assert!(messages.delivered > 24 * 5 * 5, "{timeline}");
    let [outage] = &summary.outages[..] else { panic!("{timeline}") };
    assert_eq!((outage.lost, outage.back, outage.recovery_us), (8, 0, None), "{timeline}");
    let dials =
        |reason: &str| outage.causes.iter().filter(|cause| cause.reason == reason).map(|cause| cause.count).sum();
    let (closed, refused): (u64, u64) = (dials("closed"), dials("refused"));
    assert!(closed >= 8 && refused > 0, "{timeline}");
    assert_eq!(closed + refused, outage.lost + outage.redials, "for other reasons too; {timeline}");
}

fn timeline(dialect: &str, moment: Moment, Aftermath { summary, exit_code }: &Aftermath) -> String {
    let counts = &summary.counts;
    let failure = |row: &FailureRow| {
        let FailureRow { phase, reason, detail, count, peers, .. } = row;
        format!("\n  {phase} {reason} {detail}: {count} edges, {peers} peers")
    };
    let failures: String = summary.failures.iter().map(failure).collect();
    let (peers, edges) = (&counts.peers, &counts.edges);
    format!(
        "{dialect} {moment:?}: exit {exit_code:?}, peers {} joined {} failed, edges {} opened {} failed, {:?}, {:?}{failures}",
        peers.joined, peers.failed, edges.opened, edges.failed, counts.messages, summary.outages
    )
}

/// Plays the run whose server is killed; `None` if it can't be started here.
fn play(dialect: &str, target: &Target, moment: Moment) -> Option<Aftermath> {
    let server = target.start()?;
    let mut run = Watched::start(moment.profile(), &["--dialect", dialect, "--target", &target.url(&server)]);
    match moment {
        Moment::Arriving => server.wait_for_clients(CLIENTS),
        Moment::Talking => run.until_steady("edges 12/12"),
    }
    drop(server);
    let (summary, exit_code) = run.end();
    Some(Aftermath { summary, exit_code })
}
