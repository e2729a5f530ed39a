//! The record of a run from which findings are concluded.

use crate::summary::Summary;

/// All that findings read.
#[derive(Clone, Copy, Debug)]
pub struct RunRecord<'a> {
    /// Counts, timers, failures and outages; its `findings` are not read.
    pub summary: &'a Summary,
}
