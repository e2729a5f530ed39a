//! Findings about offers, answers, candidates and announcements on their way from peer to peer.

pub(super) mod altered_candidates;
pub(super) mod altered_description;
pub(super) mod early_words_lost;
pub(super) mod misrouted;
pub(super) mod repeated;
