//! MQTT packets (3.1.1 and 5) as JSON objects: what a peer says becomes packets, what the server sends becomes texts.

mod packet;
mod v3;
mod v5;

use crate::dialect::MqttConnect;
use crate::vocabulary::{Failure, Phase, Reason};
use mqtt_proto::{Error, Pid, QoS, QosPid, TopicFilter, TopicName, VarBytes};
use packet::{ClientPacket, Publication, ServerPacket};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

/// The greatest fixed header: a type and a length of four bytes (MQTT 3.1.1 §2.2.3).
const HEADER_BYTES_MAX: usize = 5;

/// Both directions of one connection.
pub(super) struct MqttPackets {
    connect: Arc<MqttConnect>,
    /// Received bytes of a packet that is not complete.
    received: Vec<u8>,
    packet_bytes_max: usize,
    last_id: Pid,
    incoming: VecDeque<Incoming>,
}

/// A frame of ours, whose payload goes out as it is written.
#[derive(Deserialize)]
struct ClientFrame<'a> {
    #[serde(borrow, default)]
    topic: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
    #[serde(default)]
    qos: u8,
    #[serde(default)]
    retain: bool,
    subscribe: Option<Filters>,
    unsubscribe: Option<Filters>,
    ping: Option<IgnoredAny>,
    disconnect: Option<IgnoredAny>,
}

/// One topic filter, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Filters {
    One(String),
    Several(Vec<String>),
}

/// The frame of an accepted connect packet.
pub(super) const ACCEPTED: &str = "{\"connack\":0}";

/// A packet of the server, as the connection uses it.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    Text(String),
    /// A packet to send in answer.
    Answer(Vec<u8>),
}

impl Filters {
    fn all(&self) -> Result<Vec<TopicFilter>, Failure> {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        };
        all.iter().map(|filter| TopicFilter::try_from(filter.as_str()).map_err(unsayable)).collect()
    }
}

impl ClientFrame<'_> {
    fn qos(&self) -> Result<QoS, Failure> {
        match self.qos {
            0 => Ok(QoS::Level0),
            1 => Ok(QoS::Level1),
            _ => Err(unsayable("a qos other than 0 and 1")),
        }
    }

    /// A message with the packet id `id`, if its quality of service asks for one.
    fn publication(&self, id: Pid) -> Result<Publication, Failure> {
        let topic = self.topic.as_deref().ok_or_else(|| unsayable("a frame without a topic"))?;
        let json = self.payload.map_or("", RawValue::get);
        let payload = match serde_json::from_str::<String>(json) {
            Ok(text) => text.into_bytes(),
            Err(_) if json == "null" => vec![],
            Err(_) => json.as_bytes().to_vec(),
        };
        let qos = if self.qos()? == QoS::Level0 { QosPid::Level0 } else { QosPid::Level1(id) };
        let topic = TopicName::try_from(topic).map_err(unsayable)?;
        Ok(Publication { topic, payload: payload.into(), qos, retain: self.retain })
    }
}

impl MqttPackets {
    pub(super) fn new(connect: Arc<MqttConnect>, packet_bytes_max: usize) -> Self {
        Self { connect, received: vec![], packet_bytes_max, last_id: Pid::default(), incoming: VecDeque::new() }
    }

    /// The CONNECT packet.
    ///
    /// # Errors
    /// A value that MQTT can't carry, such as a will's topic with a wildcard.
    pub(super) fn connect(&self) -> Result<Vec<u8>, Failure> {
        let will: Option<ClientFrame<'_>> =
            self.connect.will.as_deref().map(serde_json::from_str).transpose().map_err(unsayable)?;
        let will = will.as_ref().map(|will| will.publication(Pid::default())).transpose()?;
        bytes(match self.connect.is_v5 {
            false => v3::connect(&self.connect, will),
            true => v5::connect(&self.connect, will),
        })
    }

    /// The packet of a frame: `{topic, payload}`, `{subscribe}`, `{unsubscribe}`, `{ping}` or `{disconnect}`.
    ///
    /// # Errors
    /// The text is no such frame, or has a value that MQTT can't carry.
    pub(super) fn encode(&mut self, text: &str) -> Result<Vec<u8>, Failure> {
        let frame: ClientFrame<'_> = serde_json::from_str(text).map_err(unsayable)?;
        self.last_id += 1;
        let id = self.last_id;
        let packet = if let Some(filters) = &frame.subscribe {
            ClientPacket::Subscribe { id, qos: frame.qos()?, filters: filters.all()? }
        } else if let Some(filters) = &frame.unsubscribe {
            ClientPacket::Unsubscribe { id, filters: filters.all()? }
        } else if frame.ping.is_some() {
            ClientPacket::Ping
        } else if frame.disconnect.is_some() {
            ClientPacket::Disconnect
        } else {
            ClientPacket::Publish(frame.publication(id)?)
        };
        self.packet(packet)
    }

