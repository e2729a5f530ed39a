//! `[target]`: the server under test, its dialect, and the headers of the WebSocket handshake.

pub(crate) mod faults;
pub(crate) mod reconnect;

use crate::profile::secret::Secret;
use crate::profile::section::Section;
use crate::profile::syntax::document::{Node, Value};
use crate::profile::syntax::units;
use crate::vocabulary::problem::{nearest, quoted};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use url::Url;

/// The signaling server and how to connect to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// A `ws` or `wss` URL with the placeholders `{peer.id}`, `{peer.index}`, `{room.id}` and `{token}`. `None`: the
    /// embedded reference server.
    pub url: Option<Secret>,
    /// The URL as reports show it: without userinfo and query.
    pub url_shown: Option<String>,
    pub dialect: String,
    /// Place of `dialect`: `file:line`, or the option.
    pub dialect_at: String,
    pub headers: BTreeMap<String, Secret>,
    pub subprotocol: Option<Secret>,
    pub origin: Option<String>,
    /// Each peer's requests carry a W3C `traceparent` of its own.
    pub traceparent: bool,
    /// The longest signaling message that peers accept and send, in bytes: 1 KiB to 64 MiB.
    pub message_bytes_max: usize,
}

/// The built-in dialects; a test of the room `commands` compares them with `dialect::names`.
pub const DIALECTS: &[&str] = &[
    "dashboard",
    "peerjs",
    "y-webrtc",
    "socketio-addpeer",
    "simple-signal",
    "webtorrent-tracker",
    "matchbox",
    "relay",
    "relay-global",
    "relay-open",
];

/// The beginning of a placeholder for a column of `--data`.
const DATA: &str = "data.";

/// The word for the built-in dialect that fits the target's first frames.
pub const AUTO: &str = "auto";

/// The range of `message_max`, in bytes.
const MESSAGE_BYTES: RangeInclusive<u64> = 1024..=64 * 1024 * 1024;

/// Placeholders that each peer replaces in a URL.
pub(crate) const PLACEHOLDERS: &[&str] = &["peer.id", "peer.index", "room.id", "token"];

impl Target {
    /// The texts that each peer fills in; a scenario's own path stands in the place of the URL.
    fn templates<'a>(&'a self, own_path: Option<&'a Secret>) -> impl Iterator<Item = &'a str> {
        let own = own_path.or(self.url.as_ref()).into_iter();
        own.chain(self.headers.values()).chain(&self.subprotocol).map(Secret::reveal)
    }

    /// The columns of `--data` with a placeholder in `own_path` (else the URL), a header or the subprotocol; repeated as there.
    pub fn data_columns(&self, own_path: Option<&Secret>) -> Vec<String> {
        let open = format!("{{{DATA}");
        let mut columns = vec![];
        for text in self.templates(own_path) {
            let holes = text.split(&open).skip(1).filter_map(|rest| rest.split_once('}'));
            columns.extend(holes.map(|(column, _)| column.to_owned()));
        }
        columns
    }

    /// True if `own_path` (else the URL), a header or the subprotocol has the placeholder `{token}`.
    pub fn needs_tokens(&self, own_path: Option<&Secret>) -> bool {
        self.templates(own_path).any(|text| text.contains("{token}"))
    }
}

pub(crate) fn check(root: &Section<'_>) -> Target {
    let section = root.section("target");
    let url = section.text("url").and_then(|url| match web_socket_url(&url) {
        Ok(url) => Some(url),
        Err(message) => {
            section.problem("url", message);
            None
        }
    });
    let dialect = section.text("dialect").unwrap_or_default();
    let is_known = dialect == AUTO || DIALECTS.contains(&dialect.as_str()) || is_file(&dialect);
    if section.node("dialect").is_some() && !is_known {
        let hint = match nearest(&dialect, DIALECTS.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("known are {}, or a file such as ./mine.toml", DIALECTS.join(", ")),
        };
        section.problem("dialect", format!("{} is no dialect; {hint}", section.shown("dialect")));
    }
    for key in ["subprotocol", "origin"] {
        if section.text(key).is_some_and(|text| text.is_empty() || !is_header_value(&text)) {
            section.problem(key, "expected visible ASCII characters");
        }
    }
    let written = match section.node("url").map(|node| &node.value) {
        Some(Value::Text(written)) => written.as_str(),
        _ => "",
    };
    Target {
        url_shown: url.as_deref().map(|url| redacted(written, url)),
        url: url.map(Secret::new),
        dialect,
        dialect_at: section.location("dialect"),
        headers: headers(&section),
        subprotocol: section.text("subprotocol").map(Secret::new),
        origin: section.text("origin"),
        traceparent: section.flag("traceparent"),
        message_bytes_max: message_bytes_max(&section),
    }
}

