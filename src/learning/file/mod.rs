//! Writes what was understood as a dialect file.

pub(in crate::learning) mod patterns;
pub(in crate::learning) mod place;
mod rules;
pub(in crate::learning) mod table;

use crate::learning::file::patterns::{PatternWriter, VariableNames, key, literal, quoted, template};
use crate::learning::file::place::ConnectionPlace;
use crate::learning::frames::classes::{FrameClass, SortedTalk};
use crate::learning::frames::terms::{Term, TermHole};
use crate::learning::roles::{Initiate, PeerDiscovery, Roles};
use crate::learning::talk::TalkCodec;
use crate::learning::talk::grammar::{Drawn, Said, is_random};
use crate::learning::talk::json::Json;
use crate::learning::talk::values::is_name_key;
use std::collections::{BTreeMap, BTreeSet};

/// The names of variables that hold what the server gives.
type GivenNames = BTreeMap<String, String>;

/// A dialect file in the making.
pub(in crate::learning) struct DialectFile<'a> {
    sorted: &'a SortedTalk,
    roles: &'a Roles,
    place: &'a ConnectionPlace,
    names: VariableNames,
    telling: BTreeSet<Vec<String>>,
    /// The name in `[say]` of each class that is said.
    pub said_names: BTreeMap<usize, String>,
    /// `[vars]`, each with its template.
    vars: BTreeMap<String, String>,
    pairs: BTreeMap<String, String>,
    pub holes: Vec<(String, Option<usize>)>,
}

impl<'a> DialectFile<'a> {
    pub(in crate::learning) fn new(sorted: &'a SortedTalk, roles: &'a Roles, place: &'a ConnectionPlace) -> Self {
        let holes = roles.holes.iter().chain(&place.holes).cloned().collect();
        let mut file = Self {
            sorted,
            roles,
            place,
            names: VariableNames::default(),
            telling: telling(sorted),
            said_names: BTreeMap::new(),
            vars: place.vars.clone(),
            pairs: BTreeMap::new(),
            holes,
        };
        file.name_frames();
        file
    }

    /// The text of the file.
    pub(in crate::learning) fn text(&mut self, name: &str) -> String {
        let say = self.say() + &self.relayed();
        let join = self.join();
        let on = self.rules();
        let mut text = format!("name = {}\n", quoted(name));
        text += &format!("description = {}\n", quoted("learned from a recording"));
        text += &format!("sample = {}\n", literal(&self.place.base));
        if self.sorted.talk.codec != TalkCodec::Json {
            text += &format!("codec = {}\n", quoted(self.sorted.talk.codec.name()));
        }
        text += &self.identity();
        for (section, entries) in [("vars", &self.vars), ("pair", &self.pairs)] {
            if !entries.is_empty() {
                text += &format!("\n[{section}]\n");
                text += &entries.iter().map(|(name, value)| format!("{name} = {value}\n")).collect::<String>();
            }
        }
        text + &say + &self.signals() + &join + &self.timers() + &on
    }

    /// `id`, `discovery`, `initiate` and the other keys at the top, and `[connect]`.
    fn identity(&self) -> String {
        let mut text = String::new();
        let ids: Vec<&Json> = self.sorted.values.ids.iter().take(self.sorted.talk.peers.len()).flatten().collect();
        if self.roles.gives_id() {
            text += "id = \"server\"\n";
        } else if let Some(drawn) = special_shape(&ids) {
            text += &format!("id = {}\n", quoted(&drawn.template()));
        }
        match (self.roles.harness, self.roles.discovery.first()) {
            (Some(initiate), _) => text += &format!("discovery = \"harness\"\ninitiate = {}\n", quoted(initiate)),
            (None, Some(PeerDiscovery { initiate: Initiate::Order(condition), .. })) => {
                text += &format!("initiate = {}\n", quoted(condition));
            }
            (None, Some(PeerDiscovery { initiate: Initiate::Always, .. })) => text += "initiate = true\n",
            _ => {}
        }
        let has = |said: Said| self.sorted.classes.iter().any(|class| class.said == Some(said));
        if !has(Said::Candidate) {
            text += "trickle = false\n";
        }
        text += &format!("leave_notices = {}\n", self.roles.left.len().min(2));
        text + &self.place.connect()
    }

