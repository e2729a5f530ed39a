//! Fast path for member lists whose rules read only an item's id and name.

use crate::dialect::language::expression::Expression;
use crate::dialect::language::names::Binding;
use crate::dialect::language::pattern::Pattern;
use crate::dialect::language::template::Template;

/// The keys of an item that decide if it reports a change.
#[derive(Debug)]
pub(crate) struct MemberList {
    /// The key of the id.
    pub key: String,
    /// The key of the name, if the rule reads it.
    pub name: Option<String>,
    /// The list may be its text.
    pub is_text: bool,
}

/// The parts of a `peers` step that read an item.
pub(crate) struct Reading<'a> {
    pub each: &'a Pattern,
    pub id: usize,
    /// The first local of the item; all later ones are its own too.
    pub first: usize,
    pub name: Option<&'a Template>,
    pub start: Option<&'a Expression>,
}

impl MemberList {
    /// The fast path of a step; `None` if it reads more of an item than id and name.
    pub(crate) fn of(reading: &Reading<'_>) -> Option<Self> {
        let Pattern::Table(entries) = reading.each else { return None };
        let is_own = |slot: usize| slot == reading.id || slot >= reading.first;
        let of_an_item = |place: &Binding| match place {
            Binding::Local(slot) => is_own(*slot),
            Binding::Global(_) | Binding::Now => false,
            _ => true,
        };
        if reading.start.is_some_and(|start| start.reads(&of_an_item)) {
            return None;
        }
        let plain = |pattern: &Pattern| match pattern {
            Pattern::Bind { slot, filters, optional } if filters.is_empty() && is_own(*slot) => {
                (*optional || *slot == reading.id).then_some(*slot)
            }
            _ => None,
        };
        let bound = entries.iter().map(|(key, pattern)| Some((key, plain(pattern)?)));
        let bound: Vec<(&String, usize)> = bound.collect::<Option<_>>()?;
        let key_of = |slot: usize| bound.iter().find(|(_, other)| *other == slot).map(|(key, _)| (*key).clone());
        let name = match reading.name {
            Some(name) => Some(key_of(name.local()?)?),
            None => None,
        };
        Some(Self { key: key_of(reading.id)?, name, is_text: false })
    }
}

#[cfg(test)]
mod tests {
    use crate::dialect::Dialect;
    use crate::dialect::compile::compiled::Action;

    #[test]
    fn of_the_dashboards_lists_the_answer_to_a_join_is_brief_and_the_marked_one_is_not() {
        let dialect = Dialect::named("dashboard").unwrap();
        assert!(dialect.compiled.is_steady);
        let told = |kind: &str| {
            let rules = dialect.compiled.rules.iter().filter(|rule| dialect.kinds()[usize::from(rule.kind.0)] == kind);
            let actions = rules.flat_map(|rule| &rule.steps).map(|step| &step.action);
            let mut member_lists = actions.filter_map(|action| {
                if let Action::Peers { member_list, .. } = action { Some(member_list) } else { None }
            });
            member_lists.next().unwrap().as_ref().map(|member_list| (member_list.key.clone(), member_list.name.clone()))
        };
        assert_eq!(told("user-joined-room"), Some(("id".to_owned(), Some("name".to_owned()))));
        assert_eq!(told("server-room-list"), None);
        let stays_text = dialect.compiled.rules.iter().filter(|rule| rule.list_text.is_some());
        let kinds: Vec<&str> = stays_text.map(|rule| dialect.kinds()[usize::from(rule.kind.0)]).collect();
        assert_eq!(kinds, ["user-joined-room"]);
    }
}