    /// The next packet of those taken.
    pub(super) fn next(&mut self) -> Option<Incoming> {
        self.incoming.pop_front()
    }

    /// Takes the content of a binary frame, which may hold several packets or a part of one (MQTT 3.1.1 §6).
    ///
    /// # Errors
    /// Bytes that are no MQTT, a packet that is too long, or the server's refusal.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        // Most frames hold one whole packet, which is read where it lies.
        let mut received = Cow::from(bytes);
        if !self.received.is_empty() {
            self.received.extend_from_slice(bytes);
            received = std::mem::take(&mut self.received).into();
        }
        let mut at = 0;
        while let Some(length) = packet_length(&received[at..])? {
            if length > self.packet_bytes_max {
                let detail = format!("an MQTT packet over {} KiB", self.packet_bytes_max / 1024);
                return Err(Failure::new(Phase::Join, Reason::Protocol, detail));
            }
            let Some(packet) = received.get(at..at + length) else { break };
            at += length;
            self.understand(packet)?;
        }
        self.received = received[at..].to_vec();
        Ok(())
    }

    /// Takes a whole packet, and queues what the connection has of it.
    fn understand(&mut self, packet: &[u8]) -> Result<(), Failure> {
        // A broker of 3.1.1 refuses a client of 5 by its own connack, which has no properties (MQTT 3.1.1 §3.2).
        let is_v5 = self.connect.is_v5 && !packet.starts_with(&[0x20, 2]);
        let decoded = if is_v5 { v5::decode(packet) } else { v3::decode(packet) };
        match decoded.map_err(|why| Failure::new(Phase::Join, Reason::Protocol, format!("not MQTT: {why}")))? {
            ServerPacket::Accepted => self.incoming.push_back(Incoming::Text(ACCEPTED.to_owned())),
            ServerPacket::Refused(why) => return Err(Failure::new(Phase::Join, Reason::Rejected, why)),
            ServerPacket::Publish(publication) => {
                let answer = match publication.qos {
                    QosPid::Level0 => None,
                    QosPid::Level1(id) => Some(self.packet(ClientPacket::Acknowledge(id))?),
                    // No subscription of ours asks for it (MQTT 3.1.1 §3.8.4).
                    QosPid::Level2(_) => {
                        return Err(Failure::new(
                            Phase::Join,
                            Reason::Protocol,
                            "MQTT: qos 2, which was not asked for",
                        ));
                    }
                };
                self.incoming.push_back(Incoming::Text(publish_text(&publication)));
                self.incoming.extend(answer.map(Incoming::Answer));
            }
            // Codes from 128 are refusals (MQTT 5 §3.9.3).
            ServerPacket::Subscribed(codes) => match codes.iter().find(|code| **code >= 0x80) {
                Some(code) => {
                    let detail = format!("MQTT: the subscription is refused, code {code}");
                    return Err(Failure::new(Phase::Join, Reason::Rejected, detail));
                }
                None => {
                    self.incoming.push_back(Incoming::Text(format!("{{\"suback\":{}}}", Value::from(codes))));
                }
            },
            ServerPacket::Other => {}
        }
        Ok(())
    }

    fn packet(&self, packet: ClientPacket) -> Result<Vec<u8>, Failure> {
        bytes(if self.connect.is_v5 { v5::encode(packet) } else { v3::encode(packet) })
    }
}

/// The bytes of a packet of ours.
fn bytes(encoded: Result<VarBytes, Error>) -> Result<Vec<u8>, Failure> {
    match encoded.map_err(unsayable)? {
        VarBytes::Dynamic(bytes) => Ok(bytes),
        fixed => Ok(fixed.as_ref().to_vec()),
    }
}

/// The length of the packet at the start of `bytes`, its header included; `None` if too few bytes tell.
fn packet_length(bytes: &[u8]) -> Result<Option<usize>, Failure> {
    let mut length = 0;
    for (index, byte) in bytes.iter().enumerate().take(HEADER_BYTES_MAX).skip(1) {
        length |= usize::from(byte & 0x7f) << (7 * (index - 1));
        if byte & 0x80 == 0 {
            return Ok(Some(length + index + 1));
        }
    }
    match bytes.len() < HEADER_BYTES_MAX {
        true => Ok(None),
        false => Err(Failure::new(Phase::Join, Reason::Protocol, "not MQTT: a length of more than four bytes")),
    }
}

/// A published message as a frame. A payload that is an object or a list stands as it is, any other as a text.
fn publish_text(Publication { topic, payload, retain, .. }: &Publication) -> String {
    let text = String::from_utf8_lossy(payload);
    let is_json = text.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(&text).is_ok();
    let payload = if is_json { text.into_owned() } else { Value::from(text).to_string() };
    let retained = if *retain { ",\"retain\":true" } else { "" };
    format!("{{\"topic\":{},\"payload\":{payload}{retained}}}", Value::from(&**topic))
}