fn message_bytes_max(section: &Section<'_>) -> usize {
    let bytes = section.measured("message_max", "a size", "KiB", units::size).unwrap_or(*MESSAGE_BYTES.start());
    if !MESSAGE_BYTES.contains(&bytes) {
        section.problem("message_max", format!("{} is not from 1KiB to 64MiB", section.shown("message_max")));
    }
    bytes as usize
}

/// True for the path of a dialect file, which the room `commands` reads.
fn is_file(dialect: &str) -> bool {
    dialect.contains('/') || dialect.ends_with(".toml")
}

/// A URL as reports show it: without userinfo, query and fragment, and with `${NAME}` in the path as written, since
/// either may hold a credential.
fn redacted(written: &str, url: &str) -> String {
    let shown = without_secrets(url);
    let path_of = |url: &str| {
        let after_scheme = url.find("://").map_or(0, |scheme| scheme + 3);
        url[after_scheme..].find('/').map(|path| after_scheme + path)
    };
    // A reference that holds scheme and host as well can't be split at the path.
    match (path_of(&shown), path_of(written)) {
        (Some(start), Some(path)) if written[path..].contains("${") => {
            let end = written.find(['?', '#']).filter(|&end| end > path).unwrap_or(written.len());
            format!("{}{}", &shown[..start], &written[path..end])
        }
        _ => shown,
    }
}

fn without_secrets(url: &str) -> String {
    let (rest, query) = match url.find(['?', '#']) {
        Some(end) => (&url[..end], "?…"),
        None => (url, ""),
    };
    let Some((scheme, rest)) = rest.split_once("://") else { return "…".to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}{query}")
}

/// The URL with `http(s)` replaced by `ws(s)`.
///
/// # Errors
/// One sentence, without the URL itself: it may hold a credential.
fn web_socket_url(url: &str) -> Result<String, String> {
    let url = match url.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        Some(("ws" | "wss", _)) => url.to_owned(),
        Some(_) => return Err("the scheme is neither ws, wss, http nor https".to_owned()),
        None => return Err(format!("not a URL; write ws://{}", host_and_path(url).unwrap_or("HOST:PORT/PATH"))),
    };
    let filled = fill_placeholders(&url)?;
    let parsed = Url::parse(&filled).map_err(|error| format!("not a URL: {error}"))?;
    if parsed.host().is_none() {
        return Err("not a URL: no host".to_owned());
    }
    if parsed.fragment().is_some() {
        return Err("a WebSocket URL has no fragment (RFC 6455 §3)".to_owned());
    }
    Ok(url)
}

/// The text if it can only be a host, with a port or a path: anything else may hold a credential, and is not shown.
fn host_and_path(text: &str) -> Option<&str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]/".contains(&byte);
    (text.contains([':', '.']) && !text.starts_with(['.', '/']) && text.bytes().all(fits)).then_some(text)
}

