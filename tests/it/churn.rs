//! Peers that leave and come back, with real sockets and real channels.

use crate::common::at_once::{at_once, pairs};
use meshload::controller::{self, EmbeddedServer, RunSpec};
use meshload::dialect::{self, Dialect};
use meshload::plan::Plan;
use meshload::profile::{self, ProfileSource};
use meshload::server::{self, RoomModel, Routing, Snapshot};
use meshload::summary::Summary;
use meshload::vocabulary::{Seat, Seed};
use std::thread;
use std::time::{Duration, Instant};

const KINDS: [RoomModel; 2] = [RoomModel::Relay, RoomModel::Registry];

/// Three rooms in which everybody leaves about once.
const LIVELY: &str = r#"
[rooms]
count = 3
size = 4
[arrivals]
shape = "burst"
[phases]
steady = "5s"
drain = "3s"
[messages]
rate = "10/s"
[churn]
leave = "30%/s"
host_leaves = true
"#;

fn play(kind: RoomModel, routing: Routing, more: &str) -> (Plan, Summary) {
    play_in(Dialect::named("dashboard").expect("a built-in"), kind, routing, more)
}

fn play_in(dialect: Dialect, kind: RoomModel, routing: Routing, more: &str) -> (Plan, Summary) {
    let embedded = server::Config { kind, routing, ..server::Config::default() };
    play_at(|order| RunSpec { embedded, ..order }, dialect, Seed(1), more)
}

fn plan(seed: Seed, more: &str) -> Plan {
    let text = format!("{LIVELY}{more}");
    Plan::new(profile::read(ProfileSource { name: "test.toml", text: &text }, &[], &|_| None).unwrap(), seed)
}

fn play_at(choose: impl FnOnce(RunSpec) -> RunSpec, dialect: Dialect, seed: Seed, more: &str) -> (Plan, Summary) {
    let plan = plan(seed, more);
    let order = choose(RunSpec { workers: 2, ..RunSpec::new(plan.clone(), "t1".to_owned(), dialect) });
    let summary = controller::run(order).unwrap().summary;
    summary.counts.conserved().unwrap();
    (plan, summary)
}

/// Leaves and returns of the plan.
fn planned(plan: &Plan) -> (u64, u64) {
    let departures = || plan.rooms.iter().flat_map(|room| &room.departures);
    (departures().count() as u64, departures().filter(|departure| departure.back.is_some()).count() as u64)
}

fn check(kind: RoomModel, routing: Routing, more: &str) -> Summary {
    let (plan, summary) = play(kind, routing, more);
    judge(&plan, &summary, &format!("{kind:?}, {routing:?}, {more}"));
    summary
}

/// Everybody came and came back, and met all who were there.
fn judge(plan: &Plan, summary: &Summary, case: &str) {
    let (peers, edges, messages) = (&summary.counts.peers, &summary.counts.edges, &summary.counts.messages);
    let (leaves, returns) = planned(plan);
    assert!(leaves > 6 && returns > 4, "{case}: {leaves} leaves, {returns} returns");
    assert_eq!((peers.planned, peers.rejoins, peers.failed), (12, returns, 0), "{case}: {:#?}", summary.failures);
    assert_eq!(peers.joined, 12 + returns, "{case}");
    assert_eq!(edges.failed + edges.dropped, 0, "{case}: {:#?}", summary.failures);
    // An edge is unfinished only where a leave came into its handshake.
    assert!(edges.rejoins > returns && edges.opened + edges.unfinished == 18 + edges.rejoins, "{case}: {edges:?}");
    assert!(edges.unfinished <= leaves, "{case}: {edges:?}");
    assert!(edges.left > leaves && edges.closed_early == edges.left, "{case}: {edges:?}");
    assert_eq!(messages.lost, 0, "{case}: {messages:?}");
    assert!(messages.sent > 100 && messages.delivered > messages.sent / 2, "{case}: {messages:?}");
}

