//! What the command line changes in a profile, written into the tree before it is checked.

use super::sections::arrivals;
use super::syntax::document::{self, At, Node, Tree, Value};
use crate::vocabulary::problem::Problem;

/// One change, as typed: which option, and what it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub knob: Knob,
    pub value: String,
    /// Where it was written, if not on the command line itself.
    pub at: Option<String>,
}

/// The options that change what a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knob {
    /// `key.path=VALUE`: TOML if it parses, else a string.
    Set,
    Rooms,
    /// `N` or `MIN..MAX`.
    RoomSize,
    Arrivals,
    Warmup,
    Duration,
    Timeout,
    Target,
    Dialect,
    Engine,
    /// Instead of the profile's servers; of several, all.
    IceServer,
    Subprotocol,
    Origin,
    /// `Name: value`
    Header,
    OnInvalid,
    OnSuspect,
    /// `METRIC: EXPR`, beside the profile's.
    Gate,
    /// Drops the profile's gates; its value is not looked at.
    NoGates,
}

impl Override {
    pub fn new(knob: Knob, value: impl Into<String>) -> Self {
        Self { knob, value: value.into(), at: None }
    }

    /// The same, out of a file that an option named.
    pub fn out_of(self, file: &str, line: usize) -> Self {
        Self { at: Some(format!("{file}:{line}")), ..self }
    }
}

impl Knob {
    pub fn option(self) -> &'static str {
        match self {
            Knob::Set => "--set",
            Knob::Rooms => "--rooms",
            Knob::RoomSize => "--room-size",
            Knob::Arrivals => "--arrivals",
            Knob::Warmup => "--warmup",
            Knob::Duration => "--duration",
            Knob::Timeout => "--timeout",
            Knob::Target => "--target",
            Knob::Dialect => "--dialect",
            Knob::Engine => "--engine",
            Knob::IceServer => "--ice-server",
            Knob::Subprotocol => "--subprotocol",
            Knob::Origin => "--origin",
            Knob::Header => "--header",
            Knob::OnInvalid => "--on-invalid",
            Knob::OnSuspect => "--on-suspect",
            Knob::Gate => "--gate",
            Knob::NoGates => "--no-gates",
        }
    }
}

/// Writes all of `overrides` into `profile`. An option of its own beats `--set`, later ones beat earlier ones.
pub(super) fn apply(profile: &mut Tree, overrides: &[Override]) -> Vec<Problem> {
    let order = |change: &&Override| match change.knob {
        Knob::NoGates => 0,
        Knob::Set => 1,
        _ => 2,
    };
    let mut ordered: Vec<_> = overrides.iter().collect();
    ordered.sort_by_key(order);
    ordered.into_iter().filter_map(|change| write(profile, change).err()).collect()
}

fn write(profile: &mut Tree, change: &Override) -> Result<(), Problem> {
    let at = At::Option(change.at.clone().unwrap_or_else(|| change.knob.option().to_owned()));
    let text = change.value.as_str();
    let as_typed = || document::typed(text, &at);
    let as_text = || Node { at: at.clone(), value: Value::Text(text.to_owned()) };
    match change.knob {
        Knob::Set => set(profile, text)?,
        Knob::Rooms => put(profile, "rooms", "count", as_typed()),
        Knob::RoomSize => put(profile, "rooms", "size", room_size(text, &at)),
        Knob::Arrivals => arrivals::with_rate(table(profile, "arrivals", &at), as_typed()),
        Knob::Warmup => put(profile, "phases", "warmup", as_typed()),
        Knob::Duration => put(profile, "phases", "steady", as_typed()),
        Knob::Timeout => put(profile, "handshake", "timeout", as_typed()),
        Knob::Target => put(profile, "target", "url", as_text()),
        Knob::Dialect => put(profile, "target", "dialect", as_text()),
        Knob::Engine => put(profile, "engine", "kind", as_text()),
        Knob::IceServer => ice_server(profile, as_text()),
        Knob::Subprotocol => put(profile, "target", "subprotocol", as_text()),
        Knob::Origin => put(profile, "target", "origin", as_text()),
        Knob::OnInvalid => put(profile, "validity", "on_invalid", as_text()),
        Knob::OnSuspect => put(profile, "validity", "on_suspect", as_text()),
        Knob::Header => header(profile, text, &at)?,
        Knob::Gate => gate(profile, text, &at)?,
        Knob::NoGates => {
            profile.insert("gates".to_owned(), Node { at, value: Value::Table(Tree::new()) });
        }
    }
    Ok(())
}

