//! Options of the bus as settings, and its errors as exits.

use crate::cli::BusTlsArgs;
use crate::commands::Exit;
use crate::commands::terminal::write_stderr;
use crate::fleet::{BusError, BusSettings, RunName};
use crate::gates::Gate;

pub(super) fn settings(url: &str, tls: &BusTlsArgs) -> BusSettings {
    let key = |cert: &std::path::PathBuf| tls.bus_key.clone().unwrap_or_else(|| cert.clone());
    BusSettings {
        url: url.to_owned(),
        ca: tls.bus_ca.clone(),
        identity: tls.bus_cert.as_ref().map(|cert| (cert.clone(), key(cert))),
        credentials: tls.bus_creds.clone(),
        insecure: tls.insecure_bus,
    }
}

/// The name of `--run`; without one, a name that is drawn.
///
/// # Errors
/// It is no name; stderr has it already.
pub(super) fn run_name(given: Option<&str>) -> Result<RunName, Exit> {
    given.map_or_else(|| Ok(RunName::random()), str::parse).map_err(|why: String| {
        write_stderr([format!("--run: {why}")]);
        Exit::Usage
    })
}

/// The gates that may end a run before its time.
pub(super) fn abort_gates(gates: &[Gate]) -> Vec<Gate> {
    gates.iter().filter(|gate| gate.abort).cloned().collect()
}

/// Tells the error on stderr, and chooses the exit.
pub(super) fn ended(error: &BusError) -> Exit {
    write_stderr([error]);
    match error {
        BusError::Usage(_) | BusError::Refused(_) => Exit::Usage,
        BusError::Broken(_) => Exit::Broken,
        BusError::Barred(_) => Exit::Refused,
        BusError::Over(_) | BusError::Displaced(_) => Exit::Incomplete,
        BusError::Stopped(signal) => Exit::from(*signal),
    }
}
