//! Writes a profile out as it was run, so that it reads back to the same one and gives no secret away.

use super::sections::target::HOLES;
use super::syntax::document::{Node, Tree, Value};
use super::syntax::environment;
use super::syntax::keys;
use toml::Value as Toml;

/// The merged tree as TOML: defaults and overrides included, `${NAME}` as written. A header, subprotocol or URL
/// that holds a credential itself gives way to a variable with which the profile runs again.
pub(super) fn write(tree: &Tree) -> String {
    let mut shown = tree.clone();
    if let Some(Node { value: Value::Table(target), .. }) = shown.get_mut("target") {
        hide_secrets(target);
    }
    if let Some(Node { value: Value::Table(engine), .. }) = shown.get_mut("engine") {
        hide_logins(engine);
    }
    let mut text = String::new();
    for (name, keys) in keys::SECTIONS {
        let part: Tree = match *name {
            "" => shown.iter().filter(|(key, _)| keys.contains(&key.as_str())).map(own).collect(),
            name => shown.iter().filter(|(key, _)| *key == name).map(own).collect(),
        };
        if let Ok(part) = toml::to_string(&table(&part)) {
            text.push_str(&part);
            text.push('\n');
        }
    }
    text
}

fn hide_secrets(target: &mut Tree) {
    hide(target, "url", "MESHLOAD_TARGET", url_tells);
    hide(target, "subprotocol", "MESHLOAD_SUBPROTOCOL", |said| said.len() > SUBPROTOCOL_WORD_BYTES_MAX);
    let Some(Value::Table(headers)) = target.get_mut("headers").map(|node| &mut node.value) else { return };
    let names: Vec<_> = headers.keys().cloned().collect();
    for name in names {
        let word: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        hide(headers, &name, &format!("MESHLOAD_HEADER_{}", word.to_uppercase()), header_tells);
    }
}

/// A TURN server's login is a secret wherever it stands. Each server gets variables of its own.
fn hide_logins(engine: &mut Tree) {
    let Some(Value::List(servers)) = engine.get_mut("ice_servers").map(|node| &mut node.value) else { return };
    for (index, server) in servers.iter_mut().enumerate() {
        let number = if index == 0 { String::new() } else { format!("_{}", index + 1) };
        let (username, credential) =
            (format!("MESHLOAD_TURN_USERNAME{number}"), format!("MESHLOAD_TURN_CREDENTIAL{number}"));
        match &mut server.value {
            Value::Text(url) => {
                if let Some((scheme, authority)) = around_a_login(url) {
                    *url = format!("{scheme}:${{{username}}}:${{{credential}}}@{authority}");
                }
            }
            Value::Table(table) => {
                hide(table, "username", &username, |said| !said.is_empty());
                hide(table, "credential", &credential, |said| !said.is_empty());
            }
            _ => {}
        }
    }
}

/// What stands before and after the login of `turn:USER:PASS@HOST`, if that says one itself.
fn around_a_login(url: &str) -> Option<(&str, &str)> {
    let (rest, authority) = url.rsplit_once('@')?;
    let (scheme, login) = rest.split_once(':')?;
    environment::said(login).bytes().any(|byte| byte != b':').then_some((scheme, authority))
}

/// A registered subprotocol's name is shorter; a token is longer.
const SUBPROTOCOL_WORD_BYTES_MAX: usize = 20;

/// Puts a variable in the place of a text that `tells` a secret by what it says itself.
fn hide(tree: &mut Tree, key: &str, variable: &str, tells: impl Fn(&str) -> bool) {
    if let Some(Value::Text(text)) = tree.get_mut(key).map(|node| &mut node.value)
        && tells(&without_holes(&environment::said(text)))
    {
        *text = format!("${{{variable}}}");
    }
}

/// What the run fills in for each peer is not the text's own.
fn without_holes(said: &str) -> String {
    HOLES.iter().fold(said.to_owned(), |said, hole| said.replace(&format!("{{{hole}}}"), ""))
}

/// Whether a URL has a userinfo or a query whose values are its own.
fn url_tells(said: &str) -> bool {
    let (rest, query) = said.split_once(['?', '#']).unwrap_or((said, ""));
    let (_, rest) = rest.split_once("://").unwrap_or(("", rest));
    let authority = rest.split(['/', '\\']).next().unwrap_or("");
    let userinfo = authority.rsplit_once('@').map_or("", |(userinfo, _)| userinfo);
    let is_own = |pair: &str| {
        let value = pair.split_once('=').map_or(pair, |(_, value)| value);
        !value.is_empty()
    };
    !userinfo.trim_matches(':').is_empty() || query.split('&').any(is_own)
}

/// Whether a header says more than an authentication scheme (RFC 9110 §11.1).
fn header_tells(said: &str) -> bool {
    !["", "basic", "bearer", "token", "digest"].contains(&said.trim().to_lowercase().as_str())
}

fn own((key, node): (&String, &Node)) -> (String, Node) {
    (key.clone(), node.clone())
}

fn table(tree: &Tree) -> toml::Table {
    tree.iter().map(|(key, node)| (key.clone(), value(node))).collect()
}

fn value(node: &Node) -> Toml {
    match &node.value {
        Value::Text(text) => Toml::String(text.clone()),
        // A checked profile holds no number that TOML could not.
        Value::Whole(number) => Toml::Integer(i64::try_from(*number).unwrap_or(i64::MAX)),
        Value::Decimal(number) => Toml::Float(*number),
        Value::Flag(flag) => Toml::Boolean(*flag),
        Value::List(list) => Toml::Array(list.iter().map(value).collect()),
        Value::Table(tree) => Toml::Table(table(tree)),
        Value::Stray(what) => Toml::String((*what).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_gives_way_and_a_reference_stays() {
        for (written, expected) in [
            ("turn:user:pass@h:1", Some(("turn", "h:1"))),
            ("turn:${USER}:pass@h", Some(("turn", "h"))),
            ("turn:${USER:-me}:${PASS}@h", Some(("turn", "h"))),
            ("turn:${USER}:${PASS}@h", None),
            ("stun:h:1", None),
            ("${TURN}", None),
        ] {
            assert_eq!(around_a_login(written), expected, "{written}");
        }
    }

    #[test]
    fn a_url_tells_a_secret_by_what_it_says_itself() {
        for (written, expected) in [
            ("wss://a.example/ws/?token=${TOKEN}&id={peer.id}", false),
            ("wss://a.example/ws/?t={token}", false),
            ("wss://a.example/ws/?t={token}abc", true),
            ("wss://${USER}:${PASS}@a.example/ws/", false),
            ("wss://a.example/ws/?token=abc", true),
            ("wss://a.example/ws/?abc", true),
            ("wss://a.example/ws/?token=${TOKEN:-abc}", true),
            ("wss://user:pass@a.example/", true),
            ("wss://user@a.example/", true),
            ("${URL}", false),
        ] {
            assert_eq!(url_tells(&without_holes(&environment::said(written))), expected, "{written}");
        }
    }
}