#[test]
fn who_leaves_is_noticed_by_all_that_stay_and_comes_back_to_all() {
    at_once(pairs(&KINDS, &[Routing::All, Routing::Room]), |(kind, routing)| {
        let summary = check(kind, routing, "");
        let (notices, left) = (&summary.timers["leave_notice"].due, summary.counts.edges.left);
        // A peer that leaves before it hears of another's leave notices nothing; on a loaded machine that happens.
        let all_but_few = left - left / 10..=left;
        assert!(all_but_few.contains(&notices.count), "{kind:?}, {routing:?}: {} of {left}", notices.count);
        assert!(notices.p.p50 < 200_000, "{kind:?}, {routing:?}: {} us", notices.p.p50);
    });
}

#[test]
fn who_goes_without_a_word_is_missed_in_the_next_list_of_a_registry() {
    let summary = check(RoomModel::Registry, Routing::All, "silent = \"100%\"\n");
    let notices = &summary.timers["leave_notice"].due;
    assert!(notices.count > summary.counts.edges.left / 2, "{} of {:?}", notices.count, summary.counts.edges);
}

#[test]
fn on_a_relay_nobody_tells_of_who_goes_without_a_word_and_it_comes_back_all_the_same() {
    check(RoomModel::Relay, Routing::Room, "silent = \"100%\"\n");
}

#[test]
fn without_returns_a_room_only_shrinks() {
    let (plan, summary) = play(RoomModel::Relay, Routing::Room, "rejoin = false\n");
    let (leaves, returns) = planned(&plan);
    assert!(leaves > 3 && returns == 0);
    assert_eq!((summary.counts.peers.rejoins, summary.counts.edges.rejoins), (0, 0));
    assert!(summary.counts.edges.left > 0, "{:?}", summary.counts.edges);
}

/// A protocol with a join, a goodbye and nothing else, as people write relays: no list, no answer to a join.
const PLAIN: &str = r#"
name = "plain"
description = "a plain relay whose members subscribe to their room"
sample = "ws://127.0.0.1:8080/"
glare = "me > peer"
initiate = true

[say]
enter = { type = "subscribe", channel = "{room}" }
join = { type = "join", channel = "{room}", data = { from = "{me}" } }
offer = { type = "offer", channel = "{room}", data = { from = "{me}", to = "{peer}", sdp = "{sdp}" } }
answer = { type = "answer", channel = "{room}", data = { from = "{me}", to = "{peer}", sdp = "{sdp}" } }
candidate = { type = "candidate", channel = "{room}", data = { from = "{me}", to = "{peer}", candidate = "{candidate}" } }
leave = { type = "leave", channel = "{room}", data = { from = "{me}" } }

[[join]]
say = ["enter", "join"]

[[on]]
match = { type = "join", channel = "{room}", data = { from = "{from}" } }
peer = "{from}"

[[on]]
match = { type = "offer", channel = "{room}", data = { from = "{from}", to = "{me}", sdp = "{sdp}" } }
offer = "{from}"

[[on]]
match = { type = "answer", channel = "{room}", data = { from = "{from}", to = "{me}", sdp = "{sdp}" } }
answer = "{from}"

[[on]]
match = { type = "candidate", channel = "{room}", data = { from = "{from}", to = "{me}", candidate = "{candidate}" } }
candidate = "{from}"

[[on]]
match = { type = "leave", channel = "{room}", data = { from = "{from}" } }
left = "{from}"
"#;

#[test]
fn in_a_protocol_of_a_users_own_who_comes_back_meets_all_again() {
    at_once(["0%", "100%"], |silent| {
        let dialect = dialect::read("plain.toml", PLAIN).expect("a dialect");
        let more = format!("silent = \"{silent}\"\n");
        let (plan, summary) = play_in(dialect, RoomModel::Relay, Routing::All, &more);
        judge(&plan, &summary, &format!("silent {silent}"));
    });
}

