//! The texts that rules ask for, by their places in a frame, and the rules that are told another.

use crate::dialect::language::pattern::Pattern;
use serde_json::Value;

/// The texts that rules ask for at one place in a frame, and at the places within it.
#[derive(Debug, Default)]
pub(super) struct AskedPlace {
    /// Each with the bit of its rule.
    pub texts: Vec<(u64, AskedText)>,
    pub within: Vec<(PathStep, AskedPlace)>,
}

#[derive(Debug)]
pub(super) enum AskedText {
    Literal(String),
    /// The value of a variable, by its slot.
    Variable(usize),
}

#[derive(Debug, PartialEq)]
pub(super) enum PathStep {
    Key(String),
    Item(usize),
}

/// The rules that a frame can't fit, by the bits of their positions in the look; those beyond 64 are never ruled out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuledOut {
    /// The frame has another literal.
    pub other: u64,
    /// The frame has another value than this peer's variable.
    pub foreign: u64,
}

/// The bit of the rule at `position`.
pub(super) fn bit(position: usize) -> Option<u64> {
    1_u64.checked_shl(position as u32)
}

impl AskedPlace {
    pub(super) fn ask(&mut self, pattern: &Pattern, rule: u64) {
        match pattern {
            Pattern::Equal(Value::String(text)) => self.texts.push((rule, AskedText::Literal(text.clone()))),
            Pattern::Same(slot) => self.texts.push((rule, AskedText::Variable(*slot))),
            Pattern::Table(entries) => {
                entries.iter().for_each(|(key, inner)| self.inner(PathStep::Key(key.clone())).ask(inner, rule));
            }
            Pattern::List(items) => {
                items.iter().enumerate().for_each(|(at, inner)| self.inner(PathStep::Item(at)).ask(inner, rule));
            }
            _ => {}
        }
    }

    fn inner(&mut self, step: PathStep) -> &mut Self {
        let at = self.within.iter().position(|(own, _)| *own == step).unwrap_or_else(|| {
            self.within.push((step, Self::default()));
            self.within.len() - 1
        });
        &mut self.within[at].1
    }

    /// Removes the places without texts; the number of those with texts.
    pub(super) fn prune(&mut self) -> usize {
        let mut places = usize::from(!self.texts.is_empty());
        self.within.retain_mut(|(_, inner)| {
            let asked = inner.prune();
            places += asked;
            asked > 0
        });
        places
    }
}

impl RuledOut {
    /// The rule at `position` may fit the frame.
    pub(crate) fn leaves(self, position: usize) -> bool {
        bit(position).is_none_or(|bit| (self.other | self.foreign) & bit == 0)
    }

    /// The rule at `position` is for frames of this kind, and the frame is for another peer.
    pub(crate) fn is_foreign(self, position: usize) -> bool {
        bit(position).is_some_and(|bit| self.foreign & !self.other & bit != 0)
    }
}
