//! Options of a run on several machines, and of the merge of their parts.

use super::options::{OutputArgs, tolerance};
use crate::plan::ShareOf;
use crate::summary::wall_time::from_rfc3339;
use clap::Args;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One machine's share of a run.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Several machines")]
pub struct ShareArgs {
    /// Plays one of N shares of the plan, such as 2/3, and leaves part.mesh for `meshload merge`
    #[arg(long, value_name = "I/N", requires = "start_at", env = "MESHLOAD_SHARE")]
    pub share: Option<ShareOf>,
    /// The common start of all shares: RFC 3339, or seconds since 1970 (`date +%s`)
    #[arg(long, value_name = "TIME", requires = "share", value_parser = start_time, env = "MESHLOAD_START_AT")]
    pub start_at: Option<SystemTime>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshload merge parts/*.mesh --out merged
  meshload merge a/part.mesh b/part.mesh --tolerate-loss 40%

Exits as the run would have on one machine: 97 if a part is missing and more is lost than --tolerate-loss allows.")]
pub struct MergeArgs {
    /// Parts of one run, one of each share; or folders that hold a part.mesh
    #[arg(required = true, value_name = "part.mesh")]
    pub parts: Vec<PathBuf>,
    /// Share of the plan's edges that may be missing without exit 97, such as 10%
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = tolerance, env = "MESHLOAD_TOLERATE_LOSS")]
    pub tolerate_loss: f64,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Parses a time of RFC 3339, or whole seconds since 1970.
fn start_time(text: &str) -> Result<SystemTime, String> {
    let seconds = || UNIX_EPOCH.checked_add(Duration::from_secs(text.parse().ok()?));
    from_rfc3339(text).or_else(seconds).ok_or_else(|| {
        "expected a time such as 2026-11-29T18:00:00Z, or seconds since 1970: $(( $(date +%s) + 60 ))".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_stamp_or_seconds() {
        let at = UNIX_EPOCH + Duration::from_secs(1_796_000_000);
        assert_eq!(start_time("1796000000"), Ok(at));
        assert_eq!(
            start_time("2026-11-30T01:53:20+01:00").map(|at| at.duration_since(UNIX_EPOCH).unwrap().as_secs()),
            Ok(1_796_000_000)
        );
        for wrong in ["", "soon", "-1", "1796000000.5", "18446744073709551615"] {
            assert!(start_time(wrong).unwrap_err().starts_with("expected a time"), "{wrong}");
        }
    }
}
