//! The part that each class of frames plays: joins, who is told of whom, who offers, keep-alives, replies, leaves.

mod discovery;

use crate::learning::frames::classes::SortedTalk;
use crate::learning::talk::TalkFrame;
use std::collections::{BTreeMap, BTreeSet};

/// A frame that comes within this time of another, in microseconds, may answer it.
const ANSWER_US: u64 = 1_000_000;
/// A frame within this time of the end of its connection, in microseconds, may be a goodbye.
const GOODBYE_US: u64 = 2_000_000;
/// The shortest interval of a keep-alive, in microseconds.
const INTERVAL_US_MIN: u64 = 900_000;
/// Words of keep-alives, for one that was said once.
const ALIVE_WORDS: [&str; 3] = ["ping", "heartbeat", "alive"];

/// The roles of a talk's classes, by their indices.
#[derive(Debug, Default)]
pub(in crate::learning) struct Roles {
    pub join: Vec<JoinFrame>,
    /// The frame that gives this peer its id, or values of its own, or that is waited for.
    pub awaited: Vec<Awaited>,
    /// Classes said at intervals of so many milliseconds.
    pub every: Vec<(usize, u64)>,
    pub replies: Vec<Reply>,
    pub discovery: Vec<PeerDiscovery>,
    /// The server tells of nobody: who offers, by the order of joining.
    pub harness: Option<&'static str>,
    pub leave: Vec<usize>,
    pub left: Vec<usize>,
    /// Sentences about what could not be told, with the frame it concerns.
    pub holes: Vec<(String, Option<usize>)>,
}

#[derive(Debug)]
pub(in crate::learning) struct JoinFrame {
    pub class: usize,
    /// `host`, `not host`, or nothing.
    pub condition: &'static str,
}

#[derive(Debug)]
pub(in crate::learning) struct Awaited {
    pub class: usize,
    /// The number of join frames before it.
    pub after: usize,
    /// It tells this peer its id.
    pub gives_id: bool,
}

/// A frame that is said when another is heard.
#[derive(Debug)]
pub(in crate::learning) struct Reply {
    pub heard: usize,
    pub said: usize,
    /// Only to a peer that was not known, by the side that does not offer.
    pub once: bool,
}

