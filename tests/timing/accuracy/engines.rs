//! Two engines, one plan, one relay: what the target costs must not depend on how the peers open their channels.

use super::plays::play;
use super::relay::Relay;
use super::table::Row;
use meshload::summary::Summary;
use std::time::Duration;

const DELAY: Duration = Duration::from_millis(50);

/// The p50 of what a relay of 50 ms costs, on the engines `lean` and `webrtc`: within 5 % of each other.
pub fn agree(rooms: u32) -> Vec<Row> {
    let [lean, webrtc] = ["lean", "webrtc"].map(|engine| on(engine, rooms));
    let row = |timer: &str| {
        let p50 = |summary: &Summary| summary.timers[timer].due.p.p50;
        let (one, other) = (p50(&lean), p50(&webrtc));
        let apart = one.abs_diff(other) as f64 / one.max(1) as f64;
        Row::new(
            format!("{timer} p50, engines lean and webrtc behind a relay of 50 ms"),
            format!("{:.2} ms and {:.2} ms", one as f64 / 1e3, other as f64 / 1e3),
            "within 5 %",
            apart <= 0.05,
        )
    };
    vec![row("negotiation"), row("signal_delivery")]
}

fn on(engine: &str, rooms: u32) -> Summary {
    let relay = Relay::start(move |_| DELAY);
    let profile = format!(
        "[rooms]\ncount = {rooms}\nsize = 4\n[arrivals]\nrate = \"10/s\"\n[engine]\nkind = \"{engine}\"\n\
         [messages]\npattern = \"none\"\n[phases]\nsteady = \"0s\"\ndrain = \"1s\"\n"
    );
    let summary = play(&profile, Some(relay.url()), 1);
    assert_eq!(summary.counts.edges.opened, u64::from(rooms) * 6, "{engine}: {:#?}", summary.failures);
    summary
}
