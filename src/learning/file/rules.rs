//! Writes `[[on]]`: what a peer does with each class of frames that it hears.

use super::{DialectFile, GivenNames};
use crate::dialect::TYPE_KEYS;
use crate::learning::file::patterns::{key, literal, quoted};
use crate::learning::frames::classes::FrameClass;
use crate::learning::frames::terms::{Term, TermHole};
use crate::learning::roles::{Initiate, PeerDiscovery, Reply};
use crate::learning::talk::grammar::Said;
use crate::learning::talk::json::Json;
use std::collections::BTreeSet;

impl DialectFile<'_> {
    /// The rules, those that must be asked first before the others.
    pub(super) fn rules(&mut self) -> String {
        let mut rules: Vec<String> = vec![];
        let sorted = self.sorted;
        let received = || sorted.classes.iter().enumerate().filter(|(_, class)| !class.sent);
        for (_, class) in received().filter(|(_, class)| class.is_echo && class.has_me()) {
            let (pattern, _) = self.pattern(&class.term, None, false, &GivenNames::new());
            rules.push(format!("\n[[on]]                                    # what this peer has said itself\nmatch = {pattern}\nignore = true\n"));
        }
        for part in [Said::Offer, Said::Answer, Said::Candidate, Said::EndOfCandidates] {
            for (index, _) in received().filter(|(_, class)| class.said == Some(part) && !class.is_echo) {
                rules.extend(self.signal_rule(index, part));
            }
        }
        for discovery in &self.roles.discovery {
            rules.push(self.discovery_rule(discovery));
        }
        for class in &self.roles.left {
            let (pattern, _) = self.pattern(&sorted.classes[*class].term, None, false, &GivenNames::new());
            rules.push(format!("\n[[on]]\nmatch = {pattern}\nleft = \"{{from}}\"\n"));
        }
        let told: BTreeSet<usize> =
            self.roles.discovery.iter().map(|one| one.class).chain(self.roles.left.iter().copied()).collect();
        let awaited: BTreeSet<usize> = self.roles.awaited.iter().map(|one| one.class).collect();
        for (index, class) in received().filter(|(_, class)| class.said.is_none() && !(class.is_echo && class.has_me()))
        {
            if !told.contains(&index) && !awaited.contains(&index) {
                rules.extend(self.other_rule(index, class.has_other() && class.speaks_of_one() && !class.has_roster()));
            }
        }
        rules.extend(self.unheard_rules());
        let mut unique: Vec<String> = vec![];
        rules.into_iter().for_each(|rule| {
            if !unique.contains(&rule) {
                unique.push(rule);
            }
        });
        unique.concat()
    }

    /// Rules for frames of the host that nobody heard here, since none was there yet, where others are passed on as said.
    fn unheard_rules(&mut self) -> Vec<String> {
        let received: BTreeSet<String> =
            self.sorted.classes.iter().filter(|class| !class.sent).map(FrameClass::word).collect();
        let is_passed_on = self.roles.join.iter().any(|one| received.contains(&self.sorted.classes[one.class].word()));
        let hosts = self.roles.join.iter().filter(|one| one.condition == "host");
        let joins = hosts.filter(|one| is_passed_on && !received.contains(&self.sorted.classes[one.class].word()));
        let terms: Vec<Term> = joins.map(|one| self.sorted.classes[one.class].term.clone()).collect();
        let rule = |term: &Term| match term {
            Term::Object(entries) => {
                let word = entries.iter().find(|(key, _)| TYPE_KEYS.contains(&key.as_str()))?;
                let Term::Fixed(Json::Text(text)) = &word.1 else { return None };
                Some(format!("\n[[on]]\nmatch = {{ {} = {} }}\nignore = true\n", key(&word.0), literal(text)))
            }
            _ => None,
        };
        terms.iter().filter_map(rule).collect()
    }

    /// A rule for a part of the negotiation; `None` for frames that are for others.
    fn signal_rule(&mut self, index: usize, part: Said) -> Option<String> {
        let class = &self.sorted.classes[index];
        if !class.speaks_of_one() || (!class.has_other() && class.has_me() && class.is_echo) {
            return None;
        }
        let (pattern, bound) = self.pattern(&class.term, None, true, &GivenNames::new());
        let has = |name: &str| bound.iter().any(|bound| bound == name);
        let pairs: Vec<(String, String)> = bound
            .iter()
            .filter_map(|bound| bound.strip_prefix("their_").map(|name| (name.to_owned(), bound.clone())))
            .filter(|(name, _)| self.pairs.contains_key(name))
            .collect();
        let whom = match pairs.first() {
            _ if has("from") => quoted("{from}"),
            Some((name, bound)) => format!("{{ pair = {}, is = \"{{{bound}}}\" }}", quoted(name)),
            None => {
                self.holes.push((format!("the {} names no sender", part.name()), class.frames.first().copied()));
                return None;
            }
        };
        let capture: Vec<String> = pairs.iter().map(|(name, bound)| format!("{name} = \"{{{bound}}}\"")).collect();
        let capture = match part {
            Said::Offer if !capture.is_empty() => format!("capture = {{ {} }}\n", capture.join(", ")),
            _ => String::new(),
        };
        Some(format!("\n[[on]]\nmatch = {pattern}\n{} = {whom}\n{capture}", part.name()))
    }

    fn discovery_rule(&mut self, discovery: &PeerDiscovery) -> String {
        let class = &self.sorted.classes[discovery.class];
        let flag = match &discovery.initiate {
            Initiate::Flag(path, _) => Some(path.as_slice()),
            _ => None,
        };
        let (pattern, _) = self.pattern(&class.term, flag, false, &GivenNames::new());
        let initiate = match &discovery.initiate {
            Initiate::Always => ", initiate = true".to_owned(),
            Initiate::Flag(_, false) => ", initiate = \"offers_first\"".to_owned(),
            Initiate::Flag(_, true) => ", initiate = \"not offers_first\"".to_owned(),
            Initiate::Order(condition) => format!(", initiate = {}", quoted(condition)),
        };
        let mut roster = None;
        class.term.holes(&mut vec![], &mut |_, hole| {
            if let TermHole::Roster(key) = hole
                && !class.has_other()
            {
                roster.get_or_insert_with(|| key.clone());
            }
        });
        let told = match roster {
            Some(Some(id)) => format!("{{ peers = \"{{there}}\", each = {{ {} = \"{{id}}\" }}{initiate} }}", key(&id)),
            Some(None) => format!("{{ peers = \"{{there}}\"{initiate} }}"),
            None => format!("{{ peer = \"{{from}}\"{initiate} }}"),
        };
        let steps: Vec<String> = self.reply_steps(discovery.class).into_iter().chain([told]).collect();
        match steps.as_slice() {
            [one] => format!(
                "\n[[on]]\nmatch = {pattern}\n{}\n",
                one[2..one.len() - 2].replace(", each", "\neach").replace(", initiate", "\ninitiate")
            ),
            many => format!(
                "\n[[on]]\nmatch = {pattern}\ndo = [\n{}]\n",
                many.iter().map(|step| format!("    {step},\n")).collect::<String>()
            ),
        }
    }

    /// Steps that answer a class of frames.
    fn reply_steps(&self, heard: usize) -> Vec<String> {
        let replies = self.roles.replies.iter().filter(|reply| reply.heard == heard);
        let step = |reply: &Reply| {
            let name = quoted(&self.said_names[&reply.said]);
            match reply.once {
                true => format!(
                    "{{ of = \"{{from}}\", if = \"joined and not peer.known and not peer.initiate\", say = {name} }}"
                ),
                false => format!("{{ say = {name} }}"),
            }
        };
        replies.map(step).collect()
    }

    /// A rule for a frame that changes nothing here.
    fn other_rule(&mut self, index: usize, speaks_of_one: bool) -> Option<String> {
        let class = &self.sorted.classes[index];
        let (pattern, bound) = self.pattern(&class.term, None, false, &GivenNames::new());
        let mut steps = self.reply_steps(index);
        let names_one = speaks_of_one && bound.iter().any(|name| name == "from");
        steps.push(if names_one { "{ heard = \"{from}\" }".to_owned() } else { "{ ignore = true }".to_owned() });
        Some(match steps.as_slice() {
            [one] => format!("\n[[on]]\nmatch = {pattern}\n{}\n", &one[2..one.len() - 2]),
            many => format!("\n[[on]]\nmatch = {pattern}\ndo = [{}]\n", many[..many.len() - 1].join(", ")),
        })
    }
}
