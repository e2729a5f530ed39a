//! The packets of both versions of MQTT, as far as they are spoken here.

use bytes::Bytes;
use mqtt_proto::{Pid, QoS, QosPid, TopicFilter, TopicName};
use std::fmt::Debug;

/// A packet of ours.
pub(super) enum ClientPacket {
    Subscribe { id: Pid, filters: Vec<TopicFilter>, qos: QoS },
    Unsubscribe { id: Pid, filters: Vec<TopicFilter> },
    Publish(Publication),
    Acknowledge(Pid),
    Ping,
    Disconnect,
}

/// A message, of either side.
pub(super) struct Publication {
    pub topic: TopicName,
    pub payload: Bytes,
    pub qos: QosPid,
    pub retain: bool,
}

/// A packet of the server.
pub(super) enum ServerPacket {
    /// The connect packet is accepted.
    Accepted,
    /// Ends the connection, with the server's reason.
    Refused(String),
    Publish(Publication),
    /// The answer to a subscription, with a code for each filter.
    Subscribed(Vec<u8>),
    /// A packet that asks for nothing.
    Other,
}

impl ServerPacket {
    /// The server refuses something for a reason, which has a name and a number.
    pub(super) fn refused(what: &str, reason: impl Debug, number: u8) -> Self {
        Self::Refused(format!("MQTT {what}: {} ({number})", in_words(&format!("{reason:?}"))))
    }
}

/// A name such as `NotAuthorized` in words: `not authorized`.
fn in_words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
