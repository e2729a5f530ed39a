//! Everything about a run that is shown or kept: progress, the event log, causes and traces, the suggested probe.

pub(super) mod attribution;
pub(super) mod conclude;
pub(super) mod event_log;
pub(super) mod probe_command;
pub(super) mod progress;