    fn name_frames(&mut self) {
        let said = |part: Said| {
            let classes =
                self.sorted.classes.iter().enumerate().filter(move |(_, class)| class.sent && class.said == Some(part));
            classes
                .max_by_key(|(index, class)| (class.frames.len(), usize::MAX - index))
                .map(|(index, _)| (index, part.name().to_owned()))
        };
        let parts = [Said::Offer, Said::Answer, Said::Candidate, Said::EndOfCandidates].into_iter().filter_map(said);
        self.said_names = parts.collect();
        let spoken =
            self.roles.join.iter().map(|one| one.class).chain(self.roles.every.iter().map(|(class, _)| *class));
        let spoken =
            spoken.chain(self.roles.replies.iter().map(|reply| reply.said)).chain(self.roles.leave.iter().copied());
        for class in spoken {
            if self.said_names.contains_key(&class) {
                continue;
            }
            let word: String = self.sorted.classes[class].word().to_ascii_lowercase();
            let plain: String =
                word.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
            let plain = plain.trim_matches('-').to_owned();
            let reserved = ["offer", "answer", "candidate", "end", "leave", ""];
            let base = if reserved.contains(&plain.as_str()) && !(plain == "leave" && self.roles.leave == [class]) {
                format!("say-{plain}")
            } else {
                plain
            };
            let taken = |name: &String| self.said_names.values().any(|other| other == name);
            let name = std::iter::once(base.clone())
                .chain((2..).map(|number| format!("{base}-{number}")))
                .find(|name| !taken(name));
            self.said_names.insert(class, name.unwrap_or(base));
        }
    }

    fn say(&mut self) -> String {
        let mut text = "\n[say]\n".to_owned();
        for part in [Said::Offer, Said::Answer] {
            if !self.said_names.values().any(|name| name == part.name()) {
                self.holes.push((format!("no {} was sent", part.name()), None));
            }
        }
        let mut classes: Vec<(usize, String)> =
            self.said_names.iter().map(|(class, name)| (*class, name.clone())).collect();
        classes.sort_by_key(|(class, _)| self.sorted.classes[*class].frames[0]);
        for (class, name) in classes {
            let term = self.sorted.classes[class].term.clone();
            self.declare(&term, class);
            let frame = template(&term, &mut self.names).unwrap_or_else(|| quoted(""));
            text += &format!("{} = {frame}\n", key(&name));
        }
        text
    }

    /// `[relayed]`: frames that the server passes on in other words than they were said in.
    fn relayed(&mut self) -> String {
        let (sorted, roles) = (self.sorted, self.roles);
        let mut frames = String::new();
        for (class, name) in self.said_names.clone() {
            let sent = &sorted.classes[class];
            let (is_leave, is_join) = (roles.leave.contains(&class), roles.join.iter().any(|one| one.class == class));
            let is_passed_on = |(index, other): &(usize, &FrameClass)| {
                let is_part = other.said.is_some() && other.said == sent.said;
                let is_left = is_leave && roles.left.contains(index);
                let is_told = is_join && roles.discovery.iter().any(|one| one.class == *index) && !other.has_roster();
                let is_same = is_part || ((is_left || is_told) && other.word() == sent.word());
                !other.sent && is_same && !other.is_echo && other.speaks_of_one()
            };
            let Some((_, received)) = sorted.classes.iter().enumerate().find(is_passed_on) else { continue };
            let term = received.term.swapped();
            // A fixed value that the server adds changes nothing; a hole may be what a rule reads.
            if !term.covers(&sent.term) || term.hole_count() > sent.term.hole_count() {
                let frame = template(&term, &mut self.names).unwrap_or_else(|| quoted(""));
                frames += &format!("{} = {frame}\n", key(&name));
            }
        }
        let heading =
            "\n[relayed]                                 # what the server makes of them, for `dialects check`\n";
        if frames.is_empty() { frames } else { heading.to_owned() + &frames }
    }

    /// Declares the variables that a frame of `[say]` reads.
    fn declare(&mut self, term: &Term, class: usize) {
        let (mut own, mut pairs, mut pools, mut needs_token) = (vec![], vec![], false, false);
        term.holes(&mut vec![], &mut |path, hole| match hole {
            TermHole::Own(key) => own.push(key.clone()),
            TermHole::Pair(key) => pairs.push(key.clone()),
            TermHole::Token => needs_token = true,
            TermHole::Sdp(_) if path.len() > 1 && path.iter().skip(1).any(|key| key.starts_with('#')) => pools = true,
            _ => {}
        });
        for key in own {
            let name = self.names.name(&key);
            let values = self.sorted.values.own[&key].iter().flatten();
            let drawn = quoted(&Drawn::of(values).template());
            let given = self.is_given(&key).then(|| quoted(""));
            self.vars.entry(name).or_insert(given.unwrap_or(drawn));
        }
        for key in pairs {
            let name = self.names.name(&key);
            let values: Vec<Json> = self
                .sorted
                .values
                .pairs
                .iter()
                .filter(|(_, at)| **at == key)
                .filter_map(|(value, _)| Json::parse(value))
                .collect();
            self.pairs.entry(name).or_insert_with(|| quoted(&Drawn::of(&values).template()));
        }
        let frame = self.sorted.classes[class].frames.first().copied();
        if needs_token {
            self.holes.push((
                "{token} stands where the recording has a secret: --tokens FILE has one a peer".to_owned(),
                frame,
            ));
        }
        if pools {
            self.holes.push(("offers in a list, which the server deals out to peers: [[join]] pool = true, as in `meshload dialects show webtorrent-tracker`".to_owned(), frame));
        }
    }

