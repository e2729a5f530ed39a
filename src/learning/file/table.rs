//! Shows the findings as rows for people, each with the frames it rests on.

use crate::learning::file::place::ConnectionPlace;
use crate::learning::frames::classes::{FrameClass, SortedTalk};
use crate::learning::roles::{Initiate, Roles};
use crate::learning::talk::grammar::Said;
use crate::learning::talk::json::Json;
use crate::recording::letter;
use crate::vocabulary::inert_text::inert;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The most characters of a row's finding, and of a frame below it.
const CHARS_MAX: usize = 160;

/// The rows of all that was understood.
pub(in crate::learning) fn table(
    sorted: &SortedTalk,
    roles: &Roles,
    place: &ConnectionPlace,
    names: &BTreeMap<usize, String>,
) -> String {
    let mut rows = TableRows { sorted, roles, names, text: String::new() };
    let (frames, peers) = (sorted.talk.frames.len(), sorted.talk.peers.len());
    rows.row("talk", &format!("{}, {frames} frames of {peers} peers", sorted.talk.codec.name()), &[]);
    rows.row("target", &format!("{}{}", place.base, place.rest), &[]);
    rows.values();
    rows.join();
    rows.discovery();
    rows.parts();
    rows.rest();
    for note in sorted.talk.left_out.iter().chain(&place.notes) {
        rows.row("left out", note, &[]);
    }
    rows.text
}

struct TableRows<'a> {
    sorted: &'a SortedTalk,
    roles: &'a Roles,
    names: &'a BTreeMap<usize, String>,
    text: String,
}

impl TableRows<'_> {
    /// Ids and room.
    fn values(&mut self) {
        let values = &self.sorted.values;
        let peers = self.sorted.talk.peers.len();
        let shown = |id: &Option<Json>| id.as_ref().map_or("?".to_owned(), Json::plain);
        let ids: Vec<String> = values.ids.iter().take(peers).map(shown).collect();
        let by = if self.roles.gives_id() { "from the server" } else { "the client's own" };
        let first = values.ids.iter().flatten().next().and_then(|id| values.first_seen.get(&id.to_string()));
        self.row("ids", &format!("{by}: {}", ids.join(", ")), first.and_then(|seen| seen.frame).as_slice());
        let room = match (&values.room, values.room_score) {
            (Some(room), 100..) => room.clone(),
            (Some(room), _) => format!("{room} (a guess: --room NAME says it)"),
            (None, _) => "none found".to_owned(),
        };
        self.row("room", &room, &[]);
    }

    fn join(&mut self) {
        let roles = self.roles;
        for awaited in &roles.awaited {
            self.row("waits for", &self.sorted.classes[awaited.class].word(), &[self.first(awaited.class)]);
        }
        let said =
            roles.join.iter().map(|one| format!("{} {}", self.name(one.class), one.condition).trim_end().to_owned());
        let said: Vec<String> = said.collect();
        let frames: Vec<usize> = roles.join.iter().map(|one| self.first(one.class)).collect();
        let said = if said.is_empty() { "says nothing".to_owned() } else { said.join(", ") };
        self.row("join", &said, &frames);
    }

    fn discovery(&mut self) {
        let roles = self.roles;
        for discovery in &roles.discovery {
            let who = match &discovery.initiate {
                Initiate::Always => "whoever hears it offers".to_owned(),
                Initiate::Flag(path, negated) => {
                    format!("offers if {} is {}", path.join(".").replace('#', ""), !negated)
                }
                Initiate::Order(condition) => format!("offers if {condition}"),
            };
            let word = self.sorted.classes[discovery.class].word();
            self.row("told of whom", &format!("{word}: {who}"), &[self.first(discovery.class)]);
        }
        if let Some(initiate) = roles.harness {
            let by = format!("by no frame: ids are passed inside the process; offers if {initiate}");
            self.row("told of whom", &by, &[]);
        }
    }

    fn parts(&mut self) {
        let sorted = self.sorted;
        for part in [Said::Offer, Said::Answer, Said::Candidate, Said::EndOfCandidates] {
            let of_part = |class: &FrameClass, sent: bool| {
                class.sent == sent && class.said == Some(part) && class.speaks_of_one() && !class.is_echo
            };
            let first =
                |sent: bool| sorted.classes.iter().find(|class| of_part(class, sent)).map(|class| class.frames[0]);
            let frames: Vec<usize> = [true, false].into_iter().filter_map(first).collect();
            let sent = sorted.classes.iter().filter(|class| class.sent && class.said == Some(part));
            let count: usize = sent.map(|class| class.frames.len()).sum();
            if !frames.is_empty() {
                self.row(part.name(), &format!("{count} sent"), &frames);
            }
        }
    }

    fn rest(&mut self) {
        let roles = self.roles;
        for reply in &roles.replies {
            let what = format!("{} to {}", self.name(reply.said), self.sorted.classes[reply.heard].word());
            self.row("replies", &what, &[self.first(reply.said)]);
        }
        for (class, ms) in &roles.every {
            let what = format!("{} every {:.1} s", self.name(*class), *ms as f64 / 1e3);
            self.row("keep-alive", &what, &[self.first(*class)]);
        }
        for class in &roles.leave {
            self.row("leaves", &self.name(*class), &[self.first(*class)]);
        }
        for class in &roles.left {
            self.row("told of leaves", &self.sorted.classes[*class].word(), &[self.first(*class)]);
        }
    }

    fn name(&self, class: usize) -> String {
        self.names.get(&class).cloned().unwrap_or_else(|| self.sorted.classes[class].word())
    }

    fn first(&self, class: usize) -> usize {
        self.sorted.classes[class].frames[0]
    }

    fn row(&mut self, what: &str, understood: &str, frames: &[usize]) {
        let _ = writeln!(self.text, "{what:<15} {}", inert(understood, CHARS_MAX));
        for at in frames {
            let frame = &self.sorted.talk.frames[*at];
            let arrow = if frame.sent { ">>" } else { "<<" };
            let shown = inert(&self.sorted.shown(*at), CHARS_MAX);
            let _ = writeln!(self.text, "{:<15}   {} {arrow} {shown}", "", letter(frame.peer));
        }
    }
}
