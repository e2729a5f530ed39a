//! The packets of both versions of MQTT, as far as they are spoken here.

use mqtt_proto::{Pid, QoS, QosPid};

/// A packet of ours.
pub(super) enum ClientPacket<'a> {
    Subscribe { id: Pid, filters: Vec<&'a str>, qos: QoS },
    Unsubscribe { id: Pid, filters: Vec<&'a str> },
    Publish(Publication<'a>),
    Acknowledge(Pid),
    Ping,
    Disconnect,
}

pub(super) struct Publication<'a> {
    pub topic: &'a str,
    pub payload: Vec<u8>,
    pub qos: QosPid,
    pub retain: bool,
}

/// A packet of the server.
pub(super) enum ServerPacket {
    /// The connect packet is accepted.
    Accepted,
    /// Ends the connection, with the server's reason.
    Refused(String),
    Publish {
        topic: String,
        payload: Vec<u8>,
        qos: QosPid,
        retain: bool,
    },
    /// The answer to a subscription, with a code for each filter.
    Subscribed(Vec<u8>),
    /// A packet that asks for nothing.
    Other,
}

/// A name such as `NotAuthorized` in words: `not authorized`.
pub(super) fn in_words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
