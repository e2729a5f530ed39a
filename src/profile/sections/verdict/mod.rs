//! The sections that judge a run: its gates, and the limits of its validity.

pub(crate) mod gates;
pub(crate) mod validity;