fn set(profile: &mut Tree, text: &str) -> Result<(), Problem> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(problem("--set", "expected key.path=VALUE, such as rooms.size=4"));
    };
    let at = At::Option(format!("--set {}", key.trim().escape_debug()));
    let assigned = document::assignment(text, &at).or_else(|| {
        // What is no TOML is a string: the key stands, the value is taken as it is.
        let mut tree = document::assignment(&format!("{key}=0"), &at)?;
        put_text_at_the_leaf(&mut tree, value);
        Some(tree)
    });
    let Some(assigned) = assigned else {
        return Err(problem("--set", "the key is not one; write key.path=VALUE, such as rooms.size=4"));
    };
    document::merge(profile, assigned);
    Ok(())
}

fn put_text_at_the_leaf(tree: &mut Tree, text: &str) {
    for node in tree.values_mut() {
        match &mut node.value {
            Value::Table(inner) => put_text_at_the_leaf(inner, text),
            leaf => *leaf = Value::Text(text.to_owned()),
        }
    }
}

fn room_size(text: &str, at: &At) -> Node {
    let Some((min, max)) = text.split_once("..") else { return document::typed(text, at) };
    let limits = [("min", min), ("max", max)];
    let tree = limits.map(|(key, limit)| (key.to_owned(), document::typed(limit, at)));
    Node { at: at.clone(), value: Value::Table(tree.into()) }
}

/// Header names know no case, so a header of the profile gives way to one of any case.
fn header(profile: &mut Tree, text: &str, at: &At) -> Result<(), Problem> {
    let Some((name, value)) = text.split_once(':') else {
        return Err(problem(&at.show(""), "expected 'Name: value'"));
    };
    let target = table(profile, "target", at);
    let headers = table(target, "headers", at);
    headers.retain(|known, _| !known.eq_ignore_ascii_case(name.trim()));
    headers.insert(name.trim().to_owned(), Node { at: at.clone(), value: Value::Text(value.trim().to_owned()) });
    Ok(())
}

fn gate(profile: &mut Tree, text: &str, at: &At) -> Result<(), Problem> {
    let Some((metric, expr)) = text.split_once(':') else {
        return Err(problem("--gate", "expected 'METRIC: EXPR', such as 'edges_failed: rate < 1%'"));
    };
    let gates = table(profile, "gates", at);
    let line = Node { at: at.clone(), value: Value::Text(expr.trim().to_owned()) };
    let metric = metric.trim().to_owned();
    let mut list = match gates.remove(&metric) {
        None => vec![],
        Some(Node { value: Value::List(list), .. }) => list,
        Some(single) => vec![single],
    };
    list.push(line);
    gates.insert(metric, Node { at: at.clone(), value: Value::List(list) });
    Ok(())
}

/// The first of the command line takes the place of whatever the profile and `--set` say.
fn ice_server(profile: &mut Tree, server: Node) {
    let at = server.at.clone();
    let engine = table(profile, "engine", &at);
    match engine.get_mut("ice_servers") {
        Some(Node { at: given, value: Value::List(servers) }) if *given == at => servers.push(server),
        _ => put(profile, "engine", "ice_servers", Node { at, value: Value::List(vec![server]) }),
    }
}

fn put(profile: &mut Tree, section: &str, key: &str, node: Node) {
    let at = node.at.clone();
    table(profile, section, &at).insert(key.to_owned(), node);
}

/// The table of that name. What stands in its place and is none gives way.
fn table<'a>(tree: &'a mut Tree, name: &str, at: &At) -> &'a mut Tree {
    let empty = || Node { at: at.clone(), value: Value::Table(Tree::new()) };
    let node = tree.entry(name.to_owned()).or_insert_with(empty);
    if !matches!(node.value, Value::Table(_)) {
        *node = empty();
    }
    match &mut node.value {
        Value::Table(inner) => inner,
        _ => unreachable!("it has just been made a table"),
    }
}

fn problem(option: &str, message: &str) -> Problem {
    Problem { path: String::new(), message: message.to_owned(), at: option.to_owned() }
}
