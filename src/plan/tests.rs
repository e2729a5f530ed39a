//! Properties of plans: same profile and seed, same plan; shares cover it exactly; counts give its cost.

use super::*;
use crate::profile::{self, Knob, Override, ProfileSource};
use crate::vocabulary::format::hex;
use proptest::prelude::*;

fn profile(sets: &[&str]) -> Profile {
    let overrides: Vec<_> = sets.iter().map(|set| Override::new(Knob::Set, *set)).collect();
    profile::read(ProfileSource { name: "test", text: "" }, &overrides, &|_| None).unwrap_or_else(|e| panic!("{e:?}"))
}

fn any_profile() -> impl Strategy<Value = Profile> {
    let rooms = (1u32..60, 2u16..9, 0u16..9);
    let scenarios = prop::sample::select(SCENARIOS);
    (rooms, scenarios, prop::sample::select(SHAPES), 0u32..3000).prop_map(
        |((count, min, more), scenarios, shape, warmup)| {
            let rooms = format!("rooms={{count={count},size={{min={min},max={}}}}}", min + more);
            let warmup = format!("phases.warmup={warmup}ms");
            let sets = [rooms.as_str(), shape, &warmup].into_iter().chain(scenarios);
            profile(&sets.collect::<Vec<_>>())
        },
    )
}