fn unsayable(why: impl std::fmt::Display) -> Failure {
    Failure::new(Phase::Join, Reason::GeneratorLimit, format!("MQTT can't say this: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packets(is_v5: bool) -> MqttPackets {
        let connect = MqttConnect {
            is_v5,
            client: "a".to_owned(),
            keep_alive_s: 60,
            user: Some("u".to_owned()),
            password: Some("p".to_owned()),
            will: Some(r#"{"topic":"r/a","payload":{"type":"bye"}}"#.to_owned()),
        };
        MqttPackets::new(Arc::new(connect), 1024)
    }

    /// The packets of `bytes`, or the detail of the failure.
    fn taken(packets: &mut MqttPackets, bytes: &[u8]) -> Result<Vec<Incoming>, String> {
        packets.take(bytes).map_err(|failure| failure.detail.into_owned())?;
        Ok(std::iter::from_fn(|| packets.next()).collect())
    }

    /// A publish has the same shape in both directions, so that one end hears what the other says.
    #[test]
    fn a_publish_comes_as_it_was_said_in_whatever_pieces() {
        for is_v5 in [false, true] {
            let mut own = packets(is_v5);
            let said = [r#"{"topic":"r/b","payload":{"type":"offer","n":1}}"#, r#"{"topic":"r","payload":"text"}"#];
            let bytes: Vec<u8> = said.iter().flat_map(|text| own.encode(text).unwrap()).collect();
            for size in [1, 2, 7, bytes.len()] {
                let mut other = packets(is_v5);
                let heard: Vec<_> = bytes.chunks(size).flat_map(|piece| taken(&mut other, piece).unwrap()).collect();
                assert_eq!(heard, said.map(|text| Incoming::Text(text.to_owned())), "{size}");
            }
        }
    }

    #[test]
    fn a_message_of_qos_1_is_acknowledged_by_its_id() {
        let mut own = packets(false);
        let publish = own.encode(r#"{"topic":"r","payload":"x","qos":1}"#).unwrap();
        let answer = taken(&mut packets(false), &publish).unwrap().pop();
        assert_eq!(answer, Some(Incoming::Answer(vec![0x40, 2, 0, 2])));
    }

    #[test]
    fn answers_are_told_apart_and_refusals_end_the_connection() {
        let take = |is_v5: bool, bytes: &[u8]| taken(&mut packets(is_v5), bytes);
        assert_eq!(take(false, &[0x20, 2, 0, 0]), Ok(vec![Incoming::Text(ACCEPTED.to_owned())]));
        assert_eq!(take(false, &[0x20, 2, 0, 5]), Err("MQTT connect refused: not authorized (5)".to_owned()));
        assert_eq!(take(true, &[0x20, 3, 0, 0x87, 0]), Err("MQTT connect refused: not authorized (135)".to_owned()));
        assert_eq!(take(false, &[0x90, 4, 0, 1, 0, 1]), Ok(vec![Incoming::Text("{\"suback\":[0,1]}".to_owned())]));
        let old = "MQTT connect refused: unacceptable protocol version (1)".to_owned();
        assert_eq!(take(true, &[0x20, 2, 0, 1]), Err(old));
        let refused = "MQTT: the subscription is refused, code 128".to_owned();
        assert_eq!(take(false, &[0x90, 3, 0, 1, 0x80]), Err(refused));
        assert_eq!(take(true, &[0xe0, 1, 0x8e]), Err("MQTT disconnect: session taken over (142)".to_owned()));
        assert_eq!(take(false, &[0xd0, 0]), Ok(vec![]));
    }

    #[test]
    fn a_packet_of_the_greatest_length_is_taken_and_a_longer_one_is_not_waited_for() {
        let publish = |length: usize| {
            let rest = length - 3;
            let mut bytes = vec![0x30, (rest & 0x7f) as u8 | 0x80, (rest >> 7) as u8, 0, 1, b'r'];
            bytes.resize(length, b'x');
            bytes
        };
        assert_eq!(taken(&mut packets(false), &publish(1024)).unwrap().len(), 1);
        assert_eq!(packets(false).take(&publish(1025)[..3]).unwrap_err().detail, "an MQTT packet over 1 KiB");
        assert!(packets(false).take(&[0x30, 0xff, 0xff, 0xff, 0xff]).is_err());
    }

    #[test]
    fn a_value_that_mqtt_cannot_carry_is_not_sent() {
        for text in [r#"{"topic":"a/#","payload":""}"#, r#"{"payload":""}"#, r#"{"subscribe":""}"#, "x", "{}"] {
            assert!(packets(false).encode(text).is_err() && packets(true).encode(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), is_v5: bool) {
            let _ = packets(is_v5).take(&bytes);
        }
    }
}
