//! The secrets of a run, which no text of a server, proxy or peer may bring into a report.

use super::target::endpoint::Access;
use crate::profile::{Profile, Secret};
use crate::vocabulary::Redactor;
use percent_encoding::percent_decode_str;

/// A longer subprotocol is a token, not a name (as in `profile::export`).
const SUBPROTOCOL_NAME_BYTES_MAX: usize = 20;

/// Hides the values of headers, the userinfo, query and hidden path of the URL, tokens, and the logins of proxy and TURN.
pub fn redactor(profile: &Profile, access: &Access) -> Redactor {
    let target = &profile.target;
    let headers = target.headers.values().map(Secret::reveal).flat_map(literals);
    let subprotocol = target.subprotocol.as_ref().map(Secret::reveal).into_iter();
    let subprotocol = subprotocol.filter(|name| name.len() > SUBPROTOCOL_NAME_BYTES_MAX).flat_map(literals);
    let shown = target.url_shown.as_deref().unwrap_or_default();
    let url = target.url.as_ref().map(|url| url_secrets(url.reveal(), shown)).unwrap_or_default();
    let own = profile.scenarios.iter().map(|scenario| &scenario.target);
    let own_paths = own.filter_map(|own| Some(url_secrets(own.path.as_ref()?.reveal(), own.path_shown.as_deref()?)));
    let proxy = access.route.proxy.as_ref().and_then(|proxy| proxy.authorization.as_ref());
    let logins = profile.engine.ice_servers.iter().filter_map(|server| server.login.as_ref());
    let logins = logins.flat_map(|login| [&login.username, &login.credential]);
    let own = access
        .tokens
        .iter()
        .chain(access.scenario_tokens.iter().flatten().flat_map(|tokens| tokens.iter()))
        .chain(access.data.values())
        .chain(proxy)
        .chain(logins)
        .map(|secret| secret.reveal().to_owned());
    Redactor::new(headers.chain(subprotocol).chain(url).chain(own_paths.flatten()).chain(own))
}

/// The parts of a template that are the same for every peer.
fn literals(template: &str) -> Vec<String> {
    let pieces = template.split('{').enumerate().filter_map(|(index, piece)| match index {
        0 => Some(piece),
        _ => piece.split_once('}').map(|(_, literal)| literal),
    });
    pieces.map(str::trim).filter(|literal| !literal.is_empty()).map(str::to_owned).collect()
}

/// The userinfo and query values of a URL, and the parts of its path that `shown`, the URL as reports have it, leaves out.
fn url_secrets(url: &str, shown: &str) -> Vec<String> {
    let (rest, query) = url.split_once(['?', '#']).unwrap_or((url, ""));
    let (_, rest) = rest.split_once("://").unwrap_or(("", rest));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let userinfo = authority.rsplit_once('@').map_or("", |(userinfo, _)| userinfo);
    let userinfo = [userinfo].into_iter().chain(userinfo.split(':'));
    let values = query.split(['&', '#']).map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    let hidden = path.split('/').filter(|part| !shown.contains(part));
    let all = userinfo.chain(values).chain(hidden).flat_map(literals);
    all.map(|secret| percent_decode_str(&secret).decode_utf8_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{self, ProfileSource};

    #[test]
    fn each_place_of_a_profile_has_its_secrets() {
        let text = "[target]\nurl = \"wss://user%2B:pass%2Fword@h/${ROOM}/ws/?key=query&id={peer.id}\"\n\
                    headers = { Cookie = \"sid=cookie\", X-Peer = \"{peer.id} of\" }\nsubprotocol = \"mesh.v1\"\n\
                    [engine]\nkind = \"webrtc\"\nice_servers = [\"turn:turner:turned@127.0.0.1:1\"]\n";
        let environment = |_: &str| Some("hidden-room".to_owned());
        let profile = profile::read(ProfileSource { name: "p.toml", text }, &[], &environment).unwrap();
        let access = Access { tokens: [Secret::new("token-1")].into(), ..Access::default() };
        let redactor = redactor(&profile, &access);
        for secret in ["user+", "pass/word", "query", "hidden-room", "cookie", "turner", "turned", "token-1"] {
            assert_eq!(redactor.text(&format!("<{secret}>")), "<***>", "{secret}");
        }
        assert_eq!(redactor.text("peer.id of mesh.v1 at /ws/"), "peer.id of mesh.v1 at /ws/");
    }
}
