//! Servers of other dialects without sockets, plain relays of four shapes, each with one flaw or none.

use super::scenario::Foreign;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The delays of the flaws that delay.
const SLOW_OFFER: Duration = Duration::from_secs(2);
const DRIFT_A_MINUTE: f64 = 0.040;

/// The fault of such a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    /// Members with an even number and those with an odd one never hear each other.
    Partition,
    /// One in five offers, answers and candidates is addressed to another member.
    Misroute,
    Repeat,
    AlterCandidates,
    AlterFingerprints,
    /// Half of the offers are delivered 2 s late.
    SlowOffers,
    /// Each minute every delivery is 40 ms slower.
    Drift,
    IdleClose(Duration),
    /// Closes a connection on which nothing has gone either way for so long, as a proxy does.
    IdleBothWays(Duration),
    /// Passes on so many frames a second, one after the other.
    Rate(u32),
}

pub struct ForeignServer {
    shape: Foreign,
    draws: ChaCha8Rng,
    start: Instant,
    clients: BTreeMap<usize, Instant>,
    channels: BTreeMap<String, BTreeSet<usize>>,
    /// The ids that peers say, by channel.
    ids: BTreeMap<String, BTreeSet<String>>,
    /// Deliveries with their times, in order.
    due: BTreeMap<(Instant, u64), (usize, String)>,
    posted: u64,
    closes: Vec<usize>,
    /// The earliest time of the next frame of a server with a rate.
    free_at: Instant,
}

impl ForeignServer {
    pub fn new(shape: Foreign, draws: ChaCha8Rng, start: Instant) -> Self {
        Self {
            shape,
            draws,
            start,
            clients: BTreeMap::new(),
            channels: BTreeMap::new(),
            ids: BTreeMap::new(),
            due: BTreeMap::new(),
            posted: 0,
            closes: vec![],
            free_at: start,
        }
    }

    pub fn connected(&mut self, now: Instant, client: usize) {
        self.clients.insert(client, now);
    }

    pub fn closed(&mut self, client: usize) {
        self.clients.remove(&client);
        self.channels.values_mut().for_each(|members| _ = members.remove(&client));
    }

    pub fn frame(&mut self, now: Instant, client: usize, text: &str) {
        if let Some(heard) = self.clients.get_mut(&client) {
            *heard = now;
        }
        let frame: Value = serde_json::from_str(text).unwrap();
        match self.shape.dialect {
            "y-webrtc" => self.y_webrtc(now, client, &frame, text),
            "relay-open" if frame["open"] == true => _ = self.members(&frame["channel"]).insert(client),
            "relay-open" => self.relay(now, client, &frame, frame["data"].to_string()),
            "relay-global" => {
                let all = self.clients.keys().copied().collect();
                self.send(now, client, all, &frame, text.to_owned());
            }
            _ => {
                self.members(&frame["channel"]).insert(client);
                self.relay(now, client, &frame, text.to_owned());
            }
        }
    }

    /// Everything that is due by now: its receiver and its text.
    pub fn take(&mut self, now: Instant) -> Vec<(usize, String)> {
        let later = self.due.split_off(&(now, u64::MAX));
        let due: Vec<_> = std::mem::replace(&mut self.due, later).into_values().collect();
        if let Flaw::IdleBothWays(_) = self.shape.flaw {
            due.iter().for_each(|(client, _)| _ = self.clients.get_mut(client).map(|active| *active = now));
        }
        if let Some(patience) = self.patience() {
            let silent = self.clients.iter().filter(|(_, heard)| **heard + patience <= now).map(|(client, _)| *client);
            self.closes.extend(silent.collect::<Vec<_>>());
        }
        due
    }

    fn patience(&self) -> Option<Duration> {
        match self.shape.flaw {
            Flaw::IdleClose(patience) | Flaw::IdleBothWays(patience) => Some(patience),
            _ => None,
        }
    }

