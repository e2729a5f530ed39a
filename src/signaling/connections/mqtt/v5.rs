//! The packets of MQTT 5.

use super::packet::{ClientPacket, Publication, ServerPacket};
use crate::dialect::MqttConnect;
use bytes::Bytes;
use mqtt_proto::v5::{
    Connack, Connect, ConnectReasonCode, Disconnect, LastWill, Packet, Puback, Publish, Suback, Subscribe,
    SubscriptionOptions, Unsubscribe,
};
use mqtt_proto::{Error, VarBytes};

pub(super) fn connect(values: &MqttConnect, will: Option<Publication>) -> Result<VarBytes, Error> {
    let will = will.map(|Publication { topic, payload, qos, retain }| LastWill {
        retain,
        ..LastWill::new(qos.qos(), topic, payload)
    });
    let connect = Connect {
        username: values.user.as_deref().map(Into::into),
        password: values.password.clone().map(Bytes::from),
        last_will: will,
        ..Connect::new(values.client.as_str().into(), values.keep_alive_s)
    };
    Packet::Connect(connect).encode()
}

pub(super) fn encode(packet: ClientPacket) -> Result<VarBytes, Error> {
    match packet {
        ClientPacket::Subscribe { id, filters, qos } => {
            let filters = filters.into_iter().map(|filter| (filter, SubscriptionOptions::new(qos)));
            Packet::Subscribe(Subscribe::new(id, filters.collect()))
        }
        ClientPacket::Unsubscribe { id, filters } => Packet::Unsubscribe(Unsubscribe::new(id, filters)),
        ClientPacket::Publish(Publication { topic, payload, qos, retain }) => {
            Packet::Publish(Publish { retain, ..Publish::new(qos, topic, payload) })
        }
        ClientPacket::Acknowledge(id) => Packet::Puback(Puback::new_success(id)),
        ClientPacket::Ping => Packet::Pingreq,
        ClientPacket::Disconnect => Packet::Disconnect(Disconnect::new_normal()),
    }
    .encode()
}

pub(super) fn decode(bytes: &[u8]) -> Result<ServerPacket, String> {
    let packet = Packet::decode(bytes).map_err(|error| error.to_string())?;
    Ok(match packet.ok_or("a packet that ends too early")? {
        Packet::Connack(Connack { reason_code: ConnectReasonCode::Success, .. }) => ServerPacket::Accepted,
        Packet::Connack(Connack { reason_code: code, .. }) => {
            ServerPacket::refused("connect refused", code, code as u8)
        }
        Packet::Publish(Publish { topic_name: topic, payload, qos_pid: qos, retain, .. }) => {
            ServerPacket::Publish(Publication { topic, payload, qos, retain })
        }
        Packet::Suback(Suback { topics, .. }) => {
            ServerPacket::Subscribed(topics.into_iter().map(|code| code as u8).collect())
        }
        Packet::Disconnect(Disconnect { reason_code: code, .. }) => {
            ServerPacket::refused("disconnect", code, code as u8)
        }
        _ => ServerPacket::Other,
    })
}
