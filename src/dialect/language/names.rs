//! Resolves the names in templates and conditions to bindings, once, at compile time.

use super::problem::suggestion;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The built-in variables, in the order of their slots; those of `[vars]` follow.
pub(crate) const BUILT_IN: [&str; 16] = [
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
    "ref",
    "data",
];
pub(crate) const ME: usize = 1;
const TRIGGER: usize = 9;
pub(crate) const JOINED: usize = 11;
pub(crate) const OFFERS: usize = 12;
/// The number of the frame that is being written, else of the last one.
pub(crate) const REF: usize = 14;

/// The peer's row of `--data`.
const DATA: usize = 15;

/// Names with a meaning of their own, which no variable may have.
const RESERVED: [&str; 6] = ["null", "now", "now_s", "members", "peer", "pair"];

/// True for a name that no variable may have.
pub(crate) fn is_taken(name: &str) -> bool {
    BUILT_IN.contains(&name) || RESERVED.contains(&name)
}

/// The built-in names about the other peer of a pair; marks follow.
const PEER_NAMES: [&str; 6] = ["peer", "peer.id", "peer.name", "peer.known", "peer.started", "peer.initiate"];

/// The source of a name's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Binding {
    Global(usize),
    /// A value that the current rule binds.
    Local(usize),
    Peer,
    PeerName,
    PeerKnown,
    PeerStarted,
    PeerInitiates,
    PeerMark(usize),
    Pair(usize),
    /// The roster, as a list of `{id, name}`.
    Members,
    /// Milliseconds since the Unix epoch.
    Now,
    /// Seconds since the Unix epoch.
    NowSeconds,
}

/// A name and the path into its value; `existing.id` of a list is the list of its items' ids, `existing.2` its third item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    pub place: Binding,
    pub path: Vec<String>,
}

impl Name {
    /// The slot, if the current rule binds the name.
    pub(crate) fn local(&self) -> Option<usize> {
        match self.place {
            Binding::Local(slot) => Some(slot),
            _ => None,
        }
    }

    /// The key `key` of `list.key`, which names a value of each item.
    pub(crate) fn item_key(&self) -> Option<&str> {
        match self.path.as_slice() {
            [key] if key.parse::<usize>().is_err() => Some(key),
            _ => None,
        }
    }
}

/// The names that a file declares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub globals: Vec<String>,
    pub marks: Vec<String>,
    pub pairs: Vec<String>,
    /// Some place of the file reads `trigger`.
    pub reads_trigger: Rc<Cell<bool>>,
    /// The columns of `--data` that the file reads.
    pub data_columns: Rc<RefCell<Vec<String>>>,
}

/// The names that one place of a file may use.
pub(crate) struct Scope<'a> {
    pub names: &'a Names,
    pub locals: Vec<String>,
    /// A peer is selected, so that `peer` and `pair` have values.
    pub of_peer: bool,
    /// The names that were resolved.
    used: RefCell<Vec<Name>>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(names: &'a Names, locals: &[&str], of_peer: bool) -> Self {
        Self {
            names,
            locals: locals.iter().map(|name| (*name).to_owned()).collect(),
            of_peer,
            used: RefCell::default(),
        }
    }

    /// The number of places that read the local `slot`.
    pub(crate) fn uses(&self, slot: usize) -> usize {
        self.used.borrow().iter().filter(|name| name.local() == Some(slot)).count()
    }

    /// The slot of a local, created on first use.
    pub(crate) fn local(&mut self, name: &str) -> usize {
        self.locals.iter().position(|known| known == name).unwrap_or_else(|| {
            self.locals.push(name.to_owned());
            self.locals.len() - 1
        })
    }

    /// Creates a slot that no name can refer to.
    pub(crate) fn unnamed(&mut self) -> usize {
        self.locals.push("}".to_owned());
        self.locals.len() - 1
    }

    /// Resolves a dotted name.
    ///
    /// # Errors
    /// A message for the user, with the nearest known name.
    pub(crate) fn resolve(&self, written: &str) -> Result<Name, String> {
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
            "now_s" => Binding::NowSeconds,
            "members" => Binding::Members,
            _ => match (find(&self.locals, first), find(&self.names.globals, first)) {
                (Some(slot), _) => Binding::Local(slot),
                (None, Some(slot)) => {
                    self.names.reads_trigger.set(self.names.reads_trigger.get() || slot == TRIGGER);
                    if slot == DATA {
                        self.names.data_columns.borrow_mut().extend(path.first().cloned());
                    }
                    Binding::Global(slot)
                }
                (None, None) => {
                    let near = suggestion(first, self.all());
                    return Err(format!("nothing is called \"{first}\" here{near}"));
                }
            },
        };
        let name = Name { place, path };
        self.used.borrow_mut().push(name.clone());
        Ok(name)
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
        own.chain(["now", "now_s", "members"]).chain(PEER_NAMES)
    }
}
