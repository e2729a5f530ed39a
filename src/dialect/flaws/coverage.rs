//! Rules that no frame reaches, since an earlier one takes all that they would take.

use super::found::Flaws;
use crate::dialect::language::pattern::Pattern;

pub(super) fn check(flaws: &mut Flaws<'_>) {
    let dialect = flaws.dialect;
    for (index, rule) in dialect.rules.iter().enumerate() {
        let earlier = &dialect.rules[..index];
        let covers = |pattern: &Pattern| pattern.binds_once(&mut vec![]) && pattern.covers(Some(&rule.pattern));
        let mut unconditional = earlier.iter().filter(|first| first.guards.is_empty() && first.conditions.is_empty());
        if let Some(first) = unconditional.find(|first| covers(&first.pattern)) {
            let at = dialect.at(first.line);
            let message = format!("is never reached: the rule at {at} takes every frame that it would; move it up");
            flaws.note(rule.line, &format!("on[{index}]"), message);
        }
    }
}

impl Pattern {
    /// Each name is bound at one place, so that no two values have to be equal.
    fn binds_once(&self, slots: &mut Vec<usize>) -> bool {
        match self {
            Self::Bind { slot, filters, .. } => {
                let is_first = !slots.contains(slot);
                slots.push(*slot);
                is_first && filters.is_empty()
            }
            Self::Table(entries) => entries.iter().all(|(_, inner)| inner.binds_once(slots)),
            Self::List(items) => items.iter().all(|item| item.binds_once(slots)),
            Self::Equal(_) | Self::Same(_) | Self::Present | Self::Absent => true,
            Self::Text(_) | Self::Some(_) | Self::Anywhere(_) => false,
        }
    }

    /// Every frame that `other` fits fits this pattern too; false if in doubt.
    fn covers(&self, other: Option<&Self>) -> bool {
        match (self, other) {
            (Self::Bind { optional: true, .. }, _) | (Self::Absent, Some(Self::Absent)) => true,
            (_, None | Some(Self::Absent | Self::Bind { optional: true, .. })) | (Self::Absent, _) => false,
            (Self::Bind { .. } | Self::Present, Some(_)) => true,
            (Self::Table(entries), Some(Self::Table(others))) => {
                let of_other = |key: &str| others.iter().find(|(other, _)| other == key).map(|(_, inner)| inner);
                entries.iter().all(|(key, inner)| inner.covers(of_other(key)))
            }
            (Self::List(items), Some(Self::List(others))) => {
                items.iter().enumerate().all(|(at, item)| item.covers(others.get(at)))
            }
            (own, Some(other)) => own == other,
        }
    }
}
