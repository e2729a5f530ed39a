//! Where each peer dials: the profile's target with what is the peer's own filled in.

use crate::profile::Target;
use crate::signaling::{Endpoint, Reach};
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

    /// The endpoint of one peer.
    ///
    /// # Errors
    /// Filled in, it is no URL.
    pub fn of(&self, peer_id: &str, peer_index: u32, room_id: &str) -> Result<Endpoint, url::ParseError> {
        let fill = |text: &str| {
            text.replace("{peer.id}", peer_id)
                .replace("{peer.index}", &peer_index.to_string())
                .replace("{room.id}", room_id)
        };
        let headers = self.target.headers.iter().map(|(name, value)| (name.clone(), fill(value.reveal()))).collect();
        Ok(Endpoint {
            url: Url::parse(&fill(&self.url))?,
            headers,
            subprotocol: self.target.subprotocol.as_ref().map(|name| fill(name.reveal())),
            origin: self.target.origin.clone(),
            user_agent: self.user_agent.clone(),
            reach: self.reach.clone(),
        })
    }

    /// Somebody's endpoint, to see whether the target is there at all.
    ///
    /// # Errors
    /// As `of`.
    pub fn any(&self) -> Result<Endpoint, url::ParseError> {
        self.of("probe", 0, "probe")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{self, Source};

    #[test]
    fn what_is_a_peers_own_is_filled_in_everywhere() {
        let text = "[target]\nurl = \"wss://a.example/ws/{room.id}?id={peer.id}&n={peer.index}\"\n\
                    subprotocol = \"{peer.id}\"\nheaders = { X-Peer = \"{peer.index} of {room.id}\" }\n";
        let profile = profile::read(Source { name: "p.toml", text }, &[], &|_| None).unwrap();
        let url = profile.target.url.as_ref().unwrap().reveal().to_owned();
        let endpoint = Endpoints::new(profile.target, url, "m1", Reach::default()).of("m1-07", 7, "m1-room-0").unwrap();
        assert_eq!(endpoint.url.as_str(), "wss://a.example/ws/m1-room-0?id=m1-07&n=7");
        assert_eq!(endpoint.headers, [("X-Peer".to_owned(), "7 of m1-room-0".to_owned())]);
        assert_eq!(endpoint.subprotocol.as_deref(), Some("m1-07"));
        assert!(endpoint.user_agent.ends_with(" (run m1)"), "{}", endpoint.user_agent);
    }
}
