//! `[engine] ice_servers`: STUN and TURN servers, as tables like a browser's `RTCIceServer` or as URLs.

use crate::profile::secret::Secret;
use crate::profile::section::Section;
use crate::profile::syntax::document::{At, Node, Value};
use crate::profile::syntax::keys::{ICE_SERVER, Takes};
use crate::vocabulary::EngineKind;

/// The default port of STUN and TURN (RFC 8489 §18.6, RFC 8656 §3).
const PORT: u16 = 3_478;

/// A STUN or TURN server from which peers gather candidates, over UDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceServer {
    /// A host name or an address; IPv6 without brackets.
    pub host: String,
    pub port: u16,
    /// The login of a TURN server; `None` for a STUN server.
    pub login: Option<Login>,
}

/// The long-term credential of a TURN server (RFC 8489 §9.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub username: Secret,
    pub credential: Secret,
}

/// The candidates that a peer uses (RFC 9429 §4.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IceTransportPolicy {
    #[default]
    All,
    /// Relayed candidates only.
    Relay,
}

pub(crate) fn policy(engine: &Section<'_>) -> IceTransportPolicy {
    let words = [("all", IceTransportPolicy::All), ("relay", IceTransportPolicy::Relay)];
    engine.word("ice_transport_policy", &words)
}

/// The servers of `[engine]`. Servers for an engine that does not use them are a problem.
pub(crate) fn servers(engine: &Section<'_>, kind: EngineKind, policy: IceTransportPolicy) -> Vec<IceServer> {
    let expected = "expected a list such as [\"stun:10.0.0.1\", \"turn:USER:PASS@10.0.0.1:3478\"]";
    let servers: Vec<_> = match engine.node("ice_servers").map(|node| &node.value) {
        Some(Value::List(list)) => list.iter().flat_map(|node| of_node(engine, node)).collect(),
        Some(other) => {
            engine.problem("ice_servers", format!("{expected}, not {}", other.kind()));
            return vec![];
        }
        None => vec![],
    };
    let is_asked =
        !matches!(engine.node("ice_servers").map(|node| &node.value), Some(Value::List(list)) if list.is_empty());
    let is_relayed = policy == IceTransportPolicy::Relay;
    if kind != EngineKind::Webrtc && is_asked {
        engine
            .problem("ice_servers", format!("{}; write kind = \"webrtc\", or --engine webrtc", gathers_nothing(kind)));
    } else if kind != EngineKind::Webrtc && is_relayed {
        let cure = "write kind = \"webrtc\", or --engine webrtc";
        engine.problem("ice_transport_policy", format!("{}; {cure}", gathers_nothing(kind)));
    } else if is_relayed && servers.iter().all(|server| server.login.is_none()) {
        engine
            .problem("ice_transport_policy", "relay needs a TURN server; name it in ice_servers, or with --ice-server");
    }
    servers
}

fn gathers_nothing(kind: EngineKind) -> &'static str {
    match kind {
        EngineKind::None => "the engine none opens no connection",
        EngineKind::Lean | EngineKind::Webrtc => "the engine lean asks no server for candidates",
    }
}

fn of_node(engine: &Section<'_>, node: &Node) -> Vec<IceServer> {
    let path = engine.path_of("ice_servers");
    match &node.value {
        Value::Text(written) => {
            let read = engine.reader.expand(&path, &node.at, written);
            read.and_then(|url| or_report(engine, &node.at, server(&url, None))).into_iter().collect()
        }
        Value::Table(tree) => {
            of_table(engine, &Section::new(engine.reader, path, &node.at, tree, &Takes::Table(ICE_SERVER)))
        }
        other => {
            engine.reader.problem(&path, &node.at, format!("expected a URL or a table, not {}", other.kind()));
            vec![]
        }
    }
}

fn of_table(engine: &Section<'_>, table: &Section<'_>) -> Vec<IceServer> {
    let login = match (table.text("username"), table.text("credential")) {
        (Some(username), Some(credential)) if !username.is_empty() && !credential.is_empty() => {
            Some(Login { username: Secret::new(username), credential: Secret::new(credential) })
        }
        _ => None,
    };
    let urls: Vec<&Node> = match table.node("urls") {
        Some(Node { value: Value::List(urls), .. }) => urls.iter().collect(),
        Some(url) => vec![url],
        None => {
            table.problem("urls", "missing; write urls = \"turn:HOST:PORT\"");
            vec![]
        }
    };
    let read = |node: &&Node| {
        let Value::Text(written) = &node.value else {
            table.problem("urls", format!("expected a URL in quotes, not {}", node.value.kind()));
            return None;
        };
        let url = table.reader.expand(&table.path_of("urls"), &node.at, written)?;
        or_report(engine, &node.at, server(&url, login.clone()))
    };
    urls.iter().filter_map(read).collect()
}

