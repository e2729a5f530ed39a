//! The packets of MQTT 3.1.1.

use super::packet::{ClientPacket, Publication, ServerPacket, in_words};
use crate::dialect::MqttConnect;
use bytes::Bytes;
use mqtt_proto::v3::{
    Connack, Connect, ConnectReturnCode, LastWill, Packet, Publish, Suback, Subscribe, SubscribeReturnCode, Unsubscribe,
};
use mqtt_proto::{Error, TopicFilter, TopicName};

pub(super) fn connect(values: &MqttConnect, will: Option<Publication<'_>>) -> Result<Vec<u8>, String> {
    let will = will.map(|will| {
        let topic_name = TopicName::try_from(will.topic)?;
        let (qos, message) = (will.qos.qos(), Bytes::from(will.payload));
        Ok(LastWill { qos, retain: will.retain, topic_name, message })
    });
    let connect = Connect {
        username: values.user.as_deref().map(Into::into),
        password: values.password.clone().map(Bytes::from),
        last_will: will.transpose().map_err(|error: Error| error.to_string())?,
        ..Connect::new(values.client.as_str().into(), values.keep_alive_s)
    };
    encoded(&Packet::Connect(connect)).map_err(|error| error.to_string())
}

pub(super) fn encode(packet: ClientPacket<'_>) -> Result<Vec<u8>, String> {
    packet_of(packet).and_then(|packet| encoded(&packet)).map_err(|error| error.to_string())
}

fn packet_of(packet: ClientPacket<'_>) -> Result<Packet, Error> {
    Ok(match packet {
        ClientPacket::Subscribe { id, filters, qos } => {
            let filters = filters.into_iter().map(|filter| Ok((TopicFilter::try_from(filter)?, qos)));
            Packet::Subscribe(Subscribe::new(id, filters.collect::<Result<_, Error>>()?))
        }
        ClientPacket::Unsubscribe { id, filters } => {
            let filters = filters.into_iter().map(TopicFilter::try_from);
            Packet::Unsubscribe(Unsubscribe::new(id, filters.collect::<Result<_, Error>>()?))
        }
        ClientPacket::Publish(Publication { topic, payload, qos, retain }) => {
            let publish = Publish::new(qos, TopicName::try_from(topic)?, payload.into());
            Packet::Publish(Publish { retain, ..publish })
        }
        ClientPacket::Acknowledge(id) => Packet::Puback(id),
        ClientPacket::Ping => Packet::Pingreq,
        ClientPacket::Disconnect => Packet::Disconnect,
    })
}

pub(super) fn decode(bytes: &[u8]) -> Result<ServerPacket, String> {
    let packet = Packet::decode(bytes).map_err(|error| error.to_string())?;
    Ok(match packet.ok_or("a packet that ends too early")? {
        Packet::Connack(Connack { code: ConnectReturnCode::Accepted, .. }) => ServerPacket::Accepted,
        Packet::Connack(Connack { code, .. }) => {
            let words = in_words(&format!("{code:?}"));
            ServerPacket::Refused(format!("MQTT connect refused: {words} ({})", code as u8))
        }
        Packet::Publish(Publish { topic_name, payload, qos_pid: qos, retain, .. }) => {
            ServerPacket::Publish { topic: topic_name.to_string(), payload: payload.into(), qos, retain }
        }
        Packet::Suback(Suback { topics, .. }) => {
            let code = |code: SubscribeReturnCode| match code {
                SubscribeReturnCode::MaxLevel0 => 0,
                SubscribeReturnCode::MaxLevel1 => 1,
                SubscribeReturnCode::MaxLevel2 => 2,
                SubscribeReturnCode::Failure => 0x80,
            };
            ServerPacket::Subscribed(topics.into_iter().map(code).collect())
        }
        _ => ServerPacket::Other,
    })
}

fn encoded(packet: &Packet) -> Result<Vec<u8>, Error> {
    Ok(packet.encode()?.as_ref().to_vec())
}