#[test]
fn the_frames_of_a_run_in_which_peers_come_and_go_are_those_that_the_server_counted() {
    at_once(pairs(&KINDS, &["", "silent = \"100%\"\n"]), |(kind, more)| {
        let server = EmbeddedServer::start(server::Config { kind, ..server::Config::default() }).unwrap();
        let url = Some(server.url());
        let (_, summary) =
            play_at(|order| RunSpec { url, ..order }, Dialect::named("dashboard").unwrap(), Seed(1), more);
        let (theirs, ours) = (counted(&server), &summary.counts.signaling);
        let case = format!("{kind:?}, {more}: {theirs:?}, {} sent, {} received", ours.sent, ours.received);
        // A goodbye is lost where the socket ends before the server has read it.
        let goodbyes = ["participant-left", "user-left-room"].map(|kind| ours.by_type[kind].sent).iter().sum();
        assert!(theirs.received <= ours.sent && ours.sent - theirs.received <= goodbyes, "{case}");
        // What reaches a socket whose peer has gone is delivered, and read by nobody.
        assert!(ours.received <= theirs.delivered, "{case}");
        let unread = theirs.delivered - ours.received;
        assert!(unread * 20 < theirs.delivered, "{case}");
        let amplification = summary.amplification.unwrap();
        assert_eq!(amplification, ours.received as f64 / ours.concerned as f64, "{case}");
        assert!(amplification > 1.5, "{case}: {amplification}");
    });
}

/// Counts of the server, once it has read all frames of its clients.
fn counted(server: &EmbeddedServer) -> Snapshot {
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.counters().snapshot().connections > 0 {
        assert!(Instant::now() < deadline, "clients that never went");
        thread::yield_now();
    }
    server.counters().snapshot()
}

#[test]
fn who_comes_back_while_the_host_is_away_is_let_in_when_it_is_there_again() {
    const APPROVED: &str = "[handshake]\napproval = \"approve\"\n";
    let embedded = |kind| server::Config { kind, ..server::Config::default() };
    let (seed, promptly, later) = (1..10_000)
        .map(|seed| (seed, waits(&plan(Seed(seed), APPROVED))))
        .find_map(|(seed, waits)| {
            let later = waits.iter().filter(|wait| matches!(wait, Some(time) if *time > Duration::ZERO)).count() as u64;
            let promptly = waits.iter().filter(|wait| **wait == Some(Duration::ZERO)).count() as u64;
            (later >= 3).then_some((Seed(seed), promptly, later))
        })
        .unwrap();
    at_once(pairs(&KINDS, &["", "silent = \"100%\"\n"]), |(kind, silence)| {
        let more = format!("{silence}{APPROVED}");
        let dashboard = Dialect::named("dashboard").unwrap();
        let (_, summary) = play_at(|order| RunSpec { embedded: embedded(kind), ..order }, dashboard, seed, &more);
        let peers = &summary.counts.peers;
        let case = format!("{kind:?}, {silence}, {seed:?}: {promptly} and {later}, {peers:?}");
        assert_eq!((peers.failed, summary.counts.edges.failed), (0, 0), "{case}: {:#?}", summary.failures);
        assert_eq!(peers.joined, 12 + promptly + later, "{case}");
    });
}

/// Wait of each return for its host, if that comes back in time; a host waits for no peer.
fn waits(plan: &Plan) -> Vec<Option<Duration>> {
    let end = plan.profile.phases.steady;
    let mut waits = vec![];
    for room in &plan.rooms {
        let of = |seat: Seat| room.departures.iter().filter(move |departure| departure.seat == seat);
        for member in &room.departures {
            let Some(back) = member.back else { continue };
            let until = of(member.seat).map(|next| next.at).filter(|at| *at > back).min().unwrap_or(end);
            let away = of(Seat(0)).find(|host| host.at < back && host.back.is_none_or(|host| back < host));
            waits.push(match away {
                Some(host) if member.seat != Seat(0) => host.back.filter(|host| *host < until).map(|host| host - back),
                _ => Some(Duration::ZERO),
            });
        }
    }
    waits
}

/// A registry's list tells of a socket that closed, and of one that went dead it can tell nothing.
#[test]
fn of_a_peer_that_vanishes_the_server_hears_nothing() {
    for (manner, is_noticed) in [("silent", true), ("vanish", false)] {
        let more = format!("rejoin = false\n{manner} = \"100%\"\n");
        let (plan, summary) = play(RoomModel::Registry, Routing::All, &more);
        let (leaves, _) = planned(&plan);
        assert!(leaves > 3 && summary.counts.edges.left > 0, "{manner}: {:?}", summary.counts.edges);
        let noticed = summary.timers.get("leave_notice").map_or(0, |timer| timer.due.count);
        assert_eq!(noticed > 0, is_noticed, "{manner}: {noticed} noticed");
    }
}