    /// A value of the peer's own comes from the server.
    fn is_given(&self, key: &str) -> bool {
        self.sorted.values.own[key].iter().flatten().any(|value| {
            let seen = self.sorted.values.first_seen.get(&value.to_string()).and_then(|seen| seen.frame);
            seen.is_some_and(|frame| !self.sorted.talk.frames[frame].sent)
        })
    }

    fn signals(&self) -> String {
        let leave: Vec<String> =
            self.roles.leave.iter().filter_map(|class| self.said_names.get(class)).map(|name| quoted(name)).collect();
        let is_each = self.roles.leave.iter().any(|class| self.sorted.classes[*class].has_other());
        match leave.as_slice() {
            [] => String::new(),
            [one] if one == "\"leave\"" && !is_each => String::new(),
            [one] if is_each => format!("\n[signals]\nleave = {{ each = {one} }}\n"),
            [one] => format!("\n[signals]\nleave = {one}\n"),
            many => format!("\n[signals]\nleave = [{}]\n", many.join(", ")),
        }
    }

    fn join(&mut self) -> String {
        let mut text = String::new();
        let steps = self.roles.join.len();
        for after in 0..=steps {
            for awaited in self.roles.awaited.iter().filter(|awaited| awaited.after == after) {
                text += &self.expect(awaited.class, awaited.gives_id);
            }
            let Some(one) = self.roles.join.get(after) else { continue };
            let name = quoted(&self.said_names[&one.class]);
            match (one.condition, text.strip_suffix("]\n").filter(|text| text.ends_with('"'))) {
                // Frames in a row are one step.
                ("", Some(before)) => text = format!("{before}, {name}]\n"),
                ("", None) => text += &format!("\n[[join]]\nsay = [{name}]\n"),
                (condition, _) => text += &format!("\n[[join]]\nif = {}\nsay = {name}\n", quoted(condition)),
            }
        }
        text
    }

    /// A step that waits for a frame, and keeps what it gives.
    fn expect(&mut self, class: usize, gives_id: bool) -> String {
        let mut given = GivenNames::new();
        if gives_id {
            given.insert("me".to_owned(), "given".to_owned());
        }
        let keys: Vec<String> = self.sorted.values.own.keys().filter(|key| self.is_given(key)).cloned().collect();
        for key in keys {
            let name = self.names.name(&key);
            given.insert(key, format!("given_{name}"));
        }
        let term = self.sorted.classes[class].term.clone();
        let (pattern, bound) = self.pattern(&term, None, false, &given);
        let sets = given.iter().filter(|(_, name)| bound.contains(name)).map(|(key, name)| {
            let variable = if key == "me" { key.clone() } else { self.names.name(key) };
            format!("{variable} = \"{{{name}}}\"")
        });
        let sets: Vec<String> = sets.collect();
        let set = if sets.is_empty() { String::new() } else { format!("set = {{ {} }}\n", sets.join(", ")) };
        format!("\n[[join]]\nexpect = {pattern}\n{set}")
    }

    fn timers(&self) -> String {
        let timer = |(class, ms): &(usize, u64)| {
            let seconds = (ms + 500) / 1_000;
            format!("\n[[every]]\ninterval = \"{}s\"\nsay = {}\n", seconds.max(1), quoted(&self.said_names[class]))
        };
        self.roles.every.iter().map(timer).collect()
    }

    fn pattern(
        &mut self,
        term: &Term,
        flag: Option<&[String]>,
        bind_pairs: bool,
        given: &GivenNames,
    ) -> (String, Vec<String>) {
        let mut writer =
            PatternWriter { names: &mut self.names, telling: &self.telling, flag, bind_pairs, given, bound: vec![] };
        let pattern = writer.frame(term);
        (pattern, writer.bound)
    }
}

/// The places at which received frames have different fixed words.
fn telling(sorted: &SortedTalk) -> BTreeSet<Vec<String>> {
    let mut words: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for class in sorted.classes.iter().filter(|class| !class.sent) {
        class.term.fixed(&mut vec![], &mut |path, leaf| {
            let key = path.last().map_or("", String::as_str);
            if let Json::Text(text) = leaf
                && !is_name_key(key)
            {
                words.entry(path.to_vec()).or_default().insert(text.clone());
            }
        });
    }
    let is_word = |text: &String| {
        text.len() <= 40 && !text.contains(char::is_whitespace) && !is_random(&Json::Text(text.clone()))
    };
    words.into_iter().filter(|(_, words)| words.len() > 1 && words.iter().all(is_word)).map(|(path, _)| path).collect()
}

/// The shape of ids that a server may insist on; `None`: any text will do.
fn special_shape(ids: &[&Json]) -> Option<Drawn> {
    let drawn = Drawn::of(ids.iter().copied());
    let lengths: BTreeSet<usize> = ids.iter().map(|id| id.plain().len()).collect();
    match drawn {
        Drawn::Text { .. } if lengths.len() == 1 && lengths.first() >= Some(&16) && ids.len() > 1 => Some(drawn),
        Drawn::Text { .. } => None,
        other => (!ids.is_empty()).then_some(other),
    }
}
