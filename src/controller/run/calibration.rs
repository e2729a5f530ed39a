//! Calibration: two short runs against a server in this process tell what an edge and a message cost this machine.

use super::super::outcome::StartError;
use super::{RunSpec, run};
use crate::dialect::Dialect;
use crate::plan::Plan;
use crate::profile::{ProfileSource, read};
use crate::server::{Config, Routing};
use crate::summary::Summary;
use crate::vocabulary::{EngineKind, Seed};
use std::io;

/// 360 edges in a second.
const EDGES: &str = "[rooms]\ncount = 60\nsize = 4\n[arrivals]\nrate = \"240/s\"\n[messages]\npattern = \"none\"\n\
                     [phases]\nsteady = \"0s\"\ndrain = \"0s\"\n";

/// 24 edges, and then 4,800 messages in a second.
const MESSAGES: &str = "[rooms]\ncount = 4\nsize = 4\n[arrivals]\nrate = \"160/s\"\n[messages]\nrate = \"100/s\"\n\
                        [phases]\nsteady = \"1s\"\ndrain = \"0s\"\n";

/// CPU time of this process for each, in microseconds; the server's part is in it, so a target elsewhere leaves less.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    pub us_per_edge: f64,
    /// Zero for an engine without channels.
    pub us_per_message: f64,
}

/// Runs for about 2 s.
///
/// # Errors
/// This machine can't carry even that: no descriptor, port or thread is left.
pub fn calibrate(engine: EngineKind) -> Result<Calibration, StartError> {
    let edges = played(EDGES, engine)?;
    let us_per_edge = edges.health.us_per_edge as f64;
    let us_per_message = match engine {
        EngineKind::None => 0.0,
        EngineKind::Lean | EngineKind::Webrtc => {
            let messages = played(MESSAGES, engine)?;
            let more = messages.health.us_per_edge as f64 - us_per_edge;
            let delivered = messages.counts.messages.delivered.max(1) as f64;
            more.max(0.0) * messages.counts.edges.opened as f64 / delivered
        }
    };
    Ok(Calibration { us_per_edge, us_per_message })
}

fn played(text: &str, engine: EngineKind) -> Result<Summary, StartError> {
    let mut profile = read(ProfileSource { name: "calibration", text }, &[], &|_| None).map_err(|problems| {
        io::Error::other(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    profile.engine.kind = engine;
    let dialect = Dialect::named(&profile.target.dialect).ok_or_else(|| io::Error::other("no such dialect"))?;
    let embedded = Config { routing: Routing::Room, ..Config::default() };
    let summary =
        run(RunSpec { embedded, ..RunSpec::new(Plan::new(profile, Seed(1)), "cal".to_owned(), dialect) })?.summary;
    match summary.counts.edges.opened {
        0 => Err(io::Error::other("no edge of the calibration opened").into()),
        _ => Ok(summary),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_and_a_message_have_a_cost_and_without_channels_an_edge_alone() {
        let Calibration { us_per_edge, us_per_message } = calibrate(EngineKind::Lean).unwrap();
        assert!(us_per_edge > 1.0 && us_per_message < us_per_edge, "{us_per_edge} {us_per_message}");
        let bare = calibrate(EngineKind::None).unwrap();
        assert!(bare.us_per_edge > 1.0 && bare.us_per_message == 0.0, "{bare:?}");
    }
}
