//! Finds out without a server why a dialect can't work: what it lacks, what can't be reached, what no rule takes.

mod coverage;
mod echo;
mod found;
mod play;

pub use found::fate;
pub use play::PlayedRoom;
pub(super) use play::play;

use super::compile::compiled::{Action, CompiledDialect, Discovery, JoinAction, Step};
use super::language::expression::Expression;
use super::language::names::ME;
use crate::vocabulary::Problem;
use found::Flaws;
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// The flaws of a dialect whose file is valid, in the order of their lines.
pub(super) fn of(dialect: &Arc<CompiledDialect>, now: Instant) -> Vec<Problem> {
    let mut flaws = Flaws { dialect, found: vec![] };
    flaws.check_url();
    flaws.check_id();
    coverage::check(&mut flaws);
    if dialect.negotiates() {
        flaws.check_offers();
        echo::check(&mut flaws, now);
    }
    flaws.found.sort_by_key(|(line, _)| *line);
    flaws.found.into_iter().map(|(_, problem)| problem).collect()
}

impl Flaws<'_> {
    fn check_url(&mut self) {
        let connect = &self.dialect.connect;
        if !connect.url.reads_local(0) {
            self.note(connect.line, "connect.url", "has no {base}, so --target has no effect; begin it with {base}");
        }
    }

    /// With `id = "server"`, some step has to set `me`.
    fn check_id(&mut self) {
        let dialect = self.dialect;
        let sets = |set: &[(usize, _)]| set.iter().any(|(slot, _)| *slot == ME);
        let of_join = dialect.join.iter().chain(dialect.join_first.iter().flatten()).any(|step| match &step.action {
            JoinAction::Set(set) | JoinAction::Expect { set, .. } => sets(set),
            _ => false,
        });
        if dialect.me.is_none() && !of_join && !steps(dialect).any(|step| sets(&step.set)) {
            let message = "no step sets `me`, so the peer has no id; take it where the server tells it: \
                           expect = { id = \"{given}\" }, set = { me = \"{given}\" }";
            self.note(dialect.id_line, "id", message);
        }
    }

    /// Some peer has to hear of another, and one of the two has to offer.
    fn check_offers(&mut self) {
        let dialect = self.dialect;
        let line = dialect.rules.first().map_or(1, |rule| rule.line);
        let mut initiates = vec![];
        for step in steps(dialect) {
            if let Action::Peer { initiate, .. } | Action::Peers { initiate, .. } = &step.action {
                initiates.push(initiate.as_ref().unwrap_or(&dialect.initiate));
            }
        }
        let is_told = dialect.discovery == Discovery::Harness
            || dialect.join.iter().any(|step| matches!(step.action, JoinAction::Pool));
        if is_told {
            initiates.push(&dialect.initiate);
        }
        let never = Expression::Constant(Value::Bool(false));
        if initiates.is_empty() {
            self.note(
                line,
                "on",
                "no rule tells of another peer, so nobody offers; say who is there with peer or peers",
            );
        } else if initiates.iter().all(|initiate| **initiate == never) {
            self.note(
                line,
                "on",
                "initiate is false everywhere, so nobody offers; say in a rule or at the top who does",
            );
        }
    }
}

fn steps(dialect: &CompiledDialect) -> impl Iterator<Item = &Step> {
    dialect.rules.iter().flat_map(|rule| &rule.steps)
}
