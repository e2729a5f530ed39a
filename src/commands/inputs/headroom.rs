//! Says how much of this machine a plan will take, by a calibration of this machine that is kept for 30 days.

use super::variable;
use crate::cli::CalibrateWhen;
use crate::commands::report::runs::write_whole;
use crate::commands::terminal::write_stderr;
use crate::controller::{Calibration, StartError, calibrate};
use crate::os::machine;
use crate::plan::Plan;
use crate::summary::Machine;
use crate::vocabulary::EngineKind;
use crate::vocabulary::format::{count, number, percent, plural};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The age from which a calibration is made again.
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The share of the cores above which figures become the generator's.
const BUSY: f64 = 0.85;

/// A calibration as it is kept, by machine, build and engine.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct KeptCalibration {
    made_unix_s: u64,
    us_per_edge: f64,
    us_per_message: f64,
}

/// One sentence about the plan's busiest second; `None` if it is not wanted. Calibrates this machine if it was not lately.
pub(in crate::commands) fn headroom(when: CalibrateWhen, plan: &Plan) -> Option<String> {
    let is_wanted = match when {
        CalibrateWhen::Auto => std::io::stderr().is_terminal(),
        CalibrateWhen::Always => true,
        CalibrateWhen::Never => false,
    };
    let machine = is_wanted.then(machine)?;
    let engine = plan.profile.engine.kind;
    match calibration(engine, &machine, folder().as_deref()) {
        Ok(calibration) => Some(sentence(plan, calibration, machine.cores)),
        Err(why) => Some(format!("this machine could not be calibrated: {why}")),
    }
}

fn sentence(plan: &Plan, calibration: Calibration, cores: f64) -> String {
    let (edges, messages) = (plan.edges_per_second_max(), plan.cost().messages_per_second);
    let opening = edges as f64 * calibration.us_per_edge / 1e6;
    let talking = messages * calibration.us_per_message / 1e6;
    // Rooms that are complete talk while others arrive.
    let needed = opening + talking;
    let more =
        if needed > BUSY * cores { ": more than it carries well, so the figures may become its own" } else { "" };
    format!(
        "CPU: about {} of {} cores ({}) in the busiest second, {} and {}; this machine opens about {} edges/s{more}",
        number(needed),
        number(cores),
        percent(needed / cores.max(0.01)),
        plural(edges, "edge"),
        plural(messages.round() as u64, "message"),
        count((BUSY * cores * 1e6 / calibration.us_per_edge.max(1.0)) as u64),
    )
}

/// The kept calibration, or a new one, which is kept where `folder` can be written.
fn calibration(engine: EngineKind, machine: &Machine, folder: Option<&Path>) -> Result<Calibration, String> {
    let file = folder.map(|folder| folder.join("calibration.json"));
    let text = file.as_ref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    let mut kept: BTreeMap<String, KeptCalibration> = serde_json::from_str(&text).unwrap_or_default();
    let key = format!("{engine:?}, {} cores of {}, meshload {}", machine.cores, machine.cpu, env!("MESHLOAD_GIT"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let is_young = |kept: &&KeptCalibration| now.saturating_sub(kept.made_unix_s) < AGE_MAX.as_secs();
    if let Some(KeptCalibration { us_per_edge, us_per_message, .. }) = kept.get(&key).filter(is_young) {
        return Ok(Calibration { us_per_edge: *us_per_edge, us_per_message: *us_per_message });
    }
    write_stderr(["calibrating this machine, which takes 2 s and is kept for 30 days"]);
    let made = calibrate(engine).map_err(|error| match error {
        StartError::Own(error) => error.to_string(),
        other => format!("{other:?}"),
    })?;
    let Calibration { us_per_edge, us_per_message } = made;
    kept.retain(|_, kept| is_young(&&*kept));
    kept.insert(key, KeptCalibration { made_unix_s: now, us_per_edge, us_per_message });
    if let (Some(file), Ok(json)) = (file, serde_json::to_string_pretty(&kept)) {
        // Without the file the next run calibrates again.
        let _ = write_whole(&file, json);
    }
    Ok(made)
}

/// `meshload` in the user's cache folder (XDG Base Directory Specification).
fn folder() -> Option<PathBuf> {
    let given = |name: &str| variable(name).filter(|value| Path::new(value).is_absolute()).map(PathBuf::from);
    let cache = given("XDG_CACHE_HOME").or_else(|| given("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("meshload"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{ProfileSource, read};
    use crate::vocabulary::Seed;

    fn check(text: &str, cores: f64, expected: &str) {
        let profile = read(ProfileSource { name: "p.toml", text }, &[], &|_| None).unwrap();
        let calibration = Calibration { us_per_edge: 2_000.0, us_per_message: 20.0 };
        let said = sentence(&Plan::new(profile, Seed(1)), calibration, cores);
        assert_eq!(said, expected);
    }

    #[test]
    fn the_busiest_second_is_set_beside_what_the_machine_can_do() {
        let rooms = "[rooms]\ncount = 50\nsize = 4\n[arrivals]\nrate = \"100/s\"\n";
        let quiet = format!("{rooms}[messages]\npattern = \"none\"\n");
        check(
            &quiet,
            2.0,
            "CPU: about 0.30 of 2.00 cores (15.0 %) in the busiest second, 150 edges and 0 messages; \
             this machine opens about 850 edges/s",
        );
        check(
            &format!("{rooms}[messages]\nrate = \"20/s\"\n"),
            0.5,
            "CPU: about 0.54 of 0.50 cores (108.00 %) in the busiest second, 150 edges and 12,000 messages; \
             this machine opens about 212 edges/s: more than it carries well, so the figures may become its own",
        );
    }
}
