//! A fault rule as data: an action and the messages it applies to; `grammar` parses its text form.

use std::fmt;
use std::time::Duration;

/// An action, applied to the messages that fit `matches`.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRule {
    pub action: FaultAction,
    pub matches: Match,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FaultAction {
    Drop,
    /// Holds this message only; others may overtake it.
    Delay(Span),
    /// Total number of copies.
    Duplicate(u32),
    /// Delivers it after the next message of its peer and direction, at most 1 s later.
    Reorder,
    Corrupt(Damage),
    /// Answers a join as if the user's name were taken; the message is lost.
    Reject,
    /// Closes the peer's connection; the message is lost.
    Disconnect,
    /// Holds the message and all later ones of its peer and direction.
    Stall(Duration),
    RenameChannel(String),
    /// Messages per second that pass; the others queue.
    Capacity(u32),
    /// Delivers an addressed message to another peer of its room, as if it were addressed to that one.
    Misroute,
    /// Number of processes that share no state; connections are dealt to them in turn. Applies to the whole server.
    Partition(u32),
    /// Most peers that one instance of a room seats; the next ones get another instance. Applies to the whole server.
    Split(u32),
    /// Closes a connection whose client has said nothing for so long. Applies to the whole server.
    IdleClose(Duration),
    /// Connections of one address that are accepted at a time; the others get HTTP 429. Applies to the whole server.
    LimitByAddress(u32),
}

impl FaultAction {
    /// True for an action that applies to the whole server and not to single messages.
    pub fn is_standing(&self) -> bool {
        matches!(self, Self::Partition(_) | Self::Split(_) | Self::IdleClose(_) | Self::LimitByAddress(_))
    }
}

/// Duration of a delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Fixed(Duration),
    /// Uniform distribution between two durations.
    Uniform(Duration, Duration),
    /// Normal distribution by mean and standard deviation, cut off at zero.
    Normal(Duration, Duration),
    /// Duration per recipient of the message.
    PerSubscriber(Duration),
    /// Duration per minute since the server started.
    PerMinute(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Cuts the frame to its first half, which is no JSON.
    Frame,
    /// Changes the first byte of each DTLS fingerprint in a description.
    Fingerprint,
    /// Gives each candidate another mid and m-line, which a browser refuses.
    Candidate,
    /// Replaces the address of each candidate by an mDNS name that nobody resolves.
    Address,
    /// Empties a list of rooms.
    List,
}

/// Direction of a message. A relayed one passes twice: in, and out to each recipient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    #[default]
    In,
    Out,
}

/// Conditions of a rule; all must hold. Without any, it matches every message of the direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Match {
    pub direction: Direction,
    /// Accepted types. Empty accepts all but `close`, the end of a socket, which has direction `in`.
    pub kinds: Vec<String>,
    pub channels: Vec<String>,
    /// A name, or `*` and a suffix: ids begin with a prefix of their run.
    pub room: Option<String>,
    /// The peer's `sender`; the recipient's for an outgoing message.
    pub peer: Option<String>,
    /// Probability in parts per million.
    pub chance: Option<u32>,
    /// Position among the messages that match otherwise, counted from 1 per peer.
    pub nth: Option<Window<u64>>,
    /// Time since the peer connected.
    pub age: Option<Window<Duration>>,
    /// Time since the server started.
    pub time: Option<Window<Duration>>,
}

/// A range that includes `from`. A count includes `until`, a time excludes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<T> {
    pub from: T,
    pub until: Option<T>,
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.action, self.matches)
    }
}

impl fmt::Display for FaultAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop => f.write_str("drop"),
            Self::Delay(span) => write!(f, "delay {span}"),
            Self::Duplicate(times) => write!(f, "duplicate {times}"),
            Self::Reorder => f.write_str("reorder"),
            Self::Corrupt(Damage::Frame) => f.write_str("corrupt frame"),
            Self::Corrupt(Damage::Fingerprint) => f.write_str("corrupt fingerprint"),
            Self::Corrupt(Damage::Candidate) => f.write_str("corrupt candidate"),
            Self::Corrupt(Damage::Address) => f.write_str("corrupt address"),
            Self::Corrupt(Damage::List) => f.write_str("corrupt list"),
            Self::Reject => f.write_str("reject"),
            Self::Disconnect => f.write_str("disconnect"),
            Self::Stall(time) => write!(f, "stall {}", Time(*time)),
            Self::RenameChannel(name) => write!(f, "rename-channel {name}"),
            Self::Capacity(rate) => write!(f, "capacity {rate}/s"),
            Self::Misroute => f.write_str("misroute"),
            Self::Partition(processes) => write!(f, "partition {processes}"),
            Self::Split(seats) => write!(f, "split {seats}"),
            Self::IdleClose(time) => write!(f, "idle-close {}", Time(*time)),
            Self::LimitByAddress(connections) => write!(f, "limit-by-address {connections}"),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(time) => write!(f, "{}", Time(*time)),
            Self::Uniform(from, until) => write!(f, "{}..{}", Time(*from), Time(*until)),
            Self::Normal(mean, deviation) => write!(f, "{}~{}", Time(*mean), Time(*deviation)),
            Self::PerSubscriber(time) => write!(f, "{}/subscriber", Time(*time)),
            Self::PerMinute(time) => write!(f, "{}/min", Time(*time)),
        }
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.direction == Direction::Out {
            f.write_str(" direction=out")?;
        }
        let lists = [("type", &self.kinds), ("channel", &self.channels)];
        for (key, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
            write!(f, " {key}={}", names.join("|"))?;
        }
        for (key, name) in [("room", &self.room), ("peer", &self.peer)] {
            if let Some(name) = name {
                write!(f, " {key}={name}")?;
            }
        }
        if let Some(chance) = self.chance {
            write!(f, " p={}%", f64::from(chance) / 10_000.0)?;
        }
        if let Some(Window { from, until }) = self.nth {
            write!(f, " nth={from}")?;
            match until {
                Some(until) if until == from => {}
                Some(until) => write!(f, "..{until}")?,
                None => f.write_str("..")?,
            }
        }
        for (key, window) in [("age", self.age), ("time", self.time)] {
            if let Some(Window { from, until }) = window {
                write!(f, " {key}={}..", Time(from))?;
                if let Some(until) = until {
                    write!(f, "{}", Time(until))?;
                }
            }
        }
        Ok(())
    }
}

/// Formats a time in the largest unit that shows it exactly.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0.as_micros();
        match us {
            us if us % 1_000_000 == 0 => write!(f, "{}s", us / 1_000_000),
            us if us % 1_000 == 0 => write!(f, "{}ms", us / 1_000),
            us => write!(f, "{us}us"),
        }
    }
}
