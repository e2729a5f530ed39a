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
