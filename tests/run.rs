//! A whole run, from a profile to its Summary, against the embedded server.

use meshload::controller::{self, Order, Show};
use meshload::dialect::Dialect;
use meshload::metrics::Thresholds;
use meshload::plan::Plan;
use meshload::profile::{self, Source, builtin};
use meshload::server::{self, Kind};
use meshload::signaling::Reach;
use meshload::summary::Summary;
use meshload::vocabulary::seed::Seed;
use std::time::Duration;

fn play(kind: Kind, text: &str, workers: usize) -> Summary {
    let profile = profile::read(Source { name: "test.toml", text }, &[], &|_| None).unwrap();
    let order = Order {
        plan: Plan::new(profile, Seed(1)),
        run_id: "t1".to_owned(),
        dialect: Dialect::Dashboard,
        url: None,
        url_shown: None,
        embedded: server::Config { kind, ..server::Config::default() },
        reach: Reach::default(),
        wait_for_target: Duration::ZERO,
        workers,
        show: Show::Nothing,
        thresholds: Thresholds::default(),
    };
    controller::run(order).unwrap().summary
}

const SMALL: &str = r#"
[rooms]
count = 4
size = 3
[arrivals]
shape = "constant"
rate = "60/s"
[phases]
steady = "1s"
drain = "2s"
"#;

#[test]
fn every_edge_opens_and_every_message_arrives() {
    for kind in [Kind::Relay, Kind::Registry] {
        for workers in [1, 2] {
            let summary = play(kind, SMALL, workers);
            let (edges, messages) = (&summary.counts.edges, &summary.counts.messages);
            assert_eq!((edges.planned, edges.opened, edges.failed), (12, 12, 0), "{:#?}", summary.failures);
            assert!(messages.sent > 0, "{messages:?}");
            assert_eq!(messages.delivered + messages.cut, messages.sent, "{messages:?}");
            assert_eq!(summary.counts.peers.joined, 12);
        }
    }
}

#[test]
fn the_smoke_profile_runs() {
    let (_, text) = (0, builtin::find("smoke").unwrap().text);
    let summary = play(Kind::Relay, text, 2);
    println!("{}", serde_json::to_string_pretty(&summary).unwrap());
    assert_eq!(summary.counts.edges.opened, 60);
}