    pub fn take_closes(&mut self) -> Vec<usize> {
        let closes = std::mem::take(&mut self.closes);
        closes.iter().for_each(|client| self.closed(*client));
        closes
    }

    pub fn wake_at(&self) -> Option<Instant> {
        let idle = self.patience().and_then(|patience| self.clients.values().min().map(|heard| *heard + patience));
        let due = self.due.first_key_value().map(|((at, _), _)| *at);
        idle.into_iter().chain(due).min()
    }

    fn members(&mut self, channel: &Value) -> &mut BTreeSet<usize> {
        self.channels.entry(channel.as_str().unwrap_or_default().to_owned()).or_default()
    }

    fn relay(&mut self, now: Instant, client: usize, frame: &Value, text: String) {
        let mut members = self.members(&frame["channel"]).clone();
        members.remove(&client);
        self.send(now, client, members, frame, text);
    }

    /// Topics; who publishes hears it, too.
    fn y_webrtc(&mut self, now: Instant, client: usize, frame: &Value, text: &str) {
        let topics = frame["topics"].as_array().into_iter().flatten();
        match frame["type"].as_str() {
            Some("subscribe") => topics.for_each(|topic| _ = self.members(topic).insert(client)),
            Some("unsubscribe") => topics.for_each(|topic| _ = self.members(topic).remove(&client)),
            Some("ping") => self.post(now, client, json!({"type": "pong"}).to_string()),
            _ => {
                let members = self.members(&frame["topic"]).clone();
                self.send(now, client, members, frame, text.to_owned());
            }
        }
    }

    fn send(&mut self, now: Instant, client: usize, receivers: BTreeSet<usize>, frame: &Value, mut text: String) {
        let flaw = self.shape.flaw;
        let channel = [&frame["channel"], &frame["topic"]].into_iter().find_map(Value::as_str).unwrap_or_default();
        let ids = self.ids.entry(channel.to_owned()).or_default();
        ids.extend(frame["data"]["from"].as_str().map(str::to_owned));
        let mut at = now;
        match flaw {
            Flaw::Misroute if self.draws.random_bool(0.2) => {
                let (from, to) = (frame["data"]["from"].as_str(), frame["data"]["to"].as_str());
                let other = ids.iter().find(|id| Some(id.as_str()) != to && Some(id.as_str()) != from);
                if let (Some(to), Some(other)) = (to, other) {
                    text = text.replace(&format!("\"to\":\"{to}\""), &format!("\"to\":\"{other}\""));
                }
            }
            Flaw::AlterCandidates => text = text.replace("\"sdpMid\":\"0\"", "\"sdpMid\":\"audio\""),
            Flaw::AlterFingerprints => {
                if let Some(place) = text.find("a=fingerprint:sha-256 ").map(|place| place + 22) {
                    let digit = if text[place..].starts_with('0') { "1" } else { "0" };
                    text.replace_range(place..=place, digit);
                }
            }
            Flaw::SlowOffers if text.contains("\"offer\"") && self.draws.random_bool(0.5) => at += SLOW_OFFER,
            Flaw::Rate(rate) => {
                at = self.free_at.max(now);
                self.free_at = at + Duration::from_secs(1) / rate;
            }
            Flaw::Drift => at += (now - self.start).mul_f64(DRIFT_A_MINUTE / 60.0),
            _ => {}
        }
        for receiver in receivers {
            let is_elsewhere = flaw == Flaw::Partition && receiver % 2 != client % 2;
            // Global relays and open ones send to all but the sender; a topic's publisher hears itself.
            if is_elsewhere || (receiver == client && self.shape.dialect != "y-webrtc") {
                continue;
            }
            for _ in 0..if flaw == Flaw::Repeat { 2 } else { 1 } {
                self.post(at, receiver, text.clone());
            }
        }
    }

    fn post(&mut self, at: Instant, receiver: usize, text: String) {
        self.posted += 1;
        self.due.insert((at, self.posted), (receiver, text));
    }
}