proptest! {
    #[test]
    fn peers_arrive_in_order_and_fill_the_rooms_one_after_the_other(profile in any_profile(), seed: u64) {
        let plan = Plan::new(profile.clone(), Seed(seed));
        prop_assert_eq!(plan.rooms.len(), profile.room_count as usize);
        let dues: Vec<_> = plan.rooms.iter().flat_map(|room| room.due.iter().copied()).collect();
        prop_assert!(dues.is_sorted());
        let mut next = 0;
        for room in &plan.rooms {
            prop_assert_eq!(room.first, PeerIndex(next));
            let size = profile.scenarios[room.scenario].rooms.size;
            prop_assert!((size.min..=size.max).contains(&room.size()));
            prop_assert_eq!(room.warmup, room.due[0] < profile.phases.warmup);
            next += u32::from(room.size());
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_plan(profile in any_profile(), seed: u64) {
        prop_assert_eq!(Plan::new(profile.clone(), Seed(seed)), Plan::new(profile, Seed(seed)));
    }

    #[test]
    fn shares_cover_the_plan_exactly_and_in_balance(profile in any_profile(), seed: u64, of in 1usize..=8) {
        let plan = Plan::new(profile, Seed(seed));
        let shares: Vec<_> = (0..of).map(|index| plan.share(index, of)).collect();
        let mut rooms: Vec<_> = shares.iter().flat_map(|share| share.rooms.clone()).collect();
        rooms.sort_by_key(|room| room.index);
        prop_assert_eq!(&rooms, &plan.rooms);
        let largest = plan.rooms.iter().map(RoomPlan::edges).max().unwrap_or(0);
        let edges = shares.iter().map(Share::edges);
        prop_assert!(edges.clone().max().unwrap_or(0) - edges.min().unwrap_or(0) <= largest);
    }

    #[test]
    fn no_plan_costs_more_than_its_profile_said(profile in any_profile(), seed: u64) {
        let most = Cost::of(&profile);
        let cost = Plan::new(profile, Seed(seed)).cost();
        prop_assert!(cost.peers <= most.peers && cost.edges <= most.edges && cost.descriptors <= most.descriptors);
        prop_assert!(cost.memory_bytes <= most.memory_bytes && cost.frames_broadcast <= most.frames_broadcast);
    }
}

#[test]
fn each_scenario_has_its_share_of_the_peers_at_any_time() {
    let plan = Plan::new(profile(&["rooms.count=400", THREE]), Seed(5));
    let (mut all, mut own) = (0.0, [0.0; 3]);
    for room in &plan.rooms {
        assert_eq!(f64::from(room.scenario_peers_before), own[room.scenario]);
        own[room.scenario] += f64::from(room.size());
        all += f64::from(room.size());
        for (scenario, peers) in plan.profile.scenarios.iter().zip(own) {
            // Within one of its own rooms and one of another's.
            let slack = f64::from(scenario.rooms.size.max) + 30.0 * scenario.share;
            assert!((peers - scenario.share * all).abs() <= slack, "{}: {peers} of {all}", scenario.name);
        }
    }
    let arrived: Vec<_> = plan.peers_of_scenarios().iter().map(|peers| *peers as f64 / all).collect();
    assert!((arrived[0] - 0.5).abs() < 0.01 && (arrived[1] - 0.3).abs() < 0.01, "{arrived:?}");
    assert_eq!(plan.rooms[7].id.starts_with("big-"), plan.rooms[7].scenario == 2);
    assert_eq!(Plan::new(profile(&["rooms.count=90", THREE]), Seed(5)).rooms, plan.rooms[..90]);
}

#[test]
fn a_scenario_that_measures_nothing_is_a_problem() {
    let problems = |sets: &[&str]| Plan::new(profile(&[sets, &[THREE]].concat()), Seed(5)).problems();
    assert!(problems(&["rooms.count=40"]).is_empty());
    let few = problems(&["rooms.count=2"]);
    assert_eq!(few.len(), 2, "{few:?}");
    assert_eq!(few[1], "rooms.count: 2 rooms are too few for one of big, which has 20% of the peers; plan more");
    let plan = Plan::new(profile(&["rooms.count=40", THREE]), Seed(5));
    let last_big = plan.rooms.iter().rfind(|room| room.scenario == 2).unwrap();
    assert!(plan.rooms.last().unwrap().scenario != 2, "others come later");
    let warmup = format!("phases.warmup={}us", last_big.due[0].as_micros() + 1);
    let unmeasured = problems(&["rooms.count=40", &warmup]);
    assert!(unmeasured.len() == 1 && unmeasured[0].contains("all rooms of big arrive within"), "{unmeasured:?}");
    let one_id = "scenarios=[{name=\"a\",share=\"50%\",rooms={id=\"r{index}1\"}},\
                  {name=\"b\",share=\"50%\",rooms={id=\"r1{index}\"}}]";
    let plan = Plan::new(profile(&["rooms.count=40", one_id]), Seed(5));
    assert!(plan.problems()[0].starts_with("rooms.id: two rooms would have the id r1"), "{:?}", plan.problems());
}

/// The hash of every room and due time of the plan, reassembled from the shares of `workers` workers.
fn hash_of_shares(plan: &Plan, workers: usize) -> String {
    use sha2::{Digest, Sha256};
    let mut rooms: Vec<_> = (0..workers).flat_map(|index| plan.share(index, workers).rooms).collect();
    rooms.sort_by_key(|room| room.index);
    let mut hash = Sha256::new();
    for room in &rooms {
        hash.update(format!("{} {} {} {}", room.index.0, room.id, room.first.0, room.warmup));
        room.due.iter().for_each(|due| hash.update(due.as_nanos().to_le_bytes()));
    }
    hex(&hash.finalize()[..8])
}

#[test]
fn one_worker_or_two_or_eight_play_the_same_plan_and_the_seed_makes_it() {
    for (shape, scenarios) in SHAPES.iter().flat_map(|shape| SCENARIOS.iter().map(move |scenarios| (shape, scenarios)))
    {
        let plan = |seed| {
            let sets = ["rooms={count=50,size={min=2,max=9}}", shape, "phases.warmup=1s"].into_iter();
            Plan::new(profile(&sets.chain(*scenarios).collect::<Vec<_>>()), Seed(seed))
        };
        let one = hash_of_shares(&plan(7), 1);
        for workers in [1, 2, 8] {
            assert_eq!(hash_of_shares(&plan(7), workers), one, "{shape}, {workers} workers");
        }
        assert_ne!(hash_of_shares(&plan(8), 1), one, "{shape}: room sizes are drawn");
    }
}

/// Hashes are a snapshot: plans must not change from version to version.
#[test]
fn a_plan_is_the_same_in_every_version_and_on_every_machine() {
    let hashes: Vec<_> = SHAPES
        .iter()
        .map(|shape| {
            let profile = profile(&["rooms={count=20,size={min=2,max=9}}", shape]);
            format!("{shape}: {}", hash_of_shares(&Plan::new(profile, Seed(1)), 1))
        })
        .collect();
    insta::with_settings!({ snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"), prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("plan_hashes", hashes.join("\n"));
    });
}

#[test]
fn more_rooms_never_change_the_first_ones() {
    let rooms =
        |count: u32| Plan::new(profile(&[&format!("rooms={{count={count},size={{min=2,max=9}}}}")]), Seed(3)).rooms;
    assert_eq!(rooms(50)[..20], rooms(20));
}

#[test]
fn the_hash_covers_the_work_and_nothing_else() {
    let hash = |sets: &[&str]| Plan::new(profile(sets), Seed(1)).sha256(None);
    let plain = hash(&[]);
    assert_eq!(plain.len(), 64);
    for same in ["name=other", "target.url=ws://127.0.0.1:1/", "gates.x=\"rate < 1\"", "phases.steady=10000ms"] {
        assert_eq!(hash(&[same]), plain, "{same}");
    }
    assert_eq!(Plan::new(profile(&[]), Seed(2)).sha256(None), plain);
    let plan = Plan::new(profile(&[]), Seed(1));
    assert_ne!(plan.sha256(Some("trickle = true")), plan.sha256(Some("trickle = false")));
    let others = [
        "rooms.count=11",
        "rooms.size=5",
        "rooms.id=r{index}",
        "arrivals.rate=21/s",
        "arrivals.shape=burst",
        "phases.warmup=1s",
        "phases.drain=1s",
        "handshake.trigger=room-list",
        "handshake.trickle=false",
        "handshake.timeout=9s",
        "handshake.approval=approve",
        "handshake.approval=reject",
        "messages.size=65B",
        "messages.reliable=false",
        "messages.start=barrier",
        "messages.ordered=false",
        "engine.kind=none",
        "engine.certificates=per-peer",
        "engine.kind=webrtc",
        "engine={kind=\"webrtc\",ice_servers=[\"stun:h\"]}",
        "engine={kind=\"webrtc\",ice_servers=[\"turn:a:b@h\"]}",
        "engine={kind=\"webrtc\",ice_servers=[\"turn:a:b@h\"],ice_transport_policy=\"relay\"}",
        THREE,
        "scenarios=[{name=\"only\",share=\"100%\"}]",
        "scenarios=[{name=\"a\",share=\"50%\"},{name=\"b\",share=\"50%\"}]",
        "scenarios=[{name=\"a\",share=\"40%\"},{name=\"b\",share=\"60%\"}]",
        "scenarios=[{name=\"a\",share=\"40%\"},{name=\"b\",share=\"60%\",messages={rate=\"9/s\"}}]",
    ];
    let mut hashes: Vec<_> = others.iter().map(|set| hash(&[set])).collect();
    hashes.push(plain);
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), others.len() + 1);
}

