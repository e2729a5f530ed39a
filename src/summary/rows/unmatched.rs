//! Frames and values that the dialect could not use, by shape.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Frames or values of one shape.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnmatchedRow {
    /// `unmatched`: no rule takes the frame. `unwritten`: the dialect has no frame for what had to be said. `null_value`: a
    /// value that a rule names came out null. `server_error`: an
    /// error of one pair, or one that ended nothing.
    pub kind: String,
    /// The keys of the frame and the types of its values.
    pub shape: String,
    pub count: u64,
    /// The first frame of this shape, its SDP and its secrets cut.
    pub example: String,
    /// The place of the rule that comes nearest: file and line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Its first difference from the frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
