//! Where each peer dials: the profile's target with what is the peer's own filled in, then what its dialect makes of it.

use crate::dialect::{Connect, Conversation, Dialect, PeerIdentity};
use crate::profile::{Secret, Target};
use crate::signaling::{Connector, Endpoint, Proxy, TargetPolicy};
use crate::summary::run::TargetRoute;
use crate::vocabulary::options::{Approval, Initiator, Trigger};
use crate::vocabulary::seed::Seed;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Of a token in a URL, all but RFC 3986's unreserved characters is encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How peers get to the target and in.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub route: Connector,
    /// One a peer, in the order of the plan; none at all, or enough.
    pub tokens: Arc<[Secret]>,
    /// The options that lead there again, as a shell takes them, each after a blank; without secrets.
    pub again: String,
}

impl Access {
    /// The token of a peer; empty if there are none. Peers of a probe's experiments, beyond the last, begin again
    /// with the first.
    pub fn token(&self, peer_index: u32) -> &str {
        let at = (peer_index as usize).checked_rem(self.tokens.len());
        at.and_then(|at| self.tokens.get(at)).map_or("", Secret::reveal)
    }

    /// What is special about the way to a target of that URL; nothing about the embedded server's.
    pub fn shown(&self, url: Option<&str>) -> TargetRoute {
        let Connector { connect_to, proxy, tls, .. } = &self.route;
        let secured =
            url.is_some_and(|url| url.starts_with("wss:")) || proxy.as_ref().is_some_and(|proxy| proxy.secure);
        TargetRoute {
            insecure: secured && tls.is_insecure(),
            proxy: proxy.as_ref().map(Proxy::shown),
            connect_to: connect_to.as_ref().map(|(host, port)| format!("{host}:{port}")),
        }
    }
}

/// The target of a run, as a template for its peers.
#[derive(Clone, Debug)]
pub struct Endpoints {
    target: Target,
    /// The URL without its holes filled in.
    url: String,
    user_agent: String,
    access: Access,
    route: Arc<Connector>,
}

impl Endpoints {
    /// `url` is the target's, or the embedded server's.
    pub fn new(target: Target, url: String, run_id: &str, access: Access) -> Self {
        let user_agent = format!("meshload/{} (run {run_id})", env!("CARGO_PKG_VERSION"));
        let route = Arc::new(access.route.clone());
        Self { target, url, user_agent, access, route }
    }

    /// What is special about the way to the target, for the reports.
    pub fn way(&self) -> TargetRoute {
        self.access.shown(Some(&self.url))
    }

    /// The token of a peer; empty if there are none.
    pub fn token(&self, peer_index: u32) -> &str {
        self.access.token(peer_index)
    }

    /// Whom the run may send to.
    pub fn reach(&self) -> &TargetPolicy {
        &self.route.target_policy
    }

    /// The endpoint of the peer that talks in `conversation`; without one, as the profile says it. What the profile says about headers and subprotocol goes
    /// before what the dialect says.
    ///
    /// # Errors
    /// Filled in, it is no URL.
    pub fn of(
        &self,
        peer_id: &str,
        peer_index: u32,
        room_id: &str,
        conversation: Option<&mut dyn Conversation>,
    ) -> Result<Endpoint, url::ParseError> {
        let fill = |text: &str| {
            text.replace("{peer.id}", peer_id)
                .replace("{peer.index}", &peer_index.to_string())
                .replace("{room.id}", room_id)
        };
        let token = self.token(peer_index);
        let url = fill(&self.url).replace("{token}", &utf8_percent_encode(token, RESERVED).to_string());
        let fill = |text: &str| fill(text).replace("{token}", token);
        let Connect { url, mut headers, subprotocol } = match conversation {
            Some(conversation) => conversation.connect(&url),
            None => Connect { url, headers: vec![], subprotocol: None },
        };
        let own = &self.target.headers;
        headers.retain(|(name, _)| !own.keys().any(|own| own.eq_ignore_ascii_case(name)));
        headers.extend(own.iter().map(|(name, value)| (name.clone(), fill(value.reveal()))));
        Ok(Endpoint {
            url: Url::parse(&url)?,
            headers,
            subprotocol: self.target.subprotocol.as_ref().map(|name| fill(name.reveal())).or(subprotocol),
            origin: self.target.origin.clone(),
            user_agent: self.user_agent.clone(),
            route: self.route.clone(),
        })
    }

