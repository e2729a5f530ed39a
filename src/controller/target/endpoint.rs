//! The endpoint of each peer: the profile's target with the peer's ids and token filled in, then changed by its dialect.

use super::peer_rows::PeerRows;
use crate::dialect::{Connect, Conversation, Dialect, PeerIdentity, PreparedValues, Wire};
use crate::plan::RoomPlan;
use crate::profile::{OwnTarget, Secret, Target};
use crate::signaling::{Connector, Endpoint, HttpSteps, Limits, OwnRequest, Proxy, TargetPolicy};
use crate::summary::TargetRoute;
use crate::vocabulary::{Approval, Initiator, Naming, Place, Redactor, Seed, TraceContext, Trigger};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Characters of a token that a URL carries encoded: all but the unreserved ones of RFC 3986 §2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The header of W3C Trace Context §3.2.
const TRACEPARENT: &str = "traceparent";

/// Route to the target, and the tokens that let peers in.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub route: Connector,
    /// One token a peer, in the order of the plan; empty, or at least one for each peer.
    pub tokens: Arc<[Secret]>,
    /// The tokens of each scenario's own peers, in the order of the plan; `None` where `tokens` go.
    pub scenario_tokens: Vec<Option<Arc<[Secret]>>>,
    /// A row a peer, in the order of the plan; empty, or as many as peers unless they are used again.
    pub data: Arc<PeerRows>,
    /// The command-line options of this route, quoted for a shell, each after a space; without secrets.
    pub options: String,
}

impl Access {
    /// The token of a peer; empty if there are none. An index beyond the last token wraps around: a probe's experiments
    /// have more peers than tokens.
    pub fn token(&self, peer_index: u32) -> &str {
        let at = (peer_index as usize).checked_rem(self.tokens.len());
        at.and_then(|at| self.tokens.get(at)).map_or("", Secret::reveal)
    }

    /// The proxy, redirection and disabled certificate check on the route to `url`, for reports; `None` is the embedded
    /// server.
    pub fn shown(&self, url: Option<&str>) -> TargetRoute {
        let Connector { connect_to, proxy, tls, .. } = &self.route;
        let secured =
            url.is_some_and(|url| url.starts_with("wss:")) || proxy.as_ref().is_some_and(|proxy| proxy.secure);
        TargetRoute {
            insecure: secured && tls.is_insecure(),
            proxy: proxy.as_ref().map(Proxy::shown),
            connect_to: connect_to.as_ref().map(|(host, port)| format!("{host}:{port}")),
            dialled: None,
        }
    }
}

/// The target of a run: a template of its peers' endpoints.
#[derive(Clone, Debug)]
pub struct Endpoints {
    target: Target,
    /// The URL with its placeholders.
    url: String,
    user_agent: String,
    access: Access,
    route: Arc<Connector>,
    /// The tokens are of one scenario's peers alone, and go by their number among these.
    has_own_tokens: bool,
    /// The seed and the id of a run whose peers have traces of their own.
    traced: Option<(Seed, String)>,
}

/// The peer whose endpoint is wanted.
#[derive(Clone, Copy, Debug)]
pub struct EndpointPeer<'a> {
    pub id: &'a str,
    /// Index in the plan.
    pub index: u32,
    pub token: &'a str,
    pub room_id: &'a str,
}

impl Endpoints {
    /// `url` is the target's, or the embedded server's.
    pub fn new(target: Target, url: String, run_id: &str, access: Access) -> Self {
        let user_agent = format!("meshload/{} (run {run_id})", env!("CARGO_PKG_VERSION"));
        let limits = Limits::new(target.message_bytes_max);
        let route = Arc::new(Connector { limits, ..access.route.clone() });
        Self { target, url, user_agent, access, route, has_own_tokens: false, traced: None }
    }

    /// The endpoints of the peers of one scenario, by its index and its own target.
    pub fn of_scenario(&self, index: usize, own: &OwnTarget) -> Self {
        let mut endpoints = self.clone();
        endpoints.url = own.url(&self.url);
        if let Some(Some(tokens)) = self.access.scenario_tokens.get(index) {
            endpoints.access.tokens = tokens.clone();
            endpoints.has_own_tokens = true;
        }
        endpoints
    }

    /// The same with a `traceparent` in each peer's requests, unless the profile switches it off.
    pub fn traced(mut self, seed: Seed, run_id: &str) -> Self {
        self.traced = self.target.traceparent.then(|| (seed, run_id.to_owned()));
        self
    }

    /// The route to the target, as reports show it.
    pub fn route_shown(&self, dialect: &Dialect, redactor: &Redactor) -> TargetRoute {
        TargetRoute { dialled: self.dialled(dialect, redactor), ..self.access.shown(Some(&self.url)) }
    }

    /// The URL that a client of no planned peer dials, without secrets; `None` if it is the target's, or unknown before
    /// the answers of `[[before]]`.
    fn dialled(&self, dialect: &Dialect, redactor: &Redactor) -> Option<String> {
        let endpoint = self.any(dialect).ok().filter(|endpoint| endpoint.before.is_none())?;
        let mut url = endpoint.url;
        // Such URLs have a host, so both are there to be removed.
        let _ = (url.set_username(""), url.set_password(None));
        (url.as_str().trim_end_matches('/') != self.url.trim_end_matches('/')).then(|| redactor.text(url.as_str()))
    }

    /// The token of a peer; empty if there are none.
    pub fn token(&self, peer_index: u32) -> &str {
        self.access.token(peer_index)
    }

    /// The token of the peer at `place` in `room`, which may be one of its scenario's own.
    pub fn token_in(&self, room: &RoomPlan, place: Place) -> &str {
        let in_scenario = room.scenario_peers_before + u32::from(place.seat.0);
        self.token(if self.has_own_tokens { in_scenario } else { place.peer.0 })
    }

