//! Compiles `[experiments]`: what the probe may try on a server of this protocol.

use super::Compiler;
use super::compiled::{AllowedRepeats, JoinAction, JoinStep, SignalTemplates};

pub(super) const KEYS: [&str; 3] = ["join_again", "offer_again", "observer"];

impl Compiler<'_> {
    /// `[experiments]`: by default, an offer and a join that says something may be repeated, and a further client may
    /// join, but not where a join carries offers.
    pub(super) fn experiments(&mut self, join: &[JoinStep], signals: &SignalTemplates) -> AllowedRepeats {
        let pools = join.iter().any(|step| matches!(step.action, JoinAction::Pool));
        let says = join.iter().any(|step| matches!(step.action, JoinAction::Say(_)));
        let section = self.root.key("experiments");
        if let Some(section) = section {
            section.check_keys("experiments", &KEYS, self.problems);
        }
        let mut flag = |key: &str, default: bool| {
            let node = section.and_then(|section| section.key(key));
            node.and_then(|node| node.flag(&format!("experiments.{key}"), self.problems)).unwrap_or(default)
        };
        AllowedRepeats {
            join_again: flag(KEYS[0], says && !pools),
            offer_again: flag(KEYS[1], !pools && !signals.offer.is_empty()),
            observer: flag(KEYS[2], !pools),
        }
    }
}
