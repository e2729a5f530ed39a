//! Command line options that override a profile, merged into the tree before it is checked.

use super::sections::arrivals;
use super::syntax::document::{self, At, Node, Tree, Value};
use crate::vocabulary::Problem;

/// One option as typed, with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub knob: Knob,
    pub value: String,
    /// Place of the value if it is not on the command line itself: `file:line`.
    pub at: Option<String>,
}

/// The options that override a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knob {
    /// `key.path=VALUE`: TOML if the value is valid, else a string.
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
    /// Replaces the profile's servers; repeated options add up.
    IceServer,
    Subprotocol,
    Origin,
    /// `Name: value`
    Header,
    OnInvalid,
    OnSuspect,
    /// `METRIC: EXPR`, added to the profile's gates.
    Gate,
    /// Drops the profile's gates; its value is ignored.
    NoGates,
    /// `KEY=VALUE`
    Tag,
}

impl Override {
    pub fn new(knob: Knob, value: impl Into<String>) -> Self {
        Self { knob, value: value.into(), at: None }
    }

    /// The same option, with a value from a line of a file.
    pub fn from_file(self, file: &str, line: usize) -> Self {
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
            Knob::Tag => "--tag",
        }
    }
}

/// Merges all `overrides` into `profile`. A dedicated option beats `--set`; later options beat earlier ones.
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
    let as_typed = || document::parse_value(text, &at);
    let as_text = || Node { at: at.clone(), value: Value::Text(text.to_owned()) };
    match change.knob {
        Knob::Set => set(profile, text)?,
        Knob::Rooms => put(profile, "rooms", "count", as_typed()),
        Knob::RoomSize => put(profile, "rooms", "size", room_size(text, &at)?),
        Knob::Arrivals => arrivals::set_rate(table(profile, "arrivals", &at), as_typed()),
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
        Knob::Tag => tag(profile, text, &at)?,
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
    let assigned = document::parse_assignment(text, &at).or_else(|| {
        // A value that is not TOML is a string.
        let mut tree = document::parse_assignment(&format!("{key}=0"), &at)?;
        set_leaf_text(&mut tree, value);
        Some(tree)
    });
    let Some(assigned) = assigned else {
        return Err(problem("--set", "the key is not one; write key.path=VALUE, such as rooms.size=4"));
    };
    document::merge(profile, assigned);
    Ok(())
}

fn set_leaf_text(tree: &mut Tree, text: &str) {
    for node in tree.values_mut() {
        match &mut node.value {
            Value::Table(inner) => set_leaf_text(inner, text),
            leaf => *leaf = Value::Text(text.to_owned()),
        }
    }
}

fn room_size(text: &str, at: &At) -> Result<Node, Problem> {
    let Some((min, max)) = text.split_once("..") else {
        return match text.split_once('-') {
            Some((min, max)) if [min, max].iter().all(|end| end.trim().parse::<u16>().is_ok()) => {
                let right = format!("{}..{}", min.trim(), max.trim());
                Err(problem(&at.show(""), &format!("{text} is no range; write --room-size {right}")))
            }
            _ => Ok(document::parse_value(text, at)),
        };
    };
    let limits = [("min", min), ("max", max)];
    let tree = limits.map(|(key, limit)| (key.to_owned(), document::parse_value(limit, at)));
    Ok(Node { at: at.clone(), value: Value::Table(tree.into()) })
}

/// Sets a header, and drops the profile's header of the same name in any case (RFC 9110 §5.1).
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

fn tag(profile: &mut Tree, text: &str, at: &At) -> Result<(), Problem> {
    let Some((key, value)) = text.split_once('=') else {
        let right = text.split_once(':').map(|(key, value)| format!(": write {}={}", key.trim(), value.trim()));
        let right = right.unwrap_or_else(|| ", such as env=staging".to_owned());
        return Err(problem(&at.show(""), &format!("expected KEY=VALUE{right}")));
    };
    put(profile, "tags", key.trim(), Node { at: at.clone(), value: Value::Text(value.to_owned()) });
    Ok(())
}

/// Adds a server; the first one of the command line replaces those of the profile and of `--set`.
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

/// The table of that name; a value that is no table is replaced by an empty one.
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
