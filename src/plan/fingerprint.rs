//! The plan's hash: runs with the same hash did the same work, against any target.

use crate::profile::{
    ArrivalStage, Churn, EngineChoice, IceTransportPolicy, MessagePattern, Profile, RoomSettings, Scenario, Start, Stay,
};
use crate::vocabulary::Approval;
use crate::vocabulary::format::hex;
use sha2::{Digest, Sha256};

/// Hex SHA-256 over rooms, arrivals, phases, handshake, messages, churn, engine and dialect, but not over target,
/// headers, gates, name and seed (docs/spec/interface.md, "What plan_sha256 covers"). Checked values are hashed, so
/// `1000ms` and `1s` are the same. A dialect file is hashed by its text, `dialect_text`, and not by its path.
pub(super) fn sha256(profile: &Profile, dialect_text: Option<&str>) -> String {
    hex(&Sha256::digest(canonical(profile, dialect_text).as_bytes()))
}

/// The hashed text, one line per section, in a form that depends on no derived trait.
fn canonical(profile: &Profile, dialect_text: Option<&str>) -> String {
    let Profile { phases, engine, target, scenarios, .. } = profile;
    let arrivals: Vec<_> = profile.arrivals.iter().map(stage).collect();
    let run = [
        format!("arrivals {}", arrivals.join(", ")),
        format!("phases {} {} {}", phases.warmup.as_nanos(), phases.steady.as_nanos(), phases.drain.as_nanos()),
    ];
    let others = [
        format!("engine {} {}{}", word(&engine.kind), word(&engine.certificates), candidates(engine)),
        match dialect_text {
            Some(text) => format!("dialect file {text}"),
            None => format!("dialect {}", target.dialect),
        },
    ];
    let mut lines = vec!["meshload plan 1".to_owned()];
    match scenarios.as_slice() {
        [only] if only.name.is_empty() => {
            let [rooms, handshake, messages, churn] = settings(only, profile.room_count);
            lines.push(rooms);
            lines.extend(run);
            lines.extend([handshake, messages, churn]);
        }
        several => {
            lines.extend(run);
            for scenario in several {
                lines.push(format!("scenario {} {}", scenario.name, scenario.share));
                lines.extend(settings(scenario, profile.room_count));
            }
        }
    }
    lines.extend(others);
    lines.join("\n")
}

/// The lines of one scenario: rooms, handshake, messages and churn. Defaults of later keys are left out, so that the
/// hashes of older profiles stay the same.
fn settings(scenario: &Scenario, room_count: u32) -> [String; 4] {
    let Scenario { rooms, handshake, messages, churn, .. } = scenario;
    let RoomSettings { size, id, guests } = rooms;
    let guests = if *guests == 0 { String::new() } else { format!(" guests {guests}") };
    let pattern = match messages.pattern {
        MessagePattern::Broadcast => "broadcast",
        MessagePattern::PingPong => "ping-pong",
        MessagePattern::None => "none",
    };
    let start = match messages.start {
        Start::Room => "",
        Start::Barrier => " barrier",
    };
    let approval = match handshake.approval {
        Approval::Off => String::new(),
        asked => format!(" approval {}", word(&asked)),
    };
    [
        format!("rooms {room_count} {} {} {}{guests}", size.min, size.max, id.escape_default()),
        format!(
            "handshake {} {} {} {} {}{approval}",
            word(&handshake.trigger),
            word(&handshake.initiator),
            handshake.trickle,
            handshake.settle.as_nanos(),
            handshake.timeout.as_nanos()
        ),
        format!(
            "messages {pattern} {} {} {} {} {}{start}",
            messages.rate,
            messages.bytes_min,
            messages.bytes_max,
            messages.ordered,
            word(&messages.reliability)
        ),
        leaves(churn),
    ]
}

/// The leaves; what older profiles could not say is left out where it is not said, so that their hashes stay the same.
fn leaves(churn: &Churn) -> String {
    let Churn { leave, stay, rejoin, host_leaves, silent, vanish } = churn;
    let vanish = if *vanish > 0.0 { format!(" vanish {vanish}") } else { String::new() };
    match stay {
        Some(Stay { min, max }) => {
            format!("churn stay {} {} {rejoin} {host_leaves} {silent}{vanish}", min.as_nanos(), max.as_nanos())
        }
        None if *leave > 0.0 => format!("churn {leave} {rejoin} {host_leaves} {silent}{vanish}"),
        None => "churn none".to_owned(),
    }
}

/// The numbers of STUN and TURN servers, but not their addresses: the same plan may use servers elsewhere. Empty without
/// servers, so that the hashes of older profiles stay the same.
fn candidates(engine: &EngineChoice) -> String {
    let turns = engine.ice_servers.iter().filter(|server| server.login.is_some()).count();
    let stuns = engine.ice_servers.len() - turns;
    let only = if engine.ice_transport_policy == IceTransportPolicy::Relay { " relay" } else { "" };
    if stuns + turns == 0 { String::new() } else { format!(" stun {stuns} turn {turns}{only}") }
}

fn stage(stage: &ArrivalStage) -> String {
    let until =
        |lasts: &Option<std::time::Duration>| lasts.map_or("all".to_owned(), |lasts| lasts.as_nanos().to_string());
    match stage {
        ArrivalStage::Constant { rate, lasts } => format!("constant {rate} {}", until(lasts)),
        ArrivalStage::Ramp { from, to, lasts } => format!("ramp {from} {to} {}", lasts.as_nanos()),
        ArrivalStage::Poisson { rate, lasts } => format!("poisson {rate} {}", until(lasts)),
        ArrivalStage::Burst { peers } => peers.map_or("burst".to_owned(), |peers| format!("burst {peers}")),
    }
}

/// The serialized name of an option, which is stable.
fn word(choice: &impl serde::Serialize) -> String {
    serde_json::to_string(choice).unwrap_or_default()
}
