//! The URL, headers and subprotocol of a connection, with what differs between peers as templates.

use crate::learning::file::patterns::{literal, plain_name, quoted};
use crate::learning::talk::grammar::{Drawn, doubled};
use crate::learning::talk::json::Json;
use crate::learning::talk::values::{Values, segments};
use crate::learning::talk::{Talk, TalkCodec};
use crate::recording::{MASKED, header};
use std::collections::BTreeMap;
use url::Url;

/// The connection of each peer.
#[derive(Debug, Default)]
pub(in crate::learning) struct ConnectionPlace {
    /// The part of the URL that `--target` names.
    pub base: String,
    /// The rest of it, as a template; empty if the URL is the base.
    pub rest: String,
    headers: Vec<(String, String)>,
    subprotocol: Option<String>,
    pub vars: BTreeMap<String, String>,
    pub holes: Vec<(String, Option<usize>)>,
    /// Sentences about values that stand in for masked ones.
    pub notes: Vec<String>,
}

impl ConnectionPlace {
    pub(in crate::learning) fn of(talk: &Talk, values: &Values) -> Self {
        let mut place = Self::default();
        let Some(first) = talk.peers.first() else { return place };
        place.read_url(talk, values, &first.url);
        place.subprotocol = first.subprotocol.clone();
        if first.subprotocol.as_deref().is_some_and(|name| name.contains(MASKED)) {
            place.subprotocol = None;
            place.holes.push(("the subprotocol carries a secret: subprotocol = \"{token}\"".to_owned(), None));
        }
        if let Some(authorization) = header(&first.headers, "authorization") {
            let scheme = authorization.split(' ').next().unwrap_or_default();
            place.headers.push(("Authorization".to_owned(), format!("{scheme} {{token}}")));
            place.holes.push(("the header Authorization: a token a peer, --tokens FILE".to_owned(), None));
        }
        if let Some(cookie) = header(&first.headers, "cookie") {
            let name = cookie.split('=').next().unwrap_or_default().trim();
            place.headers.push(("Cookie".to_owned(), format!("{name}={{token}}")));
            place.holes.push((
                format!("the cookie {name}: one a peer, --tokens FILE; delete the line if none is needed"),
                None,
            ));
        }
        place
    }

    fn read_url(&mut self, talk: &Talk, values: &Values, url: &Url) {
        let origin = &url[..url::Position::BeforePath];
        let parts = segments(url);
        let is_templated =
            |part: &String| values.room.as_ref() == Some(part) || values.peer(&Json::Text(part.clone())).is_some();
        let is_socket_io = talk.codec == TalkCodec::SocketIo;
        let at = parts
            .iter()
            .position(is_templated)
            .or_else(|| parts.iter().position(|part| is_socket_io && part == "socket.io"));
        let kept = at.unwrap_or(parts.len());
        self.base = origin.to_owned() + &parts[..kept].iter().map(|part| format!("/{part}")).collect::<String>();
        let ends_with_slash = url.path().ends_with('/');
        for part in &parts[kept..] {
            self.rest += "/";
            self.rest += &match part {
                part if values.room.as_ref() == Some(part) => "{room}".to_owned(),
                part if is_templated(part) => "{me}".to_owned(),
                part => doubled(part),
            };
        }
        let pairs: Vec<(String, String)> =
            url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        let mut query = vec![];
        for (key, value) in &pairs {
            // Socket.IO's own: a session that polling began, and a stamp against caches.
            if is_socket_io && ["sid", "t"].contains(&key.as_str()) {
                continue;
            }
            query.push(format!("{key}={}", self.parameter(talk, values, key, value)));
        }
        if ends_with_slash {
            let into = if self.rest.is_empty() && query.is_empty() { &mut self.base } else { &mut self.rest };
            into.push('/');
        }
        if !query.is_empty() {
            self.rest += &format!("?{}", query.join("&"));
        }
    }

    fn parameter(&mut self, talk: &Talk, values: &Values, key: &str, value: &str) -> String {
        let of_peer = |peer: &crate::learning::talk::TalkPeer| {
            peer.url.query_pairs().find(|(name, _)| name == key).map(|(_, value)| Json::Text(value.into_owned()))
        };
        let all: Vec<Json> = talk.peers.iter().filter_map(of_peer).collect();
        let differs = all.iter().any(|other| other.text() != Some(value));
        let name = plain_name(key);
        match value {
            _ if values.room.as_deref() == Some(value) => "{room}".to_owned(),
            _ if values.peer(&Json::Text(value.to_owned())).is_some() => "{me}".to_owned(),
            _ if value.starts_with(MASKED) => {
                self.notes.push(format!("{key} in the URL is masked in the recording, and random here; if the server checks it: {{token}} and --tokens FILE"));
                self.vars.insert(format!("url_{name}"), quoted("{random:16}"));
                format!("{{url_{name}}}")
            }
            _ if differs => {
                self.vars.insert(format!("url_{name}"), quoted(&Drawn::of(&all).template()));
                format!("{{url_{name}}}")
            }
            fixed => percent_encoding::utf8_percent_encode(fixed, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
                .replace("%2E", ".")
                .replace("%2D", "-")
                .replace("%5F", "_"),
        }
    }

    /// `[connect]`; nothing if the target is the whole URL.
    pub(in crate::learning) fn connect(&self) -> String {
        let mut text = String::new();
        if !self.rest.is_empty() {
            text += &format!("url = {}\n", quoted(&format!("{{base}}{}", self.rest)));
        }
        if !self.headers.is_empty() {
            let headers: Vec<String> =
                self.headers.iter().map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
            text += &format!("headers = {{ {} }}\n", headers.join(", "));
        }
        if let Some(subprotocol) = &self.subprotocol {
            text += &format!("subprotocol = {}\n", literal(subprotocol));
        }
        let notes: String = self.notes.iter().map(|note| format!("# {note}\n")).collect();
        if text.is_empty() { text } else { format!("\n[connect]\n{notes}{text}") }
    }
}