/// A class that tells of another peer, and whether this side offers then.
#[derive(Debug)]
pub(in crate::learning) struct PeerDiscovery {
    pub class: usize,
    pub initiate: Initiate,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::learning) enum Initiate {
    Always,
    /// The flag at this path says so; true: its negation.
    Flag(Vec<String>, bool),
    /// The condition about `me` and `peer`.
    Order(&'static str),
}

impl Roles {
    pub(in crate::learning) fn of(sorted: &SortedTalk) -> Self {
        let mut roles = Self::default();
        roles.find_every(sorted);
        roles.find_leave(sorted);
        roles.find_join(sorted);
        roles.find_awaited(sorted);
        roles.find_discovery(sorted);
        roles.find_replies(sorted);
        roles.find_left(sorted);
        roles
    }

    /// The server tells a peer its id.
    pub(in crate::learning) fn gives_id(&self) -> bool {
        self.awaited.iter().any(|awaited| awaited.gives_id)
    }

    fn is_alive(&self, class: usize) -> bool {
        self.every.iter().any(|(of, _)| *of == class)
    }

    /// Said again and again at nearly equal intervals, to nobody in particular.
    fn find_every(&mut self, sorted: &SortedTalk) {
        for (index, class) in sorted.classes.iter().enumerate() {
            if !class.sent || class.said.is_some() || class.has_other() {
                continue;
            }
            let mut gaps = vec![];
            for peer in 0..sorted.talk.peers.len() {
                let times: Vec<u64> =
                    frames(sorted, index).filter(|frame| frame.peer == peer).map(|frame| frame.at_us).collect();
                gaps.extend(times.windows(2).map(|pair| pair[1] - pair[0]));
            }
            gaps.sort_unstable();
            let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
            let is_even = gaps.iter().filter(|gap| gap.abs_diff(median) * 3 <= median).count() * 4 >= gaps.len() * 3;
            let word = class.word().to_ascii_lowercase();
            let is_called = ALIVE_WORDS.iter().any(|alive| word.contains(alive));
            // Two gaps are no accident; of one, the name has to say it too.
            if median >= INTERVAL_US_MIN && is_even && (gaps.len() >= 2 || is_called) {
                self.every.push((index, median / 1_000));
            } else if gaps.is_empty() && is_called && !is_answered_at_once(sorted, index) {
                let first = frames(sorted, index).next();
                let since = first.map_or(0, |frame| frame.at_us.saturating_sub(sorted.talk.peers[frame.peer].began_us));
                self.every.push((index, (since.max(INTERVAL_US_MIN) / 1_000).min(30_000)));
            }
        }
    }

    /// Said by a peer only when its connection is about to end.
    fn find_leave(&mut self, sorted: &SortedTalk) {
        for (index, class) in sorted.classes.iter().enumerate() {
            let is_last = |frame: &TalkFrame| {
                let peer = &sorted.talk.peers[frame.peer];
                let later = sorted
                    .talk
                    .frames
                    .iter()
                    .filter(|other| other.peer == frame.peer && other.sent && other.at_us > frame.at_us);
                let is_near_end = peer.ended_us.saturating_sub(frame.at_us) < GOODBYE_US;
                is_near_end && frame.at_us > sorted.first_signal_us(frame.peer) && later.count() < 8
            };
            if class.sent && class.said.is_none() && !self.is_alive(index) && frames(sorted, index).all(is_last) {
                self.leave.push(index);
            }
        }
    }

    fn find_join(&mut self, sorted: &SortedTalk) {
        let peers = sorted.talk.peers.len();
        let mut said: Vec<Vec<usize>> = vec![vec![]; peers];
        for (at, frame) in sorted.talk.frames.iter().enumerate() {
            let class = sorted.class_of[at];
            let is_join =
                frame.sent && sorted.classes[class].said.is_none() && frame.at_us <= sorted.first_signal_us(frame.peer);
            if is_join && !self.is_alive(class) && !self.leave.contains(&class) && !said[frame.peer].contains(&class) {
                said[frame.peer].push(class);
            }
        }
        // A frame that the first peer sends before it has heard of another is its own; later it may be a reply.
        let heard_us = |peer: usize| {
            let mention = |(at, frame): &(usize, &TalkFrame)| {
                frame.peer == peer && !frame.sent && !sorted.mentioned(*at).is_empty()
            };
            sorted.talk.frames.iter().enumerate().find(mention).map_or(u64::MAX, |(_, frame)| frame.at_us)
        };
        let by_all = |class: &usize| said.iter().all(|classes| classes.contains(class));
        let longest = (0..peers).max_by_key(|peer| (said[*peer].len(), usize::MAX - peer)).unwrap_or_default();
        for class in &said[longest] {
            let speakers: Vec<usize> = (0..peers).filter(|peer| said[*peer].contains(class)).collect();
            let first = frames(sorted, *class).next();
            let is_unprompted = first.is_some_and(|frame| frame.at_us < heard_us(frame.peer));
            let condition = match speakers.as_slice() {
                _ if by_all(class) => "",
                [0] if is_unprompted => "host",
                [one] if is_unprompted && *one == longest => "host",
                others if others.len() == peers - 1 && !others.contains(&0) => "not host",
                _ => continue,
            };
            self.join.push(JoinFrame { class: *class, condition });
        }
    }

    /// Frames that a join waits for: the one with this peer's id or another value of its own, or the first of all if
    /// the join says nothing.
    fn find_awaited(&mut self, sorted: &SortedTalk) {
        let mut classes: BTreeMap<usize, bool> = BTreeMap::new();
        let given = |value: &crate::learning::talk::json::Json| {
            let seen = sorted.values.first_seen.get(&value.to_string())?;
            let frame = seen.frame.filter(|frame| !sorted.talk.frames[*frame].sent)?;
            Some(sorted.class_of[frame])
        };
        for id in sorted.values.ids.iter().take(sorted.talk.peers.len()).flatten() {
            given(id).into_iter().for_each(|class| _ = classes.insert(class, true));
        }
        for value in sorted.values.own.values().flatten().flatten() {
            given(value).into_iter().for_each(|class| _ = classes.entry(class).or_insert(false));
        }
        if self.join.is_empty() || sorted.talk.codec == crate::learning::talk::TalkCodec::SocketIo {
            let first = |peer: usize| sorted.talk.frames.iter().position(|frame| frame.peer == peer);
            let firsts: BTreeSet<Option<usize>> = (0..sorted.talk.peers.len())
                .map(|peer| first(peer).filter(|at| !sorted.talk.frames[*at].sent).map(|at| sorted.class_of[at]))
                .collect();
            if let (1, Some(Some(class))) = (firsts.len(), firsts.first()) {
                classes.entry(*class).or_insert(false);
            }
        }
        for (class, gives_id) in classes {
            let Some(frame) = frames(sorted, class).next() else { continue };
            let sent = |one: &&JoinFrame| {
                frames(sorted, one.class).any(|said| said.peer == frame.peer && said.at_us < frame.at_us)
            };
            let after = self.join.iter().take_while(|one| sent(one)).count();
            self.awaited.push(Awaited { class, after, gives_id });
        }
        self.awaited.sort_by_key(|awaited| awaited.after);
    }

    /// The time of the last frame of a peer's join.
    fn joined_us(&self, sorted: &SortedTalk, peer: usize) -> u64 {
        let said = self.join.iter().filter(|one| one.condition.is_empty());
        let firsts = said.filter_map(|one| frames(sorted, one.class).find(|frame| frame.peer == peer));
        firsts.map(|frame| frame.at_us).max().unwrap_or(sorted.talk.peers[peer].began_us)
    }

    /// Frames that are said each time within a moment after the same class was heard.
    fn find_replies(&mut self, sorted: &SortedTalk) {
        for (said, class) in sorted.classes.iter().enumerate() {
            if !class.sent || class.said.is_some() || self.is_alive(said) || self.leave.contains(&said) {
                continue;
            }
            let is_join = self.join.iter().any(|one| one.class == said);
            let mut prompts: Vec<usize> = vec![];
            let mut count = 0;
            for at in &class.frames {
                let frame = &sorted.talk.frames[*at];
                let is_first =
                    !class.frames.iter().any(|other| other < at && sorted.talk.frames[*other].peer == frame.peer);
                if is_join && is_first {
                    continue;
                }
                count += 1;
                let is_prompt = |(_, heard): &(usize, &TalkFrame)| {
                    heard.peer == frame.peer && !heard.sent && frame.at_us - heard.at_us < ANSWER_US
                };
                let heard = sorted
                    .talk
                    .frames
                    .iter()
                    .enumerate()
                    .take(*at)
                    .filter(is_prompt)
                    .map(|(at, _)| sorted.class_of[at]);
                prompts.extend(heard.collect::<BTreeSet<_>>());
            }
            let told = self.discovery.iter().map(|one| one.class);
            let best =
                prompts.iter().copied().filter(|heard| sorted.classes[*heard].said.is_none()).max_by_key(|heard| {
                    let hits = prompts.iter().filter(|other| *other == heard).count();
                    // Of two that fit alike: what tells of a peer, then the same word.
                    (hits, told.clone().any(|class| class == *heard), sorted.classes[*heard].word() == class.word())
                });
            match best {
                Some(heard) if count > 0 && prompts.iter().filter(|other| **other == heard).count() == count => {
                    let once = sorted.classes[heard].has_other() || sorted.classes[heard].has_roster();
                    self.replies.push(Reply { heard, said, once });
                }
                _ if count > 0 && !is_join => {
                    let why = format!("`{}` is said at a time that nothing explains", class.word());
                    self.holes.push((why, class.frames.first().copied()));
                }
                _ => {}
            }
        }
    }

    /// Classes that speak of a peer only after it has left.
    fn find_left(&mut self, sorted: &SortedTalk) {
        let gone_us = |peer: usize| {
            let goodbye = self.leave.iter().flat_map(|class| frames(sorted, *class)).filter(|frame| frame.peer == peer);
            let ended_us = sorted.talk.peers.get(peer).map_or(0, |peer| peer.ended_us);
            goodbye.map(|frame| frame.at_us).min().unwrap_or(ended_us)
        };
        for (index, class) in sorted.classes.iter().enumerate() {
            let is_known = self.discovery.iter().any(|one| one.class == index);
            if class.sent
                || class.said.is_some()
                || class.is_echo
                || is_known
                || !class.has_other()
                || !class.speaks_of_one()
            {
                continue;
            }
            // The end of a connection may be seen here a moment after the server has told of it.
            let is_after = |at: &usize| {
                let frame = &sorted.talk.frames[*at];
                let has_met =
                    |other: usize| sorted.meeting(frame.peer, other).is_some_and(|meeting| meeting.at_us < frame.at_us);
                sorted
                    .mentioned(*at)
                    .into_iter()
                    .all(|other| has_met(other) && frame.at_us + ANSWER_US >= gone_us(other))
            };
            if class.frames.iter().all(is_after) {
                self.left.push(index);
            }
        }
    }
}

/// The frames of a class.
fn frames(sorted: &SortedTalk, class: usize) -> impl Iterator<Item = &TalkFrame> {
    sorted.classes[class].frames.iter().map(|at| &sorted.talk.frames[*at])
}

/// Each frame of the class comes within a moment after one that was heard.
fn is_answered_at_once(sorted: &SortedTalk, class: usize) -> bool {
    sorted.classes[class].frames.iter().all(|at| {
        let frame = &sorted.talk.frames[*at];
        let before = sorted.talk.frames[..*at].iter().rev().find(|other| other.peer == frame.peer);
        before.is_some_and(|before| !before.sent && frame.at_us - before.at_us < ANSWER_US / 10)
    })
}
