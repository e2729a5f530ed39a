//! The names that a dialect's templates and conditions may use, resolved once to where their values lie.

use super::problem::suggestion;

/// Variables that every peer has before its file adds any, at these slots.
pub(crate) const BUILT_IN: [&str; 14] = [
    "harness_id",
    "me",
    "my_name",
    "room",
    "token",
    "index",
    "seat",
    "size",
    "host",
    "trigger",
    "initiator",
    "joined",
    "offers",
    "approval",
];
pub(crate) const ME: usize = 1;
pub(crate) const JOINED: usize = 11;
pub(crate) const OFFERS: usize = 12;

/// Facts about the other of a pair that need no declaring; marks follow.
const PEER_NAMES: [&str; 6] = ["peer", "peer.id", "peer.name", "peer.known", "peer.started", "peer.initiate"];

/// Where a name's value lies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Binding {
    Global(usize),
    /// Bound by the rule at hand.
    Local(usize),
    Peer,
    PeerName,
    PeerKnown,
    PeerStarted,
    PeerInitiates,
    PeerMark(usize),
    Pair(usize),
    /// Everybody known, as `{id, name}`.
    Members,
    /// Milliseconds since the Unix epoch.
    Now,
}

/// A name with the path into its value: `existing.id` of a list is the list of the ids.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    pub place: Binding,
    pub path: Vec<String>,
}

impl Name {
    /// Its slot, if the rule at hand binds it.
    pub fn local(&self) -> Option<usize> {
        match self.place {
            Binding::Local(slot) => Some(slot),
            _ => None,
        }
    }
}

/// All names of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub globals: Vec<String>,
    pub marks: Vec<String>,
    pub pairs: Vec<String>,
}

/// The names in force at one place of a file.
pub(crate) struct Scope<'a> {
    pub names: &'a Names,
    pub locals: Vec<String>,
    /// Somebody is spoken of: `peer` and `pair` mean something.
    pub of_peer: bool,
}

impl<'a> Scope<'a> {
    pub fn new(names: &'a Names, locals: &[&str], of_peer: bool) -> Self {
        Self { names, locals: locals.iter().map(|name| (*name).to_owned()).collect(), of_peer }
    }

    /// The slot of a local, made now if it is new.
    pub fn local(&mut self, name: &str) -> usize {
        self.locals.iter().position(|known| known == name).unwrap_or_else(|| {
            self.locals.push(name.to_owned());
            self.locals.len() - 1
        })
    }

    /// A slot that no name stands for: none can have this one.
    pub fn unnamed(&mut self) -> usize {
        self.locals.push("}".to_owned());
        self.locals.len() - 1
    }

    /// What a dotted name stands for. Errors: what is wrong with it.
    pub fn resolve(&self, written: &str) -> Result<Name, String> {
        let (first, rest) = written.split_once('.').unwrap_or((written, ""));
        let mut path: Vec<String> = rest.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let find = |names: &[String], name: &str| names.iter().position(|known| known == name);
        let place = match first {
            "peer" | "pair" if !self.of_peer => {
                return Err(format!("\"{written}\": nobody is spoken of here, so {first} means nobody"));
            }
            "peer" => self.of_peer(&mut path, written)?,
            "pair" => {
                let name = if path.is_empty() { String::new() } else { path.remove(0) };
                let slot = find(&self.names.pairs, &name).ok_or_else(|| {
                    let near = suggestion(&name, self.names.pairs.iter().map(String::as_str));
                    format!("[pair] has no \"{name}\"{near}")
                })?;
                Binding::Pair(slot)
            }
            "now" => Binding::Now,
            "members" => Binding::Members,
            _ => match (find(&self.locals, first), find(&self.names.globals, first)) {
                (Some(slot), _) => Binding::Local(slot),
                (None, Some(slot)) => Binding::Global(slot),
                (None, None) => {
                    let near = suggestion(first, self.all());
                    return Err(format!("nothing is called \"{first}\" here{near}"));
                }
            },
        };
        Ok(Name { place, path })
    }

    fn of_peer(&self, path: &mut Vec<String>, written: &str) -> Result<Binding, String> {
        if path.is_empty() {
            return Ok(Binding::Peer);
        }
        let fact = path.remove(0);
        Ok(match fact.as_str() {
            "id" => Binding::Peer,
            "name" => Binding::PeerName,
            "known" => Binding::PeerKnown,
            "started" => Binding::PeerStarted,
            "initiate" => Binding::PeerInitiates,
            _ => match self.names.marks.iter().position(|mark| *mark == fact) {
                Some(slot) => Binding::PeerMark(slot),
                None => {
                    let near = suggestion(&fact, self.names.marks.iter().map(String::as_str));
                    return Err(format!("no rule marks anybody, so that \"{written}\" would be known{near}"));
                }
            },
        })
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        let own = self.locals.iter().chain(&self.names.globals).map(String::as_str);
        own.chain(["now", "members"]).chain(PEER_NAMES)
    }
}
