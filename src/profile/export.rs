//! Serialization of a profile as it was run: it reads back to the same profile and contains no secret.

use super::sections::target::PLACEHOLDERS;
use super::syntax::document::{Node, Tree, Value};
use super::syntax::environment;
use super::syntax::keys::{self, Key, Takes};
use toml::Value as Toml;

/// The merged tree as TOML, with defaults and overrides and with `${NAME}` as written. A header, subprotocol or URL
/// with a literal credential is replaced by a variable with which the profile runs again.
pub(super) fn write(tree: &Tree) -> String {
    let mut shown = tree.clone();
    if let Some(Node { value: Value::Table(target), .. }) = shown.get_mut("target") {
        hide_secrets(target);
    }
    if let Some(Node { value: Value::Table(engine), .. }) = shown.get_mut("engine") {
        hide_logins(engine);
    }
    if let Some(Node { value: Value::List(scenarios), .. }) = shown.get_mut("scenarios") {
        hide_paths(scenarios);
    }
    let mut text = String::new();
    for Key { name, takes } in keys::PROFILE {
        let part: Tree = shown.iter().filter(|(key, _)| key == name).map(own).collect();
        if let Ok(part) = toml::to_string(&table(&part)) {
            if takes.names().is_some() || matches!(takes, Takes::Gates) {
                text.push('\n');
            }
            text.push_str(&part);
        }
    }
    text
}

fn hide_secrets(target: &mut Tree) {
    hide(target, "url", "MESHLOAD_TARGET", url_has_secret);
    hide(target, "subprotocol", "MESHLOAD_SUBPROTOCOL", |literal| literal.len() > SUBPROTOCOL_WORD_BYTES_MAX);
    let Some(Value::Table(headers)) = target.get_mut("headers").map(|node| &mut node.value) else { return };
    let names: Vec<_> = headers.keys().cloned().collect();
    for name in names {
        let word: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        hide(headers, &name, &format!("MESHLOAD_HEADER_{}", word.to_uppercase()), header_has_secret);
    }
}

/// Replaces the paths of scenarios whose query has a value, each by a variable of its own.
fn hide_paths(scenarios: &mut [Node]) {
    for (number, scenario) in (1..).zip(scenarios) {
        let Value::Table(scenario) = &mut scenario.value else { continue };
        if let Some(Node { value: Value::Table(target), .. }) = scenario.get_mut("target") {
            hide(target, "path", &format!("MESHLOAD_SCENARIO_PATH_{number}"), url_has_secret);
        }
    }
}

/// Replaces the logins of TURN servers, in URLs and in tables, by variables of each server's own.
fn hide_logins(engine: &mut Tree) {
    let Some(Value::List(servers)) = engine.get_mut("ice_servers").map(|node| &mut node.value) else { return };
    for (index, server) in servers.iter_mut().enumerate() {
        let number = if index == 0 { String::new() } else { format!("_{}", index + 1) };
        let (username, credential) =
            (format!("MESHLOAD_TURN_USERNAME{number}"), format!("MESHLOAD_TURN_CREDENTIAL{number}"));
        match &mut server.value {
            Value::Text(url) => {
                if let Some((scheme, authority)) = split_login(url) {
                    *url = format!("{scheme}:${{{username}}}:${{{credential}}}@{authority}");
                }
            }
            Value::Table(table) => {
                hide(table, "username", &username, |literal| !literal.is_empty());
                hide(table, "credential", &credential, |literal| !literal.is_empty());
            }
            _ => {}
        }
    }
}

/// The parts before and after the login of `turn:USER:PASS@HOST`; `None` without a literal login.
fn split_login(url: &str) -> Option<(&str, &str)> {
    let (rest, authority) = url.rsplit_once('@')?;
    let (scheme, login) = rest.split_once(':')?;
    environment::literal_part(login).bytes().any(|byte| byte != b':').then_some((scheme, authority))
}

/// The longest subprotocol that is taken for a name; a token is longer.
const SUBPROTOCOL_WORD_BYTES_MAX: usize = 20;

/// Replaces a text by a variable if its literal part has a secret.
fn hide(tree: &mut Tree, key: &str, variable: &str, has_secret: impl Fn(&str) -> bool) {
    if let Some(Value::Text(text)) = tree.get_mut(key).map(|node| &mut node.value)
        && has_secret(&without_placeholders(&environment::literal_part(text)))
    {
        *text = format!("${{{variable}}}");
    }
}

fn without_placeholders(literal: &str) -> String {
    PLACEHOLDERS.iter().fold(literal.to_owned(), |rest, placeholder| rest.replace(&format!("{{{placeholder}}}"), ""))
}

/// True if a URL has a userinfo or a query with a value.
fn url_has_secret(literal: &str) -> bool {
    let (rest, query) = literal.split_once(['?', '#']).unwrap_or((literal, ""));
    let (_, rest) = rest.split_once("://").unwrap_or(("", rest));
    let authority = rest.split(['/', '\\']).next().unwrap_or("");
    let userinfo = authority.rsplit_once('@').map_or("", |(userinfo, _)| userinfo);
    let has_value = |pair: &str| {
        let value = pair.split_once('=').map_or(pair, |(_, value)| value);
        !value.is_empty()
    };
    !userinfo.trim_matches(':').is_empty() || query.split('&').any(has_value)
}

/// True if a header's value is more than an authentication scheme (RFC 9110 §11.1).
fn header_has_secret(literal: &str) -> bool {
    !["", "basic", "bearer", "token", "digest"].contains(&literal.trim().to_lowercase().as_str())
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
        // A checked profile has no number beyond TOML's range.
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
            assert_eq!(split_login(written), expected, "{written}");
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
            assert_eq!(
                url_has_secret(&without_placeholders(&environment::literal_part(written))),
                expected,
                "{written}"
            );
        }
    }
}
