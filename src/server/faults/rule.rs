//! A fault as data: what is done, and to which messages; its text form is read back by `grammar`.

use std::fmt;
use std::time::Duration;

/// What befalls the messages that `matches`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub action: Action,
    pub matches: Match,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Drop,
    /// Holds the message alone; others may overtake it.
    Delay(Span),
    /// It comes so many times in all.
    Duplicate(u32),
    /// It comes after the next message of its peer and direction, or a second later.
    Reorder,
    Corrupt(Damage),
    /// A join is answered as if another one of the room had the user's name; the message is lost.
    Reject,
    /// The peer's connection ends, and the message is lost.
    Disconnect,
    /// The message and all that follow it at its peer, in its direction, wait for so long.
    Stall(Duration),
    RenameChannel(String),
    /// Messages per second that get through, one after the other; the others queue.
    Capacity(u32),
}

/// How long a message is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Fixed(Duration),
    /// Uniform between the two.
    Uniform(Duration, Duration),
    /// Mean and standard deviation; never below zero.
    Normal(Duration, Duration),
    /// So long for each receiver that the message has.
    PerSubscriber(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The frame loses its second half, and is no JSON any more.
    Frame,
    /// The first byte of each DTLS fingerprint in a description is another one.
    Fingerprint,
}

/// Which way a message passes the server. A relayed one passes twice: in, and out to each receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    #[default]
    In,
    Out,
}

/// All that is given must hold; nothing given matches every message of the direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Match {
    pub direction: Direction,
    /// Any of these; nothing is all but `close`, the end of a socket, which passes in direction `in`.
    pub kinds: Vec<String>,
    pub channels: Vec<String>,
    /// A name, or `*` and the end of one: ids begin with a prefix of their run.
    pub room: Option<String>,
    /// The `sender` that the peer goes by: of a message that goes out, the receiver's.
    pub peer: Option<String>,
    /// Parts in a million.
    pub chance: Option<u32>,
    /// Which of those that match otherwise, counted from 1 for each peer.
    pub nth: Option<Window<u64>>,
    /// Since the peer connected.
    pub age: Option<Window<Duration>>,
    /// Since the server started.
    pub time: Option<Window<Duration>>,
}

/// From the first, included. A counted window includes its end, a window of time does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<T> {
    pub from: T,
    pub until: Option<T>,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.action, self.matches)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop => f.write_str("drop"),
            Self::Delay(span) => write!(f, "delay {span}"),
            Self::Duplicate(times) => write!(f, "duplicate {times}"),
            Self::Reorder => f.write_str("reorder"),
            Self::Corrupt(Damage::Frame) => f.write_str("corrupt frame"),
            Self::Corrupt(Damage::Fingerprint) => f.write_str("corrupt fingerprint"),
            Self::Reject => f.write_str("reject"),
            Self::Disconnect => f.write_str("disconnect"),
            Self::Stall(time) => write!(f, "stall {}", Time(*time)),
            Self::RenameChannel(name) => write!(f, "rename-channel {name}"),
            Self::Capacity(rate) => write!(f, "capacity {rate}/s"),
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

/// A time in the largest unit that shows it whole.
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