#[test]
fn a_plan_of_a_thousand_million_peers_is_refused_from_its_counts() {
    let cost = Cost::of(&profile(&["rooms.count=1000000", "rooms.size=1000"]));
    assert_eq!((cost.peers, cost.edges), (1_000_000_000, 499_500_000_000));
    let machine = MachineLimits { nofile_hard: 1 << 20, memory_bytes: 8 << 30, ports: 28_232 };
    let problems = cost.check(&machine);
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(problems[0].starts_with("1000000000 peers need 3000000064 file descriptors"), "{}", problems[0]);
}

#[test]
fn a_machine_that_has_just_enough_is_enough_and_one_less_is_not() {
    let cost = Cost::of(&profile(&["rooms.count=10", "rooms.size=4"]));
    assert_eq!((cost.descriptors, cost.udp_ports, cost.edges), (64 + 3 * 40, 40, 60));
    let machine = MachineLimits { nofile_hard: 184, memory_bytes: 1 << 30, ports: 40 };
    assert!(cost.check(&machine).is_empty());
    assert_eq!(cost.check(&MachineLimits { nofile_hard: 183, ..machine }).len(), 1);
    assert_eq!(cost.check(&MachineLimits { ports: 39, ..machine }).len(), 2);
    assert_eq!(cost.check(&MachineLimits { memory_bytes: 1 << 20, ..machine }).len(), 1);
}