    /// The row of a peer; null if there are none.
    pub fn data(&self, peer_index: u32) -> Value {
        self.access.data.value(peer_index)
    }

    /// The addresses that the run may send to.
    pub fn target_policy(&self) -> &TargetPolicy {
        &self.route.target_policy
    }

    /// The endpoint of one peer. The dialect's `conversation`, if given, changes the URL and adds headers and a subprotocol;
    /// the profile's own headers and subprotocol win.
    ///
    /// # Errors
    /// The URL does not parse once its placeholders are filled in.
    pub fn of(
        &self,
        peer: EndpointPeer<'_>,
        conversation: Option<&mut dyn Conversation>,
    ) -> Result<Endpoint, url::ParseError> {
        let EndpointPeer { id: peer_id, index: peer_index, token, room_id } = peer;
        let fill = |text: &str| {
            text.replace("{peer.id}", peer_id)
                .replace("{peer.index}", &peer_index.to_string())
                .replace("{room.id}", room_id)
        };
        let encode = |value: &str| utf8_percent_encode(value, RESERVED).to_string();
        let url = fill(&self.url).replace("{token}", &encode(token));
        let rows = &self.access.data;
        let url = rows.fill(&url, peer_index, &encode);
        let fill = |text: &str| rows.fill(&fill(text).replace("{token}", token), peer_index, &str::to_owned);
        let headers = self.target.headers.iter();
        let mut headers: Vec<_> = headers.map(|(name, value)| (name.clone(), fill(value.reveal()))).collect();
        let given = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(TRACEPARENT));
        if let Some((seed, run_id)) = self.traced.as_ref().filter(|_| !given) {
            headers.push((TRACEPARENT.to_owned(), TraceContext::of(*seed, run_id, peer_index).header()));
        }
        let own = OwnRequest { headers, subprotocol: self.target.subprotocol.as_ref().map(|name| fill(name.reveal())) };
        let preparation = conversation.as_ref().and_then(|conversation| conversation.preparation());
        let before = preparation.map(|preparation| HttpSteps {
            preparation: Rc::new(RefCell::new(preparation)),
            base: url.clone(),
            own: own.clone(),
            took: Rc::default(),
        });
        let Connect { url, headers, subprotocol, wire } = own.over(match conversation {
            Some(conversation) => conversation.connect(&url),
            None => Connect { url, headers: vec![], subprotocol: None, wire: Wire::Text },
        });
        Ok(Endpoint {
            url: Url::parse(&url)?,
            headers,
            subprotocol,
            origin: self.target.origin.clone(),
            user_agent: self.user_agent.clone(),
            route: self.route.clone(),
            wire,
            before,
        })
    }

    /// An endpoint of no planned peer, to check that the target is there.
    ///
    /// # Errors
    /// As for `of`.
    pub fn any(&self, dialect: &Dialect) -> Result<Endpoint, url::ParseError> {
        self.stranger(dialect).0
    }

    /// The endpoint and the conversation of no planned peer, the host of a room of one.
    pub fn stranger(&self, dialect: &Dialect) -> (Result<Endpoint, url::ParseError>, Box<dyn Conversation>) {
        let identity = PeerIdentity {
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
            naming: Naming::new("probe", 1),
            guests: 0,
            token: self.token(0).to_owned(),
            data: self.data(0),
            seed: Seed(0),
            prepared: PreparedValues::default(),
        };
        let mut conversation = dialect.converse(identity);
        let peer = EndpointPeer { id: "probe", index: 0, token: self.token(0), room_id: "probe" };
        (self.of(peer, Some(&mut *conversation)), conversation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect;
    use crate::profile::{self, ProfileSource};

    fn of(endpoints: &Endpoints, index: u32, room_id: &str) -> Endpoint {
        let peer = EndpointPeer { id: "m1-07", index, token: endpoints.token(index), room_id };
        endpoints.of(peer, None).unwrap()
    }

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
        let endpoints = Endpoints::new(profile.target, url, "m1", Access::default());
        let endpoint = of(&endpoints, 7, "m1-room-0");
        assert_eq!(endpoint.url.as_str(), "wss://a.example/ws/m1-room-0?id=m1-07&n=7");
        assert_eq!(endpoint.headers, [("X-Peer".to_owned(), "7 of m1-room-0".to_owned())]);
        assert_eq!(endpoint.subprotocol.as_deref(), Some("m1-07"));
        assert!(endpoint.user_agent.ends_with(" (run m1)"), "{}", endpoint.user_agent);
    }

    #[test]
    fn each_peer_has_a_trace_of_its_own_unless_the_profile_has_another_or_none() {
        let check = |text: &str, expected: Option<String>| {
            let text = format!("[target]\nurl = \"ws://a.example/\"\n{text}");
            let profile = profile::read(ProfileSource { name: "p.toml", text: &text }, &[], &|_| None).unwrap();
            let url = profile.target.url.as_ref().unwrap().reveal().to_owned();
            let endpoints = Endpoints::new(profile.target, url, "m1", Access::default()).traced(Seed(1), "m1");
            let headers = of(&endpoints, 7, "r").headers;
            assert_eq!(headers.iter().map(|(_, value)| value.clone()).next(), expected, "{text}");
            assert!(headers.len() <= 1);
        };
        check("", Some(TraceContext::of(Seed(1), "m1", 7).header()));
        check("traceparent = false\n", None);
        check("headers = { TraceParent = \"mine\" }\n", Some("mine".to_owned()));
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
            let endpoint = of(&endpoints, index, "r");
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
