//! What a peer says, frame by frame.

use super::wire::{self, MemberBody};
use super::{Dashboard, KINDS, Output};
use crate::vocabulary::message::{Kind, Say, Signal};
use std::time::Instant;

impl Dashboard {
    pub(super) fn subscribe(&mut self) {
        for channel in wire::CHANNELS {
            let text = wire::text(&wire::Subscribe { r#type: "subscribe", channel });
            self.outputs.push_back(Output::Send { text, kind: wire::SUBSCRIBE, to: None });
        }
    }

    pub(super) fn say_created(&mut self, now: Instant) {
        let (room, id, name) = (self.me.room.clone(), self.me.id.clone(), self.me.name.clone());
        let created_at = self.me.timestamp(now);
        let data = wire::RoomCreated { id: &room, name: &room, description: "", host: &name, host_id: &id, created_at };
        self.send(now, wire::ROOM_CREATED, None, &data);
    }

    pub(super) fn say(&mut self, now: Instant, say: Say<String>) {
        match say {
            Say::Leave => self.say_left(now),
            Say::Signal { to, signal } => self.say_signal(now, &to, signal),
        }
    }

    fn say_signal(&mut self, now: Instant, to: &str, signal: Signal) {
        let (room, me) = (self.me.room.clone(), self.me.id.clone());
        let mut data = wire::Signal {
            room_id: &room,
            from_user_id: &me,
            to_user_id: to,
            offer: None,
            answer: None,
            candidate: None,
        };
        let kind = match &signal {
            Signal::Offer { sdp } => {
                data.offer = Some(wire::Description { r#type: "offer", sdp });
                wire::OFFER
            }
            Signal::Answer { sdp } => {
                data.answer = Some(wire::Description { r#type: "answer", sdp });
                wire::ANSWER
            }
            Signal::Candidate(candidate) => {
                data.candidate = Some(candidate.clone().into());
                wire::ICE
            }
            // The protocol has no word for the end of the candidates.
            Signal::EndOfCandidates => return,
        };
        self.send(now, kind, Some(to.to_owned()), &data);
    }

    pub(super) fn say_joined(&mut self, now: Instant) {
        let (room, id, name) = (self.me.room.clone(), self.me.id.clone(), self.me.name.clone());
        let existing_participants = self.acquaintances.participants();
        let data = wire::UserJoined { room_id: &room, user_id: &id, user_name: &name, existing_participants };
        self.send(now, wire::USER_JOINED_ROOM, None, &data);
    }

    pub(super) fn say_member_joined(&mut self, now: Instant) {
        let (room, id, name) = (self.me.room.clone(), self.me.id.clone(), self.me.name.clone());
        let participant = MemberBody { id: &id, name: &name, left_at: None };
        self.send(now, wire::PARTICIPANT_JOINED, None, &wire::Member { room_id: &room, participant });
    }

    pub(super) fn say_ready(&mut self, now: Instant) {
        let (room, id, name) = (self.me.room.clone(), self.me.id.clone(), self.me.name.clone());
        self.send(now, wire::PEER_READY, None, &wire::User { room_id: &room, user_id: &id, user_name: &name });
    }

    pub(super) fn say_left(&mut self, now: Instant) {
        let (room, id, name) = (self.me.room.clone(), self.me.id.clone(), self.me.name.clone());
        let participant = MemberBody { id: &id, name: &name, left_at: Some(self.me.timestamp(now)) };
        self.send(now, wire::PARTICIPANT_LEFT, None, &wire::Member { room_id: &room, participant });
        self.send(now, wire::USER_LEFT_ROOM, None, &wire::User { room_id: &room, user_id: &id, user_name: &name });
    }

    fn send(&mut self, now: Instant, kind: Kind, to: Option<String>, data: &impl serde::Serialize) {
        let channel = wire::channel_of(kind).expect("clients say only what has a channel");
        let text = wire::text(&wire::Envelope {
            r#type: KINDS[usize::from(kind.0)],
            channel,
            sender: &self.me.id,
            timestamp: self.me.timestamp(now),
            data,
        });
        self.outputs.push_back(Output::Send { text, kind, to });
    }
}