    /// Somebody's endpoint, to see whether the target is there at all.
    ///
    /// # Errors
    /// As `of`.
    pub fn any(&self, dialect: &Dialect) -> Result<Endpoint, url::ParseError> {
        let me = PeerIdentity {
            id: "probe".to_owned(),
            name: "probe".to_owned(),
            room: "probe".to_owned(),
            host: true,
            trigger: Trigger::default(),
            initiator: Initiator::default(),
            settle: Duration::ZERO,
            approval: Approval::Off,
            epoch: (Instant::now(), 0),
            index: 0,
            seat: 0,
            size: 1,
            token: self.token(0).to_owned(),
            seed: Seed(0),
        };
        self.of("probe", 0, "probe", Some(&mut *dialect.converse(me)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect;
    use crate::profile::{self, ProfileSource};

    #[test]
    fn the_dialect_adds_what_the_profile_does_not_say() {
        let file = "name = \"x\"\ndescription = \"x\"\nsample = \"ws://h/\"\n[connect]\nurl = \"{base}/{room}\"\n\
                    subprotocol = \"theirs\"\nheaders = { X-Peer = \"theirs\", X-Room = \"{room}\" }\n\
                    [[join]]\nwait = \"0s\"\n";
        let dialect = dialect::read("x.toml", file).unwrap();
        let check = |text: &str, headers: &[(&str, &str)], subprotocol: &str| {
            let text = format!("[target]\nurl = \"ws://a.example/ws/\"\n{text}");
            let profile = profile::read(ProfileSource { name: "p.toml", text: &text }, &[], &|_| None).unwrap();
            let url = profile.target.url.as_ref().unwrap().reveal().to_owned();
            let endpoint = Endpoints::new(profile.target, url, "m1", Access::default()).any(&dialect).unwrap();
            assert_eq!(endpoint.url.as_str(), "ws://a.example/ws/probe");
            let got: Vec<_> = endpoint.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!((got.as_slice(), endpoint.subprotocol.as_deref()), (headers, Some(subprotocol)));
        };
        check("", &[("X-Peer", "theirs"), ("X-Room", "probe")], "theirs");
        let own = "subprotocol = \"mine\"\nheaders = { x-peer = \"mine\" }\n";
        check(own, &[("X-Room", "probe"), ("x-peer", "mine")], "mine");
    }

    #[test]
    fn what_is_a_peers_own_is_filled_in_everywhere() {
        let text = "[target]\nurl = \"wss://a.example/ws/{room.id}?id={peer.id}&n={peer.index}\"\n\
                    subprotocol = \"{peer.id}\"\nheaders = { X-Peer = \"{peer.index} of {room.id}\" }\n";
        let profile = profile::read(ProfileSource { name: "p.toml", text }, &[], &|_| None).unwrap();
        let url = profile.target.url.as_ref().unwrap().reveal().to_owned();
        let endpoint =
            Endpoints::new(profile.target, url, "m1", Access::default()).of("m1-07", 7, "m1-room-0", None).unwrap();
        assert_eq!(endpoint.url.as_str(), "wss://a.example/ws/m1-room-0?id=m1-07&n=7");
        assert_eq!(endpoint.headers, [("X-Peer".to_owned(), "7 of m1-room-0".to_owned())]);
        assert_eq!(endpoint.subprotocol.as_deref(), Some("m1-07"));
        assert!(endpoint.user_agent.ends_with(" (run m1)"), "{}", endpoint.user_agent);
    }

    #[test]
    fn each_peer_has_a_token_of_its_own_and_in_a_url_it_is_encoded() {
        let text = "[target]\nurl = \"wss://a.example/{token}?t={token}\"\nsubprotocol = \"{token}\"\n\
                    headers = { Authorization = \"Bearer {token}\" }\n";
        let profile = profile::read(ProfileSource { name: "p.toml", text }, &[], &|_| None).unwrap();
        let url = profile.target.url.as_ref().unwrap().reveal().to_owned();
        let tokens = ["a-b.c_d~", "e/f+g&h="].map(Secret::new);
        let access = Access { tokens: Arc::from(tokens), ..Access::default() };
        let endpoints = Endpoints::new(profile.target, url, "m1", access);
        let check = |index: u32, in_the_url: &str, plain: &str| {
            let endpoint = endpoints.of("m1-07", index, "r", None).unwrap();
            assert_eq!(endpoint.url.as_str(), format!("wss://a.example/{in_the_url}?t={in_the_url}"));
            assert_eq!(endpoint.headers, [("Authorization".to_owned(), format!("Bearer {plain}"))]);
            assert_eq!(endpoint.subprotocol.as_deref(), Some(plain));
        };
        check(0, "a-b.c_d~", "a-b.c_d~");
        check(1, "e%2Ff%2Bg%26h%3D", "e/f+g&h=");
        check(2, "a-b.c_d~", "a-b.c_d~");
        assert_eq!(Access::default().token(7), "");
    }
}
