//! Where each peer dials: the profile's target with what is the peer's own filled in, then what its dialect makes of it.

use crate::dialect::{Connect, Conversation, Dialect, Me};
use crate::profile::Target;
use crate::signaling::{Endpoint, Reach};
use crate::vocabulary::choice::{Initiator, Trigger};
use crate::vocabulary::seed::Seed;
use std::time::{Duration, Instant};
use url::Url;

/// The target of a run, as a template for its peers.
#[derive(Clone, Debug)]
pub struct Endpoints {
    target: Target,
    /// The URL without its holes filled in.
    url: String,
    user_agent: String,
    reach: Reach,
}

impl Endpoints {
    /// `url` is the target's, or the embedded server's.
    pub fn new(target: Target, url: String, run_id: &str, reach: Reach) -> Self {
        let user_agent = format!("meshload/{} (run {run_id})", env!("CARGO_PKG_VERSION"));
        Self { target, url, user_agent, reach }
    }

    /// Whom the run may send to.
    pub fn reach(&self) -> &Reach {
        &self.reach
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
        let url = fill(&self.url);
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
            reach: self.reach.clone(),
        })
    }

    /// Somebody's endpoint, to see whether the target is there at all.
    ///
    /// # Errors
    /// As `of`.
    pub fn any(&self, dialect: &Dialect) -> Result<Endpoint, url::ParseError> {
        let me = Me {
            id: "probe".to_owned(),
            name: "probe".to_owned(),
            room: "probe".to_owned(),
            host: true,
            trigger: Trigger::default(),
            initiator: Initiator::default(),
            settle: Duration::ZERO,
            epoch: (Instant::now(), 0),
            index: 0,
            seat: 0,
            size: 1,
            token: String::new(),
            seed: Seed(0),
        };
        self.of("probe", 0, "probe", Some(&mut *dialect.converse(me)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect;
    use crate::profile::{self, Source};

    #[test]
    fn the_dialect_adds_what_the_profile_does_not_say() {
        let file = "name = \"x\"\ndescription = \"x\"\nsample = \"ws://h/\"\n[connect]\nurl = \"{base}/{room}\"\n\
                    subprotocol = \"theirs\"\nheaders = { X-Peer = \"theirs\", X-Room = \"{room}\" }\n\
                    [[join]]\nwait = \"0s\"\n";
        let dialect = dialect::read("x.toml", file).unwrap();
        let check = |text: &str, headers: &[(&str, &str)], subprotocol: &str| {
            let text = format!("[target]\nurl = \"ws://a.example/ws/\"\n{text}");
            let profile = profile::read(Source { name: "p.toml", text: &text }, &[], &|_| None).unwrap();
            let url = profile.target.url.as_ref().unwrap().reveal().to_owned();
            let endpoint = Endpoints::new(profile.target, url, "m1", Reach::default()).any(&dialect).unwrap();
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
        let profile = profile::read(Source { name: "p.toml", text }, &[], &|_| None).unwrap();
        let url = profile.target.url.as_ref().unwrap().reveal().to_owned();
        let endpoint =
            Endpoints::new(profile.target, url, "m1", Reach::default()).of("m1-07", 7, "m1-room-0", None).unwrap();
        assert_eq!(endpoint.url.as_str(), "wss://a.example/ws/m1-room-0?id=m1-07&n=7");
        assert_eq!(endpoint.headers, [("X-Peer".to_owned(), "7 of m1-room-0".to_owned())]);
        assert_eq!(endpoint.subprotocol.as_deref(), Some("m1-07"));
        assert!(endpoint.user_agent.ends_with(" (run m1)"), "{}", endpoint.user_agent);
    }
}