/// The URL with `0` for every placeholder. A placeholder in the host is refused: the profile must show which machine
/// is under load.
fn fill_placeholders(url: &str) -> Result<String, String> {
    let start_of_path = url.find("://").map_or(0, |scheme| {
        let after = scheme + 3;
        url[after..].find(['/', '?', '#', '\\']).map_or(url.len(), |end| after + end)
    });
    let mut filled = url[..start_of_path].to_owned();
    if filled.contains('{') {
        return Err("the host is the same for all peers; {…} belongs into the path or the query".to_owned());
    }
    let mut rest = &url[start_of_path..];
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        let length = rest[start..].find('}').ok_or("\"{\" has no closing \"}\"")?;
        let placeholder = &rest[start + 1..start + length];
        if !PLACEHOLDERS.contains(&placeholder) && !placeholder.starts_with(DATA) {
            let near = nearest(placeholder, PLACEHOLDERS.iter().copied());
            let hint = near
                .map_or("known are {peer.id}, {peer.index}, {room.id}, {token}, {data.COLUMN}".to_owned(), |near| {
                    format!("did you mean {{{near}}}?")
                });
            return Err(format!("nothing is known to fill {} with; {hint}", quoted(&rest[start..=start + length])));
        }
        filled.push('0');
        rest = &rest[start + length + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

fn headers(section: &Section<'_>) -> BTreeMap<String, Secret> {
    let inner = section.section("headers");
    let mut headers = BTreeMap::new();
    for (name, Node { at, value }) in inner.tree() {
        let path = inner.path_of(name);
        let problem = |message: String| section.reader.problem(&path, at, message);
        if !is_token(name) {
            problem("no header has such a name (RFC 9110 §5.1)".to_owned());
            continue;
        }
        if let Some(own) = reserved(name) {
            problem(own.to_owned());
            continue;
        }
        let Value::Text(written) = value else {
            problem(format!("expected a text in quotes, not {}", value.kind()));
            continue;
        };
        match section.reader.expand(&path, at, written) {
            Some(text) if is_header_value(&text) => {
                headers.insert(name.clone(), Secret::new(text));
            }
            Some(_) => problem("a header's value has visible ASCII characters and blanks only".to_owned()),
            None => {}
        }
    }
    headers
}

/// The problem with a header that the handshake itself sets (RFC 6455 §4.1), or that has a key of its own.
fn reserved(name: &str) -> Option<&'static str> {
    match name.to_ascii_lowercase().as_str() {
        "sec-websocket-protocol" => Some("write it as target.subprotocol"),
        "origin" => Some("write it as target.origin"),
        "upgrade" | "connection" | "sec-websocket-key" | "sec-websocket-version" | "sec-websocket-extensions" => {
            Some("the WebSocket handshake sets this header itself")
        }
        _ => None,
    }
}

fn is_token(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.len() <= 256 && name.bytes().all(is_token)
}

fn is_header_value(value: &str) -> bool {
    value.len() <= 16 * 1024 && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_address_is_read_as_a_web_socket_s() {
        for (written, expected) in [
            ("ws://127.0.0.1:9/ws/", Ok("ws://127.0.0.1:9/ws/")),
            ("https://a.example/{room.id}?id={peer.id}", Ok("wss://a.example/{room.id}?id={peer.id}")),
            ("http://[::1]:9", Ok("ws://[::1]:9")),
            ("ftp://a.example", Err("the scheme is neither ws, wss, http nor https")),
            ("localhost:9000", Err("not a URL; write ws://localhost:9000")),
            ("user:pass@a", Err("not a URL; write ws://HOST:PORT/PATH")),
            (
                "ws://{peer.id}.example/",
                Err("the host is the same for all peers; {…} belongs into the path or the query"),
            ),
            ("ws://a/{peer.ids}", Err("nothing is known to fill \"{peer.ids}\" with; did you mean {peer.id}?")),
            ("ws://a/{token}", Ok("ws://a/{token}")),
            ("ws://a/{tokens}", Err("nothing is known to fill \"{tokens}\" with; did you mean {token}?")),
            ("ws://a/#x", Err("a WebSocket URL has no fragment (RFC 6455 §3)")),
            ("ws://a:99999/", Err("not a URL: invalid port number")),
            ("ws://", Err("not a URL: empty host")),
        ] {
            let got = web_socket_url(written);
            assert_eq!(got.as_deref().map_err(String::as_str), expected, "{written}");
        }
    }

    #[test]
    fn what_may_hold_a_credential_is_not_shown() {
        for (url, shown) in [
            ("wss://user:pass@a.example:1/ws/?token=abc", "wss://a.example:1/ws/?…"),
            ("wss://a.example/ws/#abc", "wss://a.example/ws/?…"),
            ("wss://a@b@a.example", "wss://a.example"),
            ("ws://127.0.0.1:9/{room.id}", "ws://127.0.0.1:9/{room.id}"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
        assert_eq!(redacted("ws://h/${TOKEN}/x?a=b", "ws://h/s3cret/x?a=b"), "ws://h/${TOKEN}/x");
        assert_eq!(redacted("${TARGET}", "ws://h/x?a=b"), "ws://h/x?…");
    }
}
