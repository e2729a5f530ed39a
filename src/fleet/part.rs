//! `part.mesh`: the figures that one machine measured of a run, with all that their merge needs.

use super::body;
use super::context::PartContext;
use super::format::{COUNT_MAX, KINDS_MAX, PHASES_MAX, Unusable};
use crate::controller::PlayedShare;

/// A part of a run, as its file holds it.
#[derive(Clone, Debug)]
pub struct Part {
    pub context: PartContext,
    pub played: PlayedShare,
    /// The control run of the share on its machine, with `--control`.
    pub control: Option<PlayedShare>,
}

impl Part {
    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        body::write(&self.context, &self.played, self.control.as_ref())
    }

    /// Reads a file, which may be cut, damaged or hostile: bounded in bytes and work.
    ///
    /// # Errors
    /// The first reason why the file can't be merged.
    pub fn read(bytes: &[u8]) -> Result<Self, Unusable> {
        let (context, played, control) = body::read(bytes)?;
        let part = Self { context, played, control };
        part.check()?;
        Ok(part)
    }

    fn check(&self) -> Result<(), Unusable> {
        let PartContext { share, planned, .. } = &self.context;
        if !share.is_sound() {
            return Err(Unusable::Unsound("its share is none"));
        }
        if planned.rooms.max(planned.peers).max(planned.edges) > COUNT_MAX {
            return Err(Unusable::Unsound("its plan is larger than any"));
        }
        if !self.context.validity.thresholds.is_sound() {
            return Err(Unusable::Unsound("a limit of [validity] is none"));
        }
        if self.control.as_ref().is_some_and(|control| control.facts.kinds != self.played.facts.kinds) {
            return Err(Unusable::Unsound("its control run has another dialect"));
        }
        [Some(&self.played), self.control.as_ref()].into_iter().flatten().try_for_each(check_played)
    }
}

fn check_played(PlayedShare { facts, figures, health, .. }: &PlayedShare) -> Result<(), Unusable> {
    if facts.kinds.len() > KINDS_MAX || facts.phases.len() > PHASES_MAX {
        return Err(Unusable::Unsound("more message types or phases than any run has"));
    }
    if !facts.thresholds.is_sound() {
        return Err(Unusable::Unsound("a limit of [validity] is none"));
    }
    if !figures.has_scenarios(facts.scenarios.len().max(1)) {
        return Err(Unusable::Unsound("its figures are of more scenarios than it names"));
    }
    figures.check(facts.kinds.len()).map_err(Unusable::Unsound)?;
    health.check().map_err(Unusable::Unsound)
}
