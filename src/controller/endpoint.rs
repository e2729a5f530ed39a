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

    /// The endpoint of the peer that talks in `conversation`. What the profile says about headers and subprotocol goes
    /// before what the dialect says.
    ///
    /// # Errors
    /// Filled in, it is no URL.
    pub fn of(
        &self,
        peer_id: &str,
        peer_index: u32,
        room_id: &str,
        conversation: &mut dyn Conversation,
    ) -> Result<Endpoint, url::ParseError> {
        let fill = |text: &str| {
            text.replace("{peer.id}", peer_id)
                .replace("{peer.index}", &peer_index.to_string())
                .replace("{room.id}", room_id)
        };
        let Connect { url, mut headers, subprotocol } = conversation.connect(&fill(&self.url));
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
        self.of("probe", 0, "probe", &mut *dialect.converse(me))
    }
}