fn or_report(engine: &Section<'_>, at: &At, read: Result<IceServer, &'static str>) -> Option<IceServer> {
    read.map_err(|message| engine.reader.problem(&engine.path_of("ice_servers"), at, message)).ok()
}

/// Parses `stun:HOST[:PORT]` or `turn:[USERNAME:CREDENTIAL@]HOST[:PORT][?transport=udp]` (RFC 7064, RFC 7065).
///
/// # Errors
/// One sentence, without the text itself: it may hold a credential.
fn server(url: &str, login: Option<Login>) -> Result<IceServer, &'static str> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err("not a URL; write stun:HOST:PORT or turn:USER:PASS@HOST:PORT");
    };
    let is_turn = match scheme {
        "stun" => false,
        "turn" => true,
        "stuns" | "turns" => return Err("the engine webrtc asks servers over UDP, without TLS; write stun: or turn:"),
        _ => return Err("the scheme is neither stun nor turn"),
    };
    let rest = match rest.split_once('?') {
        None | Some((_, "transport=udp")) => rest.split('?').next().unwrap_or(rest),
        Some(_) => return Err("the engine webrtc asks servers over UDP; leave the query out, or write ?transport=udp"),
    };
    // A credential may hold an @, and the username of a shared secret holds a colon: `EXPIRY:NAME`.
    let (inline, authority) = match rest.rsplit_once('@') {
        Some((userinfo, authority)) => {
            (userinfo.rsplit_once(':').filter(|(user, pass)| !user.is_empty() && !pass.is_empty()), authority)
        }
        None => (None, rest),
    };
    let inline = inline.map(|(user, pass)| Login { username: Secret::new(user), credential: Secret::new(pass) });
    let login = match (is_turn, inline.or(login)) {
        (true, None) => {
            return Err(
                "a TURN server wants a login; write turn:USER:PASS@HOST:PORT, or a table with urls, username and credential",
            );
        }
        (true, login) => login,
        (false, _) if rest.contains('@') => return Err("a STUN server asks for no login; write stun:HOST:PORT"),
        (false, _) => None,
    };
    let (host, port) = host_and_port(authority).ok_or("after the scheme comes HOST or HOST:PORT")?;
    Ok(IceServer { host, port, login })
}

fn host_and_port(authority: &str) -> Option<(String, u16)> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':')?)),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    let port = port.map_or(Some(PORT), |port| port.parse().ok().filter(|port| *port > 0))?;
    (!host.is_empty() && host.bytes().all(fits)).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_all_of_a_server() {
        let check = |url: &str, expected: Result<&str, &str>| {
            let read = server(url, None).map(|IceServer { host, port, login }| {
                let login = login.map(|login| format!(", {}, {}", login.username.reveal(), login.credential.reveal()));
                format!("{host}, {port}{}", login.unwrap_or_default())
            });
            assert_eq!(read.as_deref().map_err(|message| *message), expected, "{url}");
        };
        check("stun:127.0.0.1", Ok("127.0.0.1, 3478"));
        check("stun:[::1]:99", Ok("::1, 99"));
        check("turn:a:b@turn.example:3479?transport=udp", Ok("turn.example, 3479, a, b"));
        check("turn:1700000000:alice:p@ss@[fd00::1]", Ok("fd00::1, 3478, 1700000000:alice, p@ss"));
        let wants_login = "a TURN server wants a login; write turn:USER:PASS@HOST:PORT, or a table with urls, username and credential";
        check("turn:127.0.0.1:3478", Err(wants_login));
        check("turn:a:@127.0.0.1:3478", Err(wants_login));
        check("stun:a:b@h", Err("a STUN server asks for no login; write stun:HOST:PORT"));
        check("turns:a:b@h", Err("the engine webrtc asks servers over UDP, without TLS; write stun: or turn:"));
        check(
            "turn:a:b@h?transport=tcp",
            Err("the engine webrtc asks servers over UDP; leave the query out, or write ?transport=udp"),
        );
        check("http://h", Err("the scheme is neither stun nor turn"));
        check("127.0.0.1", Err("not a URL; write stun:HOST:PORT or turn:USER:PASS@HOST:PORT"));
        check("stun:", Err("after the scheme comes HOST or HOST:PORT"));
        check("stun:h:0", Err("after the scheme comes HOST or HOST:PORT"));
        check("stun://h", Err("after the scheme comes HOST or HOST:PORT"));
    }

    #[test]
    fn a_login_is_not_shown() {
        let server = server("turn:us3r:p4ss@h", None).unwrap();
        let shown = format!("{server:?}");
        assert!(!shown.contains("us3r") && !shown.contains("p4ss"), "{shown}");
    }
}
