//! The types that every room shares: data without behaviour beyond its own meaning.

pub mod cidr;
pub mod engine;
pub mod event;
pub mod failure;
pub mod identity;
pub mod ids;
pub mod message;
pub mod options;
pub mod phase;
pub mod seed;
mod text;

pub use crate::vocabulary::cidr::Cidr;
pub use crate::vocabulary::engine::{EngineCommand, EngineEvent};
pub use crate::vocabulary::event::{
    Concern, EdgeEvent, Event, EventKind, FrameNote, FrameNoteKind, NearestRule, PeerEvent, SignalPart,
};
pub use crate::vocabulary::failure::{Failure, OWN_TIMEOUT_SHARE, Reason};
pub use crate::vocabulary::identity::{Identity, IdentityFile};
pub use crate::vocabulary::ids::{Naming, PeerIndex, Place, RoomIndex, Seat};
pub use crate::vocabulary::message::{Candidate, FrameKind, Heard, Say, Signal};
pub use crate::vocabulary::options::{
    Approval, Certificates, EngineKind, HandshakeSettings, Initiator, Reliability, Trigger,
};
pub use crate::vocabulary::phase::Phase;
pub use crate::vocabulary::seed::{Seed, TraceContext};
pub use crate::vocabulary::text::glossary::GlossaryEntry;
pub use crate::vocabulary::text::problem::Problem;
pub use crate::vocabulary::text::redact::{Redactor, is_secret_key};

pub use text::candidate_changes::{CandidateChanges, CandidateRoute, candidate_routes};
pub use text::signal_digest::SignalDigest;
pub use text::{document, format, glossary, inert_text, problem, share::share, shell_quoting};