#[test]
fn who_leaves_and_comes_back_and_who_asks_to_join_costs_frames() {
    let of = |sets: &[&str]| Plan::new(profile(&[&["rooms.count=10", "rooms.size=4"][..], sets].concat()), Seed(1));
    let quiet = of(&[]).cost();
    // 60 edges of 4 frames and a reply, 40 peers of three announcements.
    assert_eq!((quiet.frames_sent, quiet.frames_addressed), (60 * 5 + 40 * 3, 60 * 5 + 120 * 3));
    assert_eq!(of(&["handshake.approval=approve"]).cost().frames_sent, quiet.frames_sent + 2 * 30);
    assert_eq!(of(&["handshake.approval=ignore"]).cost().frames_addressed, quiet.frames_addressed + 30);
    let plan = of(&["phases.steady=60s", "churn.leave=100%/min"]);
    let departures = || plan.rooms.iter().flat_map(|room| &room.departures);
    let (leaves, returns) =
        (departures().count() as u64, departures().filter(|leave| leave.back.is_some()).count() as u64);
    assert!(returns > 10 && leaves > returns);
    let lively = plan.cost();
    assert_eq!(lively.frames_sent, quiet.frames_sent + returns * (3 * 5 + 3) + leaves * 2);
    assert_eq!(lively.frames_addressed, quiet.frames_addressed + returns * (3 * 5 + 9) + leaves * 2 * 3);
}

#[test]
fn the_engine_webrtc_needs_a_socket_for_each_end_of_an_edge() {
    let cost = Cost::of(&profile(&["rooms.count=10", "rooms.size=4", "engine.kind=webrtc"]));
    assert_eq!((cost.udp_ports, cost.descriptors), (120, 64 + 120 + 80));
}

#[test]
fn a_warm_up_that_swallows_the_run_is_a_problem() {
    let problems = |warmup: &str| Plan::new(profile(&["rooms.count=2", warmup]), Seed(1)).problems();
    // The second room's host is peer 4, due after 200 ms.
    assert!(problems("phases.warmup=200ms").is_empty());
    assert_eq!(problems("phases.warmup=201ms").len(), 1);
}

const SHAPES: &[&str] = &[
    "arrivals.rate=\"50/s\"",
    "arrivals={shape=\"burst\"}",
    "arrivals={shape=\"poisson\",rate=\"30/s\"}",
    "arrivals={shape=\"ramp\",from=\"0/s\",to=\"70/s\",over=\"2s\"}",
    "arrivals={shape=\"steps\",steps=[{rate=\"7/s\",for=\"1300ms\"},{rate=\"0/s\",for=\"1s\"},{rate=\"13/s\"}]}",
];

/// Three scenarios, of small, middling and large rooms.
const THREE: &str = "scenarios=[{name=\"small\",share=\"50%\",rooms={size=2}},\
    {name=\"middling\",share=\"30%\",rooms={size={min=3,max=7}},handshake={trickle=false}},\
    {name=\"big\",share=\"20%\",rooms={size={min=20,max=30},id=\"big-{index}\"},messages={rate=\"1/s\"}}]";

const SCENARIOS: &[Option<&str>] = &[None, Some(THREE)];
