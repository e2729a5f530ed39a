//! Changes of a conversation that an experiment of the probe makes: a wait, or a frame that is said once more.

use std::time::Duration;

/// The changes of one experiment; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Time between the open connection and the first frame of the join; without such a frame, the end of the join.
    pub join_wait: Duration,
    /// Says the frames of the join again so long after them, if no other peer is known by then.
    pub join_again: Option<Duration>,
    /// Reports the text of each frame.
    pub captures: bool,
    /// Says an offer again so long after it, if no answer has come by then.
    pub offer_again: Option<Duration>,
    /// Joins, and then neither answers what other peers say nor passes on that they are there.
    pub observes: bool,
}
